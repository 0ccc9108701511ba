package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// A stack is what CloudFormation reads of a template.
type stack struct {
	Parameters map[string]struct{ Default string }
	Resources  map[string]struct {
		Type       string
		Properties map[string]any
	}
}

// deploy creates what a template describes by the API of IAM, as
// CloudFormation does with the template's default parameters.
func deploy(ctx context.Context, cfg aws.Config, account string, template []byte) error {
	var s stack
	if err := json.Unmarshal(template, &s); err != nil {
		return err
	}
	values := map[string]string{"AWS::AccountId": account, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
	for name, p := range s.Parameters {
		values[name] = p.Default
	}
	client := iam.NewFromConfig(cfg)
	for _, id := range slices.Sorted(maps.Keys(s.Resources)) {
		r := s.Resources[id]
		if r.Type != "AWS::IAM::Role" {
			return fmt.Errorf("resource %s: cannot create %s", id, r.Type)
		}
		if err := createRole(ctx, client, resolved(r.Properties, values).(map[string]any)); err != nil {
			return fmt.Errorf("resource %s: %w", id, err)
		}
	}
	return nil
}

func createRole(ctx context.Context, client *iam.Client, properties map[string]any) error {
	text := func(of map[string]any, name string) *string {
		if s, ok := of[name].(string); ok {
			return aws.String(s)
		}
		document, _ := json.Marshal(of[name]) // it was read as JSON
		return aws.String(string(document))
	}
	name := text(properties, "RoleName")
	if _, err := client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name, Description: text(properties, "Description"), AssumeRolePolicyDocument: text(properties, "AssumeRolePolicyDocument"),
	}); err != nil {
		return err
	}
	policies, _ := properties["Policies"].([]any)
	for _, p := range policies {
		policy, _ := p.(map[string]any)
		if _, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName: name, PolicyName: text(policy, "PolicyName"), PolicyDocument: text(policy, "PolicyDocument"),
		}); err != nil {
			return err
		}
	}
	return nil
}

// resolved replaces the functions of CloudFormation by what they come to.
func resolved(value any, values map[string]string) any {
	switch v := value.(type) {
	case []any:
		all := []any{}
		for _, e := range v {
			all = append(all, resolved(e, values))
		}
		return all
	case map[string]any:
		if name, ok := v["Ref"].(string); ok {
			return values[name]
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			return os.Expand(text, func(name string) string { return values[name] })
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var b strings.Builder
			for _, piece := range resolved(join[1], values).([]any) {
				fmt.Fprint(&b, piece)
			}
			return b.String()
		}
		all := map[string]any{}
		for name, e := range v {
			all[name] = resolved(e, values)
		}
		return all
	}
	return value
}

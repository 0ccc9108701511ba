package iamsim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// GetContextKeysForCustomPolicy lists the condition keys that policies speak of.
func (s *Service) GetContextKeysForCustomPolicy(
	c *core.Call, in *iam.GetContextKeysForCustomPolicyInput,
) (*iam.GetContextKeysForCustomPolicyOutput, error) {
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	documents, err := readAll(in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForCustomPolicyOutput{ContextKeyNames: contextKeys(documents)}, nil
}

// GetContextKeysForPrincipalPolicy lists the condition keys that the policies
// of a user or role speak of, and those in the request besides.
func (s *Service) GetContextKeysForPrincipalPolicy(
	c *core.Call, in *iam.GetContextKeysForPrincipalPolicyInput,
) (*iam.GetContextKeysForPrincipalPolicyOutput, error) {
	x, err := s.source(c, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	documents, err := readAll(in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForPrincipalPolicyOutput{ContextKeyNames: contextKeys(append(documents, x.documents()...))}, nil
}

func readAll(texts []string) (documents []*iampolicy.Document, err error) {
	for _, text := range texts {
		d, err := simulated(&text)
		if err != nil {
			return nil, err
		}
		documents = append(documents, d)
	}
	return documents, nil
}

// contextKeys returns the keys of conditions and policy variables, sorted.
func contextKeys(documents []*iampolicy.Document) []string {
	keys := []string{}
	for _, d := range documents {
		for _, st := range d.Statements {
			texts := slices.Concat(st.Resources.Values, st.NotResources.Values)
			for _, c := range st.Conditions {
				if c.Key != "" {
					keys = append(keys, c.Key)
				}
				texts = append(texts, c.Values.Values...)
			}
			for _, text := range texts {
				keys = append(keys, variables(text)...)
			}
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(keys, strings.EqualFold)
}

// variables returns the keys of the policy variables in a text; ${*}, ${?} and
// ${$} stand for themselves.
func variables(text string) (keys []string) {
	for {
		_, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return keys
		}
		name, _, _ = strings.Cut(name, ",")
		if name = strings.TrimSpace(name); strings.Contains(name, ":") {
			keys = append(keys, name)
		}
		text = after
	}
}

package ssmsim

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// GetDocument returns the text of a document.
func (s *Service) GetDocument(c *core.Call, in *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error) {
	switch {
	case in.DocumentFormat != "" && in.DocumentFormat != types.DocumentFormatJson:
		return nil, c.Unsupported("DocumentFormat " + string(in.DocumentFormat))
	case in.VersionName != nil:
		return nil, c.Unsupported("VersionName")
	}
	d, err := s.authorizedDocument(c, in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	if d.schema != "1.2" {
		return nil, c.Unsupported("the text of " + d.name)
	}
	return &ssm.GetDocumentOutput{
		Content: aws.String(d.content()), DocumentFormat: types.DocumentFormatJson, DocumentType: types.DocumentTypeCommand,
		DocumentVersion: aws.String("1"), Name: aws.String(d.name), Status: types.DocumentStatusActive,
	}, nil
}

// DescribeDocument tells of a document.
func (s *Service) DescribeDocument(c *core.Call, in *ssm.DescribeDocumentInput) (*ssm.DescribeDocumentOutput, error) {
	if in.VersionName != nil {
		return nil, c.Unsupported("VersionName")
	}
	d, err := s.authorizedDocument(c, in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	out := &types.DocumentDescription{
		Name: aws.String(d.name), Description: aws.String(d.description), Owner: aws.String("Amazon"), SchemaVersion: aws.String(d.schema),
		DocumentType: types.DocumentTypeCommand, DocumentFormat: types.DocumentFormatJson, DocumentVersion: aws.String("1"),
		DefaultVersion: aws.String("1"), LatestVersion: aws.String("1"), Status: types.DocumentStatusActive,
		PlatformTypes: slices.Clone(d.platforms), Tags: []types.Tag{},
	}
	for _, p := range d.parameters {
		kind := types.DocumentParameterTypeString
		if p.list {
			kind = types.DocumentParameterTypeStringList
		}
		out.Parameters = append(out.Parameters, types.DocumentParameter{
			Name: aws.String(p.name), Type: kind, DefaultValue: aws.String(p.usual), Description: aws.String(p.text),
		})
	}
	return &ssm.DescribeDocumentOutput{Document: out}, nil
}

func (s *Service) authorizedDocument(c *core.Call, name, version *string) (*document, error) {
	if err := c.Authorize(s.documentNeed(c, name)); err != nil {
		return nil, err
	}
	d, err := s.findDocument(c, name)
	if err != nil {
		return nil, err
	}
	return d, documentVersion(version)
}

// content is the text of a document that runs what its commands say.
func (d *document) content() string {
	parameters := map[string]any{}
	for _, p := range d.parameters {
		entry := map[string]any{"type": "String", "description": p.text}
		if p.list {
			entry["type"] = "StringList"
		}
		if !p.required {
			entry["default"] = p.usual
		}
		if p.allowed != nil {
			entry["allowedValues"] = p.allowed
		}
		parameters[p.name] = entry
	}
	step := map[string]any{"id": "0." + d.plugin, "runCommand": "{{ commands }}", "workingDirectory": "{{ workingDirectory }}", "timeoutSeconds": "{{ executionTimeout }}"}
	text, err := json.MarshalIndent(map[string]any{
		"schemaVersion": d.schema, "description": d.description, "parameters": parameters,
		"runtimeConfig": map[string]any{d.plugin: map[string]any{"properties": []any{step}}},
	}, "", "  ")
	if err != nil {
		panic("ssmsim: " + err.Error())
	}
	return string(text)
}

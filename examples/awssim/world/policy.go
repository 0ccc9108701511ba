package world

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Policy is the word "admin", a document as it stands in JSON, or
// {file: NAME} for a file that holds one. The zero value is none.
type Policy struct {
	doc  *iampolicy.Document
	file string
	line int
}

// UnmarshalYAML reads a policy. Files are read later, by Parse.
func (p *Policy) UnmarshalYAML(node *yaml.Node) error {
	p.line = node.Line
	if node.Kind == yaml.ScalarNode {
		if node.Value != "admin" {
			return fmt.Errorf("line %d: policy %q: want admin, a document or {file: NAME}", node.Line, node.Value)
		}
		p.doc = backuptest.Admin()
		return nil
	}
	var content map[string]any
	if err := node.Decode(&content); err != nil {
		return err
	}
	if name, ok := content["file"].(string); ok && len(content) == 1 && name != "" {
		p.file = name
		return nil
	}
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("line %d: policy: %w", node.Line, err)
	}
	return p.parse(text)
}

func (p *Policy) parse(text []byte) error {
	doc, err := iampolicy.Parse(text)
	if err != nil {
		return fmt.Errorf("line %d: policy: %w", p.line, err)
	}
	p.doc = doc
	return nil
}

// resolve reads the file that the policy is in, if it is in one.
func (p *Policy) resolve(open func(string) ([]byte, error)) error {
	if p.file == "" {
		return nil
	}
	text, err := open(p.file)
	if err != nil {
		return fmt.Errorf("line %d: policy: %w", p.line, err)
	}
	return p.parse(text)
}

func documents(policies []Policy) []*iampolicy.Document {
	var docs []*iampolicy.Document
	for _, p := range policies {
		docs = append(docs, p.doc)
	}
	return docs
}

package accounts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// The tags of JSON's scalars, as YAML names them.
const (
	textTag   = "!!str"
	numberTag = "!!int"
	boolTag   = "!!bool"
)

// A deeper file than this is not one of accounts: the tags of a role of a
// purpose are on the seventh level.
const maxDepth = 16

// parseJSON makes the tree that YAML would make of the text. YAML is nearly a
// superset of JSON, but knows neither tabs between values nor the escapes of
// characters beyond the first plane.
func parseJSON(text []byte) (*yaml.Node, error) {
	j := jsonReader{text: text, line: 1, dec: json.NewDecoder(bytes.NewReader(text))}
	j.dec.UseNumber()
	root, err := j.value(0)
	if err == nil {
		if _, more := j.dec.Token(); !errors.Is(more, io.EOF) {
			err = j.fault(errors.New("has more than one value"))
		}
	}
	return root, err
}

// A jsonReader keeps count of the lines while it reads.
type jsonReader struct {
	text       []byte
	dec        *json.Decoder
	seen, line int // the line at the offset seen
}

// moveTo counts the lines up to an offset. A token has no line breaks in it,
// so that it begins in the line it ends in.
func (j *jsonReader) moveTo(offset int64) {
	end := min(int(offset), len(j.text))
	if end > j.seen {
		j.line += bytes.Count(j.text[j.seen:end], []byte{'\n'})
		j.seen = end
	}
}

func (j *jsonReader) fault(err error) error {
	j.moveTo(j.dec.InputOffset())
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		j.moveTo(syntax.Offset - 1) // the offset is behind the character at fault
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		j.moveTo(int64(len(j.text)))
		err = errors.New("ends in the middle")
	}
	return &FieldError{Line: j.line, Field: "file", Reason: err.Error()}
}

// value reads one value whole.
func (j *jsonReader) value(depth int) (*yaml.Node, error) {
	token, err := j.dec.Token()
	if err != nil {
		return nil, j.fault(err)
	}
	j.moveTo(j.dec.InputOffset())
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: j.line}
	switch v := token.(type) {
	case string:
		n.Tag, n.Value = textTag, v
	case json.Number:
		n.Tag, n.Value = numberTag, v.String()
	case bool:
		n.Tag, n.Value = boolTag, fmt.Sprint(v)
	case json.Delim:
		if depth == maxDepth {
			return nil, j.fault(fmt.Errorf("is nested more than %d deep", maxDepth))
		}
		n.Kind = yaml.SequenceNode
		if v == '{' {
			n.Kind = yaml.MappingNode
		}
		return n, j.content(n, depth)
	default:
		n.Tag = "!!null"
	}
	return n, nil
}

// content reads what is between the brackets; keys are values among others.
func (j *jsonReader) content(n *yaml.Node, depth int) error {
	for j.dec.More() {
		member, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, member)
	}
	if _, err := j.dec.Token(); err != nil {
		return j.fault(err)
	}
	return nil
}

package wire

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// A place is where a member of an input or output travels.
type place int

const (
	inBody place = iota // in the JSON object
	inLabel
	inQuery
	inHeader
	inPayload // the whole body
)

// A shape is what a schema says of one struct type.
type shape struct {
	members []bound
	byName  map[string]int // of members in the JSON object; index into members
}

// A bound member has its place.
type bound struct {
	index  int    // of the Go field
	name   string // of the header, query member, label or JSON member
	place  place
	schema *smithy.Schema
}

// shapes remembers the shapes of struct types. Each type has one schema.
type shapes struct {
	known sync.Map // of reflect.Type to *shape
}

func (s *shapes) of(schema *smithy.Schema, t reflect.Type) *shape {
	if known, ok := s.known.Load(t); ok {
		return known.(*shape)
	}
	made := &shape{byName: map[string]int{}}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		m := memberOf(schema, f.Name)
		if m == nil {
			panic(fmt.Sprintf("wire: the schema of %s has no member %s", t, f.Name))
		}
		b := bind(m)
		b.index = i
		if b.place == inBody {
			made.byName[b.name] = len(made.members)
		}
		made.members = append(made.members, b)
	}
	s.known.Store(t, made)
	return made
}

// memberOf finds the member behind a Go field, whose name begins with a
// capital letter even where the member's does not.
func memberOf(schema *smithy.Schema, field string) *smithy.Schema {
	if m := schema.Member(field); m != nil {
		return m
	}
	return schema.Member(strings.ToLower(field[:1]) + field[1:])
}

func bind(m *smithy.Schema) bound {
	b := bound{name: m.MemberName(), schema: m}
	if t, ok := smithy.SchemaTrait[*traits.JSONName](m); ok {
		b.name = t.Name
	}
	if _, ok := smithy.SchemaTrait[*traits.HTTPLabel](m); ok {
		b.place, b.name = inLabel, m.MemberName()
	}
	if t, ok := smithy.SchemaTrait[*traits.HTTPQuery](m); ok {
		b.place, b.name = inQuery, t.Name
	}
	if t, ok := smithy.SchemaTrait[*traits.HTTPHeader](m); ok {
		b.place, b.name = inHeader, t.Name
	}
	if _, ok := smithy.SchemaTrait[*traits.HTTPPayload](m); ok {
		b.place = inPayload
	}
	return b
}

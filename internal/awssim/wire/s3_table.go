package wire

import (
	_ "embed" // the table
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

//go:embed s3.tsv
var s3Table string

// s3Names is the table, the same for all clouds.
var s3Names = sync.OnceValue(func() *bindings { return newBindings(s3Table) })

// bindings are what the table says of a service that speaks restXml.
type bindings struct {
	operations map[string]*xmlRoute
	members    map[string]xmlMember // by "types.Delete.Objects"
	shapes     sync.Map             // of reflect.Type to []xmlMember
}

// An xmlRoute is how an operation is asked for.
type xmlRoute struct {
	operation, method string
	resource          string // account, bucket or object
	markers           []xmlMarker
	status            int    // of an answer
	root              string // element of an answer; empty: it has no document of its own
}

// An xmlMarker is a member of the query, or a header, that must be there.
type xmlMarker struct {
	name, value string // an empty value means any
	header      bool
}

// An xmlMember is where a member travels, and what it is called there.
type xmlMember struct {
	index int    // of the Go field
	place string // label, query, header, headers (a prefix), body, document, element or flat
	name  string
	item  string // element of one entry of a list that is not flat
}

func newBindings(text string) *bindings {
	b := &bindings{operations: map[string]*xmlRoute{}, members: map[string]xmlMember{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for i := range f {
			if f[i] == "-" {
				f[i] = ""
			}
		}
		switch len(f) {
		case 6:
			status, err := strconv.Atoi(f[4])
			if err != nil {
				panic(fmt.Sprintf("wire: table line %q", line))
			}
			b.operations[f[0]] = &xmlRoute{f[0], f[1], f[2], parseMarkers(f[3]), status, f[5]}
		case 4:
			b.members[f[0]] = xmlMember{place: f[1], name: f[2], item: f[3]}
		default:
			panic(fmt.Sprintf("wire: table line %q", line))
		}
	}
	return b
}

func parseMarkers(text string) []xmlMarker {
	var list []xmlMarker
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		name, isHeader := strings.CutPrefix(part, "^")
		name, value, _ := strings.Cut(name, "=")
		list = append(list, xmlMarker{name, value, isHeader})
	}
	return list
}

// route finds the operation whose markers are all there, and of several that
// with the most.
func (b *bindings) route(method string, at Address, in xmlRequest) *xmlRoute {
	resource := "object"
	switch {
	case at.Bucket == "":
		resource = "account"
	case at.Key == "":
		resource = "bucket"
	}
	var best *xmlRoute
	for _, r := range b.operations {
		if r.method == method && r.resource == resource && r.marked(in) && (best == nil || len(r.markers) > len(best.markers)) {
			best = r
		}
	}
	return best
}

func (r *xmlRoute) marked(in xmlRequest) bool {
	for _, m := range r.markers {
		if m.header {
			if len(in.header.Values(m.name)) == 0 {
				return false
			}
			continue
		}
		values, ok := in.query[m.name]
		if !ok || m.value != "" && values[0] != m.value {
			return false
		}
	}
	return true
}

// hasDocument tells whether an operation's body is a document or a policy,
// and not an object.
func (r *xmlRoute) hasDocument(members []xmlMember) bool {
	for _, m := range members {
		if m.place == "document" || m.place == "body" && r.resource == "bucket" {
			return true
		}
	}
	return false
}

// of returns the members of a struct type, in the order of its fields.
func (b *bindings) of(t reflect.Type) []xmlMember {
	if known, ok := b.shapes.Load(t); ok {
		return known.([]xmlMember)
	}
	name := t.Name()
	if strings.HasSuffix(t.PkgPath(), "/types") {
		name = "types." + name
	}
	var list []xmlMember
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || f.Name == "ExpiresString" { // the SDK's own
			continue
		}
		m, ok := b.members[name+"."+f.Name]
		if !ok {
			panic(fmt.Sprintf("wire: the table has no %s.%s", name, f.Name))
		}
		m.index = i
		if m.place == "header" {
			m.name = http.CanonicalHeaderKey(m.name)
		}
		list = append(list, m)
	}
	b.shapes.Store(t, list)
	return list
}

package wire

import (
	_ "embed" // the tables
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

//go:embed ec2.tsv
var ec2Table string

//go:embed iam.tsv
var iamTable string

//go:embed sts.tsv
var stsTable string

// The tables are the same for all clouds, and read when the first asks.
var (
	ec2Names = sync.OnceValue(func() *table { return newTable(ec2Table) })
	iamNames = sync.OnceValue(func() *table { return newTable(iamTable) })
	stsNames = sync.OnceValue(func() *table { return newTable(stsTable) })
)

// A table holds the wire names of a service's types.
type table struct {
	rows  map[string]row // by "types.Tag.Key"
	plans sync.Map       // of reflect.Type to *plan
}

type row struct{ request, response, item string }

// A plan is what the table says of one struct type.
type plan struct {
	members   []member
	byRequest map[string]int // index into members
}

type member struct {
	index int // of the Go field
	row
}

var timeType = reflect.TypeFor[time.Time]()

func newTable(text string) *table {
	t := &table{rows: map[string]row{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			panic(fmt.Sprintf("wire: table line %q", line))
		}
		for i := range f {
			if f[i] == "-" {
				f[i] = ""
			}
		}
		t.rows[f[0]] = row{f[1], f[2], f[3]}
	}
	return t
}

// plan returns the members of a struct type, in the order of its fields.
func (t *table) plan(typ reflect.Type) *plan {
	if p, ok := t.plans.Load(typ); ok {
		return p.(*plan)
	}
	name := typ.Name()
	if strings.HasSuffix(typ.PkgPath(), "/types") {
		name = "types." + name
	}
	p := &plan{byRequest: map[string]int{}}
	for i := range typ.NumField() {
		r, ok := t.rows[name+"."+typ.Field(i).Name]
		if !ok {
			continue
		}
		if r.request != "" {
			p.byRequest[r.request] = len(p.members)
		}
		p.members = append(p.members, member{i, r})
	}
	t.plans.Store(typ, p)
	return p
}

package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Query is the protocol ec2Query or awsQuery: a form goes in, XML comes out.
type Query struct {
	ec2       bool // ec2Query: lists are flat, and the envelopes are EC2's own
	version   string
	namespace string
	table     *table
}

var _ Protocol = (*Query)(nil)

// EC2 returns the protocol of EC2.
func EC2() *Query {
	return &Query{ec2: true, version: "2016-11-15", namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", table: ec2Names()}
}

// STS returns the protocol of STS.
func STS() *Query {
	return &Query{version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/", table: stsNames()}
}

// IAM returns the protocol of IAM.
func IAM() *Query {
	return &Query{version: "2010-05-08", namespace: "https://iam.amazonaws.com/doc/2010-05-08/", table: iamNames()}
}

// Open reads the form, from the body or, for GET, from the query string.
func (q *Query) Open(r *http.Request, body []byte) (*Message, error) {
	text := string(body)
	if r.Method == http.MethodGet {
		text = r.URL.RawQuery
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return q.OpenForm(form)
}

// OpenForm is Open for a form that is read already, such as that of a
// presigned URL. Members of the signature are left out.
func (q *Query) OpenForm(form url.Values) (*Message, error) {
	if form.Get("Action") == "" {
		return nil, ErrNoAction
	}
	if v := form.Get("Version"); v != q.version {
		return nil, fmt.Errorf("%w: %q", ErrVersion, v)
	}
	root, err := tree(form)
	if err != nil {
		return nil, err
	}
	return &Message{
		Operation: form.Get("Action"),
		decode: func(into any) ([]string, error) {
			d := decoder{query: q}
			err := d.value(root, reflect.ValueOf(into).Elem(), "")
			slices.Sort(d.unknown)
			return d.unknown, err
		},
		take: func(member string) (string, bool) {
			n := root.kids[member]
			if n == nil || !n.leaf || n.kids != nil {
				return "", false
			}
			delete(root.kids, member)
			return n.text, true
		},
	}, nil
}

// A node is a key of the form up to one of its dots.
type node struct {
	text string
	leaf bool
	kids map[string]*node
}

func (n *node) kid(name string) *node {
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	if n.kids[name] == nil {
		n.kids[name] = &node{}
	}
	return n.kids[name]
}

func tree(form url.Values) (*node, error) {
	root := &node{kids: map[string]*node{}}
	for key, values := range form {
		if key == "Action" || key == "Version" || strings.HasPrefix(key, "X-Amz-") {
			continue
		}
		if len(values) != 1 {
			return nil, fmt.Errorf("%w: %s is given %d times", ErrMalformed, key, len(values))
		}
		n := root
		for part := range strings.SplitSeq(key, ".") {
			n = n.kid(part)
		}
		n.text, n.leaf = values[0], true
	}
	return root, nil
}

// A decoder fills one input.
type decoder struct {
	query   *Query
	unknown []string
}

func (d *decoder) value(n *node, v reflect.Value, path string) error {
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return d.value(n, v.Elem(), path)
	case t.Kind() == reflect.Struct && t != timeType:
		return d.members(n, v, path)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return d.list(n, v, path)
	case t.Kind() == reflect.Interface:
		return d.union(n, v, path)
	}
	if !n.leaf || n.kids != nil {
		return fmt.Errorf("%s: want one value", path)
	}
	if err := setScalar(n.text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (d *decoder) members(n *node, v reflect.Value, path string) error {
	if n.leaf {
		d.note(path)
	}
	p := d.query.table.plan(v.Type())
	for name, kid := range n.kids {
		sub := join(path, name)
		i, ok := p.byRequest[name]
		if !ok {
			d.note(sub)
			continue
		}
		if err := d.value(kid, v.Field(p.members[i].index), sub); err != nil {
			return err
		}
	}
	return nil
}

// list reads Name.1, Name.2 … of ec2Query and Name.member.1 … of awsQuery.
// Gaps between the numbers are closed, as AWS does.
func (d *decoder) list(n *node, v reflect.Value, path string) error {
	if n.leaf && n.text != "" { // "Name=" is how awsQuery writes an empty list
		d.note(path)
	}
	if !d.query.ec2 {
		for name := range n.kids {
			if name != "member" {
				d.note(join(path, name))
			}
		}
		if n, path = n.kids["member"], join(path, "member"); n == nil {
			n = &node{}
		}
	}
	var order []int
	for name := range n.kids {
		i, err := strconv.Atoi(name)
		if err != nil || i < 1 || strconv.Itoa(i) != name {
			d.note(join(path, name))
			continue
		}
		order = append(order, i)
	}
	slices.Sort(order)
	list := reflect.MakeSlice(v.Type(), len(order), len(order))
	for at, i := range order {
		name := strconv.Itoa(i)
		if err := d.value(n.kids[name], list.Index(at), join(path, name)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (d *decoder) note(path string) { d.unknown = append(d.unknown, path) }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

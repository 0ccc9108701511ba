package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// An xmlRequest is what a request of S3 is made of.
type xmlRequest struct {
	route  *xmlRoute
	labels map[string]string
	query  url.Values
	header http.Header
	body   []byte
}

// An xmlDecoder fills one input.
type xmlDecoder struct {
	table   *bindings
	unknown []string
}

// request fills the members from where they belong, and then looks for what
// belongs nowhere.
func (d *xmlDecoder) request(in xmlRequest, v reflect.Value) error {
	if in.route.operation != "CompleteMultipartUpload" { // there checksums are those of the object
		if err := checkDigests(in.header, in.body); err != nil {
			return err
		}
	}
	known := map[string]bool{}
	var prefixes []string
	for _, m := range in.route.markers {
		known["?"+m.name] = !m.header
	}
	for _, m := range d.table.of(v.Type()) {
		f := v.Field(m.index)
		var err error
		switch m.place {
		case "label":
			err = setXMLText(in.labels[m.name], f)
		case "query":
			known["?"+m.name] = true
			err = setXMLTexts(m.name, in.query[m.name], f)
		case "header":
			known[m.name] = true
			err = setXMLTexts(m.name, in.header.Values(m.name), f)
		case "headers":
			prefixes = append(prefixes, http.CanonicalHeaderKey(m.name))
			setPrefixed(m.name, in.header, f)
		case "body":
			setBody(in.body, f)
		case "document":
			err = d.document(m.name, in.body, f)
		default:
			err = fmt.Errorf("wire: %s of a request has no place", m.name)
		}
		if err != nil {
			return err
		}
	}
	if in.route.hasDocument(d.table.of(v.Type())) {
		// Checksums of documents are members of no input.
		for name := range in.header {
			if name = http.CanonicalHeaderKey(name); strings.HasPrefix(name, "X-Amz-Checksum-") {
				known[name] = true
			}
		}
		known["X-Amz-Sdk-Checksum-Algorithm"] = true
	}
	d.leftovers(in, known, prefixes)
	return nil
}

// leftovers notes query members and AWS's own headers that no member is bound to.
func (d *xmlDecoder) leftovers(in xmlRequest, known map[string]bool, prefixes []string) {
	for name := range in.query {
		if !known["?"+name] && !signing[http.CanonicalHeaderKey(name)] && name != "x-id" {
			d.unknown = append(d.unknown, name)
		}
	}
	for name := range in.header {
		name = http.CanonicalHeaderKey(name)
		prefixed := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		if strings.HasPrefix(name, "X-Amz-") && !known[name] && !signing[name] && !prefixed {
			d.unknown = append(d.unknown, name)
		}
	}
}

// setPrefixed reads the headers that a prefix begins into a map.
func setPrefixed(prefix string, from http.Header, v reflect.Value) {
	prefix = http.CanonicalHeaderKey(prefix)
	for name, values := range from {
		rest, ok := strings.CutPrefix(http.CanonicalHeaderKey(name), prefix)
		if !ok {
			continue
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(strings.ToLower(rest)), reflect.ValueOf(strings.Join(values, ",")))
	}
}

// setBody sets a member that is the whole body.
func setBody(body []byte, v reflect.Value) {
	if v.Type() == reflect.TypeFor[io.Reader]() {
		v.Set(reflect.ValueOf(io.Reader(bytes.NewReader(body))))
		return
	}
	text := string(body)
	v.Set(reflect.ValueOf(&text))
}

// document reads the member that the XML document in the body is.
func (d *xmlDecoder) document(root string, body []byte, v reflect.Value) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	n, err := parseXML(body)
	if err != nil {
		return err
	}
	if n.name != root {
		return fmt.Errorf("%w: the document is a %s, not a %s", ErrMalformed, n.name, root)
	}
	return d.node(n, v, root)
}

// An xmlNode is one element.
type xmlNode struct {
	name     string
	text     string
	children []*xmlNode
}

// maxDepth of elements. The deepest document of S3 is far below.
const maxDepth = 32

// parseXML reads one document. Attributes, such as name spaces, say nothing.
func parseXML(body []byte) (*xmlNode, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	root := &xmlNode{}
	stack := []*xmlNode{root}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil || len(stack) > maxDepth {
			return nil, fmt.Errorf("%w: the body is no XML: %w", ErrMalformed, err)
		}
		top := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			n := &xmlNode{name: t.Name.Local}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(t)
		}
	}
	if len(root.children) != 1 {
		return nil, fmt.Errorf("%w: the body is not one XML element", ErrMalformed)
	}
	return root.children[0], nil
}

// node reads one element into a value.
func (d *xmlDecoder) node(n *xmlNode, v reflect.Value, path string) error {
	if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != timeType {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type() == timeType {
		if err := setXMLText(n.text, v); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}
	for _, child := range n.children {
		if err := d.member(child, v, join(path, child.name)); err != nil {
			return err
		}
	}
	return nil
}

func (d *xmlDecoder) member(n *xmlNode, v reflect.Value, path string) error {
	for _, m := range d.table.of(v.Type()) {
		if m.name != n.name {
			continue
		}
		f := v.Field(m.index)
		switch m.place {
		case "flat":
			return d.append(n, f, path)
		case "element":
			if m.item == "" {
				return d.node(n, f, path)
			}
			for i, child := range n.children {
				if child.name != m.item {
					d.unknown = append(d.unknown, join(path, child.name))
				} else if err := d.append(child, f, join(path, strconv.Itoa(i))); err != nil {
					return err
				}
			}
			return nil
		}
	}
	d.unknown = append(d.unknown, path)
	return nil
}

func (d *xmlDecoder) append(n *xmlNode, list reflect.Value, path string) error {
	e := reflect.New(list.Type().Elem()).Elem()
	if err := d.node(n, e, path); err != nil {
		return err
	}
	list.Set(reflect.Append(list, e))
	return nil
}

// setXMLTexts reads a member of the query or a header.
func setXMLTexts(name string, values []string, v reflect.Value) error {
	if len(values) == 0 {
		return nil
	}
	if isList(v.Type()) {
		for _, value := range values {
			for part := range strings.SplitSeq(value, ",") {
				e := reflect.New(v.Type().Elem()).Elem()
				if err := setXMLText(strings.TrimSpace(part), e); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				v.Set(reflect.Append(v, e))
			}
		}
		return nil
	}
	if len(values) > 1 {
		return fmt.Errorf("%w: %s is given %d times", ErrMalformed, name, len(values))
	}
	if err := setXMLText(values[0], v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// setXMLText reads one value. Times come in either format, whatever their
// place: Object Lock has RFC 3339 in headers, DeleteObjects HTTP dates in XML.
func setXMLText(text string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Type() == timeType {
		format := httpDate
		if strings.HasSuffix(text, "Z") {
			format = dateTime
		}
		return setTime(text, format, v, "time")
	}
	return setScalar(text, v)
}

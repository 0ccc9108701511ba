package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// A request is what a restJson1 request is made of.
type request struct {
	labels map[string]string
	query  url.Values
	header http.Header
	body   []byte
}

// signing headers and query members are read before the protocol is asked.
// x-amz-user-agent is what clients that cannot set User-Agent send.
var signing = map[string]bool{
	"X-Amz-Date": true, "X-Amz-Security-Token": true, "X-Amz-Content-Sha256": true, "X-Amz-User-Agent": true,
	"X-Amz-Algorithm": true, "X-Amz-Credential": true, "X-Amz-Signature": true, "X-Amz-Signedheaders": true, "X-Amz-Expires": true,
}

// A restDecoder fills one input.
type restDecoder struct {
	shapes  *shapes
	unknown []string
}

// request fills the members from where they belong, and then looks for what
// belongs nowhere.
func (d *restDecoder) request(in request, schema *smithy.Schema, v reflect.Value) error {
	s := d.shapes.of(schema, v.Type())
	known := map[string]bool{}
	payload := false
	for _, m := range s.members {
		f := v.Field(m.index)
		var values []string
		switch m.place {
		case inBody:
			continue
		case inPayload:
			payload = true
			if err := d.payload(in.body, m, f); err != nil {
				return err
			}
			continue
		case inLabel:
			values = []string{in.labels[m.name]}
		case inQuery:
			values = in.query[m.name]
			known["?"+m.name] = true
		case inHeader:
			values = in.header.Values(m.name)
			known[http.CanonicalHeaderKey(m.name)] = true
		}
		if err := d.texts(values, m, f); err != nil {
			return err
		}
	}
	d.leftovers(in, known)
	if payload {
		return nil
	}
	return d.object(in.body, s, v)
}

// leftovers notes query members and AWS's own headers that no member is bound to.
func (d *restDecoder) leftovers(in request, known map[string]bool) {
	for name := range in.query {
		if !known["?"+name] && !signing[http.CanonicalHeaderKey(name)] && name != "x-id" {
			d.unknown = append(d.unknown, name)
		}
	}
	for name := range in.header {
		name = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(name, "X-Amz-") && !known[name] && !signing[name] {
			d.unknown = append(d.unknown, name)
		}
	}
}

// payload sets a member that is the whole body.
func (d *restDecoder) payload(body []byte, m bound, v reflect.Value) error {
	switch {
	case v.Type() == reflect.TypeFor[io.Reader]():
		v.Set(reflect.ValueOf(io.Reader(bytes.NewReader(body))))
		return nil
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes(body)
		return nil
	case len(body) == 0:
		return nil
	}
	value, err := parseJSON(body)
	if err != nil {
		return err
	}
	return d.value(value, m.schema, v, m.name)
}

// object reads the JSON object of the members that are bound to no other place.
func (d *restDecoder) object(body []byte, s *shape, v reflect.Value) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	value, err := parseJSON(body)
	if err != nil {
		return err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%w: the body is no object", ErrMalformed)
	}
	return d.members(object, s, v, "")
}

func parseJSON(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more than one value", ErrMalformed)
	}
	return value, nil
}

func (d *restDecoder) members(object map[string]any, s *shape, v reflect.Value, path string) error {
	for name, e := range object {
		sub := join(path, name)
		i, ok := s.byName[name]
		if !ok {
			d.unknown = append(d.unknown, sub)
			continue
		}
		m := s.members[i]
		if err := d.value(e, m.schema, v.Field(m.index), sub); err != nil {
			return err
		}
	}
	return nil
}

// value reads one JSON value.
func (d *restDecoder) value(value any, schema *smithy.Schema, v reflect.Value, path string) error {
	if value == nil {
		return nil
	}
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return d.value(value, schema, v.Elem(), path)
	case t == timeType:
		return setTime(value, timeFormat(schema, epochSeconds), v, path)
	case t.Kind() == reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: want an object", path)
		}
		return d.members(object, d.shapes.of(schema, t), v, path)
	case t.Kind() == reflect.Map:
		return d.mapping(value, schema, v, path)
	case isList(t):
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s: want a list", path)
		}
		v.Set(reflect.MakeSlice(t, len(list), len(list)))
		for i := range list {
			if err := d.value(list[i], schema.ListMember(), v.Index(i), join(path, strconv.Itoa(i))); err != nil {
				return err
			}
		}
		return nil
	}
	return scalarFromJSON(value, v, path)
}

func (d *restDecoder) mapping(value any, schema *smithy.Schema, v reflect.Value, path string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: want an object", path)
	}
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	for k, x := range object {
		e := reflect.New(t.Elem()).Elem()
		if err := d.value(x, schema.MapValue(), e, join(path, k)); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(k).Convert(t.Key()), e)
	}
	return nil
}

// texts reads a member of the path, the query or a header.
func (d *restDecoder) texts(values []string, m bound, v reflect.Value) error {
	if len(values) == 0 {
		return nil
	}
	if isList(v.Type()) {
		list := reflect.MakeSlice(v.Type(), len(values), len(values))
		for i, text := range values {
			if err := setText(text, m, list.Index(i)); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	}
	if len(values) > 1 {
		return fmt.Errorf("%w: %s is given %d times", ErrMalformed, m.name, len(values))
	}
	return setText(values[0], m, v)
}

func setText(text string, m bound, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Type() == timeType {
		format := dateTime
		if m.place == inHeader {
			format = httpDate
		}
		return setTime(text, timeFormat(m.schema, format), v, m.name)
	}
	if err := setScalar(text, v); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

// Formats of times.
// Source: Smithy specification, "timestampFormat trait".
const (
	epochSeconds = "epoch-seconds"
	dateTime     = "date-time"
	httpDate     = "http-date"
)

// timeFormat is the one a member demands, or that of its place.
func timeFormat(schema *smithy.Schema, otherwise string) string {
	if t, ok := smithy.SchemaTrait[*traits.TimestampFormat](schema); ok {
		return t.Format
	}
	return otherwise
}

func setTime(value any, format string, v reflect.Value, path string) error {
	var t time.Time
	var err error
	switch x := value.(type) {
	case json.Number:
		var f float64
		if f, err = x.Float64(); format != epochSeconds || err != nil {
			return fmt.Errorf("%s: want a %s", path, format)
		}
		t = time.UnixMilli(int64(math.Round(f * 1000)))
	case string:
		switch format {
		case dateTime:
			t, err = time.Parse(time.RFC3339Nano, x)
		case httpDate:
			t, err = http.ParseTime(x)
		default:
			return setTime(json.Number(x), format, v, path)
		}
	default:
		return fmt.Errorf("%s: want a %s", path, format)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	v.Set(reflect.ValueOf(t.UTC()))
	return nil
}

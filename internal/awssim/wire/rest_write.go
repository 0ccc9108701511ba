package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// A restWriter writes one answer. It appends to one buffer, since a page of
// blocks has ten thousand of them.
type restWriter struct {
	shapes *shapes
	buf    []byte // the JSON object so far
}

// member adds a member to the object that is open.
func (w *restWriter) member(m bound, v reflect.Value) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.string(m.name)
	w.buf = append(w.buf, ':')
	w.value(m.schema, v)
}

func (w *restWriter) value(schema *smithy.Schema, v reflect.Value) {
	switch t := v.Type(); {
	case t == timeType:
		format := timeFormat(schema, epochSeconds)
		text := timeText(v.Interface().(time.Time), format)
		if format == epochSeconds {
			w.buf = append(w.buf, text...)
		} else {
			w.string(text)
		}
	case t.Kind() == reflect.Pointer:
		w.value(schema, v.Elem())
	case t.Kind() == reflect.Struct:
		w.buf = append(w.buf, '{')
		for _, m := range w.shapes.of(schema, t).members {
			if f := v.Field(m.index); !absent(f) {
				w.member(m, f)
			}
		}
		w.buf = append(w.buf, '}')
	case isList(t):
		w.buf = append(w.buf, '[')
		for i := range v.Len() {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.value(schema.ListMember(), v.Index(i))
		}
		w.buf = append(w.buf, ']')
	case t.Kind() == reflect.Map:
		w.mapping(schema, v)
	default:
		w.scalar(v)
	}
}

func (w *restWriter) mapping(schema *smithy.Schema, v reflect.Value) {
	entries := map[string]reflect.Value{}
	for k, e := range v.Seq2() {
		entries[k.String()] = e
	}
	w.buf = append(w.buf, '{')
	for i, k := range slices.Sorted(maps.Keys(entries)) {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.string(k)
		w.buf = append(w.buf, ':')
		w.value(schema.MapValue(), entries[k])
	}
	w.buf = append(w.buf, '}')
}

func (w *restWriter) scalar(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		w.string(v.String())
	case reflect.Bool:
		w.buf = strconv.AppendBool(w.buf, v.Bool())
	case reflect.Int32, reflect.Int64:
		w.buf = strconv.AppendInt(w.buf, v.Int(), 10)
	case reflect.Float32, reflect.Float64:
		w.buf = strconv.AppendFloat(w.buf, v.Float(), 'g', -1, v.Type().Bits())
	case reflect.Slice:
		w.buf = append(w.buf, '"')
		w.buf = base64.StdEncoding.AppendEncode(w.buf, v.Bytes())
		w.buf = append(w.buf, '"')
	default:
		panic(fmt.Sprintf("wire: no way to write a %s", v.Type()))
	}
}

func (w *restWriter) string(s string) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		b, err := json.Marshal(s)
		if err != nil {
			panic(fmt.Sprintf("wire: %v", err)) // every string can be marshalled
		}
		w.buf = append(w.buf, b...)
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '"')
}

// payload returns the body that one member is the whole of.
func (w *restWriter) payload(m bound, v reflect.Value) (contentType string, body []byte) {
	const octets = "application/octet-stream"
	if b, ok := v.Interface().(Blob); ok {
		return octets, b
	}
	if r, ok := v.Interface().(io.Reader); ok && !v.IsNil() {
		b, err := io.ReadAll(r)
		if err != nil {
			panic(fmt.Sprintf("wire: read %s: %v", m.name, err)) // services answer from memory
		}
		return octets, b
	}
	switch {
	case absent(v), v.Kind() == reflect.Interface:
		return octets, []byte{}
	case v.Kind() == reflect.Slice && !isList(v.Type()):
		return octets, v.Bytes()
	}
	sub := restWriter{shapes: w.shapes}
	sub.value(m.schema, v)
	return "application/json", sub.buf
}

// text of a member in a header.
func (w *restWriter) text(m bound, v reflect.Value) string {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Type() == timeType {
		return timeText(v.Interface().(time.Time), timeFormat(m.schema, httpDate))
	}
	return scalar(v)
}

func timeText(t time.Time, format string) string {
	switch format {
	case dateTime:
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	case httpDate:
		return t.UTC().Format(http.TimeFormat)
	}
	// AWS gives milliseconds as decimals.
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

package wire

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

const header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Result writes the output as XML.
func (q *Query) Result(operation, requestID string, output any) Answer {
	w := writer{query: q}
	w.Grow(512) // many answers need no more
	w.WriteString(header + "<" + operation + `Response xmlns="` + q.namespace + `">`)
	v := reflect.ValueOf(output).Elem()
	if q.ec2 {
		w.element("requestId", requestID)
		w.result(v)
	} else {
		w.WriteString("<" + operation + "Result>")
		w.result(v)
		w.WriteString("</" + operation + "Result><ResponseMetadata>")
		w.element("RequestId", requestID)
		w.WriteString("</ResponseMetadata>")
	}
	w.WriteString("</" + operation + "Response>")
	return Answer{Status: http.StatusOK, ContentType: "text/xml;charset=UTF-8", Body: w.Bytes()}
}

// Failure writes an error in the service's envelope.
func (q *Query) Failure(requestID string, e Error) Answer {
	w := writer{query: q}
	w.WriteString(header)
	if q.ec2 {
		w.WriteString("<Response><Errors><Error>")
		w.element("Code", e.Code)
		w.element("Message", e.Message)
		w.WriteString("</Error></Errors>")
		w.element("RequestID", requestID)
		w.WriteString("</Response>")
	} else {
		blame := "Sender"
		if e.Status >= http.StatusInternalServerError {
			blame = "Receiver"
		}
		w.WriteString(`<ErrorResponse xmlns="` + q.namespace + `"><Error>`)
		w.element("Type", blame)
		w.element("Code", e.Code)
		w.element("Message", e.Message)
		w.WriteString("</Error>")
		w.element("RequestId", requestID)
		w.WriteString("</ErrorResponse>")
	}
	return Answer{Status: e.Status, ContentType: "text/xml;charset=UTF-8", Body: w.Bytes()}
}

// A writer writes one answer.
type writer struct {
	query *Query
	bytes.Buffer
}

func (w *writer) element(name, text string) {
	w.open(name)
	w.text(text)
	w.close(name)
}

func (w *writer) open(name string) {
	w.WriteByte('<')
	w.WriteString(name)
	w.WriteByte('>')
}

func (w *writer) close(name string) {
	w.WriteString("</")
	w.WriteString(name)
	w.WriteByte('>')
}

func (w *writer) text(s string) { escape(&w.Buffer, s) }

// escape writes a text as XML has it.
func escape(b *bytes.Buffer, s string) {
	if !special(s) {
		b.WriteString(s)
		return
	}
	// A bytes.Buffer takes everything, so there is no error to look at.
	_ = xml.EscapeText(b, []byte(s))
}

// special tells whether a text has a character that may have to be escaped. Few
// have any.
func special(s string) bool {
	for i := range len(s) {
		if !plain[s[i]] {
			return true
		}
	}
	return false
}

// plain tells which bytes are characters that need not be escaped.
var plain = func() (all [256]bool) {
	for b := byte(' '); b <= '~'; b++ {
		all[b] = !strings.ContainsRune("\"'&<>", rune(b))
	}
	return all
}()

// result writes the members of an output. Lists in it are there even when they
// are empty, as AWS has them: clients in other languages take the absence of
// one for an error. Within its members empty lists are left out.
func (w *writer) result(v reflect.Value) {
	for _, m := range w.query.table.plan(v.Type()).members {
		if f := v.Field(m.index); m.response != "" && m.item != "" && isList(f.Type()) && f.IsNil() {
			w.element(m.response, "")
		}
	}
	w.members(v)
}

func (w *writer) members(v reflect.Value) {
	for _, m := range w.query.table.plan(v.Type()).members {
		f := v.Field(m.index)
		switch {
		case m.response == "" || absent(f):
		case isList(f.Type()) && m.item == "": // flattened
			for i := range f.Len() {
				w.tagged(m.response, f.Index(i))
			}
		case isList(f.Type()):
			w.open(m.response)
			for i := range f.Len() {
				w.tagged(m.item, f.Index(i))
			}
			w.close(m.response)
		case f.Kind() == reflect.Map:
			w.entries(m.response, f)
		default:
			w.tagged(m.response, f)
		}
	}
}

// entries writes a map, sorted by key.
func (w *writer) entries(name string, v reflect.Value) {
	w.open(name)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		w.WriteString("<entry>")
		w.element("key", k.String())
		w.tagged("value", v.MapIndex(k))
		w.WriteString("</entry>")
	}
	w.close(name)
}

func (w *writer) tagged(name string, v reflect.Value) {
	w.open(name)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct && v.Type() != timeType {
		w.members(v)
	} else {
		w.text(scalar(v))
	}
	w.close(name)
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

package wire

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"
)

// s3Namespace of the documents of S3.
const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// An xmlWriter writes one answer.
type xmlWriter struct {
	table *bindings
	bytes.Buffer
}

// output writes all members of an output.
func (w *xmlWriter) output(r *xmlRoute, v reflect.Value, a *Answer) {
	var elements []xmlMember
	for _, m := range w.table.of(v.Type()) {
		f := v.Field(m.index)
		switch m.place {
		case "header":
			w.header(m, f, a)
		case "headers":
			for k, e := range f.Seq2() {
				// S3 sends these in small letters, which clients in Python see.
				a.Header[m.name+k.String()] = []string{e.String()}
			}
		case "body":
			w.body(f, a)
		case "document":
			if !absent(f) {
				w.WriteString(header)
				w.element(m.name, f, ` xmlns="`+s3Namespace+`"`)
				a.ContentType, a.Body = "application/xml", w.Bytes()
			}
		default:
			elements = append(elements, m)
		}
	}
	if r.root == "" {
		return
	}
	w.WriteString(header + "<" + r.root + ` xmlns="` + s3Namespace + `">`)
	for _, m := range elements {
		if m.name == r.root {
			w.text(xmlText(v.Field(m.index), dateTime)) // the document is the member itself
			continue
		}
		w.member(m, v.Field(m.index))
	}
	w.WriteString("</" + r.root + ">")
	a.ContentType, a.Body = "application/xml", w.Bytes()
}

func (w *xmlWriter) header(m xmlMember, v reflect.Value, a *Answer) {
	if absent(v) {
		return
	}
	format := httpDate
	if m.name == http.CanonicalHeaderKey("x-amz-object-lock-retain-until-date") {
		format = dateTime
	}
	text := xmlText(v, format)
	if m.name == "Content-Type" {
		a.ContentType = text
		return
	}
	a.Header.Set(m.name, text)
}

func (w *xmlWriter) body(v reflect.Value, a *Answer) {
	switch b := v.Interface().(type) {
	case nil:
	case Blob:
		a.Body = b
	case *string:
		if b != nil {
			a.ContentType, a.Body = "application/json", []byte(*b)
		}
	case io.Reader:
		panic("wire: the body of an answer is a Blob")
	}
}

// member writes one element, or one for each entry of a flat list.
func (w *xmlWriter) member(m xmlMember, v reflect.Value) {
	switch {
	case absent(v):
	case m.place == "flat":
		for i := range v.Len() {
			w.element(m.name, v.Index(i), "")
		}
	case m.item != "":
		w.WriteString("<" + m.name + ">")
		for i := range v.Len() {
			w.element(m.item, v.Index(i), "")
		}
		w.WriteString("</" + m.name + ">")
	default:
		w.element(m.name, v, "")
	}
}

func (w *xmlWriter) element(name string, v reflect.Value, attributes string) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	w.WriteString("<" + name + attributes + ">")
	if v.Kind() == reflect.Struct && v.Type() != timeType {
		for _, m := range w.table.of(v.Type()) {
			w.member(m, v.Field(m.index))
		}
	} else {
		w.text(xmlText(v, dateTime))
	}
	w.WriteString("</" + name + ">")
}

func (w *xmlWriter) leaf(name, text string) {
	w.WriteString("<" + name + ">")
	w.text(text)
	w.WriteString("</" + name + ">")
}

func (w *xmlWriter) text(s string) { escape(&w.Buffer, s) }

func xmlText(v reflect.Value, format string) string {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Type() == timeType && format == httpDate {
		return v.Interface().(time.Time).UTC().Format(http.TimeFormat)
	}
	if isList(v.Type()) {
		panic(fmt.Sprintf("wire: no way to write a %s into a header", v.Type()))
	}
	return scalar(v)
}

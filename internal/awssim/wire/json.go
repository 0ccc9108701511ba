package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// JSON is the protocol awsJson1.1: the operation is in a header, and members
// are named like the Go fields.
type JSON struct {
	target    string // what X-Amz-Target begins with: "TrentService."
	namespace string // of error types: "com.amazonaws.kms#"
}

var _ Protocol = (*JSON)(nil)

// KMS returns the protocol of KMS.
func KMS() *JSON { return &JSON{target: "TrentService.", namespace: "com.amazonaws.kms#"} }

// Organizations returns the protocol of AWS Organizations.
func Organizations() *JSON {
	return &JSON{target: "AWSOrganizationsV20161128.", namespace: "com.amazonaws.organizations.v20161128#"}
}

// SSM returns the protocol of Systems Manager.
func SSM() *JSON { return &JSON{target: "AmazonSSM."} }

// Open reads the header and the JSON object.
func (j *JSON) Open(r *http.Request, body []byte) (*Message, error) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), j.target)
	if !ok || operation == "" {
		return nil, ErrNoAction
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil && len(body) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more than one value", ErrMalformed)
	}
	return &Message{Operation: operation, decode: func(into any) ([]string, error) {
		var unknown []string
		err := fromJSON(object, reflect.ValueOf(into).Elem(), "", &unknown)
		slices.Sort(unknown)
		return unknown, err
	}}, nil
}

// Result writes the output as a JSON object. Lists in it are there even when
// they are empty, as AWS has them.
func (j *JSON) Result(_, _ string, output any) Answer {
	v := reflect.ValueOf(output).Elem()
	object := toJSON(v).(map[string]any)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && isList(f.Type) && v.Field(i).IsNil() {
			object[f.Name] = []any{}
		}
	}
	return j.answer(http.StatusOK, object)
}

// Failure writes an error with its type, as the SDK looks for it.
func (j *JSON) Failure(_ string, e Error) Answer {
	object := map[string]any{"__type": j.namespace + e.Code, "message": e.Message}
	for k, v := range e.Members {
		object[k] = v
	}
	return j.answer(e.Status, object)
}

func (j *JSON) answer(status int, value any) Answer {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("wire: %v", err)) // toJSON makes nothing that cannot be marshalled
	}
	return Answer{Status: status, ContentType: "application/x-amz-json-1.1", Body: b}
}

func toJSON(v reflect.Value) any {
	switch t := v.Type(); {
	case t == timeType:
		// Times are seconds since 1970; AWS gives milliseconds as decimals.
		ms := v.Interface().(time.Time).UnixMilli()
		return json.Number(strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64))
	case t.Kind() == reflect.Pointer:
		return toJSON(v.Elem())
	case t.Kind() == reflect.Struct:
		object := map[string]any{}
		for i := range t.NumField() {
			f := t.Field(i)
			if f.IsExported() && f.Name != "ResultMetadata" && !absent(v.Field(i)) {
				object[f.Name] = toJSON(v.Field(i))
			}
		}
		return object
	case isList(t):
		list := make([]any, v.Len())
		for i := range list {
			list[i] = toJSON(v.Index(i))
		}
		return list
	case t.Kind() == reflect.Slice:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case t.Kind() == reflect.Map:
		object := map[string]any{}
		for k, e := range v.Seq2() {
			object[k.String()] = toJSON(e)
		}
		return object
	case t.Kind() == reflect.Interface:
		panic(fmt.Sprintf("wire: no way to write a %s", t))
	}
	return v.Interface()
}

func fromJSON(value any, v reflect.Value, path string, unknown *[]string) error {
	if value == nil {
		return nil
	}
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return fromJSON(value, v.Elem(), path, unknown)
	case t == timeType:
		return timeFromJSON(value, v, path)
	case t.Kind() == reflect.Struct:
		return structFromJSON(value, v, path, unknown)
	case t.Kind() == reflect.Map:
		return mapFromJSON(value, v, path, unknown)
	case isList(t):
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s: want a list", path)
		}
		v.Set(reflect.MakeSlice(t, len(list), len(list)))
		for i := range list {
			if err := fromJSON(list[i], v.Index(i), join(path, strconv.Itoa(i)), unknown); err != nil {
				return err
			}
		}
		return nil
	}
	return scalarFromJSON(value, v, path)
}

func structFromJSON(value any, v reflect.Value, path string, unknown *[]string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: want an object", path)
	}
	for name, e := range object {
		sub := join(path, name)
		f, ok := v.Type().FieldByName(fieldName(v.Type(), name))
		if !ok || !f.IsExported() || len(f.Index) != 1 || name == "ResultMetadata" {
			*unknown = append(*unknown, sub)
			continue
		}
		if err := fromJSON(e, v.FieldByIndex(f.Index), sub, unknown); err != nil {
			return err
		}
	}
	return nil
}

// lowerNames are types of Systems Manager whose members begin with a small
// letter on the wire, unlike all others.
// Source: botocore, ssm 2014-11-06, service-2.json.
var lowerNames = map[string]bool{"CommandFilter": true, "InstanceInformationFilter": true}

// fieldName is the Go name of a member. It is empty for one whose first letter
// has the wrong case.
func fieldName(t reflect.Type, name string) string {
	if !lowerNames[t.Name()] {
		return name
	}
	if name == "" || strings.ToLower(name[:1]) != name[:1] {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func mapFromJSON(value any, v reflect.Value, path string, unknown *[]string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: want an object", path)
	}
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	for k, x := range object {
		e := reflect.New(t.Elem()).Elem()
		if err := fromJSON(x, e, join(path, k), unknown); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(k).Convert(t.Key()), e)
	}
	return nil
}

func timeFromJSON(value any, v reflect.Value, path string) error {
	n, ok := value.(json.Number)
	if !ok {
		return fmt.Errorf("%s: want seconds since 1970", path)
	}
	f, err := n.Float64()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(f * 1000))).UTC()))
	return nil
}

// scalarFromJSON checks the JSON type first: AWS does not take "5" for 5.
func scalarFromJSON(value any, v reflect.Value, path string) error {
	kind := v.Kind()
	switch x := value.(type) {
	case string:
		if kind == reflect.String || kind == reflect.Slice {
			if err := setScalar(x, v); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		}
	case bool:
		if kind == reflect.Bool {
			v.SetBool(x)
			return nil
		}
	case json.Number:
		if kind != reflect.String && kind != reflect.Slice && kind != reflect.Bool {
			if err := setScalar(x.String(), v); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		}
	}
	return fmt.Errorf("%s: a %T is no %s", path, value, v.Type())
}

package wire

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// setScalar sets v to what text says. Times are RFC 3339, bytes are base64.
func setScalar(text string, v reflect.Value) error {
	if v.Type() == timeType {
		t, err := time.Parse(time.RFC3339Nano, text)
		v.Set(reflect.ValueOf(t.UTC()))
		return err
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		switch text {
		case "true", "false":
			v.SetBool(text == "true")
		default:
			err = fmt.Errorf("%q is not a boolean", text)
		}
	case reflect.Int32, reflect.Int64:
		var i int64
		i, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
	case reflect.Float32, reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
	case reflect.Slice:
		var b []byte
		b, err = base64.StdEncoding.DecodeString(text)
		v.SetBytes(b)
	default:
		panic(fmt.Sprintf("wire: no way to read a %s", v.Type()))
	}
	return err
}

// scalar is the reverse of setScalar. EC2 and STS write times in milliseconds.
func scalar(v reflect.Value) string {
	if v.Type() == timeType {
		return v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case reflect.Slice:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	}
	panic(fmt.Sprintf("wire: no way to write a %s", v.Type()))
}

// absent reports whether a member is left out of an answer: nil, or an
// enumeration without a value.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

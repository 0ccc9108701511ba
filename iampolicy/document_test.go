package iampolicy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// requireRoundTrip fails if a document's JSON differs from the text it was
// read from in more than white space and the order of members.
func requireRoundTrip(t *testing.T, text []byte) {
	t.Helper()
	d, err := iampolicy.Parse(text)
	require.NoError(t, err)
	out, err := json.Marshal(d)
	require.NoError(t, err)
	require.Equal(t, generic(t, text), generic(t, out))

	compact, err := d.MarshalCompact()
	require.NoError(t, err)
	again, err := parse(t, string(compact)).MarshalCompact()
	require.NoError(t, err)
	require.Equal(t, string(compact), string(again), "what was written reads the same again")
}

// generic returns JSON as plain values, numbers as they are written.
func generic(t *testing.T, text []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	return v
}

func TestRoundTripOfFiles(t *testing.T) {
	own, err := filepath.Glob("testdata/documents/*.json")
	require.NoError(t, err)
	require.Greater(t, len(own), 4, "the test has lost its documents")
	reference, err := filepath.Glob("../../shared/prototypes/policies/*.json")
	require.NoError(t, err)
	for _, file := range append(own, reference...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			requireRoundTrip(t, text)
		})
	}
	if len(reference) == 0 {
		t.Skip("the reference documents are not beside the checkout: only the package's own were read")
	}
}

func TestRoundTrip(t *testing.T) {
	for name, text := range map[string]string{
		"empty document":            `{}`,
		"no statements":             `{"Version":"2012-10-17","Statement":[]}`,
		"one statement, object":     `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		"one statement, list":       `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"string and list of one":    `{"Statement":[{"Action":["a:b"],"Resource":"*"},{"Action":"a:b","Resource":["*"]}]}`,
		"empty list":                `{"Statement":[{"Action":[],"Resource":[]}]}`,
		"empty strings":             `{"Version":"","Id":"","Statement":[{"Sid":"","Effect":"","Action":"","Resource":[""]}]}`,
		"empty condition":           `{"Statement":[{"Condition":{}}]}`,
		"operator without keys":     `{"Statement":[{"Condition":{"StringEquals":{},"Bool":{"a":"true"}}}]}`,
		"empty statement":           `{"Statement":[{},{}]}`,
		"principal everyone":        `{"Statement":[{"Principal":"*"},{"NotPrincipal":"*"}]}`,
		"principal everyone in AWS": `{"Statement":[{"Principal":{"AWS":"*"}},{"NotPrincipal":{"AWS":["*"]}}]}`,
		"principal without kind":    `{"Statement":[{"Principal":"arn:aws:iam::111111111111:root"}]}`,
		"principal of no kind":      `{"Statement":[{"Principal":{}}]}`,
		"principal kind unknown":    `{"Statement":[{"Principal":{"Robot":["r2","d2"],"AWS":[]}}]}`,
		"bare condition values":     `{"Statement":[{"Condition":{"Bool":{"k":[true,"true",false],"l":true},"NumericEquals":{"n":[1,1.0,"1",1e2,-0]}}}]}`,
		"unknown members":           `{"Statement":[{"Note":{"z":1,"a":[{"b":null}]},"action":"lower case"}],"Extra":[1,2.50],"extra":true}`,
		"escapes":                   `{"Id":"\u00e4\u2028\n\"\\\/<>&","Statement":[{"Sid":"\ud83d\ude00","Condition":{"StringEquals":{"k\t":"\u0000"}}}]}`,
	} {
		t.Run(name, func(t *testing.T) { requireRoundTrip(t, []byte(text)) })
	}
}

// A document that was built by hand and one that was read are equal values.
func TestBuiltDocumentsEqualParsed(t *testing.T) {
	built := &iampolicy.Document{
		Version: iampolicy.Version,
		Statements: []iampolicy.Statement{{
			Sid:       "Read",
			Effect:    iampolicy.Allow,
			Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("111111111111", "222222222222")}},
			Actions:   iampolicy.Of("ec2:DescribeSnapshots"),
			Resources: iampolicy.Strings{Values: []string{"*"}, List: true},
			Conditions: []iampolicy.Condition{
				{Operator: "StringEquals", Key: "aws:RequestedRegion", Values: iampolicy.Of("eu-west-1", "eu-west-2")},
				{Operator: "Bool", Key: "aws:SecureTransport", Values: iampolicy.Of("true")},
				{Operator: "StringEquals", Key: "aws:PrincipalTag/a&b", Values: iampolicy.Of("<c>")},
			},
		}},
	}
	const want = `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow",` +
		`"Principal":{"AWS":["111111111111","222222222222"]},"Action":"ec2:DescribeSnapshots","Resource":["*"],` +
		`"Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","eu-west-2"],"aws:PrincipalTag/a&b":"<c>"},` +
		`"Bool":{"aws:SecureTransport":"true"}}}]}`
	out, err := built.MarshalCompact()
	require.NoError(t, err)
	require.Equal(t, want, string(out))
	require.Equal(t, len(want), built.Size())

	parsed := parse(t, want)
	built.Statements[0].Conditions[1], built.Statements[0].Conditions[2] = built.Statements[0].Conditions[2], built.Statements[0].Conditions[1]
	require.Equal(t, built, parsed)
}

// Fields that were set after reading win over what was kept aside.
func TestChangedDocuments(t *testing.T) {
	d := parse(t, `{"Id":"","Statement":{"Sid":"","Effect":"Allow","Condition":{},"Note":1}}`)
	d.ID = "now"
	d.Statements[0].Sid = "Now"
	d.Statements[0].Conditions = []iampolicy.Condition{{Operator: "Bool", Key: "k", Values: iampolicy.Of("true")}}
	out, err := d.MarshalCompact()
	require.NoError(t, err)
	require.Equal(t, `{"Id":"now","Statement":{"Sid":"Now","Effect":"Allow","Condition":{"Bool":{"k":"true"}},"Note":1}}`, string(out))

	d.Statements = append(d.Statements, iampolicy.Statement{Effect: iampolicy.Deny})
	out, err = json.Marshal(*d)
	require.NoError(t, err)
	require.Contains(t, string(out), `"Statement":[{`, "two statements need a list")

	bare := parse(t, `{"Statement":{"Condition":{"Bool":{"k":[true,false]}}}}`)
	bare.Statements[0].Conditions[0].Values.Values = []string{"maybe", "false", `"quoted"`}
	out, err = bare.MarshalCompact()
	require.NoError(t, err)
	require.Contains(t, string(out), `["maybe",false,"\"quoted\""]`, "what JSON cannot write bare is quoted")
}

func TestOneConditionTwice(t *testing.T) {
	twice := iampolicy.Document{Statements: []iampolicy.Statement{{Conditions: []iampolicy.Condition{
		{Operator: "StringEquals", Key: "k", Values: iampolicy.Of("a")},
		{Operator: "StringEquals", Key: "k", Values: iampolicy.Of("b")},
	}}}}
	_, err := json.Marshal(twice)
	require.ErrorContains(t, err, "statement 0: iampolicy: condition StringEquals on k is given twice")
	require.NotPanics(t, func() { twice.Digest() })
}

func TestParts(t *testing.T) {
	var s iampolicy.Statement
	require.NoError(t, json.Unmarshal([]byte(`{"Effect":"Deny","Action":["a:b","c:d"]}`), &s))
	require.Equal(t, iampolicy.Statement{Effect: iampolicy.Deny, Actions: iampolicy.Of("a:b", "c:d")}, s)

	parts := struct {
		A, B iampolicy.Strings
		P, Q iampolicy.Principals
		D    iampolicy.Document
		S    iampolicy.Statement
	}{}
	const text = `{"A":"x","B":["x"],"P":"*","Q":{"Service":"ec2.amazonaws.com"},"D":{"Statement":[]},"S":{"Sid":"S"}}`
	require.NoError(t, json.Unmarshal([]byte(text), &parts))
	out, err := json.Marshal(parts)
	require.NoError(t, err)
	require.Equal(t, text, string(out))

	require.NoError(t, json.Unmarshal([]byte(`{"A":null,"P":null,"D":null}`), &parts), "null changes nothing")
	require.Equal(t, []string{"x"}, parts.A.Values)
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       string
	}{
		{"empty", "", "line 1, column 1: unexpected end of JSON input"},
		{"not JSON", "not json", "line 1, column 2: invalid character 'o' in literal null (expecting 'u')"},
		{"cut off", "{\n  \"Version\": \"2012", "line 2, column 19: unexpected end of JSON input"},
		{"more than one value", "{} {}", "line 1, column 4: invalid character '{' after top-level value"},
		{"not an object", " []", "line 1, column 2: a policy document must be an object"},
		{"not UTF-8", "{\"\xc3\xa4\": \"\xff\"}", "line 1, column 8: the text is not UTF-8"},
		{"half a surrogate pair", "{\n\"Id\": \"a\\ud83d\"}", "line 2, column 7: this string has half a surrogate pair"},
		{"number as version", "{\"Version\": 2012}", "line 1, column 13: Version must be a string"},
		{"null as statement", "{\"Statement\": null}", "line 1, column 15: Statement must be an object or a list of objects"},
		{"string as statement", "{\"Statement\": [\"x\"]}", "line 1, column 16: a statement must be an object"},
		{"number as action", "{\"Statement\": {\"Action\": [1]}}", "line 1, column 27: Action must be a string or a list of strings"},
		{"object as resource", "{\"Statement\": [{\n\t\"Resource\": {}}]}", "line 2, column 14: Resource must be a string or a list of strings"},
		{"list as principal", "{\"Statement\": {\"Principal\": []}}", "line 1, column 29: a principal must be an object"},
		{"principal without kind", "{\"Statement\": {\"Principal\": {\"\": \"x\"}}}", "line 1, column 34: a kind of principals must have a name"},
		{"list as condition", "{\"Statement\": {\"Condition\": []}}", "line 1, column 29: Condition must be an object"},
		{"string as operator", "{\"Statement\": {\"Condition\": {\"Bool\": \"x\"}}}", "line 1, column 38: a condition operator must be an object"},
		{"null as value", "{\"Statement\": {\"Condition\": {\"Bool\": {\"ä\": null}}}}", "line 1, column 44: a condition value must be a string, a number, a boolean or a list of them"},
		{"list in a list", "{\"Statement\": {\"Condition\": {\"Bool\": {\"k\": [[]]}}}}", "line 1, column 45: a condition value must be a string, a number, a boolean or a list of them"},
		{"member twice", "{\n \"Id\": \"a\",\n \"Id\": \"a\"\n}", "line 3, column 2: this member is given twice"},
		{"member twice, escaped", "{\"Id\": \"a\", \"\\u0049d\": \"a\"}", "line 1, column 13: this member is given twice"},
		{"key twice", "{\"Statement\": {\"Condition\": {\"Bool\": {\"k\": \"a\", \"k\": \"b\"}}}}", "line 1, column 49: this member is given twice"},
		{"twice in an unknown member", "{\"X\": [{\"a\": 1, \"a\": 2}]}", "line 1, column 17: this member is given twice"},
		{"twice among many", "{\"X\": {\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,\"r\":0,\"b\":0}}", "line 1, column 116: this member is given twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := iampolicy.Parse([]byte(tt.text))
			require.EqualError(t, err, "iampolicy: "+tt.want)
			var syntax *iampolicy.SyntaxError
			require.ErrorAs(t, err, &syntax)

			var d iampolicy.Document
			require.Error(t, json.Unmarshal([]byte(tt.text), &d))
			require.Equal(t, iampolicy.Document{}, d, "nothing is half read")
		})
	}
}

func TestParseURLEncoded(t *testing.T) {
	d, err := iampolicy.ParseURLEncoded("%7B%22Id%22%3A%22a+b%20c%25%22%2C%22Statement%22%3A%5B%5D%7D")
	require.NoError(t, err)
	require.Equal(t, "a+b c%", d.ID, "a plus sign is no space")

	_, err = iampolicy.ParseURLEncoded("%7B%2")
	require.ErrorContains(t, err, "percent-encoding")
	_, err = iampolicy.ParseURLEncoded("%7B%0A1")
	require.ErrorContains(t, err, "line 2, column 1")
}

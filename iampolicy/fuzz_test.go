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

// seeds adds the package's own documents to a fuzz target.
func seeds(f *testing.F, add func(text []byte)) {
	f.Helper()
	files, err := filepath.Glob("testdata/documents/*.json")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		add(text)
	}
	for _, text := range []string{
		"", "{", "[]", "null", `{"Statement":[{}]}`, `{"Statement":{"Principal":"x","Condition":{"a":{"b":[1,true,"c"]}}}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:*:${k, 'v'}:${*}"}}`,
		`{"Statement":{"Sid":"\ud800"}}`, "{\"a\":\"\xff\"}", `{"a":1,"\u0061":2}`,
	} {
		add([]byte(text))
	}
}

func FuzzParse(f *testing.F) {
	seeds(f, func(text []byte) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := iampolicy.Parse(text)
		if err != nil {
			var syntax *iampolicy.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Positive(t, syntax.Line)
			require.Positive(t, syntax.Column)
			return
		}
		require.True(t, json.Valid(text), "what is read is JSON")
		requireRoundTrip(t, text)
		canonical, err := d.Canonical().MarshalCompact()
		if err == nil { // it fails only for one key in two spellings
			read := parse(t, string(canonical))
			require.Equal(t, d.Digest(), read.Digest())
		}
	})
}

func FuzzEvaluate(f *testing.F) {
	seeds(f, func(text []byte) {
		f.Add(text, sessionARN, "ec2:CopySnapshot", snapshotARN, "", "aws:ResourceTag/bk:owner", "install-7f3a", false)
		f.Add(text, "ec2.amazonaws.com", "sts:AssumeRole", "*", "222222222222", "k", "${k}", true)
		f.Add(text, sessionARN, "kms:Decrypt", keyARN, "", "kms:EncryptionContext:a", "1", true)
	})
	f.Fuzz(func(t *testing.T, text []byte, who, action, resource, owner, key, value string, partial bool) {
		d, err := iampolicy.Parse(text)
		if err != nil {
			return
		}
		req := iampolicy.Request{
			Principal: iampolicy.Principal{ARN: who}, Action: action, Resource: resource, ResourceAccount: owner,
			Context: map[string][]string{key: {value}}, Partial: partial,
		}
		one := []*iampolicy.Document{d}
		for _, set := range []iampolicy.PolicySet{
			{Identity: one},
			{Resource: d},
			{Resource: d, Grants: []iampolicy.Grant{{
				Grantee: who, Retiring: value, Operations: []string{"Decrypt", "CreateGrant", value},
				ContextEquals: map[string]string{"a": "1"}, ContextSubset: map[string]string{key: value},
			}}},
			{Identity: one, Resource: d, Boundary: one, Session: d, SCP: [][]*iampolicy.Document{one, one}, RCP: [][]*iampolicy.Document{one}},
		} {
			before := iampolicy.Evaluate(req, set)
			require.Equal(t, before, iampolicy.Evaluate(req, set), "the answer is always the same")

			denied := copied(d)
			denied.Statements = append(denied.Statements, iampolicy.Statement{
				Effect: iampolicy.Deny, Principal: &iampolicy.Principals{Any: true}, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*"),
			})
			set.Identity = append(set.Identity, denied)
			require.Equal(t, before.Outcome == iampolicy.Allowed && before.By == nil,
				iampolicy.Evaluate(req, set).Outcome == iampolicy.Allowed, "only what nothing can forbid is allowed still")
		}
	})
}

// Whatever the text, all kinds are judged without a panic, alike each time, and
// every finding is of a rule and lies in the text.
func FuzzCheck(f *testing.F) {
	seeds(f, func(text []byte) { f.Add(text, 0) })
	for n, row := range append(validateRows(), lintRows()...) {
		f.Add([]byte(row.document()), n)
	}
	rules := map[string]iampolicy.Severity{}
	for _, r := range iampolicy.Rules() {
		rules[r.ID] = r.Severity
	}
	f.Fuzz(func(t *testing.T, text []byte, kind int) {
		// Thousands of patterns, each held against thousands of actions, take
		// seconds. No kind of policy but a key's may be longer than this.
		if len(text) > 10_240 {
			return
		}
		findings := iampolicy.Check(text, iampolicy.Kind(kind%8))
		require.Equal(t, findings, iampolicy.Check(text, iampolicy.Kind(kind%8)))
		lines := bytes.Count(text, []byte{'\n'}) + 1
		for i, found := range findings {
			severity, known := rules[found.ID]
			require.True(t, known, found.ID)
			require.Equal(t, severity, found.Severity)
			require.True(t, 1 <= found.Line && found.Line <= lines, found)
			require.Positive(t, found.Column)
			require.NotEmpty(t, found.Message)
			if i > 0 {
				require.LessOrEqual(t, findings[i-1].Line, found.Line, "in the order of the text")
			}
		}
		if d, err := iampolicy.Parse(text); err == nil {
			before := d.Size()
			lint := len(iampolicy.Lint(d, iampolicy.Kind(kind%8)))
			require.LessOrEqual(t, len(findings)-lint-len(iampolicy.Validate(d, iampolicy.Kind(kind%8))), 1, "but for the size, the two find what Check does")
			require.Equal(t, before, d.Size(), "the document is left alone")
		}
	})
}

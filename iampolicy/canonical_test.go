package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonical(t *testing.T) {
	const a = `{
		"Id": "x",
		"Version": "2012-10-17",
		"Statement": [
			{"Effect": "Deny", "NotAction": "S3:*", "Resource": ["*"], "Principal": {"AWS": ["*"]}, "Sid": ""},
			{
				"Action": ["EC2:CopySnapshot", "ec2:copySnapshot", "ec2:CreateSnapshot"],
				"Effect": "Allow",
				"Resource": ["b", "a", "b"],
				"Principal": {"AWS": ["arn:aws:iam::111111111111:root", "222222222222"]},
				"Condition": {
					"stringequalsIFEXISTS": {"aws:ResourceTag/Plan": ["q", "p"]},
					"Bool": {"aws:SecureTransport": true},
					"NumericEquals": {}
				},
				"Note": {"b": 1, "a": [1, 2]}
			},
			{"Effect": "Deny", "Resource": "*", "Principal": "*", "NotAction": ["s3:*"], "Condition": {}}
		]
	}`
	const want = `{"Version":"2012-10-17","Id":"x","Statement":[` +
		`{"Effect":"Allow","Principal":{"AWS":["111111111111","222222222222"]},` +
		`"Action":["ec2:copysnapshot","ec2:createsnapshot"],"Resource":["a","b"],` +
		`"Condition":{"Bool":{"aws:securetransport":"true"},"StringEqualsIfExists":{"aws:resourcetag/plan":["p","q"]}},` +
		`"Note":{"a":[1,2],"b":1}},` +
		`{"Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*"}]}`
	d := parse(t, a)
	before, err := d.MarshalCompact()
	require.NoError(t, err)
	out, err := d.Canonical().MarshalCompact()
	require.NoError(t, err)
	require.Equal(t, want, string(out))

	after, err := d.MarshalCompact()
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the document itself is left alone")
	require.Equal(t, d.Canonical(), d.Canonical().Canonical(), "canonical is final")
	require.Equal(t, d.Digest(), parse(t, want).Digest())
}

func TestDigest(t *testing.T) {
	const base = `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
	same := map[string]string{
		"order of members": `{"Statement":[{"Resource":"arn:aws:s3:::b/*","Action":"s3:GetObject","Effect":"Allow","Sid":"S"}],"Version":"2012-10-17"}`,
		"statement alone":  `{"Version":"2012-10-17","Statement":{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`,
		"lists of one":     `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]}]}`,
		"case of actions":  `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::b/*"}]}`,
		"empty members":    `{"Version":"2012-10-17","Id":"","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{}}]}`,
		"given twice":      `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":["s3:GetObject","s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}]}`,
	}
	for name, text := range same {
		t.Run(name, func(t *testing.T) { require.Equal(t, parse(t, base).Digest(), parse(t, text).Digest()) })
	}
	for name, text := range map[string]string{
		"version":           `{"Version":"2008-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`,
		"Sid":               `{"Version":"2012-10-17","Statement":[{"Sid":"T","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`,
		"effect":            `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`,
		"action":            `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObjects","Resource":"arn:aws:s3:::b/*"}]}`,
		"case of resources": `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::B/*"}]}`,
		"unknown member":    `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","X":1}]}`,
		"another statement": `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},{}]}`,
	} {
		t.Run(name, func(t *testing.T) { require.NotEqual(t, parse(t, base).Digest(), parse(t, text).Digest()) })
	}
	require.Equal(t, parse(t, `{}`).Digest(), parse(t, `{"Version":"2008-10-17","Statement":[]}`).Digest())
}

// What would say less in one form keeps two.
func TestCanonicalKeepsMeaning(t *testing.T) {
	for _, text := range []string{
		`{"Version":"2008-10-17","Statement":[{"Condition":{"StringEquals":{"A":"1","a":"2"}}}]}`,
		`{"Version":"2008-10-17","Statement":[{"Condition":{"StringEquals":{"a":"1"},"stringequals":{"a":"2"}}}]}`,
		`{"Version":"2008-10-17","Statement":[{"Principal":{"AWS":["*","111111111111"]}}]}`,
		`{"Version":"2008-10-17","Statement":[{"Principal":{"AWS":"*","Service":"ec2.amazonaws.com"}}]}`,
		`{"Version":"2008-10-17","Statement":[{"Principal":{}}]}`,
		`{"Version":"2008-10-17","Statement":[{"Action":[]}]}`,
	} {
		out, err := parse(t, text).Canonical().MarshalCompact()
		require.NoError(t, err)
		require.Equal(t, generic(t, []byte(text)), generic(t, out))
	}
}

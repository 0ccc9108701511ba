package iampolicy_test

import (
	"errors"
	"fmt"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A policy with many keys becomes several managed policies.
func ExampleSplit() {
	doc := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Sid: "Use", Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:Decrypt"),
	}}}
	for n := range 200 {
		doc.Statements[0].Resources.Values = append(doc.Statements[0].Resources.Values,
			fmt.Sprintf("arn:aws:kms:eu-west-1:111111111111:key/%d", n))
	}
	parts, err := iampolicy.Split(doc, iampolicy.ManagedLimit)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, part := range parts {
		fmt.Println(part.Statements[0].Sid, len(part.Statements[0].Resources.Values), "keys in", part.Size(), "characters")
	}

	_, err = iampolicy.Split(doc, 100)
	var large *iampolicy.TooLargeError
	if errors.As(err, &large) {
		fmt.Println(large.What, "is too large by", large.Over())
	}
	// Output:
	// Use 136 keys in 6115 characters
	// Use 64 keys in 2985 characters
	// statement Use is too large by 8895
}

// What another value covers goes; what only looks alike stays.
func ExampleDocument_Minify() {
	doc, err := iampolicy.Parse([]byte(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:Get*"], "Resource": "arn:aws:s3:::b/*"},
		{"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b/*"}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	small, err := doc.Minify().MarshalCompact()
	fmt.Println(string(small), err)
	// Output: {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:ListBucket"],"Resource":"arn:aws:s3:::b/*"}]} <nil>
}

package iampolicy_test

import (
	"encoding/json"
	"fmt"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func mustParse(text string) *iampolicy.Document {
	d, err := iampolicy.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return d
}

func ExampleCompare() {
	needed := mustParse(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "Describe", "Effect": "Allow", "Action": ["ec2:DescribeSnapshots", "ec2:DescribeVolumes"], "Resource": "*"},
		{"Sid": "DeleteOwn", "Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "arn:aws:ec2:*::snapshot/*",
		 "Condition": {"StringEquals": {"aws:ResourceTag/vault": "999999999999"}}}]}`)
	installed := mustParse(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "List", "Effect": "Allow", "Action": "ec2:DescribeSnapshots", "Resource": ["*"]},
		{"Sid": "Delete", "Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "arn:aws:ec2:*::snapshot/*"}]}`)

	drift := iampolicy.Compare(installed, needed)
	fmt.Println(drift)
	missing, err := json.Marshal(drift.Missing[0].Part)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(missing))
	// Output:
	// missing right (Describe): ec2:DescribeVolumes on * unconditionally; the other document has no such right
	// excess right (Delete): ec2:DeleteSnapshot on arn:aws:ec2:*::snapshot/* unconditionally; the other document has it when aws:resourcetag/vault StringEquals 999999999999
	// {"Effect":"Allow","Action":"ec2:DescribeVolumes","Resource":"*"}
}

func ExampleEquivalent() {
	a := mustParse(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["ec2:CreateTags", "ec2:CopySnapshot"], "Resource": "*"}}`)
	b := mustParse(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "Copy", "Effect": "Allow", "Action": "ec2:copysnapshot", "Resource": ["*"]},
		{"Sid": "Tag", "Effect": "Allow", "Action": "ec2:createtags", "Resource": ["*"]}]}`)
	fmt.Println(iampolicy.Equivalent(a, b))
	// Output: true
}

func ExampleCovers() {
	wide := mustParse(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "All", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
		{"Sid": "Guard", "Effect": "Deny", "Action": "ec2:Delete*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:ResourceTag/vault": "999999999999"}}}]}`)
	narrow := mustParse(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "Delete", "Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "arn:aws:ec2:*::snapshot/*"}]}`)
	fmt.Println(iampolicy.Covers(wide, narrow))

	narrow.Statements[0].Conditions = []iampolicy.Condition{
		{Operator: "StringEquals", Key: "aws:ResourceTag/vault", Values: iampolicy.Of("999999999999")},
	}
	fmt.Println(iampolicy.Covers(wide, narrow).Covered)
	// Output:
	// not covered: ec2:DeleteSnapshot by arn:aws:sts::000000000001:assumed-role/zz/zz on arn:aws:ec2:eu-west-1::snapshot/: denied by identity policy 0, statement Guard
	// true
}

package iampolicy_test

import (
	"fmt"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func ExampleParse() {
	_, err := iampolicy.Parse([]byte(`{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "ec2:DeleteSnapshot",
    "Effect": "Deny"
  }
}`))
	fmt.Println(err)

	policy, err := iampolicy.Parse([]byte(`{
  "Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Action": ["ec2:DeleteSnapshot"], "Resource": "*", "Comment": "kept"}
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.Statements[0].Actions.Values)
	text, err := policy.MarshalCompact()
	fmt.Println(string(text), err)
	fmt.Println(policy.Size(), "characters count against IAM's limits")
	// Output:
	// iampolicy: line 6, column 5: this member is given twice
	// [ec2:DeleteSnapshot]
	// {"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["ec2:DeleteSnapshot"],"Resource":"*","Comment":"kept"}} <nil>
	// 119 characters count against IAM's limits
}

func ExampleParseURLEncoded() {
	// This is how iam:GetRolePolicy returns a document.
	policy, err := iampolicy.ParseURLEncoded("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D")
	fmt.Println(policy.Version, len(policy.Statements), err)
	// Output: 2012-10-17 0 <nil>
}

func ExampleDocument_Digest() {
	a, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["ec2:CopySnapshot","ec2:CreateTags"],"Resource":["*"]}]}`))
	b, _ := iampolicy.Parse([]byte(`{"Statement":
		{"Resource":"*","Action":["ec2:createtags","ec2:copysnapshot"],"Effect":"Allow"},"Version":"2012-10-17"}`))
	digest := a.Digest()
	fmt.Printf("%x… %t\n", digest[:4], digest == b.Digest())
	// Output: 2f43c4e3… true
}

// A backup role may delete only the snapshots it made, whatever the tag says
// today.
func ExampleEvaluate() {
	policy, err := iampolicy.Parse([]byte(`{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "DeleteOwn", "Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "arn:aws:ec2:*::snapshot/*",
     "Condition": {"StringEquals": {"aws:ResourceTag/snapkeep:vault": "999999999999"}}},
    {"Sid": "NoUnlock", "Effect": "Deny", "Action": "ec2:UnlockSnapshot", "Resource": "*"}
  ]
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := iampolicy.Request{
		Principal: iampolicy.Principal{ARN: "arn:aws:sts::111111111111:assumed-role/pruner/nightly"},
		Action:    "ec2:DeleteSnapshot",
		Resource:  "arn:aws:ec2:eu-west-1::snapshot/snap-0123456789abcdef0",
		Context:   map[string][]string{"aws:ResourceTag/snapkeep:vault": {"999999999999"}},
	}
	policies := iampolicy.PolicySet{Identity: []*iampolicy.Document{policy}}
	fmt.Println(iampolicy.Evaluate(request, policies))

	request.Context = nil // a snapshot without tags
	fmt.Println(iampolicy.Evaluate(request, policies))

	request.Partial = true // its tags are not known
	fmt.Println(iampolicy.Evaluate(request, policies))

	request.Action = "ec2:UnlockSnapshot"
	decision := iampolicy.Evaluate(request, policies)
	fmt.Println(decision.Outcome, decision.By)
	// Output:
	// allowed by identity policy 0, statement DeleteOwn
	// denied, since nothing allows it: permission is lacking from identity
	// cannot tell without aws:ResourceTag/snapkeep:vault: it turns on identity policy 0, statement DeleteOwn
	// ExplicitlyDenied [identity policy 0, statement NoUnlock]
}

// A grant allows what neither the key's policy nor the caller's does.
func ExampleGrant() {
	const alice = "arn:aws:iam::111111111111:user/alice"
	set := iampolicy.PolicySet{Grants: []iampolicy.Grant{{
		ID: "0c23", Grantee: alice, Operations: []string{"Decrypt"},
		ContextSubset: map[string]string{"aws:ebs:id": "vol-1"},
	}}}
	for _, volume := range []string{"vol-1", "vol-2"} {
		fmt.Println(iampolicy.Evaluate(iampolicy.Request{
			Principal: iampolicy.Principal{ARN: alice}, Action: "kms:Decrypt",
			Resource: "arn:aws:kms:eu-west-1:111111111111:key/1a2b",
			Context:  map[string][]string{"kms:EncryptionContext:aws:ebs:id": {volume}},
		}, set))
	}
	// Output:
	// allowed by grant 0, 0c23
	// denied, since nothing allows it: permission is lacking from resource and identity
}

package iamjudge_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

const (
	here  = "111111111111"
	there = "222222222222"
)

// A scene is an action on a resource with the condition keys it has: by the
// type of their values, lists for those with several.
type scene struct {
	action, resource string
	keys             map[string]string
	kind             string // of the resource's policy: "bucket", "key", "trust" or none
}

func scenes() []scene {
	global := func(more map[string]string) map[string]string {
		more["aws:PrincipalTag/team"] = "string"
		more["aws:SourceIp"] = "ip"
		more["aws:SecureTransport"] = "bool"
		more["aws:CurrentTime"] = "date"
		more["aws:MultiFactorAuthAge"] = "number"
		more["aws:SourceArn"] = "arn"
		more["aws:CalledVia"] = "list"
		return more
	}
	const snapshot = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
	return []scene{
		{"s3:GetObject", "arn:aws:s3:::bucket/dir/key", global(map[string]string{"s3:ExistingObjectTag/team": "string"}), "bucket"},
		{"kms:Decrypt", "arn:aws:kms:eu-west-1:" + here + ":key/1a2b", global(map[string]string{"kms:ViaService": "string"}), "key"},
		{"kms:CreateGrant", "arn:aws:kms:eu-west-1:" + here + ":key/1a2b", global(map[string]string{"kms:GrantIsForAWSResource": "bool", "kms:GrantOperations": "list"}), "key"},
		{"sts:AssumeRole", "arn:aws:iam::" + here + ":role/bk/target", global(map[string]string{"sts:ExternalId": "string", "aws:TagKeys": "list"}), "trust"},
		{"ec2:DeleteSnapshot", snapshot, global(map[string]string{"aws:ResourceTag/team": "string", "ec2:SnapshotTime": "date", "ec2:VolumeSize": "number"}), ""},
		{"ec2:CreateTags", snapshot, global(map[string]string{"aws:RequestTag/team": "string", "aws:TagKeys": "list", "ec2:CreateAction": "string"}), ""},
		{"ec2:ModifySnapshotAttribute", snapshot, global(map[string]string{"ec2:Add/userId": "string", "aws:ResourceTag/team": "string"}), ""},
		{"ec2:DescribeSnapshots", "*", global(map[string]string{}), ""},
	}
}

// A drawer makes one sample.
type drawer struct {
	*rand.Rand
	scene
	sample
}

func draw(r *rand.Rand) *sample {
	d := &drawer{Rand: r}
	d.scene = pick(d, scenes()...)
	d.Request = request{
		Principal: pick(d,
			"arn:aws:iam::"+here+":user/alice", "arn:aws:sts::"+here+":assumed-role/backup/run", "arn:aws:iam::"+here+":role/backup",
			"arn:aws:sts::"+there+":assumed-role/backup/run", "arn:aws:iam::"+there+":user/alice"),
		Action: d.action, Resource: d.resource, Account: here, Context: map[string]any{},
	}
	if d.kind == "" || d.chance(30) {
		d.Request.Account = pick(d, here, d.principalAccount())
	}
	for _, key := range sorted(d.keys) {
		if d.chance(60) {
			d.Request.Context[key] = d.contextValue(d.keys[key])
		}
	}
	// What our evaluator derives and the judge does not.
	d.Request.Context["aws:PrincipalArn"] = d.roleOrUser()
	d.Request.Context["aws:PrincipalAccount"] = d.principalAccount()
	d.Request.Context["aws:ResourceAccount"] = d.Request.Account

	for range 1 + d.IntN(2) {
		d.Policies.Identity = append(d.Policies.Identity, d.document("identity", 85))
	}
	// Every role has a trust policy and every key a key policy.
	if d.kind == "key" || d.kind == "trust" || d.kind == "bucket" && d.chance(70) {
		d.Policies.Resource = d.document(d.kind, 85)
	}
	if d.chance(15) && d.Request.Principal != "" {
		d.Policies.Boundary = []*iampolicy.Document{d.document("boundary", 90)}
	}
	if d.chance(15) && d.Request.Principal[8:11] == "sts" {
		d.Policies.Session = d.document("session", 90)
	}
	if d.chance(20) {
		for range 1 + d.IntN(2) {
			d.Policies.SCP = append(d.Policies.SCP, []*iampolicy.Document{d.document("scp", 90)})
		}
	}
	if d.chance(15) && d.kind != "" {
		d.Policies.RCP = [][]*iampolicy.Document{{d.document("rcp", 0)}}
	}
	return &d.sample
}

func pick[T any](d *drawer, from ...T) T { return from[d.IntN(len(from))] }

// chance says yes in so many cases of a hundred.
func (d *drawer) chance(percent int) bool { return d.IntN(100) < percent }

func (d *drawer) principalAccount() string {
	return d.Request.Principal[len("arn:aws:iam::") : len("arn:aws:iam::")+12]
}

// roleOrUser is the value of aws:PrincipalArn.
func (d *drawer) roleOrUser() string {
	if d.Request.Principal[8:11] == "sts" {
		return "arn:aws:iam::" + d.principalAccount() + ":role/backup"
	}
	return d.Request.Principal
}

func (d *drawer) contextValue(kind string) any {
	if kind == "list" {
		var values []string
		for range 1 + d.IntN(2) {
			values = append(values, pick(d, "red", "blue", "green"))
		}
		return values
	}
	return d.value(kind)
}

// value returns a value of a type as a request has it.
func (d *drawer) value(kind string) string {
	switch kind {
	case "ip":
		return pick(d, "203.0.113.7", "198.51.100.1", "2001:db8::7")
	case "bool":
		return pick(d, "true", "false")
	case "date":
		return pick(d, "2026-03-01T00:00:00Z", "2026-03-02T12:30:00Z", "2026-04-01T00:00:00Z")
	case "number":
		return pick(d, "1", "5", "5.5", "10", "-3")
	case "arn":
		return pick(d, "arn:aws:s3:::bucket", "arn:aws:sns:eu-west-1:"+here+":topic", "arn:aws:sns:us-east-1:"+there+":topic:sub")
	}
	return pick(d, "red", "blue", "Red", "redder", "r*d")
}

// pattern returns a value of a type as a policy has it.
func (d *drawer) pattern(kind string) string {
	if d.chance(50) {
		return d.value(kind)
	}
	switch kind {
	case "ip":
		return pick(d, "203.0.113.0/24", "128.0.0.0/1", "2001:db8::/32", "203.0.113.7/32", "nowhere")
	case "date":
		return pick(d, "2026-03-01", "2026-03-01T01:00:00+01:00", "someday")
	case "number":
		return pick(d, "5.0", "0", "many")
	case "arn":
		return pick(d, "arn:aws:sns:*:"+here+":*", "arn:aws:s3:::buck?t", "arn:*:sns:*:*:topic*", "arn:aws:sns:*", "topic")
	case "bool":
		return pick(d, "True", "perhaps")
	}
	if d.chance(10) {
		return pick(d, "r${*}d", "${aws:PrincipalTag/unset}", "${$}")
	}
	return pick(d, "r*", "*", "?ed", "*e*", "", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team}*",
		"${aws:PrincipalTag/team, 'blue'}", "${aws:PrincipalTag/unset, 'red'}")
}

func (d *drawer) condition() iampolicy.Condition {
	key := pick(d, append(sorted(d.keys), "aws:PrincipalArn", "aws:PrincipalTag/unset", "aws:PrincipalAccount")...)
	kind := d.keys[key]
	operators := map[string][]string{
		"ip":     {"IpAddress", "NotIpAddress", "IpAddressIfExists"},
		"bool":   {"Bool", "BoolIfExists"},
		"date":   {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEqualsIfExists"},
		"number": {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThanIfExists", "NumericGreaterThanEquals"},
		"arn":    {"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "ArnNotLikeIfExists"},
		"list": {
			"ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAllValues:StringNotEquals", "ForAnyValue:StringNotEquals",
			"ForAllValues:StringLike", "ForAnyValue:StringNotLike", "ForAnyValue:StringLikeIfExists", "ForAllValues:StringEqualsIfExists", "StringEquals", "StringNotLike",
		},
		"": {
			"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
			"StringEqualsIfExists", "StringNotLikeIfExists", "stringlike", "ForAnyValue:StringEquals", "ForAllValues:StringLike",
		},
	}
	pool := operators[kind]
	if pool == nil || d.chance(10) { // strings, and operators that do not fit the key
		pool = operators[pick(d, "", "", "", "arn", "number", "bool")]
	}
	c := iampolicy.Condition{Operator: pick(d, pool...), Key: key}
	switch {
	case d.chance(10):
		c.Operator, c.Values = "Null", iampolicy.Of(pick(d, "true", "false"))
	case key == "aws:PrincipalArn":
		c.Values = iampolicy.Of(pick(d, "arn:aws:iam::*:role/*", "arn:aws:iam::"+here+":*", d.roleOrUser()))
	default:
		for range 1 + d.IntN(2) {
			c.Values.Values = append(c.Values.Values, d.pattern(kind))
		}
	}
	return c
}

// document makes a policy of a kind with one to three statements, of which so
// many in a hundred allow.
func (d *drawer) document(kind string, allow int) *iampolicy.Document {
	doc := &iampolicy.Document{Version: iampolicy.Version}
	if d.chance(4) && kind != "scp" && kind != "rcp" {
		doc.Version = "2008-10-17"
	}
	for i := range 1 + d.IntN(3) {
		s := iampolicy.Statement{Sid: fmt.Sprint("S", i), Effect: iampolicy.Allow}
		if !d.chance(allow) {
			s.Effect = iampolicy.Deny
		}
		d.actions(&s, kind)
		d.resources(&s, kind)
		if kind == "rcp" {
			s.Principal = &iampolicy.Principals{Any: true}
		} else if kind == "bucket" || kind == "key" || kind == "trust" {
			d.principals(&s, kind)
		}
		for range pick(d, 0, 0, 1, 1, 2) {
			c := d.condition()
			if len(s.Conditions) == 0 || s.Conditions[0].Operator != c.Operator || s.Conditions[0].Key != c.Key {
				s.Conditions = append(s.Conditions, c)
			}
		}
		doc.Statements = append(doc.Statements, s)
	}
	return doc
}

func (d *drawer) actions(s *iampolicy.Statement, kind string) {
	service := d.action[:3]
	if service == "s3:" {
		service = "s3"
	}
	patterns := []string{d.action, d.action, service + ":*", d.action[:len(d.action)-3] + "*", service + ":?*t*", "sqs:SendMessage"}
	if kind != "rcp" && kind != "trust" {
		patterns = append(patterns, "*", "*")
	}
	if kind == "trust" {
		patterns = []string{"sts:AssumeRole", "sts:AssumeRole", "sts:*", "sts:TagSession"}
	}
	actions := iampolicy.Of(pick(d, patterns...))
	if d.chance(40) {
		actions = iampolicy.Of(pick(d, patterns...), pick(d, patterns...))
	}
	if d.chance(10) && (kind == "identity" || kind == "boundary" || kind == "session") {
		s.NotActions = iampolicy.Of(pick(d, "sqs:*", d.action, "iam:*"))
		return
	}
	s.Actions = actions
}

func (d *drawer) resources(s *iampolicy.Statement, kind string) {
	switch kind {
	case "trust":
		return
	case "key":
		s.Resources = iampolicy.Of("*")
		return
	}
	patterns := []string{"*", "*", "*", "arn:aws:sqs:eu-west-1:" + here + ":queue"}
	if d.resource != "*" {
		patterns = append(patterns, d.resource, d.resource[:len(d.resource)-1]+"*", d.resource[:len(d.resource)-1]+"?")
	}
	if kind == "identity" && d.resource != "*" && d.chance(5) { // ARNs that AWS completes
		s.Resources = iampolicy.Of(pick(d, d.resource[:strings.LastIndexByte(d.resource, ':')], "arn:aws", "arn:aws:*"))
		return
	}
	switch {
	case d.kind == "bucket":
		patterns = []string{"arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::*", "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*", "arn:aws:s3:::bucket/${aws:PrincipalTag/unset, 'dir'}/*", "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*", d.resource}
		if kind != "bucket" {
			patterns = append(patterns, "*")
		}
	case d.resource != "*" && d.kind == "":
		patterns = append(patterns, "arn:aws:ec2:*:*:snapshot/*", "arn:aws:ec2:us-*::snapshot/*", "arn:aws:ec2:*:"+here+":snapshot/*", "arn:aws:ec2:*:*:snapshot/${*}")
	}
	values := iampolicy.Of(pick(d, patterns...))
	if d.chance(30) && values.Values[0] != "*" {
		values = iampolicy.Of(values.Values[0], pick(d, patterns[len(patterns)-1], d.resource))
	}
	if d.chance(8) && kind != "rcp" && values.Values[0] != "*" {
		s.NotResources = values
		return
	}
	s.Resources = values
}

func (d *drawer) principals(s *iampolicy.Statement, kind string) {
	me := d.principalAccount()
	p := &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(pick(d,
		d.Request.Principal, d.Request.Principal, d.roleOrUser(), me, "arn:aws:iam::"+me+":root", "*",
		"arn:aws:iam::"+me+":role/path/backup", "arn:aws:iam::"+here+":user/bob", here, there))}}
	switch {
	case d.chance(15):
		p = &iampolicy.Principals{Any: true}
	case d.chance(5):
		p = &iampolicy.Principals{By: map[string]iampolicy.Strings{"Service": iampolicy.Of("backup.amazonaws.com")}}
	}
	if s.Effect == iampolicy.Deny && d.chance(10) && kind == "bucket" {
		s.NotPrincipal = p
		return
	}
	s.Principal = p
}

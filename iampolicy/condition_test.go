package iampolicy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// requireCondition asks both an Allow and a Deny with the condition, since a
// condition that holds must work either way.
func requireCondition(t *testing.T, condition string, context contextKeys, holds bool) {
	t.Helper()
	body := `"Action":"s3:GetObject","Resource":"*","Condition":` + condition + `}`
	ask := func(statements ...string) iampolicy.Outcome {
		return iampolicy.Evaluate(
			iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN, Context: context},
			iampolicy.PolicySet{Identity: docs(t, statements...)}).Outcome
	}
	allow, deny := iampolicy.ImplicitDeny, iampolicy.Allowed
	if holds {
		allow, deny = iampolicy.Allowed, iampolicy.ExplicitDeny
	}
	require.Equal(t, allow, ask(`{"Effect":"Allow",`+body), "Allow with %s for %v", condition, context)
	require.Equal(t, deny, ask(allowAll, `{"Effect":"Deny",`+body), "Deny with %s for %v", condition, context)
}

// Each row is one operator on the key k: the values of the policy as JSON, the
// value in the request, and whether that is a match.
func TestOperators(t *testing.T) {
	for _, tt := range []struct {
		operator, policy, request string
		holds                     bool
	}{
		{"StringEquals", `"a"`, "a", true},
		{"StringEquals", `"a"`, "A", false},
		{"StringEquals", `"a*"`, "ab", false},
		{"StringEquals", `["b","a"]`, "a", true},
		{"StringEquals", `""`, "", true},
		{"StringEquals", `[]`, "a", false},
		{"stringequals", `"a"`, "a", true},
		{"StringNotEquals", `"a"`, "b", true},
		{"StringNotEquals", `"a"`, "a", false},
		{"StringNotEquals", `["b","a"]`, "a", false},
		{"StringNotEquals", `["b","a"]`, "c", true},
		{"StringEqualsIgnoreCase", `"aÉ"`, "Aé", true},
		{"StringEqualsIgnoreCase", `"a"`, "b", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "A", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "b", true},
		{"StringLike", `"a*"`, "abc", true},
		{"StringLike", `"a*"`, "a", true},
		{"StringLike", `"a?"`, "ab", true},
		{"StringLike", `"a?"`, "a", false},
		{"StringLike", `"A*"`, "abc", false},
		{"StringLike", `["x*","*c"]`, "abc", true},
		{"StringLike", `"*"`, "", true},
		{"StringNotLike", `"a*"`, "abc", false},
		{"StringNotLike", `"a*"`, "xyz", true},

		{"NumericEquals", `"5"`, "5", true},
		{"NumericEquals", `5`, "5", true},
		{"NumericEquals", `"5.0"`, "5", true},
		{"NumericEquals", `"9007199254740993"`, "9007199254740992", false},
		{"NumericEquals", `"0.1"`, "0.10", true},
		{"NumericEquals", `"1e1"`, "10", false},
		{"NumericEquals", `"a"`, "a", false},
		{"NumericNotEquals", `"5"`, "6", true},
		{"NumericNotEquals", `["5","6"]`, "6", false},
		{"NumericNotEquals", `"5"`, "a", false},
		{"NumericNotEquals", `"a"`, "5", false},
		{"NumericLessThan", `"5"`, "4.9", true},
		{"NumericLessThan", `"5"`, "5", false},
		{"NumericLessThan", `["1","10"]`, "5", true},
		{"NumericLessThanEquals", `"5"`, "5", true},
		{"NumericLessThanEquals", `"-5"`, "-4", false},
		{"NumericGreaterThan", `"5"`, "5.1", true},
		{"NumericGreaterThan", `"5"`, "5", false},
		{"NumericGreaterThanEquals", `"5"`, "5", true},
		{"NumericGreaterThanEquals", `"5"`, "4", false},

		{"DateEquals", `"2026-03-01T00:00:00Z"`, "2026-03-01T01:00:00+01:00", true},
		{"DateEquals", `"2026-03-01"`, "2026-03-01T00:00:00Z", true},
		{"DateEquals", `"2026-03"`, "2026-03-01", true},
		{"DateEquals", `"1772323200"`, "2026-03-01T00:00:00Z", true},
		{"DateEquals", `1772323200`, "1772323200", true},
		{"DateEquals", `"2026-03-01T00:00Z"`, "2026-03-01T00:00:00.000Z", true},
		{"DateEquals", `"yesterday"`, "yesterday", false},
		{"DateNotEquals", `"2026-03-01"`, "2026-03-02", true},
		{"DateNotEquals", `"2026-03-01"`, "2026-03-01", false},
		{"DateNotEquals", `"2026-03-01"`, "never", false},
		{"DateLessThan", `"2026-03-01T00:00:00Z"`, "2026-02-28T23:59:59Z", true},
		{"DateLessThan", `"2026-03-01T00:00:00Z"`, "2026-03-01T00:00:00Z", false},
		{"DateLessThanEquals", `"2026-03-01T00:00:00Z"`, "2026-03-01T00:00:00Z", true},
		{"DateGreaterThan", `"2026-03-01T00:00:00Z"`, "2026-03-01T00:00:01Z", true},
		{"DateGreaterThan", `"2026-03-01T00:00:00Z"`, "2026-03-01T00:00:00Z", false},
		{"DateGreaterThanEquals", `"2026-03-01T00:00:00Z"`, "2026-03-01T00:00:00Z", true},

		{"Bool", `"true"`, "true", true},
		{"Bool", `true`, "true", true},
		{"Bool", `"True"`, "true", true},
		{"Bool", `"false"`, "true", false},
		{"Bool", `["true","false"]`, "false", true},
		{"Bool", `"yes"`, "yes", false},
		{"BinaryEquals", `"QmluYXJ5"`, "QmluYXJ5", true},
		{"BinaryEquals", `"QmluYXJ5"`, "Qmx1YXJ5", false},
		{"BinaryEquals", `"?"`, "?", false},

		{"IpAddress", `"203.0.113.0/24"`, "203.0.113.77", true},
		{"IpAddress", `"203.0.113.0/24"`, "203.0.114.1", false},
		{"IpAddress", `"203.0.113.5"`, "203.0.113.5", true},
		{"IpAddress", `"203.0.113.5"`, "203.0.113.6", false},
		{"IpAddress", `["2001:db8::/32","203.0.113.0/24"]`, "2001:DB8:0::1", true},
		{"IpAddress", `"2001:db8::1"`, "2001:db8:0:0::1", true},
		{"IpAddress", `"203.0.113.0/24"`, "::ffff:203.0.113.9", true},
		{"IpAddress", `"0.0.0.0/0"`, "2001:db8::1", false},
		{"IpAddress", `"203.0.113.0/24"`, "somewhere", false},
		{"IpAddress", `"203.0.113.0/33"`, "203.0.113.1", false},
		{"NotIpAddress", `"203.0.113.0/24"`, "198.51.100.1", true},
		{"NotIpAddress", `"203.0.113.0/24"`, "203.0.113.1", false},
		{"NotIpAddress", `"203.0.113.0/24"`, "somewhere", false},

		{"ArnEquals", `"arn:aws:iam::*:role/bk/*"`, roleARN, true},
		{"ArnLike", `"arn:aws:iam::*:role/bk/*"`, roleARN, true},
		{"ArnLike", `"arn:aws:iam::111111111111:role/*"`, roleARN, true},
		{"ArnLike", `"arn:aws:iam::222222222222:role/*"`, roleARN, false},
		{"ArnLike", `"arn:aws:iam:*role/*"`, roleARN, false},
		{"ArnLike", `"arn:aws:iam::*"`, roleARN, false},
		{"ArnLike", `"*"`, roleARN, false},
		{"ArnLike", `"arn:*:*:*:*:*"`, roleARN, true},
		{"ArnLike", `"ARN:AWS:iam::*:role/*"`, roleARN, false},
		{"ArnLike", `"arn:aws:logs:*:*:log-group:*"`, "arn:aws:logs:eu-west-1:111111111111:log-group:g:log-stream:s", true},
		{"ArnNotEquals", `"arn:aws:iam::*:role/bk/*"`, roleARN, false},
		{"ArnNotLike", `"arn:aws:iam::*:role/bk/*"`, aliceARN, true},
		{"ArnNotLike", `"arn:aws:iam::*:role/bk/*"`, "alice", false},

		{"Null", `"true"`, "a", false},
		{"Null", `"false"`, "a", true},
		{"Null", `false`, "a", true},
		{"Null", `["true","false"]`, "a", true},
		{"Null", `"false"`, "", false},
		{"StringEqualsIfExists", `"a"`, "a", true},
		{"StringEqualsIfExists", `"a"`, "b", false},
		{"StringNotEqualsIfExists", `"a"`, "a", false},
		{"BoolIfExists", `"false"`, "true", false},
		{"boolifexists", `"true"`, "true", true},
	} {
		t.Run(strings.Join([]string{tt.operator, tt.policy, tt.request}, " "), func(t *testing.T) {
			requireCondition(t, `{"`+tt.operator+`":{"k":`+tt.policy+`}}`, contextKeys{"k": {tt.request}}, tt.holds)
		})
	}
}

func TestMissingKeys(t *testing.T) {
	for condition, holds := range map[string]bool{
		`{"StringEquals":{"k":"a"}}`:                 false,
		`{"StringLike":{"k":"*"}}`:                   false,
		`{"StringNotEquals":{"k":"a"}}`:              true,
		`{"StringNotLike":{"k":"*"}}`:                true,
		`{"StringNotEqualsIgnoreCase":{"k":"a"}}`:    true,
		`{"NumericEquals":{"k":"1"}}`:                false,
		`{"NumericLessThan":{"k":"1"}}`:              false,
		`{"NumericNotEquals":{"k":"1"}}`:             true,
		`{"DateGreaterThan":{"k":"1"}}`:              false,
		`{"DateNotEquals":{"k":"1"}}`:                true,
		`{"Bool":{"k":"false"}}`:                     false,
		`{"BinaryEquals":{"k":""}}`:                  false,
		`{"IpAddress":{"k":"0.0.0.0/0"}}`:            false,
		`{"NotIpAddress":{"k":"0.0.0.0/0"}}`:         true,
		`{"ArnLike":{"k":"arn:*:*:*:*:*"}}`:          false,
		`{"ArnNotEquals":{"k":"arn:*:*:*:*:*"}}`:     true,
		`{"Null":{"k":"true"}}`:                      true,
		`{"Null":{"k":"false"}}`:                     false,
		`{"StringEqualsIfExists":{"k":"a"}}`:         true,
		`{"StringNotEqualsIfExists":{"k":"a"}}`:      true,
		`{"NumericLessThanIfExists":{"k":"1"}}`:      true,
		`{"ForAllValues:StringEquals":{"k":"a"}}`:    true,
		`{"ForAllValues:StringNotEquals":{"k":"a"}}`: true,
		`{"ForAnyValue:StringEquals":{"k":"a"}}`:     false,
		`{"ForAnyValue:StringNotEquals":{"k":"a"}}`:  false,
		// The set operator is resolved before IfExists.
		`{"ForAnyValue:StringEqualsIfExists":{"k":"a"}}`:               false,
		`{"ForAllValues:StringEqualsIfExists":{"k":"a"}}`:              true,
		`{"ForAllValues:StringEquals":{"k":"a"},"Null":{"k":"false"}}`: false,
		`{}`:                                true,
		`{"StringEquals":{}}`:               true,
		`{"Null":{"k":"true","l":"false"}}`: false,
	} {
		t.Run(condition, func(t *testing.T) {
			requireCondition(t, condition, nil, holds)
			requireCondition(t, condition, contextKeys{"k": {}}, holds)
		})
	}
}

func TestSeveralValues(t *testing.T) {
	for _, tt := range []struct {
		condition string
		values    []string
		holds     bool
	}{
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, []string{"a"}, true},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, []string{"b", "a"}, true},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, []string{"a", "c"}, false},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, []string{""}, true},
		{`{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, []string{"c", "d"}, true},
		{`{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, []string{"a", "d"}, false},
		{`{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, []string{"c", "a"}, true},
		{`{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, []string{"c", "d"}, false},
		{`{"ForAnyValue:StringLike":{"k":"*"}}`, []string{""}, false},
		{`{"ForAnyValue:StringNotEquals":{"k":"a"}}`, []string{"a", "b"}, true},
		{`{"ForAnyValue:StringNotEquals":{"k":"a"}}`, []string{"a", "a"}, false},
		{`{"forallvalues:stringlike":{"k":"a*"}}`, []string{"a", "ab"}, true},
		{`{"ForAnyValue:ArnLike":{"k":"arn:aws:iam::*:role/*"}}`, []string{aliceARN, roleARN}, true},
		{`{"ForAllValues:NumericLessThan":{"k":"5"}}`, []string{"1", "4"}, true},
		{`{"ForAllValues:NumericLessThan":{"k":"5"}}`, []string{"1", "5"}, false},
		{`{"ForAllValues:StringEqualsIfExists":{"k":"a"}}`, []string{"a", "b"}, false},
		// An operator for one value never matches a list.
		{`{"StringEquals":{"k":"a"}}`, []string{"a", "b"}, false},
		{`{"StringEquals":{"k":["a","b"]}}`, []string{"a", "b"}, false},
		{`{"StringNotEquals":{"k":"c"}}`, []string{"a", "b"}, false},
		{`{"StringEqualsIfExists":{"k":"a"}}`, []string{"a", "b"}, false},
		{`{"Null":{"k":"false"}}`, []string{"a", "b"}, true},
	} {
		t.Run(tt.condition+strings.Join(tt.values, ","), func(t *testing.T) {
			requireCondition(t, tt.condition, contextKeys{"k": tt.values}, tt.holds)
		})
	}
	t.Run("a key that is a list by nature, with one value", func(t *testing.T) {
		for _, name := range []string{"aws:TagKeys", "AWS:tagkeys", "sts:TransitiveTagKeys", "kms:GrantOperations"} {
			requireCondition(t, `{"StringEquals":{"`+name+`":"a"}}`, contextKeys{name: {"a"}}, false)
			requireCondition(t, `{"ForAnyValue:StringEquals":{"`+name+`":"a"}}`, contextKeys{name: {"a"}}, true)
		}
	})
}

func TestSeveralConditions(t *testing.T) {
	context := contextKeys{"a": {"1"}, "b": {"2"}}
	requireCondition(t, `{"StringEquals":{"a":"1","b":"2"}}`, context, true)
	requireCondition(t, `{"StringEquals":{"a":"1","b":"3"}}`, context, false)
	requireCondition(t, `{"StringEquals":{"a":"1"},"StringNotEquals":{"b":"3"}}`, context, true)
	requireCondition(t, `{"StringEquals":{"a":"1"},"StringNotEquals":{"b":"2"}}`, context, false)
}

func TestKeysIgnoreCase(t *testing.T) {
	requireCondition(t, `{"StringEquals":{"aws:ResourceTag/Plan":"p"}}`, contextKeys{"AWS:resourcetag/plan": {"p"}}, true)
	requireCondition(t, `{"StringEquals":{"aws:ResourceTag/Plan":"p"}}`, contextKeys{"aws:ResourceTag/Plan": {"p"}, "aws:ResourceTag/plan": {"q"}}, true)
	// Should two keys differ in case only, the answer is the same every time.
	for range 20 {
		requireCondition(t, `{"StringEquals":{"k":"1"}}`, contextKeys{"K": {"1"}, "\u212a": {"3"}}, true)
		requireCondition(t, `{"StringEquals":{"kK":"1"}}`, contextKeys{"KK": {"1"}, "Kk": {"2"}}, true)
	}
}

func TestVariables(t *testing.T) {
	tag := contextKeys{"aws:PrincipalTag/team": {"blue"}}
	for _, tt := range []struct {
		name, resource, asked string
		context               contextKeys
		matches               bool
	}{
		{"a value", "arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b/blue/x", tag, true},
		{"another value", "arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b/red/x", tag, false},
		{"case of the name", "arn:aws:s3:::b/${AWS:principaltag/TEAM}", "arn:aws:s3:::b/blue", tag, true},
		{"white space", "arn:aws:s3:::b/${ aws:PrincipalTag/team }", "arn:aws:s3:::b/blue", tag, true},
		{"two in one", "arn:aws:s3:::b/${aws:PrincipalTag/team}-${aws:PrincipalTag/team}", "arn:aws:s3:::b/blue-blue", tag, true},
		{"no value", "arn:aws:s3:::b/${aws:PrincipalTag/team}*", "arn:aws:s3:::b/", nil, false},
		{"no value matches not even itself", "arn:aws:s3:::b/${aws:PrincipalTag/team}", "arn:aws:s3:::b/${aws:PrincipalTag/team}", nil, false},
		{"empty value", "arn:aws:s3:::b/${aws:PrincipalTag/team}x", "arn:aws:s3:::b/x", contextKeys{"aws:PrincipalTag/team": {""}}, false},
		{"default", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}", "arn:aws:s3:::b/none", nil, true},
		{"default not used", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}", "arn:aws:s3:::b/none", tag, false},
		{"default of spaces", "arn:aws:s3:::b/${aws:PrincipalTag/team, ' a, 'b' '}", "arn:aws:s3:::b/ a, 'b' ", nil, true},
		{"default without quotes", "arn:aws:s3:::b/${aws:PrincipalTag/team, none}", "arn:aws:s3:::b/none", nil, false},
		{"a list is no value", "arn:aws:s3:::b/${aws:TagKeys}", "arn:aws:s3:::b/a", contextKeys{"aws:TagKeys": {"a"}}, false},
		{"several values are none", "arn:aws:s3:::b/${k, 'x'}", "arn:aws:s3:::b/x", contextKeys{"k": {"a", "b"}}, true},
		{"a wildcard in a value is literal", "arn:aws:s3:::b/${k}", "arn:aws:s3:::b/abc", contextKeys{"k": {"a*"}}, false},
		{"a wildcard in a value matches itself", "arn:aws:s3:::b/${k}", "arn:aws:s3:::b/a*", contextKeys{"k": {"a*"}}, true},
		{"a variable in a value is literal", "arn:aws:s3:::b/${k}", "arn:aws:s3:::b/${l}", contextKeys{"k": {"${l}"}, "l": {"x"}}, true},
		{"a colon in a value", "arn:aws:s3:::b/${k}", "arn:aws:s3:::b/a:b", contextKeys{"k": {"a:b"}}, true},
		{"a colon in a name", "arn:aws:s3:::${aws:PrincipalTag/team}", "arn:aws:s3:::blue", tag, true},
		{"star", "arn:aws:ec2:*::snapshot/${*}", "arn:aws:ec2:eu-west-1::snapshot/*", nil, true},
		{"star is literal", "arn:aws:ec2:*::snapshot/${*}", snapshotARN, nil, false},
		{"question mark", "arn:aws:s3:::b/a${?}", "arn:aws:s3:::b/a?", nil, true},
		{"question mark is literal", "arn:aws:s3:::b/a${?}", "arn:aws:s3:::b/ab", nil, false},
		{"dollar", "arn:aws:s3:::b/${$}{k}", "arn:aws:s3:::b/${k}", contextKeys{"k": {"x"}}, true},
		{"not closed", "arn:aws:s3:::b/${k", "arn:aws:s3:::b/${k", contextKeys{"k": {"x"}}, true},
		{"no name", "arn:aws:s3:::b/${}", "arn:aws:s3:::b/", nil, false},
		{"user name", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/alice/x", nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask := func(version, element string) bool {
				d := parse(t, `{"Version":"`+version+`","Statement":{"Effect":"Allow","Action":"*","`+element+`":"`+tt.resource+`"}}`)
				return iampolicy.Allowed == iampolicy.Evaluate(
					iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: tt.asked, Context: tt.context},
					iampolicy.PolicySet{Identity: []*iampolicy.Document{d}}).Outcome
			}
			require.Equal(t, tt.matches, ask("2012-10-17", "Resource"))
			require.Equal(t, !tt.matches, ask("2012-10-17", "NotResource"))
		})
	}
}

// Before version 2012-10-17 a variable is but text, in which * is a wildcard.
func TestVariablesNeedTheVersion(t *testing.T) {
	for _, version := range []string{"", `"Version":"2008-10-17",`} {
		d := parse(t, `{`+version+`"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${k}${*}"}}`)
		ask := func(resource string) iampolicy.Outcome {
			return iampolicy.Evaluate(
				iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: resource, Context: contextKeys{"k": {"x"}}},
				iampolicy.PolicySet{Identity: []*iampolicy.Document{d}}).Outcome
		}
		require.Equal(t, iampolicy.ImplicitDeny, ask("arn:aws:s3:::b/x*"))
		require.Equal(t, iampolicy.Allowed, ask("arn:aws:s3:::b/${k}${abc}"))
	}
}

func TestVariablesInConditions(t *testing.T) {
	context := contextKeys{"k": {"blue"}, "v": {"blue"}, "star": {"a*c"}, "n": {"5"}, "yes": {"true"}, "ip": {"192.0.2.1"}, "arn": {roleARN}, "five": {"5"}}
	for condition, holds := range map[string]bool{
		`{"StringEquals":{"k":"${v}"}}`:                          true,
		`{"StringEqualsIgnoreCase":{"k":"B${*}"}}`:               false,
		`{"StringLike":{"k":"b*${v}"}}`:                          false,
		`{"StringLike":{"k":"${v}*"}}`:                           true,
		`{"StringLike":{"star":"a${*}c"}}`:                       true,
		`{"StringLike":{"k":"${star}"}}`:                         false,
		`{"StringEquals":{"star":"a${*}c"}}`:                     true,
		`{"StringEquals":{"k":"${none, 'blue'}"}}`:               true,
		`{"StringEquals":{"k":"${none}"}}`:                       false,
		`{"StringEquals":{"k":["${none}","blue"]}}`:              true,
		`{"StringNotEquals":{"k":"${none}"}}`:                    true,
		`{"StringNotEquals":{"k":["${none}","blue"]}}`:           false,
		`{"StringNotEquals":{"k":"${v}"}}`:                       false,
		`{"ForAllValues:StringEquals":{"k":"${none}"}}`:          false,
		`{"ArnLike":{"arn":"arn:aws:iam::*:role/bk/${none}"}}`:   false,
		`{"ArnLike":{"arn":"arn:aws:iam::*:${none, 'role'}/*"}}`: true,
		`{"ArnNotLike":{"arn":"arn:aws:iam::*:role/${none}"}}`:   true,
		`{"Bool":{"yes":"${yes}"}}`:                              true,
		// The other operators know no variables.
		`{"NumericEquals":{"n":"${five}"}}`:   false,
		`{"DateEquals":{"n":"${five}"}}`:      false,
		`{"IpAddress":{"ip":"${ip}"}}`:        false,
		`{"Null":{"k":"${yes}"}}`:             false,
		`{"BinaryEquals":{"k":"${v}"}}`:       false,
		`{"NumericNotEquals":{"n":"${one}"}}`: false,
	} {
		t.Run(condition, func(t *testing.T) { requireCondition(t, condition, context, holds) })
	}
}

// Keys that AWS takes from the principal and the resource are there though the
// caller does not give them.
func TestDerivedKeys(t *testing.T) {
	role := as(sessionARN)
	for _, tt := range []struct {
		who       iampolicy.Principal
		owner     string
		condition string
		holds     bool
	}{
		{role, "", `{"StringEquals":{"aws:PrincipalArn":"` + roleARN + `"}}`, true},
		{iampolicy.Principal{ARN: sessionARN}, "", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/backup"}}`, true},
		{as(aliceARN), "", `{"StringEquals":{"aws:principalarn":"` + aliceARN + `"}}`, true},
		{as(rootARN), "", `{"StringEquals":{"aws:PrincipalArn":"` + rootARN + `","aws:userid":"111111111111","aws:PrincipalType":"Account"}}`, true},
		{role, "222222222222", `{"StringEquals":{"aws:PrincipalAccount":"111111111111","aws:ResourceAccount":"222222222222"}}`, true},
		{role, "", `{"StringEquals":{"aws:ResourceAccount":"111111111111","aws:PrincipalType":"AssumedRole"}}`, true},
		{role, "", `{"Null":{"aws:userid":"true","aws:username":"true","aws:PrincipalServiceName":"true"}}`, true},
		{as(aliceARN), "", `{"StringEquals":{"aws:username":"alice","aws:PrincipalType":"User"},"Null":{"aws:userid":"true"}}`, true},
		{as("arn:aws:sts::111111111111:federated-user/carol"), "", `{"StringEquals":{"aws:userid":"111111111111:carol","aws:PrincipalType":"FederatedUser"}}`, true},
		{as("backup.amazonaws.com"), "222222222222", `{"Bool":{"aws:PrincipalIsAWSService":"true"},"StringEquals":{"aws:PrincipalServiceName":"backup.amazonaws.com"}}`, true},
		{as("backup.amazonaws.com"), "222222222222", `{"Null":{"aws:PrincipalArn":"true","aws:PrincipalAccount":"true","aws:PrincipalType":"true"}}`, true},
		{role, "", `{"Bool":{"aws:PrincipalIsAWSService":"false"}}`, true},
		{as(""), "222222222222", `{"StringEquals":{"aws:PrincipalType":"Anonymous","aws:userid":"anonymous"},"Null":{"aws:PrincipalArn":"true","aws:PrincipalIsAWSService":"true"}}`, true},
		{iampolicy.Principal{ARN: aliceARN, Account: "222222222222"}, "", `{"StringEquals":{"aws:PrincipalAccount":"222222222222"}}`, true},
	} {
		t.Run(tt.who.ARN+" "+tt.condition, func(t *testing.T) {
			d := iampolicy.Evaluate(iampolicy.Request{
				Principal: tt.who, Action: "s3:GetObject", Resource: objectARN, ResourceAccount: tt.owner,
			}, iampolicy.PolicySet{Resource: doc(t, `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":`+tt.condition+`}`)})
			require.Equal(t, tt.holds, d.Outcome == iampolicy.ExplicitDeny)
		})
	}
	t.Run("what the caller says comes first", func(t *testing.T) {
		requireCondition(t, `{"StringEquals":{"aws:PrincipalArn":"x"}}`, contextKeys{"AWS:PRINCIPALARN": {"x"}}, true)
		requireCondition(t, `{"Null":{"aws:username":"true"}}`, contextKeys{"aws:username": nil}, true)
	})
}

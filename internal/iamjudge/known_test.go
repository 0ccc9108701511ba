package iamjudge_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// A deviation is where the judge is known to differ from what AWS documents.
type deviation struct {
	name string
	// source of what AWS does.
	source string
	// touches says that a sample has what it takes to differ so.
	touches      func(*sample) bool
	example      func() *sample
	ours, theirs string
}

// deviations returns the names of those that a sample may show.
func deviations(s *sample) (names []string) {
	for _, d := range known {
		if d.touches(s) {
			names = append(names, d.name)
		}
	}
	return names
}

// documents returns all policies of a sample.
func (s *sample) documents() []*iampolicy.Document {
	p := s.Policies
	all := slices.Concat(p.Identity, p.Boundary, []*iampolicy.Document{p.Resource, p.Session}, slices.Concat(p.SCP...), slices.Concat(p.RCP...))
	return slices.DeleteFunc(all, func(d *iampolicy.Document) bool { return d == nil })
}

// statement says whether one of the statements of a sample is like this.
func (s *sample) statement(like func(*iampolicy.Document, *iampolicy.Statement) bool) bool {
	for _, d := range s.documents() {
		for i := range d.Statements {
			if like(d, &d.Statements[i]) {
				return true
			}
		}
	}
	return false
}

// condition says whether one of the conditions of a sample is like this.
func (s *sample) condition(like func(*iampolicy.Condition) bool) bool {
	return s.statement(func(_ *iampolicy.Document, st *iampolicy.Statement) bool {
		return slices.ContainsFunc(st.Conditions, func(c iampolicy.Condition) bool { return like(&c) })
	})
}

func hasValue(c *iampolicy.Condition, part string) bool {
	return slices.ContainsFunc(c.Values.Values, func(v string) bool { return strings.Contains(v, part) })
}

// lacksValue says whether a text has a variable, without a default, of which
// the request has no value.
func (s *sample) lacksValue(text string) bool {
	for _, part := range strings.Split(text, "${")[1:] {
		key, _, _ := strings.Cut(part, "}")
		if _, given := s.Request.Context[key]; !given && strings.HasPrefix(key, "aws:") && !strings.Contains(key, ",") {
			return true
		}
	}
	return false
}

func negated(operator string) bool { return strings.Contains(strings.ToLower(operator), "not") }

// example returns a sample of a user's own bucket with one identity policy.
func example(statements string, context map[string]any) *sample {
	d, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
	if err != nil {
		panic(err)
	}
	return &sample{
		Request: request{
			Principal: "arn:aws:iam::" + here + ":user/alice", Action: "s3:GetObject",
			Resource: "arn:aws:s3:::bucket/key", Account: here, Context: context,
		},
		Policies: policies{Identity: []*iampolicy.Document{d}},
	}
}

const all = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`

var known = []deviation{
	{
		name:   "variables before 2012-10-17",
		source: "IAM User Guide, Variables and tags: treated as literal strings",
		touches: func(s *sample) bool {
			return slices.ContainsFunc(s.documents(), func(d *iampolicy.Document) bool {
				text, err := d.MarshalCompact()
				return err != nil || d.Version != iampolicy.Version && strings.Contains(string(text), "${")
			})
		},
		example: func() *sample {
			s := example(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/${aws:PrincipalTag/team}"}`, map[string]any{"aws:PrincipalTag/team": "key"})
			s.Policies.Identity[0].Version = "2008-10-17"
			return s
		},
		ours: "ImplicitlyDenied", theirs: "Allowed",
	},
	{
		name:   "a variable without value under a negated operator",
		source: "IAM User Guide, Variables and tags: inverted condition operators do match against a null value",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool {
				return negated(c.Operator) && slices.ContainsFunc(c.Values.Values, s.lacksValue)
			})
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/unset}"}}}`,
				map[string]any{"aws:PrincipalTag/team": "red"})
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "a variable without value in NotResource",
		source: "IAM User Guide, Variables and tags: the resource that includes a policy variable with no value will not match any resource",
		touches: func(s *sample) bool {
			return s.statement(func(_ *iampolicy.Document, st *iampolicy.Statement) bool {
				return slices.ContainsFunc(st.NotResources.Values, s.lacksValue)
			})
		},
		example: func() *sample {
			return example(all+`,{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::bucket/${aws:PrincipalTag/unset}"}`, nil)
		},
		ours: "ExplicitlyDenied", theirs: "Allowed",
	},
	{
		name:   "special characters outside of patterns",
		source: "IAM User Guide, Variables and tags: can be used in any string where you can use regular policy variables",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool {
				return !strings.Contains(strings.ToLower(c.Operator), "like") && (hasValue(c, "${*}") || hasValue(c, "${$}") || hasValue(c, "${?}"))
			})
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"r${*}d"}}}`,
				map[string]any{"aws:PrincipalTag/team": "r*d"})
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "dates in seconds since 1970",
		source: "IAM User Guide, Condition operators: or in epoch (UNIX) time",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool {
				return strings.HasPrefix(c.Operator, "Date") && slices.ContainsFunc(c.Values.Values, func(v string) bool { return strings.Trim(v, "0123456789") == "" })
			})
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"1798761600"}}}`,
				map[string]any{"aws:CurrentTime": "2026-03-01T00:00:00Z"})
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "the range of all addresses",
		source: "RFC 4632: a prefix of no bits is in every address",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool { return hasValue(c, "0.0.0.0/0") })
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}}`,
				map[string]any{"aws:SourceIp": "203.0.113.7"})
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "an address without prefix and one of the other family",
		source: "IAM User Guide, Condition operators: all IP addresses except the specified",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool {
				address, _ := s.Request.Context[c.Key].(string)
				return c.Operator == "NotIpAddress" && slices.ContainsFunc(c.Values.Values, func(v string) bool {
					return !strings.Contains(v, "/") && strings.Contains(v, ":") != strings.Contains(address, ":")
				})
			})
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.7"}}}`,
				map[string]any{"aws:SourceIp": "2001:db8::7"})
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "numbers with text after them",
		source: "IAM User Guide, Condition operators: comparing a key to an integer or decimal value",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool {
				got, _ := s.Request.Context[c.Key].(string)
				return strings.Contains(c.Operator, "Numeric") && slices.ContainsFunc(append(c.Values.Values, got), func(v string) bool {
					_, err := strconv.ParseFloat(v, 64)
					return err != nil && v != "" && strings.ContainsAny(v[:1], "0123456789")
				})
			})
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericEquals":{"aws:MultiFactorAuthAge":"5 minutes"}}}`,
				map[string]any{"aws:MultiFactorAuthAge": "5"})
		},
		ours: "ImplicitlyDenied", theirs: "Allowed",
	},
	{
		name:   "an empty value is none to set operators and Null",
		source: "IAM User Guide, Condition operators: a null dataset, such as an empty string",
		touches: func(s *sample) bool {
			for _, v := range s.Request.Context {
				if v == "" {
					return true
				}
			}
			return false
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Null":{"aws:PrincipalTag/team":"true"}}}`,
				map[string]any{"aws:PrincipalTag/team": ""})
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "Deny with NotPrincipal",
		source: "IAM User Guide, NotPrincipal: the session, the role and the account must be named",
		touches: func(s *sample) bool {
			return s.statement(func(_ *iampolicy.Document, st *iampolicy.Statement) bool { return st.NotPrincipal != nil })
		},
		example: func() *sample {
			s := example(all, nil)
			s.Request.Principal = "arn:aws:sts::" + here + ":assumed-role/backup/run"
			s.Policies.Resource = example(`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::`+here+`:role/backup"},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}`, nil).Policies.Identity[0]
			return s
		},
		ours: "ExplicitlyDenied", theirs: "Allowed",
	},
	{
		name:   "a grant to the session under a session policy",
		source: "IAM User Guide, Policies and permissions: the resource-based policy permissions are not limited by the session policy",
		touches: func(s *sample) bool {
			return s.Policies.Session != nil && s.Policies.Resource != nil && s.statement(func(_ *iampolicy.Document, st *iampolicy.Statement) bool {
				return st.Principal != nil && slices.Contains(st.Principal.By["AWS"].Values, s.Request.Principal)
			})
		},
		example: func() *sample {
			s := example(all, nil)
			s.Request.Principal = "arn:aws:sts::" + here + ":assumed-role/backup/run"
			s.Policies.Session = example(`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`, nil).Policies.Identity[0]
			s.Policies.Resource = example(`{"Effect":"Allow","Principal":{"AWS":"`+s.Request.Principal+`"},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}`, nil).Policies.Identity[0]
			return s
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:    "the root user",
		source:  "IAM User Guide, Policy evaluation logic: implicitly denied with the exception of the root user, which has full access",
		touches: func(s *sample) bool { return strings.HasSuffix(s.Request.Principal, ":root") },
		example: func() *sample {
			s := example(`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`, nil)
			s.Request.Principal = "arn:aws:iam::" + here + ":root"
			return s
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:    "service-linked roles under SCPs",
		source:  "Organizations User Guide, SCPs: they don't restrict service-linked roles",
		touches: func(s *sample) bool { return strings.Contains(s.Request.Principal, "/AWSServiceRoleFor") },
		example: func() *sample {
			s := example(all, nil)
			s.Request.Principal = "arn:aws:sts::" + here + ":assumed-role/AWSServiceRoleForBackup/run"
			s.Policies.SCP = [][]*iampolicy.Document{example(`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`, nil).Policies.Identity}
			return s
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:    "services under SCPs",
		source:  "Organizations User Guide, SCPs: they affect only principals of member accounts",
		touches: func(s *sample) bool { return strings.HasSuffix(s.Request.Principal, ".amazonaws.com") },
		example: func() *sample {
			s := example(all, nil)
			s.Request.Principal = "backup.amazonaws.com"
			s.Policies.Resource = example(`{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}`, nil).Policies.Identity[0]
			s.Policies.SCP = [][]*iampolicy.Document{example(`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`, nil).Policies.Identity}
			return s
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "keys that follow from the principal",
		source: "IAM User Guide, Global condition context keys: aws:PrincipalArn is in all signed requests",
		touches: func(s *sample) bool {
			_, given := s.Request.Context["aws:PrincipalArn"]
			return !given
		},
		example: func() *sample {
			return example(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/alice"}}}`, nil)
		},
		ours: "Allowed", theirs: "ImplicitlyDenied",
	},
	{
		name:   "operators that IAM does not have",
		source: "IAM refuses them; ours never opens a door for them",
		touches: func(s *sample) bool {
			return s.condition(func(c *iampolicy.Condition) bool { return strings.Contains(c.Operator, "Sounds") })
		},
		example: func() *sample {
			return example(all+`,{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringSoundsLike":{"aws:PrincipalTag/team":"red"}}}`,
				map[string]any{"aws:PrincipalTag/team": "read"})
		},
		ours: "ExplicitlyDenied", theirs: "Allowed",
	},
}

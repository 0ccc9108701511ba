package stssim

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Grammar of AssumeRole's members.
// Source: STS API Reference, AssumeRole.
var (
	roleARN    = grammar{regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\x21-\x7f]+$`), 20, 2048}
	name       = grammar{regexp.MustCompile(`^[\w+=,.@-]*$`), 2, 64}
	externalID = grammar{regexp.MustCompile(`^[\w+=,.@:/-]*$`), 2, 1224}
	tagKey     = grammar{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`), 1, 128}
	tagValue   = grammar{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`), 0, 256}
	policyText = grammar{regexp.MustCompile(`^[\x{9}\x{a}\x{d}\x{20}-\x{ff}]+$`), 1, 2048}
)

// A grammar is what a member may look like, and its length in characters.
type grammar struct {
	pattern  *regexp.Regexp
	min, max int
}

func (g grammar) fits(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= g.min && n <= g.max && g.pattern.MatchString(s)
}

// read checks the members of a request as far as that does not depend on the role.
func read(c *core.Call, in *sts.AssumeRoleInput) (*request, error) {
	if m := unsupported(in); m != "" {
		return nil, c.Unsupported(m)
	}
	q := &request{roleARN: aws.ToString(in.RoleArn), name: aws.ToString(in.RoleSessionName), duration: defaultDuration}
	if !roleARN.fits(q.roleARN) {
		return nil, core.Errorf("ValidationError", "%s is invalid", q.roleARN)
	}
	for _, m := range []struct {
		what    string
		value   *string
		grammar grammar
		need    bool
		to      *string
	}{
		{"roleSessionName", in.RoleSessionName, name, true, &q.name},
		{"externalId", in.ExternalId, externalID, false, &q.externalID},
		{"sourceIdentity", in.SourceIdentity, name, false, &q.source},
		{"policy", in.Policy, policyText, false, &q.policyText},
	} {
		if m.value == nil && !m.need {
			continue
		}
		if !m.grammar.fits(aws.ToString(m.value)) {
			return nil, core.Errorf("ValidationError",
				"1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length between %d and %d and satisfy regular expression pattern: %s",
				m.what, m.grammar.min, m.grammar.max, m.grammar.pattern)
		}
		*m.to = *m.value
	}
	if in.DurationSeconds != nil {
		q.duration = time.Duration(*in.DurationSeconds) * time.Second
		if q.duration < minDuration || q.duration > maxDuration {
			return nil, core.Errorf("ValidationError",
				"1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200",
				*in.DurationSeconds)
		}
	}
	if err := q.readTags(in.Tags, in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	if err := q.readPolicy(); err != nil {
		return nil, err
	}
	return q, q.inherit(c)
}

func unsupported(in *sts.AssumeRoleInput) string {
	switch {
	case len(in.PolicyArns) > 0:
		return "PolicyArns"
	case in.SerialNumber != nil || in.TokenCode != nil:
		return "SerialNumber and TokenCode"
	case len(in.ProvidedContexts) > 0:
		return "ProvidedContexts"
	case in.MinimumSessionTokenSize != nil:
		return "MinimumSessionTokenSize"
	}
	return ""
}

// readTags reads session tags. Their keys differ in more than case.
func (q *request) readTags(tags []types.Tag, transitive []string) error {
	if len(tags) > maxTags || len(transitive) > maxTags {
		return core.Errorf("ValidationError", "Member must have length less than or equal to %d", maxTags)
	}
	q.sent = map[string]string{}
	folded := map[string]bool{}
	for _, t := range tags {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		if !tagKey.fits(k) || !tagValue.fits(v) || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return core.Errorf("ValidationError", "the session tag %q is not valid", k)
		}
		if folded[strings.ToLower(k)] {
			return core.Errorf("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		folded[strings.ToLower(k)] = true
		q.sent[k] = v
	}
	for _, k := range transitive {
		if _, ok := q.sent[k]; !ok {
			return core.Errorf("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
	}
	q.sentTransitive = transitive
	return nil
}

// readPolicy reads a session policy. White space counts against its length,
// unlike in policies that IAM stores.
func (q *request) readPolicy() error {
	if q.policyText == "" {
		return nil
	}
	malformed := func(why string) error { return core.Errorf("MalformedPolicyDocument", "%s", why) }
	d, err := iampolicy.Parse([]byte(q.policyText))
	if err != nil || len(d.Statements) == 0 {
		return malformed("Syntax errors in policy.")
	}
	for _, s := range d.Statements {
		switch {
		case s.Principal != nil || s.NotPrincipal != nil:
			return malformed("Policy document should not specify a principal.")
		case s.Effect != iampolicy.Allow && s.Effect != iampolicy.Deny,
			len(s.Actions.Values) == 0 && len(s.NotActions.Values) == 0,
			len(s.Resources.Values) == 0 && len(s.NotResources.Values) == 0:
			return malformed("Syntax errors in policy.")
		}
	}
	q.policy = d
	return nil
}

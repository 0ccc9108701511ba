package stssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

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
		to      *string
	}{
		{"externalId", in.ExternalId, externalID, &q.externalID},
		{"sourceIdentity", in.SourceIdentity, name, &q.source},
	} {
		if m.value == nil {
			continue
		}
		if err := m.grammar.check(m.what, m.value); err != nil {
			return nil, err
		}
		*m.to = *m.value
	}
	if in.DurationSeconds != nil {
		q.duration = time.Duration(*in.DurationSeconds) * time.Second
	}
	if err := between("durationSeconds", in.DurationSeconds, minDuration, maxDuration); err != nil {
		return nil, err
	}
	if err := q.bounds.read(bounded{in.Policy, in.PolicyArns, in.Tags, in.MinimumSessionTokenSize}); err != nil {
		return nil, err
	}
	if err := q.readTransitive(in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	return q, q.inherit(c)
}

func unsupported(in *sts.AssumeRoleInput) string {
	switch {
	case in.SerialNumber != nil || in.TokenCode != nil:
		return "TokenCode"
	case len(in.ProvidedContexts) > 0:
		return "ProvidedContexts"
	}
	return ""
}

// readTransitive reads which of the tags go on to the next hop.
func (q *request) readTransitive(keys []string) error {
	if len(keys) > maxTags {
		return core.Errorf("ValidationError", "Member must have length less than or equal to %d", maxTags)
	}
	for _, k := range keys {
		if _, ok := q.bounds.tags[k]; !ok {
			return core.Errorf("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
	}
	q.sentTransitive = keys
	return nil
}

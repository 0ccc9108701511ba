package stssim

import (
	"bytes"
	"compress/flate"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Limits of what a session is given along.
// Source: STS API Reference, AssumeRole; IAM User Guide, "IAM and AWS STS quotas".
const (
	maxPolicy     = 2048 // characters of the session policy and the ARNs of managed ones together
	maxPolicyARNs = 10
	maxTags       = 50
	maxToken      = 4096 // bytes of a session token
	// maxPacked is the room for policies and tags in a token, compressed. AWS
	// compresses in a way of its own and does not tell the limit: this is a
	// guess by which 50 short tags pass and 50 long ones do not.
	maxPacked = 2048
)

// A bounded is the members that bound a session.
type bounded struct {
	policy    *string
	arns      []types.PolicyDescriptorType
	tags      []types.Tag
	tokenSize *int32
}

// A bounds is what bounds a session: policies that narrow it and tags.
type bounds struct {
	text    string
	policy  *iampolicy.Document // inline; nil means none
	arns    []string            // of managed session policies
	tags    map[string]string
	minimum int // size of the token
}

func (b *bounds) read(m bounded) error {
	if err := between("minimumSessionTokenSize", m.tokenSize, 0, maxToken); err != nil {
		return err
	}
	b.minimum = int(aws.ToInt32(m.tokenSize))
	if err := b.readTags(m.tags); err != nil {
		return err
	}
	if len(m.arns) > maxPolicyARNs {
		return core.Errorf("ValidationError", "Member must have length less than or equal to %d", maxPolicyARNs)
	}
	length := 0
	for _, d := range m.arns {
		if err := policyARN.check("policyArns", d.Arn); err != nil {
			return err
		}
		b.arns = append(b.arns, *d.Arn)
		length += utf8.RuneCountInString(*d.Arn)
	}
	if m.policy != nil {
		if err := policyText.check("policy", m.policy); err != nil {
			return err
		}
		b.text = *m.policy
		length += utf8.RuneCountInString(b.text)
	}
	if length > maxPolicy {
		return core.Errorf("PackedPolicyTooLarge", "The session policies have %d characters, more than %d.", length, maxPolicy)
	}
	return b.readPolicy()
}

// readTags reads session tags. Their keys differ in more than case.
func (b *bounds) readTags(tags []types.Tag) error {
	if len(tags) > maxTags {
		return core.Errorf("ValidationError", "Member must have length less than or equal to %d", maxTags)
	}
	b.tags = map[string]string{}
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
		b.tags[k] = v
	}
	return nil
}

// readPolicy reads a session policy. White space counts against its length,
// unlike in policies that IAM stores.
func (b *bounds) readPolicy() error {
	if b.text == "" {
		return nil
	}
	malformed := func(why string) error { return core.Errorf("MalformedPolicyDocument", "%s", why) }
	d, err := iampolicy.Parse([]byte(b.text))
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
	b.policy = d
	return nil
}

// checkManaged checks that the managed session policies belong to the account
// or to AWS. What AWS answers to others is not documented.
func (b *bounds) checkManaged(c *core.Call, account *core.Account) error {
	for _, arn := range b.arns {
		p := c.Cloud.ManagedPolicy(arn)
		if p == nil || p.Account != nil && p.Account != account || !strings.HasPrefix(arn, "arn:"+account.Partition+":") {
			return core.Errorf("ValidationError", "The managed policy %s does not exist in account %s.", arn, account.ID)
		}
	}
	return nil
}

// pack returns how much of the room in a token the policies and tags take, in
// bytes; tags includes those that are inherited.
func (b *bounds) pack(tags map[string]string) (int, error) {
	if b.text == "" && len(b.arns) == 0 && len(tags) == 0 {
		return 0, nil
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return 0, err
	}
	text := append([]string{b.text}, b.arns...)
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		text = append(text, k, tags[k])
	}
	_, _ = w.Write([]byte(strings.Join(text, "\n"))) // a buffer takes all
	_ = w.Close()
	switch share := percent(packed.Len(), maxPacked); {
	case share <= 100:
		return packed.Len(), nil
	case len(tags) > 0:
		return 0, core.Errorf("PackedPolicyTooLarge", "Packed size of session tags consumes %d%% of allotted space.", share)
	default:
		return 0, core.Errorf("PackedPolicyTooLarge", "Packed policy consumes %d%% of allotted space, please use smaller policy.", share)
	}
}

// tokenSize is the size of a token that holds so much.
func (b *bounds) tokenSize(packed int) int {
	const empty = 256
	return max(b.minimum, empty+(packed*4+2)/3) // in base64
}

// percent is the share of a whole, rounded up.
func percent(part, whole int) int32 { return int32((100*part + whole - 1) / whole) }

package accounts

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// defaultSessionName is what protected accounts see in their CloudTrail.
const defaultSessionName = "snapkeep"

// baseIdentityName is how errors call the host's own identity.
const baseIdentityName = "the base identity"

// A builder folds chains into hops, so that what begins alike is shared.
type builder struct {
	region  string
	client  *sts.Client
	from    *baseCredentials
	base    *baseIdentity
	refresh refreshRule
	hops    map[hopKey]*hop
}

// A hopKey is equal for hops that assume the same role the same way, from
// the same hop.
type hopKey struct {
	from aws.CredentialsProvider
	role string // all fields of the Role, as JSON
}

// last returns the last hop of a chain, nil if the chain is empty.
func (b *builder) last(roles []Role) *hop {
	var last *hop
	for i, r := range roles {
		r = resolved(r)
		text, err := json.Marshal(r) // sorts the tags
		if err != nil {
			panic("accounts: marshal role: " + err.Error()) // strings, a number and a map of strings
		}
		key := hopKey{from: b.from, role: string(text)}
		caller := baseIdentityName
		if last != nil {
			key.from, caller = last, last.attempt.role.ARN
		}
		next, ok := b.hops[key]
		if !ok {
			arn, _ := parseRoleARN(r.ARN) // New has checked it
			next = &hop{
				from: key.from, arn: arn, input: input(r), call: b.client.AssumeRole, refresh: b.refresh,
				attempt: attempt{role: r, number: i + 1, caller: caller, region: b.region},
			}
			b.hops[key] = next
		}
		last = next
	}
	return last
}

// resolved fills in what an empty field stands for.
func resolved(r Role) Role {
	if r.SessionName == "" {
		r.SessionName = defaultSessionName
	}
	if r.Duration == 0 {
		r.Duration = defaultDuration
	}
	r.TransitiveTags = slices.Sorted(slices.Values(r.TransitiveTags))
	return r
}

// input says everything explicitly, so that no default of the SDK's matters.
func input(r Role) sts.AssumeRoleInput {
	in := sts.AssumeRoleInput{
		RoleArn:           aws.String(r.ARN),
		RoleSessionName:   aws.String(r.SessionName),
		DurationSeconds:   aws.Int32(int32(r.Duration / time.Second)),
		TransitiveTagKeys: r.TransitiveTags,
	}
	if r.ExternalID != "" {
		in.ExternalId = aws.String(r.ExternalID)
	}
	if r.SourceIdentity != "" {
		in.SourceIdentity = aws.String(r.SourceIdentity)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(r.Tags[key])})
	}
	return in
}

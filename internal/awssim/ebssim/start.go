package ebssim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// A start is what a client token belongs to.
type start struct {
	site  ec2sim.Site
	token string
}

// A started is what was made for a client token.
type started struct {
	asked [sha256.Size]byte
	out   ebs.StartSnapshotOutput
}

// StartSnapshot makes a snapshot to put blocks into, on top of those of its
// parent if it has one.
func (s *Service) StartSnapshot(c *core.Call, in *ebs.StartSnapshotInput) (*ebs.StartSnapshotOutput, error) {
	u, err := upload(in)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(startNeeds(c, in, u.Tags)...); err != nil {
		return nil, err
	}
	again, asked, err := s.repeated(c, in)
	if again != nil || err != nil {
		return again, err
	}
	if err := s.parent(c, in, &u); err != nil {
		return nil, err
	}
	if u.Key, err = s.encryption(c, in, u.Parent); err != nil {
		return nil, err
	}
	if err := keyError(s.ec2.MayUpload(c, u.Key)); err != nil {
		return nil, err
	}
	if limit := s.rules.Pending; limit >= 0 && s.ec2.Uploads(c) >= limit {
		return nil, tooManyPending(limit)
	}
	if err := s.ec2.CanStart(c); err != nil {
		return nil, quotaExceeded(err)
	}
	out := answer(c, s.ec2.StartUpload(c, u), in)
	if in.ClientToken != nil {
		s.starts[start{site(c), *in.ClientToken}] = &started{asked, *out}
	}
	return out, nil
}

func answer(c *core.Call, sn ec2sim.Direct, in *ebs.StartSnapshotInput) *ebs.StartSnapshotOutput {
	out := &ebs.StartSnapshotOutput{
		BlockSize: aws.Int32(ec2sim.BlockSize), Description: in.Description, OwnerId: aws.String(c.Account.ID),
		ParentSnapshotId: in.ParentSnapshotId, SnapshotId: aws.String(sn.Ref().ID), StartTime: aws.Time(sn.Start()),
		Status: types.StatusPending, Tags: in.Tags, VolumeSize: in.VolumeSize,
	}
	if sn.Key() != "" {
		out.KmsKeyArn = aws.String(string(sn.Key()))
	}
	return out
}

// Bounds of a request.
// Source: EBS direct APIs Reference, StartSnapshot; Amazon EBS User Guide,
// "Idempotency for StartSnapshot API" (64 ASCII characters, where the model
// has 255).
const (
	maxGiB          = 65_536
	maxDescription  = 255
	maxClientToken  = 64
	leastTimeout    = 10
	mostTimeout     = 4320
	standardTimeout = 60
)

// upload reads what can be said of a request by itself.
func upload(in *ebs.StartSnapshotInput) (ec2sim.Upload, error) {
	u := ec2sim.Upload{Description: aws.ToString(in.Description), Timeout: standardTimeout * time.Minute}
	tags, err := readTags(in.Tags)
	if err != nil {
		return u, err
	}
	u.Tags = tags
	switch gib := aws.ToInt64(in.VolumeSize); {
	case in.VolumeSize == nil:
		return u, missing("VolumeSize")
	case gib < 1 || gib > maxGiB:
		return u, invalid(types.ValidationExceptionReasonInvalidVolumeSize, "VolumeSize must be from 1 to %d GiB, not %d.", maxGiB, gib)
	default:
		u.SizeGiB = int32(gib)
	}
	if len(u.Description) > maxDescription || in.Description != nil && u.Description == "" {
		return u, invalidValue("Description must have from 1 to %d characters.", maxDescription)
	}
	if in.ClientToken != nil && !isToken(*in.ClientToken) {
		return u, invalidValue("ClientToken must have from 1 to %d ASCII characters, none of them a space.", maxClientToken)
	}
	if t := in.Timeout; t != nil {
		if *t < leastTimeout || *t > mostTimeout {
			return u, invalidValue("Timeout must be from %d to %d minutes, not %d.", leastTimeout, mostTimeout, *t)
		}
		u.Timeout = time.Duration(*t) * time.Minute
	}
	return u, nil
}

func isToken(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return len(text) > 0 && len(text) <= maxClientToken
}

// repeated returns what the same request has made before. The same token with
// another request is a conflict.
// Source: Amazon EBS User Guide, "Idempotency for StartSnapshot API".
func (s *Service) repeated(c *core.Call, in *ebs.StartSnapshotInput) (*ebs.StartSnapshotOutput, [sha256.Size]byte, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("ebssim: StartSnapshot: %w", err)
	}
	asked := sha256.Sum256(text)
	if in.ClientToken == nil {
		return nil, asked, nil
	}
	old := s.starts[start{site(c), *in.ClientToken}]
	switch {
	case old == nil:
		return nil, asked, nil
	case old.asked != asked:
		return nil, asked, conflict()
	}
	out := old.out
	return &out, asked, nil
}

// parent finds the parent of a request that names one: the caller's own and
// completed. What is demanded of its size is not documented.
func (s *Service) parent(c *core.Call, in *ebs.StartSnapshotInput, u *ec2sim.Upload) error {
	if in.ParentSnapshotId == nil {
		return nil
	}
	id := *in.ParentSnapshotId
	if !snapshotID.MatchString(id) {
		return invalid(types.ValidationExceptionReasonInvalidSnapshotId, "The snapshot ID '%s' is not valid.", id)
	}
	sn, ok := s.ec2.Direct(c, id)
	switch {
	case !ok:
		return notFound(id)
	case sn.Ref().Account != c.Account.ID:
		return unauthorized(id)
	case u.SizeGiB < sn.SizeGiB():
		return invalid(types.ValidationExceptionReasonInvalidVolumeSize, "VolumeSize must not be less than the %d GiB of the parent.", sn.SizeGiB())
	}
	u.Parent = &sn
	return usable(sn, c.Now)
}

// startNeeds names the snapshot about to be made, and its tagging.
// Source: Service Authorization Reference, "Amazon Elastic Block Store",
// StartSnapshot, which depends on ec2:CreateTags.
func startNeeds(c *core.Call, in *ebs.StartSnapshotInput, tags map[string]string) []core.Need {
	arn := func(id string) string { return core.RegionalARN("ec2", c.Region, "", "snapshot/"+id) }
	keys := core.Keys("ebs:VolumeSize", fmt.Sprint(*in.VolumeSize))
	if in.Description != nil {
		keys["ebs:Description"] = []string{*in.Description}
	}
	if in.ParentSnapshotId != nil {
		keys["ebs:ParentSnapshot"] = []string{arn(*in.ParentSnapshotId)}
	}
	needs := []core.Need{{Action: "ebs:StartSnapshot", Resource: arn("*"), Keys: core.WithRequestTags(keys, tags)}}
	if len(tags) > 0 {
		needs = append(needs, core.Need{
			Action: "ec2:CreateTags", Resource: arn("*"),
			Keys: core.WithRequestTags(core.Keys("ec2:CreateAction", "StartSnapshot"), tags),
		})
	}
	return needs
}

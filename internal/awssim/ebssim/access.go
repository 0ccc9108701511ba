package ebssim

import (
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// snapshotID is the shape of ids.
// Source: botocore, the model of ebs 2019-11-02, SnapshotId.
var snapshotID = regexp.MustCompile(`^snap-[0-9a-f]{1,59}$`)

// find returns the snapshot that a call names, once its caller is allowed the
// operation on it. Whether the account may use the snapshot is looked at later.
func (s *Service) find(c *core.Call, member string, id *string) (ec2sim.Direct, error) {
	if id == nil {
		return ec2sim.Direct{}, missing(member)
	}
	if !snapshotID.MatchString(*id) {
		return ec2sim.Direct{}, invalid(types.ValidationExceptionReasonInvalidSnapshotId, "The snapshot ID '%s' is not valid.", *id)
	}
	need := core.Need{Action: "ebs:" + c.Operation, Resource: core.RegionalARN("ec2", c.Region, "", "snapshot/"+*id)}
	sn, ok := s.ec2.Direct(c, *id)
	if ok {
		need.Owner = sn.Ref().Account
		// Source: Service Authorization Reference, "Amazon Elastic Block Store":
		// the only key of what exists.
		need.Keys = core.WithResourceTags(map[string][]string{}, "", sn.Tags(c.Account.ID))
	}
	if err := c.Authorize(need); err != nil {
		return ec2sim.Direct{}, err
	}
	if !ok {
		return ec2sim.Direct{}, notFound(*id)
	}
	return sn, nil
}

// readable is find for the calls that read.
// Source: Amazon EBS User Guide, "Read snapshots with EBS direct APIs" and
// "Use EBS direct APIs to access the contents of an EBS snapshot",
// considerations: neither public nor archived snapshots, completed ones only.
func (s *Service) readable(c *core.Call, member string, id *string) (ec2sim.Direct, error) {
	sn, err := s.find(c, member, id)
	if err != nil {
		return sn, err
	}
	mine := sn.Ref().Account == c.Account.ID
	switch {
	case sn.Public():
		return sn, unusable(*id, "is public")
	case !mine && (s.rules.OwnersOnly || !sn.SharedWith(c.Account.ID)):
		return sn, unauthorized(*id)
	}
	return sn, usable(sn, c.Now)
}

func usable(sn ec2sim.Direct, now time.Time) error {
	switch {
	case sn.State(now) != ec2types.SnapshotStateCompleted:
		return unusable(sn.Ref().ID, "is not completed")
	case sn.Archived(now):
		return unusable(sn.Ref().ID, "is archived")
	}
	return nil
}

// writable is find for the calls that write: the caller's own, made by
// StartSnapshot and still pending.
func (s *Service) writable(c *core.Call, id *string) (ec2sim.Direct, error) {
	sn, err := s.find(c, "SnapshotId", id)
	switch {
	case err != nil:
		return sn, err
	case sn.Ref().Account != c.Account.ID:
		return sn, unauthorized(*id)
	case !sn.Open(c.Now):
		return sn, unusable(*id, "is not in the pending state of StartSnapshot")
	}
	return sn, keyError(sn.MayWrite(c))
}

// keyError is the answer to a caller who may not use a key.
func keyError(fault ec2sim.KeyFault) error {
	switch fault {
	case ec2sim.KeyForbidden:
		return failure(http.StatusForbidden, "AccessDeniedException", string(types.AccessDeniedExceptionReasonDependencyAccessDenied),
			"You do not have permission to use the KMS key.")
	case ec2sim.KeyState:
		return invalid(types.ValidationExceptionReasonInvalidCustomerKey, "The KMS key does not exist or is not enabled.")
	}
	return nil
}

// blockOf checks an index against the size of a snapshot.
func blockOf(sn ec2sim.Direct, index *int32) (int64, error) {
	if index == nil {
		return 0, missing("BlockIndex")
	}
	i := int64(aws.ToInt32(index))
	if i < 0 || i >= sn.BlockCount() {
		return 0, invalid(types.ValidationExceptionReasonInvalidBlock, "The block index %d is not valid for a volume of %d GiB.", i, sn.SizeGiB())
	}
	return i, nil
}

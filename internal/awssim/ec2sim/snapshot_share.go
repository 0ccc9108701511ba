package ec2sim

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxShares is how many accounts and groups one call may add or remove.
// Source: EC2 API Reference, ModifySnapshotAttribute.
const maxShares = 500

// A sharing is a change of who may create volumes from a snapshot.
type sharing struct {
	remove bool
	users  []string
	groups []string
}

// ModifySnapshotAttribute shares a snapshot with accounts or with all, or
// takes that back.
func (s *Service) ModifySnapshotAttribute(c *core.Call, in *ec2.ModifySnapshotAttributeInput) (*ec2.ModifySnapshotAttributeOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	if in.Attribute != "" && in.Attribute != types.SnapshotAttributeNameCreateVolumePermission {
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Only createVolumePermission can be modified.", in.Attribute)
	}
	change, err := readSharing(in)
	if err != nil {
		return nil, err
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	sub := sn.existing("snapshot", c.Account.ID).with(change.keys())
	if err := c.Authorize(needs("ModifySnapshotAttribute", sub)...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	if err := s.canShare(c.Now, sn, change); err != nil {
		return nil, err
	}
	s.was.shared.Was(s.cloud, sn.id, audience{sn.shares, sn.public})
	sn.share(change)
	return &ec2.ModifySnapshotAttributeOutput{}, nil
}

// readSharing reads the two ways to write a change, which a call may mix.
func readSharing(in *ec2.ModifySnapshotAttributeInput) (sharing, error) {
	change := sharing{users: slices.Clone(in.UserIds), groups: slices.Clone(in.GroupNames)}
	change.remove = in.OperationType == types.OperationTypeRemove
	flat := len(in.UserIds)+len(in.GroupNames) > 0
	if flat && in.OperationType == "" {
		return change, core.Errorf("MissingParameter", "The request must contain the parameter OperationType")
	}
	if p := in.CreateVolumePermission; p != nil {
		if len(p.Add) > 0 && len(p.Remove) > 0 || flat && change.remove != (len(p.Remove) > 0) {
			return change, core.Errorf("InvalidParameterCombination", "Cannot add and remove permissions in one request")
		}
		change.remove = len(p.Remove) > 0
		for _, one := range append(slices.Clone(p.Add), p.Remove...) {
			if one.UserId != nil {
				change.users = append(change.users, *one.UserId)
			}
			if one.Group != "" {
				change.groups = append(change.groups, string(one.Group))
			}
		}
	}
	return change, change.check()
}

func (ch sharing) check() error {
	switch n := len(ch.users) + len(ch.groups); {
	case n == 0:
		return core.Errorf("MissingParameter", "The request must contain a user or a group")
	case n > maxShares:
		return core.Errorf("InvalidParameterValue", "At most %d permissions can be modified in a request, not %d", maxShares, n)
	}
	for _, u := range ch.users {
		if len(u) != 12 || strings.Trim(u, "0123456789") != "" {
			return core.Errorf("InvalidUserID.Malformed", "Invalid user id: \"%s\"", u)
		}
	}
	for _, g := range ch.groups {
		if g != string(types.PermissionGroupAll) {
			return core.Errorf("InvalidParameterValue", "Value (%s) for parameter userGroup is invalid.", g)
		}
	}
	return nil
}

// keys that tell a policy who is added or removed.
func (ch sharing) keys() map[string][]string {
	verb := "Add"
	if ch.remove {
		verb = "Remove"
	}
	keys := core.Keys("ec2:Attribute", "CreateVolumePermission")
	if len(ch.users) > 0 {
		keys["ec2:"+verb+"/userId"] = ch.users
	}
	if len(ch.groups) > 0 {
		keys["ec2:"+verb+"/group"] = ch.groups
	}
	return keys
}

// canShare refuses what AWS refuses whoever asks.
// Source: EC2 API Reference, ModifySnapshotAttribute: "Encrypted snapshots …
// cannot be made public. Snapshots encrypted with your default KMS key cannot
// be shared with other accounts." The code and text of the second are from
// hashicorp/packer#7499, the first has them by analogy.
// The codes for archived snapshots and blocked public access are not documented.
func (s *Service) canShare(now time.Time, sn *snapshot, ch sharing) error {
	public := len(ch.groups) > 0
	switch {
	case ch.remove:
		return nil
	case sn.tier.inArchive(now):
		return core.Errorf("IncorrectState", "Snapshot '%s' is archived and cannot be shared", sn.id)
	case public && sn.home.publicAccess() != types.SnapshotBlockPublicAccessStateUnblocked:
		return core.Errorf("OperationNotPermitted", "Block public access is enabled: the snapshot '%s' cannot be shared with all", sn.id)
	case !sn.encrypted():
		return nil
	case s.kms.Managed(sn.key):
		return core.Errorf("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
	case public:
		return core.Errorf("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly")
	}
	return nil
}

func (sn *snapshot) share(ch sharing) {
	sn.shares = slices.Clone(sn.shares) // the old ones may yet be told
	if len(ch.groups) > 0 {
		sn.public = !ch.remove
	}
	for _, u := range ch.users {
		i, has := slices.BinarySearch(sn.shares, u)
		switch {
		case ch.remove && has:
			sn.shares = slices.Delete(sn.shares, i, i+1)
		case !ch.remove && !has:
			sn.shares = slices.Insert(sn.shares, i, u)
		}
	}
}

// DescribeSnapshotAttribute tells the owner with whom a snapshot is shared.
func (s *Service) DescribeSnapshotAttribute(c *core.Call, in *ec2.DescribeSnapshotAttributeInput) (*ec2.DescribeSnapshotAttributeOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	sn = s.toldSnapshot(c, sn)
	if err := c.Authorize(needs("DescribeSnapshotAttribute", sn.existing("snapshot", c.Account.ID))...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	out := &ec2.DescribeSnapshotAttributeOutput{SnapshotId: aws.String(sn.id)}
	switch in.Attribute {
	case types.SnapshotAttributeNameCreateVolumePermission:
		for _, u := range sn.shares {
			out.CreateVolumePermissions = append(out.CreateVolumePermissions, types.CreateVolumePermission{UserId: aws.String(u)})
		}
		if sn.public {
			out.CreateVolumePermissions = append(out.CreateVolumePermissions, types.CreateVolumePermission{Group: types.PermissionGroupAll})
		}
	case types.SnapshotAttributeNameProductCodes:
	default:
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", in.Attribute)
	}
	return out, nil
}

// ResetSnapshotAttribute takes back all that a snapshot is shared with.
// Source: EC2 API Reference, ResetSnapshotAttribute: "Currently, only the
// attribute for permission to create volumes can be reset."
func (s *Service) ResetSnapshotAttribute(c *core.Call, in *ec2.ResetSnapshotAttributeInput) (*ec2.ResetSnapshotAttributeOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	switch in.Attribute {
	case "":
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter attribute")
	case types.SnapshotAttributeNameCreateVolumePermission:
	default:
		return nil, invalid("attribute", in.Attribute)
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	sub := sn.existing("snapshot", c.Account.ID).with(core.Keys("ec2:Attribute", "CreateVolumePermission"))
	if err := allowed(c, in.DryRun, needs("ResetSnapshotAttribute", sub)...); err != nil {
		return nil, err
	}
	s.unshare(sn)
	return &ec2.ResetSnapshotAttributeOutput{}, nil
}

// unshare takes back all that a snapshot is shared with.
func (s *Service) unshare(sn *snapshot) {
	if len(sn.shares) > 0 || sn.public {
		s.was.shared.Was(s.cloud, sn.id, audience{sn.shares, sn.public})
		sn.shares, sn.public = nil, false
	}
}

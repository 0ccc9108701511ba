package conformance

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	sharing           = "EBS User Guide, Share an Amazon EBS snapshot"
	modifyPermissions = "EC2 API Reference, ModifySnapshotAttribute"
)

// unseen checks that an account cannot see a snapshot by its id. The reference
// says of DescribeSnapshots that an id without access is not in the answer;
// clients report that it is InvalidSnapshot.NotFound. Either will do.
func (s *scene) unseen(a actor, id string) {
	out, err := a.ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	if err == nil {
		s.check(len(out.Snapshots) == 0, "it can be seen")
		return
	}
	s.refused(err, "InvalidSnapshot.NotFound")
}

func (s *scene) permissions(id string) []types.CreateVolumePermission {
	return must(s.owner().ec2().DescribeSnapshotAttribute(s.ctx, &ec2.DescribeSnapshotAttributeInput{
		SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
	}))(s).CreateVolumePermissions
}

var shareCases = []Case{
	{"share", "a snapshot that is not shared, by id from another account", "it is not to be seen", describeSnapshots, func(s *scene) {
		s.unseen(s.vault(), s.snapshot(s.owner(), ""))
	}},
	{"share", "with an account", "the owner sees the permission", modifyPermissions, func(s *scene) {
		got := s.permissions(s.shared(""))
		s.check(len(got) == 1 && aws.ToString(got[0].UserId) == Vault, "%d permissions", len(got))
	}},
	{"share", "with an account, by id from there", "it is to be seen, with its owner", sharing, func(s *scene) {
		sn := s.look(s.vault(), s.shared(""))
		s.check(aws.ToString(sn.OwnerId) == Owner, "another owner")
	}},
	{"share", "with an account, what it may restore", "it is among them", describeSnapshots, func(s *scene) {
		id := s.shared("")
		got := s.list(s.vault(), &ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"self"}})
		s.check(slices.Contains(got, id), "it is not among %d", len(got))
	}},
	{"share", "with an account, by owner from there", "only what is shared", describeSnapshots, func(s *scene) {
		s.snapshot(s.owner(), "")
		id := s.shared("")
		got := s.list(s.vault(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{Owner}})
		s.check(len(got) == 1 && got[0] == id, "%d snapshots", len(got))
	}},
	{"share", "which of mine an account may restore", "only what is shared with it", describeSnapshots, func(s *scene) {
		s.snapshot(s.owner(), "")
		id := s.shared("")
		got := s.list(s.owner(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, RestorableByUserIds: []string{Vault}})
		s.check(len(got) == 1 && got[0] == id, "%d snapshots", len(got))
	}},
	{"share", "own ones are not listed with those shared by others", "OwnerIds=self lists own ones only", describeSnapshots, func(s *scene) {
		s.shared("")
		got := s.list(s.vault(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		s.check(len(got) == 0, "%d snapshots", len(got))
	}},
	{"share", "the owner's tags", "the grantee does not see them", "EC2 User Guide, Tag your Amazon EC2 resources", func(s *scene) {
		id := s.shared("")
		must(s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("k", "v")}}))(s)
		s.check(len(s.look(s.vault(), id).Tags) == 0, "the grantee sees them")
	}},
	{"share", "permissions asked for by the grantee", "refused", modifyPermissions, func(s *scene) {
		id := s.shared("")
		_, err := s.vault().ec2().DescribeSnapshotAttribute(s.ctx, &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		s.refused(err, "UnauthorizedOperation", "AuthFailure", "InvalidSnapshot.NotFound")
	}},
	{"share", "passed on by the grantee", "refused", modifyPermissions, func(s *scene) {
		s.refused(s.share(s.vault(), s.shared(""), Other, types.OperationTypeAdd), "UnauthorizedOperation", "AuthFailure", "InvalidSnapshot.NotFound")
	}},
	{"share", "with one account, by id from a third", "it is not to be seen", describeSnapshots, func(s *scene) {
		s.unseen(s.other(), s.shared(""))
	}},
	{"share", "with twelve digits that are two", "refused", modifyPermissions, func(s *scene) {
		err := s.share(s.owner(), s.snapshot(s.owner(), ""), "12", types.OperationTypeAdd)
		s.refused(err, "InvalidUserID.Malformed", "InvalidParameterValue", "InvalidAttributeValue")
	}},
	{"share", "taken back", "the permission is gone, and the grantee sees it no more", modifyPermissions, func(s *scene) {
		id := s.shared("")
		s.works(s.share(s.owner(), id, Vault, types.OperationTypeRemove))
		s.check(len(s.permissions(id)) == 0, "the permission is there")
		s.unseen(s.vault(), id)
	}},
	{"share", "taken back twice", "no error", modifyPermissions, func(s *scene) {
		id := s.shared("")
		s.works(s.share(s.owner(), id, Vault, types.OperationTypeRemove))
		s.works(s.share(s.owner(), id, Vault, types.OperationTypeRemove))
	}},
	{"share", "a snapshot under the key aws/ebs", "refused", sharing, func(s *scene) {
		err := s.share(s.owner(), s.snapshot(s.owner(), defaultKey), Vault, types.OperationTypeAdd)
		s.refused(err, "InvalidParameter", "OperationNotPermitted", "InvalidParameterCombination", "InvalidParameterValue")
	}},
	{"share", "a snapshot under a customer key", "shared", sharing, func(s *scene) {
		s.shared(s.key(s.owner(), ""))
	}},
	{"share", "an encrypted snapshot with everybody", "refused", sharing, func(s *scene) {
		id := s.snapshot(s.owner(), s.key(s.owner(), ""))
		_, err := s.owner().ec2().ModifySnapshotAttribute(s.ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: types.OperationTypeAdd, GroupNames: []string{"all"},
		})
		s.refused(err, "InvalidParameter", "OperationNotPermitted", "InvalidParameterCombination", "InvalidParameterValue")
	}},
	{"share", "with everybody", "every account sees it", sharing, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		must(s.owner().ec2().ModifySnapshotAttribute(s.ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: types.OperationTypeAdd, GroupNames: []string{"all"},
		}))(s)
		s.look(s.other(), id)
	}},
}

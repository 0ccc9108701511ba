package conformance

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	copySnapshot = "EC2 API Reference, CopySnapshot"
	copying      = "EBS User Guide, Copy an Amazon EBS snapshot"
)

// copy asks for a copy from Virginia, under a key or none.
func (s *scene) copy(a actor, id, key string) (*ec2.CopySnapshotOutput, error) {
	in := &ec2.CopySnapshotInput{
		SourceSnapshotId: &id, SourceRegion: aws.String(virginia), Description: aws.String("copy"),
		TagSpecifications: tagged(types.ResourceTypeSnapshot, tag("copied", "y")),
	}
	switch key {
	case "":
	case defaultKey:
		in.Encrypted = aws.Bool(true)
	default:
		in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
	}
	return a.ec2().CopySnapshot(s.ctx, in)
}

// copied makes a copy and waits until it is completed.
func (s *scene) copied(a actor, id, key string) types.Snapshot {
	out := must(s.copy(a, id, key))(s)
	s.completed(a, *out.SnapshotId)
	return s.look(a, *out.SnapshotId)
}

var copyCases = []Case{
	{"copy", "a snapshot of another account that is not shared", "refused", copySnapshot, func(s *scene) {
		_, err := s.copy(s.vault(), s.snapshot(s.owner(), ""), "")
		s.refused(err, "InvalidSnapshot.NotFound", "UnauthorizedOperation", "AuthFailure")
	}},
	{"copy", "a snapshot that another account shares", "a copy that the copier owns", copying, func(s *scene) {
		sn := s.copied(s.vault(), s.shared(""), "")
		s.check(aws.ToString(sn.OwnerId) == Vault, "another owner")
	}},
	{"copy", "a shared snapshot into another Region", "a copy that the copier owns there", copying, func(s *scene) {
		sn := s.copied(s.vault().in(ireland), s.shared(""), "")
		s.check(aws.ToString(sn.OwnerId) == Vault, "another owner")
	}},
	{"copy", "tags for the copy", "they are in the answer and on the copy", copySnapshot, func(s *scene) {
		out := must(s.copy(s.owner(), s.snapshot(s.owner(), ""), ""))(s)
		s.check(tagValue(out.Tags, "copied") == "y", "they are not in the answer")
		s.check(tagValue(s.look(s.owner(), *out.SnapshotId).Tags, "copied") == "y", "they are not on the copy")
	}},
	{"copy", "tags of the source", "they are not copied", copying, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		must(s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("k", "v")}}))(s)
		s.check(tagValue(s.copied(s.owner(), id, "").Tags, "k") == "", "they are")
	}},
	{"copy", "the volume of a copy", "vol-ffffffff, which means nothing", copySnapshot, func(s *scene) {
		volume := aws.ToString(s.copied(s.owner(), s.snapshot(s.owner(), ""), "").VolumeId)
		s.check(volume == "vol-ffffffff", "a volume of its own")
	}},
	{"copy", "a copy, just after", "pending, for up to hours", copying, func(s *scene) {
		out := must(s.copy(s.owner(), s.snapshot(s.owner(), ""), ""))(s)
		state := s.look(s.owner(), *out.SnapshotId).State
		s.check(state == types.SnapshotStatePending, "it is %s", state)
	}},
	{"copy", "within one account and Region", "a completed copy of the same size", copying, func(s *scene) {
		sn := s.copied(s.owner(), s.snapshot(s.owner(), ""), "")
		s.check(aws.ToInt32(sn.VolumeSize) == 4, "another size")
	}},
	{"copy", "into another Region", "the copy is there and not here", copying, func(s *scene) {
		sn := s.copied(s.owner().in(ireland), s.snapshot(s.owner(), ""), "")
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*sn.SnapshotId}})
		s.refused(err, "InvalidSnapshot.NotFound")
	}},
	{"copy", "the description of a copy", "the one that was asked for", copySnapshot, func(s *scene) {
		sn := s.copied(s.owner(), s.snapshot(s.owner(), ""), "")
		s.check(aws.ToString(sn.Description) == "copy", "it is %q", aws.ToString(sn.Description))
	}},
	{"copy", "a snapshot that does not exist", "InvalidSnapshot.NotFound", errorCodes, func(s *scene) {
		_, err := s.copy(s.owner().in(ireland), noSnapshot, "")
		s.refused(err, "InvalidSnapshot.NotFound")
	}},
	{"copy", "without a source Region", "the client refuses to send it", copySnapshot, func(s *scene) {
		_, err := s.owner().ec2().CopySnapshot(s.ctx, &ec2.CopySnapshotInput{SourceSnapshotId: aws.String(noSnapshot)})
		s.check(err != nil && strings.Contains(err.Error(), "SourceRegion"), "it was sent")
	}},
	{"copy", "a snapshot that is pending", "IncorrectState: only completed ones", copying, func(s *scene) {
		volume := s.volume(s.owner(), "")
		sn := must(s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &volume}))(s)
		_, err := s.copy(s.owner(), *sn.SnapshotId, "")
		s.refused(err, "IncorrectState")
	}},
	{"copy", "21 at a time into one Region", "ResourceLimitExceeded: 20", copying, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		var err error
		for i := 0; i < 21 && err == nil; i++ {
			_, err = s.copy(s.owner(), id, "")
		}
		s.refused(err, "ResourceLimitExceeded")
	}},
}

var copyKeyCases = []Case{
	{"copy", "under a customer key", "encrypted with it", copying, func(s *scene) {
		key := s.key(s.owner(), "")
		sn := s.copied(s.owner(), s.snapshot(s.owner(), ""), key)
		s.check(aws.ToBool(sn.Encrypted) && aws.ToString(sn.KmsKeyId) == key, "encrypted: %v, under the key: %v", aws.ToBool(sn.Encrypted), aws.ToString(sn.KmsKeyId) == key)
	}},
	{"copy", "encrypted without a key", "under the account's default key", copying, func(s *scene) {
		sn := s.copied(s.owner(), s.snapshot(s.owner(), ""), defaultKey)
		s.check(aws.ToBool(sn.Encrypted) && aws.ToString(sn.KmsKeyId) != "", "encrypted: %v, with a key: %v", aws.ToBool(sn.Encrypted), aws.ToString(sn.KmsKeyId) != "")
	}},
	{"copy", "an encrypted snapshot without asking for encryption", "encrypted all the same", copying, func(s *scene) {
		sn := s.copied(s.owner(), s.snapshot(s.owner(), s.key(s.owner(), "")), "")
		s.check(aws.ToBool(sn.Encrypted), "not encrypted")
	}},
	{"copy", "under a key that does not exist", "error in the end: Given key ID is not accessible", copying, func(s *scene) {
		out := must(s.copy(s.owner(), s.snapshot(s.owner(), ""), "arn:aws:kms:us-east-1:"+Owner+":key/00000000-0000-4000-8000-000000000000"))(s)
		s.until("a copy that is not pending", func() bool { return s.look(s.owner(), *out.SnapshotId).State != types.SnapshotStatePending })
		sn := s.look(s.owner(), *out.SnapshotId)
		s.check(sn.State == types.SnapshotStateError, "it is %s", sn.State)
		s.check(strings.Contains(aws.ToString(sn.StateMessage), "Given key ID is not accessible"), "the message is %q", aws.ToString(sn.StateMessage))
	}},
	{"copy", "a shared snapshot under a key that the copier may not use", "error in the end", "EBS User Guide, Share the KMS key used to encrypt a shared Amazon EBS snapshot", func(s *scene) {
		id := s.shared(s.key(s.owner(), ""))
		out := must(s.copy(s.vault(), id, s.key(s.vault(), "")))(s)
		s.until("a copy that is not pending", func() bool { return s.look(s.vault(), *out.SnapshotId).State != types.SnapshotStatePending })
		state := s.look(s.vault(), *out.SnapshotId).State
		s.check(state == types.SnapshotStateError, "it is %s", state)
	}},
	{"copy", "a shared snapshot under a key that is shared, too", "a copy under the copier's key", "EBS User Guide, Share the KMS key used to encrypt a shared Amazon EBS snapshot", func(s *scene) {
		id := s.shared(s.key(s.owner(), openTo(Vault)))
		key := s.key(s.vault(), "")
		sn := s.copied(s.vault(), id, key)
		s.check(aws.ToString(sn.KmsKeyId) == key, "another key")
	}},
	{"copy", "the key of a snapshot of an encrypted volume", "that of the volume", "EBS User Guide, How Amazon EBS encryption works", func(s *scene) {
		key := s.key(s.owner(), "")
		sn := s.look(s.owner(), s.snapshot(s.owner(), key))
		s.check(aws.ToBool(sn.Encrypted) && aws.ToString(sn.KmsKeyId) == key, "encrypted: %v, under the key: %v", aws.ToBool(sn.Encrypted), aws.ToString(sn.KmsKeyId) == key)
	}},
}

// openTo is the policy of a key of the owner's that another account may use.
func openTo(account string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + Owner +
		`:root"]},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + account +
		`:root"]},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],"Resource":"*"}]}`
}

package story_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
)

// TestInvariantsBite spoils a world in which all is well, in each way that the
// invariants are about: each is reported.
func TestInvariantsBite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sabotage := range []struct {
			name, report string
			do           func(*lab)
		}{
			{"nothing", "", func(*lab) {}},
			{"a copy still shared", "is still shared with", func(l *lab) {
				clean, _ := l.clean()
				l.share(l.someCopy(), clean.Account)
			}},
			{"a copy shared with a stranger", "is shared with 666666666666", func(l *lab) { l.share(l.someCopy(), "666666666666") }},
			{"an original still shared", "is still shared with", func(l *lab) { l.share(l.someOriginal(), l.vault()) }},
			{"a copy deleted", "want one of each of", func(l *lab) { l.delete(l.someCopy()) }},
			{"the last copy deleted", "the last good copy is gone", func(l *lab) {
				for _, s := range l.Cloud.Snapshots() {
					if s.Account == l.vault() {
						l.delete(s)
					}
				}
			}},
			{"an original deleted", "want one of each of", func(l *lab) { l.delete(l.someOriginal()) }},
			{"somebody else's snapshot deleted", "somebody else's snapshot", func(l *lab) { l.delete(l.Cloud.Snapshots()[0]) }},
			{"a copy doubled", "are both of", func(l *lab) { l.copyAs(l.someCopy(), nil) }},
			{"an untagged copy", "is untagged", func(l *lab) { l.copyAs(l.someCopy(), map[string]string{}) }},
			{"an intermediate left", "intermediate", func(l *lab) {
				l.copyAs(l.someOriginal(), map[string]string{"snapkeep:vault": string(l.vault()), "snapkeep:key": "k", "snapkeep:point": "p", "snapkeep:step": "rekey"})
			}},
			{"a copy of nothing known", "snapshots too many", func(l *lab) {
				l.copyAs(l.someCopy(), map[string]string{"snapkeep:vault": string(l.vault()), "snapkeep:key": "k", "snapkeep:point": "p"})
			}},
			{"an original doubled", "are both of", func(l *lab) {
				s := l.someOriginal()
				_, err := l.ec2(s.Account, s.Region).CreateSnapshot(l.ctx, &ec2.CreateSnapshotInput{
					VolumeId: aws.String(s.Volume), TagSpecifications: tagged(types.ResourceTypeSnapshot, s.Tags),
				})
				require.NoError(l.t, err)
			}},
			{"a copy still pending", "is pending", func(l *lab) { l.copyNow(l.someCopy(), nil) }},
			{"a copy in state error", "is error", func(l *lab) {
				s := l.someCopy()
				id := l.copyNow(s, nil)
				require.NoError(l.t, l.Cloud.FailSnapshot(backuptest.Ref{Account: s.Account, Region: s.Region, ID: id}, "no"))
			}},
			{"a copy damaged", "is not what", func(l *lab) { require.NoError(l.t, l.Cloud.FlipBlock(l.someCopy().Ref, 0)) }},
			{"an original damaged", "is not what", func(l *lab) { require.NoError(l.t, l.Cloud.FlipBlock(l.someOriginal().Ref, 0)) }},
			{"a restored volume changed", "is not what", func(l *lab) {
				site, _ := l.clean()
				ref := backuptest.Ref{Account: site.Account, Region: site.Region, ID: l.want.restored[0].report.Volumes[0].Volume}
				require.NoError(l.t, l.Cloud.WriteVolume(ref, 0, []byte("changed")))
			}},
			{"a second instance", "is too many", func(l *lab) { l.launch() }},
			{"an image left", "image ", func(l *lab) { l.image() }},
			{"a point never made", "want one of each of", func(l *lab) {
				l.want.originals = append(l.want.originals, time.Now())
			}},
		} {
			l := kept(t, "last=2", "last=2")
			for _, st := range []step{aDay("day 1"), aRestore(1, restore.Instance)} {
				l.pass(st)
			}
			sabotage.do(l)
			found := strings.Join(l.check(), "\n")
			require.Contains(t, found, sabotage.report, sabotage.name)
			require.Equal(t, sabotage.report == "", found == "", "%s: %s", sabotage.name, found)
		}
	})
}

func (l *lab) someCopy() backuptest.Snapshot { return l.some(l.vault()) }

func (l *lab) someOriginal() backuptest.Snapshot { return l.some(l.resources[1].site.Account) }

func (l *lab) some(account accounts.ID) backuptest.Snapshot {
	for _, s := range l.Cloud.Snapshots() {
		if s.Account == account && !l.others[s.ID] {
			return s
		}
	}
	l.t.Fatalf("%s has no snapshot", account)
	return backuptest.Snapshot{}
}

func (l *lab) share(s backuptest.Snapshot, with accounts.ID) {
	_, err := l.ec2(s.Account, s.Region).ModifySnapshotAttribute(l.ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(s.ID), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationTypeAdd, UserIds: []string{string(with)},
	})
	require.NoError(l.t, err)
}

func (l *lab) delete(s backuptest.Snapshot) {
	_, err := l.ec2(s.Account, s.Region).DeleteSnapshot(l.ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(s.ID)})
	require.NoError(l.t, err)
}

// copyAs copies a snapshot where it is; nil tags are those of the snapshot.
func (l *lab) copyAs(s backuptest.Snapshot, tags map[string]string) {
	l.copyNow(s, tags)
	time.Sleep(time.Hour)
}

func (l *lab) copyNow(s backuptest.Snapshot, tags map[string]string) string {
	if tags == nil {
		tags = s.Tags
	}
	in := &ec2.CopySnapshotInput{
		SourceRegion: aws.String(s.Region), SourceSnapshotId: aws.String(s.ID), TagSpecifications: tagged(types.ResourceTypeSnapshot, tags),
	}
	if s.Account != l.vault() {
		in.Encrypted = aws.Bool(true)
	}
	out, err := l.ec2(s.Account, s.Region).CopySnapshot(l.ctx, in)
	require.NoError(l.t, err)
	return aws.ToString(out.SnapshotId)
}

func tagged(kind types.ResourceType, tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	spec := types.TagSpecification{ResourceType: kind}
	for k, v := range tags {
		spec.Tags = append(spec.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return []types.TagSpecification{spec}
}

// launch runs an instance in the restore account.
func (l *lab) launch() string {
	site, _ := l.clean()
	out, err := l.ec2(site.Account, site.Region).RunInstances(l.ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(l.Cloud.BaseImage(site.Region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeT3Medium,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	require.NoError(l.t, err)
	time.Sleep(time.Minute)
	return aws.ToString(out.Instances[0].InstanceId)
}

// image registers an image of a restored volume, as a restore that did not
// clean up would leave it.
func (l *lab) image() {
	site, _ := l.clean()
	client := l.ec2(site.Account, site.Region)
	made, err := client.CreateSnapshot(l.ctx, &ec2.CreateSnapshotInput{VolumeId: aws.String(l.want.restored[0].report.Volumes[0].Volume)})
	require.NoError(l.t, err)
	time.Sleep(time.Hour)
	_, err = client.RegisterImage(l.ctx, &ec2.RegisterImageInput{
		Name: aws.String("left"), Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"), RootDeviceName: aws.String("/dev/xvda"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: made.SnapshotId}}},
	})
	require.NoError(l.t, err)
}

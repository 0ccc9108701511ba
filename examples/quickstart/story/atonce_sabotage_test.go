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

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// TestInvariantsOfAllAtOnceBite is TestInvariantsBite for what a plan can have
// beside snapshots.
func TestInvariantsOfAllAtOnceBite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sabotage := range []struct {
			name, report string
			do           func(*lab)
		}{
			{"nothing", "", func(*lab) {}},
			{"an image gone", "0 images of", func(l *lab) {
				_, err := l.ec2(theVault, dublin).DeregisterImage(l.ctx, &ec2.DeregisterImageInput{ImageId: l.someImage().ImageId})
				require.NoError(l.t, err)
			}},
			{"an image doubled", "2 images of", func(l *lab) { l.imageLike(l.someImage()) }},
			{"an image of nothing known", "images too many", func(l *lab) {
				is := l.someImage()
				is.Tags = nil
				l.imageLike(is)
			}},
			{"a lock taken off", "the lock of", func(l *lab) {
				_, err := l.ec2(coldSite.Account, coldSite.Region).UnlockSnapshot(l.ctx, &ec2.UnlockSnapshotInput{SnapshotId: aws.String(l.farCopy().ID)})
				require.NoError(l.t, err)
			}},
			{"a copy archived", "is in the tier", func(l *lab) {
				_, err := l.ec2(coldSite.Account, coldSite.Region).ModifySnapshotTier(l.ctx, &ec2.ModifySnapshotTierInput{
					SnapshotId: aws.String(l.farCopy().ID), StorageTier: types.TargetStorageTierArchive,
				})
				require.NoError(l.t, err)
				time.Sleep(4 * 24 * time.Hour)
			}},
			{"an instance at rest", "is left at rest", func(l *lab) {
				id := strings.TrimPrefix(l.resources[0].arn, arnOf(l.resources[0].site, "instance", ""))
				l.ran.run(backuptest.Command{Instance: backuptest.Ref{Account: theShop, Region: dublin, ID: id}, Document: "freeze"})
			}},
			{"a point that was not made at rest", "not at rest", func(l *lab) {
				for i := range l.ran.list {
					l.ran.list[i].from, l.ran.list[i].to = l.ran.list[i].from.Add(-time.Hour), l.ran.list[i].to.Add(-time.Hour)
				}
			}},
		} {
			l := allAtOnceLab(t)
			l.pass(aDay("day 1"))
			sabotage.do(l)
			found := strings.Join(l.check(), "\n")
			require.Contains(t, found, sabotage.report, sabotage.name)
			require.Equal(t, sabotage.report == "", found == "", "%s: %s", sabotage.name, found)
		}
	})
}

// someImage is one that the engine has registered.
func (l *lab) someImage() types.Image {
	out, err := l.ec2(theVault, dublin).DescribeImages(l.ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}})
	require.NoError(l.t, err)
	require.NotEmpty(l.t, out.Images)
	return out.Images[0]
}

// imageLike registers an image of the same snapshots and with the same tags.
func (l *lab) imageLike(is types.Image) {
	in := &ec2.RegisterImageInput{
		Name: aws.String("another"), Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"), RootDeviceName: is.RootDeviceName,
	}
	for _, m := range is.BlockDeviceMappings {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: m.DeviceName, Ebs: &types.EbsBlockDevice{SnapshotId: m.Ebs.SnapshotId},
		})
	}
	if is.Tags != nil {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: is.Tags}}
	}
	_, err := l.ec2(theVault, dublin).RegisterImage(l.ctx, in)
	require.NoError(l.t, err)
	time.Sleep(time.Hour)
}

// farCopy is one in the Region with the archive.
func (l *lab) farCopy() backuptest.Snapshot {
	for _, s := range l.Cloud.Snapshots() {
		if s.Account == coldSite.Account && s.Region == coldSite.Region && s.Tags["snapkeep:source"] != "" {
			return s
		}
	}
	l.t.Fatal("there is no copy in " + coldSite.String())
	return backuptest.Snapshot{}
}

package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// An image registered with a snapshot of a Windows instance's root volume is
// one of Windows, also from a copy, unless the copy lost what tells.
func TestBillingInformationOfRegisteredImages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, to := site(target, ireland), site(second, ireland)
		base, err := w.EC2().PublishImage(ireland, ec2sim.PublicImage{Name: "win", Platform: "Windows", Products: []string{"abc"}})
		require.NoError(t, err)
		run, err := w.admin(from).RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: &base, InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		made, err := w.admin(from).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
			InstanceSpecification: &types.InstanceSpecification{InstanceId: run.Instances[0].InstanceId},
		})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		original := ec2sim.Ref{Site: from, ID: *made.Snapshots[0].SnapshotId}
		require.NoError(t, w.share(original, "add", second))
		copied := func() string {
			out, err := w.admin(to).CopySnapshot(t.Context(), &ec2.CopySnapshotInput{SourceRegion: aws.String(ireland), SourceSnapshotId: &original.ID})
			require.NoError(t, err)
			time.Sleep(time.Hour)
			return *out.SnapshotId
		}
		register := func(at ec2sim.Site, name, snapshot string) types.Image {
			out, err := w.admin(at).RegisterImage(t.Context(), imageInput(name, snapshot))
			require.NoError(t, err)
			return w.image(at, *out.ImageId)
		}
		kept := copied()
		w.EC2().SetBillingLost(true)
		lost := copied()
		for _, tt := range []struct {
			at                  ec2sim.Site
			snapshot, is, bills string
			products            int
		}{
			{from, original.ID, "Windows", "RunInstances:0002", 1},
			{to, kept, "Windows", "RunInstances:0002", 1},
			{to, lost, "Linux/UNIX", "RunInstances", 0},
		} {
			im := register(tt.at, tt.snapshot, tt.snapshot)
			require.Equal(t, tt.is, *im.PlatformDetails)
			require.Equal(t, tt.bills, *im.UsageOperation)
			require.Len(t, im.ProductCodes, tt.products)
		}
	})
}

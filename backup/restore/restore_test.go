package restore_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// TestVolumesElsewhere restores into another account and another Region, byte
// for byte.
func TestVolumesElsewhere(t *testing.T) {
	for _, region := range []string{home, away} {
		t.Run(region, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				q := w.request(restore.Volumes, region)
				r := w.restorer(restore.Options{OnEvent: func(e backup.Event) {
					if e.Step == backup.StepKind(restore.MakeVolume) {
						w.nothingShared() // as soon as the copies are there
					}
				}})
				plan, err := r.Plan(t.Context(), q)
				require.NoError(t, err)
				report, err := r.Run(t.Context(), plan)
				require.NoError(t, err)
				for _, v := range w.verify(q, report) {
					require.Equal(t, q.Zone, aws.ToString(v.AvailabilityZone))
					require.Empty(t, v.Attachments)
				}
			})
		})
	}
}

// TestAPlacedInstance starts where and as its request says.
func TestAPlacedInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.admin(clean, away)
		image := ec2sim.BaseImage(away, types.ArchitectureValuesX8664)
		run, err := there.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: &image, InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			Placement: &types.Placement{AvailabilityZone: aws.String(away + "c")},
		})
		require.NoError(t, err)
		_, err = there.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{
			KeyName: aws.String("ops"), PublicKeyMaterial: []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ops"),
		})
		require.NoError(t, err)
		other := run.Instances[0]
		q := w.request(restore.Instance, away)
		q.Instance = restore.Launch{
			SubnetID: aws.ToString(other.SubnetId), SecurityGroupIDs: []string{aws.ToString(other.SecurityGroups[0].GroupId)},
			KeyName: "ops", InstanceProfileARN: "arn:aws:iam::" + clean + ":instance-profile/app",
		}
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		w.verify(q, report)
		out, err := there.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{report.Instance}})
		require.NoError(t, err)
		i := out.Reservations[0].Instances[0]
		require.Equal(t, other.SubnetId, i.SubnetId)
		require.Equal(t, away+"c", aws.ToString(i.Placement.AvailabilityZone))
		require.Equal(t, q.Instance.SecurityGroupIDs[0], aws.ToString(i.SecurityGroups[0].GroupId))
		require.Equal(t, "ops", aws.ToString(i.KeyName))
		require.Equal(t, q.Instance.InstanceProfileARN, aws.ToString(i.IamInstanceProfile.Arn))
		require.Equal(t, types.InstanceTypeM5Large, i.InstanceType)

		// A role that is not listed is not passed.
		q.ID, q.Instance.InstanceProfileARN = "drill-2", "arn:aws:iam::"+clean+":instance-profile/admin"
		_, err = w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.ErrorIs(t, err, backup.ErrDenied)
		w.nothingShared()
	})
}

// TestInstanceElsewhere restores a running instance.
func TestInstanceElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		q.Zone = away + "b"
		q.Instance.InstanceType = "m5.xlarge"
		r := w.restorer(restore.Options{})
		plan, err := r.Plan(t.Context(), q)
		require.NoError(t, err)
		report, err := r.Run(t.Context(), plan)
		require.NoError(t, err)
		w.verify(q, report)
		out, err := w.admin(clean, away).DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{})
		require.NoError(t, err)
		require.Len(t, out.Reservations, 1)
		i := out.Reservations[0].Instances[0]
		require.Equal(t, report.Instance, aws.ToString(i.InstanceId))
		require.Equal(t, types.InstanceStateNameRunning, i.State.Name)
		require.Equal(t, types.InstanceTypeM5Xlarge, i.InstanceType)
		require.Equal(t, q.Zone, aws.ToString(i.Placement.AvailabilityZone))
		require.Equal(t, w.point.Machine.Architecture, string(i.Architecture))
		require.Equal(t, w.point.Machine.BootMode, string(i.BootMode))
		require.Equal(t, w.point.Machine.ENA, aws.ToBool(i.EnaSupport))
		require.Equal(t, w.point.Machine.RootDevice, aws.ToString(i.RootDeviceName))
		require.Equal(t, types.VirtualizationTypeHvm, i.VirtualizationType)
		require.Len(t, i.BlockDeviceMappings, 3)
		for _, b := range i.BlockDeviceMappings {
			require.False(t, aws.ToBool(b.Ebs.DeleteOnTermination))
		}
	})
}

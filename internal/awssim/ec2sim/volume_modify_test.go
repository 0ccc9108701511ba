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

func TestModifyVolume(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		v := w.volume(at, "")
		modify := func(in ec2.ModifyVolumeInput) string {
			in.VolumeId = &v.ID
			_, err := c.ModifyVolume(t.Context(), &in)
			return code(t, err)
		}
		state := func() types.VolumeModification {
			out, err := c.DescribeVolumesModifications(t.Context(), &ec2.DescribeVolumesModificationsInput{VolumeIds: []string{v.ID}})
			require.NoError(t, err)
			return out.VolumesModifications[0]
		}
		_, err := c.DescribeVolumesModifications(t.Context(), &ec2.DescribeVolumesModificationsInput{VolumeIds: []string{v.ID}})
		require.Equal(t, "InvalidVolumeModification.NotFound", code(t, err))
		require.Equal(t, "InvalidParameterValue", modify(ec2.ModifyVolumeInput{Size: aws.Int32(1)}), "smaller")
		require.Equal(t, "InvalidParameterValue", modify(ec2.ModifyVolumeInput{VolumeType: "st1"}), "too small for the type")
		require.Empty(t, modify(ec2.ModifyVolumeInput{Size: aws.Int32(100), Iops: aws.Int32(4000)}))
		require.Equal(t, types.VolumeModificationStateModifying, state().ModificationState)
		time.Sleep(time.Minute)
		require.Equal(t, types.VolumeModificationStateOptimizing, state().ModificationState)
		require.Equal(t, "IncorrectModificationState", modify(ec2.ModifyVolumeInput{Size: aws.Int32(101)}))
		time.Sleep(time.Hour)
		got := state()
		require.Equal(t, types.VolumeModificationStateCompleted, got.ModificationState)
		require.Equal(t, int64(100), *got.Progress)
		require.Equal(t, int32(4), *got.OriginalSize)
		require.Equal(t, int32(100), *got.TargetSize)
		require.Equal(t, int32(125), *got.TargetThroughput, "what is not asked for stays")
		for i := range int32(3) {
			require.Empty(t, modify(ec2.ModifyVolumeInput{Size: aws.Int32(101 + i)}))
			time.Sleep(time.Hour)
		}
		require.Equal(t, "VolumeModificationRateExceeded", modify(ec2.ModifyVolumeInput{Size: aws.Int32(200)}), "four in 24 hours")
		time.Sleep(21 * time.Hour)
		require.Empty(t, modify(ec2.ModifyVolumeInput{VolumeType: "gp2"}))
	})
}

func TestVolumeStatusAndAttributes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		v := w.volume(at, "")
		w.write(v, "x", 1, 2, 3)
		sn := w.snapshot(v)
		made, err := c.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: &sn.ID, VolumeInitializationRate: aws.Int32(100),
		})
		require.NoError(t, err)
		require.Equal(t, int32(100), *made.VolumeInitializationRate)
		status := func() types.VolumeStatusItem {
			out, err := c.DescribeVolumeStatus(t.Context(), &ec2.DescribeVolumeStatusInput{VolumeIds: []string{*made.VolumeId}})
			require.NoError(t, err)
			return out.VolumeStatuses[0]
		}
		require.Equal(t, types.VolumeStatusInfoStatusInsufficientData, status().VolumeStatus.Status)
		time.Sleep(time.Minute)
		require.Equal(t, types.VolumeStatusInfoStatusOk, status().VolumeStatus.Status)
		require.Equal(t, int64(100), *status().InitializationStatusDetails.Progress)
		_, err = c.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1), VolumeInitializationRate: aws.Int32(100)})
		require.Equal(t, "InvalidParameterValue", code(t, err), "nothing to initialize")

		_, err = c.ModifyVolumeAttribute(t.Context(), &ec2.ModifyVolumeAttributeInput{VolumeId: &v.ID, AutoEnableIO: truth(true)})
		require.NoError(t, err)
		out, err := c.DescribeVolumeAttribute(t.Context(), &ec2.DescribeVolumeAttributeInput{VolumeId: &v.ID, Attribute: "autoEnableIO"})
		require.NoError(t, err)
		require.True(t, *out.AutoEnableIO.Value)
	})
}

// A copy has what was on its source when it was made, and nothing later.
func TestCopyVolumes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		source := w.volume(at, key)
		w.write(source, "then", 5)
		in := &ec2.CopyVolumesInput{SourceVolumeId: &source.ID, Size: aws.Int32(8), VolumeType: "gp3", TagSpecifications: tagged("volume", "a", "b")}
		out, err := w.admin(at).CopyVolumes(t.Context(), in)
		require.NoError(t, err)
		w.write(source, "later", 5)
		again, err := w.admin(at).CopyVolumes(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, *out.Volumes[0].VolumeId, *again.Volumes[0].VolumeId, "the token is the same")
		got := out.Volumes[0]
		require.Equal(t, source.ID, *got.SourceVolumeId)
		require.Equal(t, key, *got.KmsKeyId)
		require.Equal(t, int32(8), *got.Size)
		require.Equal(t, "eu-west-1a", *got.AvailabilityZone)
		have, err := w.EC2().ReadVolume(ec2sim.Ref{Site: at, ID: *got.VolumeId})
		require.NoError(t, err)
		require.Equal(t, []byte("then"), have.Blocks[5])
		_, err = w.admin(at).CopyVolumes(t.Context(), &ec2.CopyVolumesInput{SourceVolumeId: &source.ID, Size: aws.Int32(1)})
		require.Equal(t, "InvalidParameterValue", code(t, err))
	})
}

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

func (w *world) encryptByDefault(at ec2sim.Site, key string) {
	w.t.Helper()
	_, err := w.admin(at).EnableEbsEncryptionByDefault(w.t.Context(), &ec2.EnableEbsEncryptionByDefaultInput{})
	require.NoError(w.t, err)
	if key == "" {
		return
	}
	_, err = w.admin(at).ModifyEbsDefaultKmsKeyId(w.t.Context(), &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: &key})
	require.NoError(w.t, err)
}

func TestEncryptionSettings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c, key := w.admin(at), w.key(at)
		on := func() bool {
			out, err := c.GetEbsEncryptionByDefault(t.Context(), &ec2.GetEbsEncryptionByDefaultInput{})
			require.NoError(t, err)
			return *out.EbsEncryptionByDefault
		}
		current := func() string {
			out, err := c.GetEbsDefaultKmsKeyId(t.Context(), &ec2.GetEbsDefaultKmsKeyIdInput{})
			require.NoError(t, err)
			return *out.KmsKeyId
		}
		managed := current()
		require.False(t, on())
		w.encryptByDefault(at, key)
		require.True(t, on())
		require.Equal(t, key, current())
		off, err := c.DisableEbsEncryptionByDefault(t.Context(), &ec2.DisableEbsEncryptionByDefaultInput{})
		require.NoError(t, err)
		require.False(t, *off.EbsEncryptionByDefault)
		require.False(t, on())
		require.Equal(t, key, current(), "the key is another setting")
		back, err := c.ResetEbsDefaultKmsKeyId(t.Context(), &ec2.ResetEbsDefaultKmsKeyIdInput{})
		require.NoError(t, err)
		require.Equal(t, managed, *back.KmsKeyId)
		require.Equal(t, managed, current())
		_, err = c.ModifyEbsDefaultKmsKeyId(t.Context(), &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: aws.String("")})
		require.Equal(t, "MissingParameter", code(t, err))
		_, err = w.as(at, "nobody").EnableEbsEncryptionByDefault(t.Context(), &ec2.EnableEbsEncryptionByDefaultInput{})
		require.Equal(t, "UnauthorizedOperation", code(t, err))
		require.False(t, on())
	})
}

// Source: Amazon EBS User Guide, "Amazon EBS encryption", encryption outcomes.
func TestEncryptionByDefaultIsHonoured(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, from := site(target, ireland), site(second, ireland)
		own, key, foreign := w.key(at), w.key(at), w.key(from, letIn(target))
		plain, sealed := w.snapshot(w.volume(at, "")), w.snapshot(w.volume(at, own))
		shared := w.snapshot(w.volume(from, foreign))
		require.NoError(t, w.share(shared, "add", target))
		w.encryptByDefault(at, key)
		volumeKey := func(in *ec2.CreateVolumeInput) string {
			in.AvailabilityZone = aws.String("eu-west-1a")
			out, err := w.admin(at).CreateVolume(t.Context(), in)
			require.NoError(t, err)
			require.True(t, *out.Encrypted)
			return *out.KmsKeyId
		}
		require.Equal(t, key, volumeKey(&ec2.CreateVolumeInput{Size: aws.Int32(1)}))
		require.Equal(t, key, volumeKey(&ec2.CreateVolumeInput{SnapshotId: &plain.ID}))
		require.Equal(t, own, volumeKey(&ec2.CreateVolumeInput{SnapshotId: &sealed.ID}), "one's own keep their key")
		require.Equal(t, key, volumeKey(&ec2.CreateVolumeInput{SnapshotId: &shared.ID}))
		require.Equal(t, own, volumeKey(&ec2.CreateVolumeInput{Size: aws.Int32(1), Encrypted: aws.Bool(true), KmsKeyId: &own}))
		for _, source := range []ec2sim.Ref{plain, sealed, shared} {
			got := w.settled(w.copy(source, at, ""))
			require.Equal(t, types.SnapshotStateCompleted, got.State, got.StateMessage)
			require.Equal(t, key, got.KeyARN)
		}
		inst, volumes := w.instance(at, 1)
		require.NotEmpty(t, inst)
		out, err := w.admin(at).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: volumes})
		require.NoError(t, err)
		for _, v := range out.Volumes {
			require.Equal(t, key, aws.ToString(v.KmsKeyId))
		}
		far := w.find(w.copy(plain, site(target, oregon), ""))
		require.False(t, far.Encrypted, "another Region has its own setting")
	})
}

// A default key that is not there is accepted; what is made under it fails.
func TestDefaultKeyThatIsNotThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		plain := w.snapshot(w.volume(at, ""))
		w.encryptByDefault(at, "arn:aws:kms:eu-west-1:"+target+":key/00000000-0000-0000-0000-000000000000")
		got := w.settled(w.copy(plain, at, ""))
		require.Equal(t, types.SnapshotStateError, got.State)
		require.Equal(t, "Given key ID is not accessible", got.StateMessage)
		out, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = w.admin(at).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{*out.VolumeId}})
		require.Equal(t, "InvalidVolume.NotFound", code(t, err))
	})
}

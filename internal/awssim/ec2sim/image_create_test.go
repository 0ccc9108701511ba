package ec2sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// image describes an image as an administrator of a site sees it.
func (w *world) image(at ec2sim.Site, id string) types.Image {
	w.t.Helper()
	out, err := w.admin(at).DescribeImages(w.t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)})
	require.NoError(w.t, err)
	require.Len(w.t, out.Images, 1)
	return out.Images[0]
}

// imageOf makes an image of an instance without rebooting it, and waits.
func (w *world) imageOf(at ec2sim.Site, instance, name string, change ...func(*ec2.CreateImageInput)) string {
	w.t.Helper()
	in := &ec2.CreateImageInput{InstanceId: &instance, Name: &name, NoReboot: aws.Bool(true)}
	for _, f := range change {
		f(in)
	}
	out, err := w.admin(at).CreateImage(w.t.Context(), in)
	require.NoError(w.t, err)
	require.Equal(w.t, types.ImageStatePending, w.image(at, *out.ImageId).State)
	time.Sleep(time.Hour)
	require.Equal(w.t, types.ImageStateAvailable, w.image(at, *out.ImageId).State)
	return *out.ImageId
}

func TestImageOfAnInstance(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		inst, volumes := w.instance(at, 2)
		w.write(ec2sim.Ref{Site: at, ID: volumes[1]}, "data", 7)
		id := w.imageOf(at, inst, "whole", func(in *ec2.CreateImageInput) {
			in.Description = aws.String("all of it")
			in.TagSpecifications = []types.TagSpecification{
				{ResourceType: "image", Tags: tags("plan", "daily")}, {ResourceType: "snapshot", Tags: tags("of", "image")},
			}
			in.BlockDeviceMappings = []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(true)}},
				{DeviceName: aws.String("/dev/sdg"), NoDevice: aws.String("")},
				{DeviceName: aws.String("/dev/sdz"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(9), VolumeType: "gp3"}},
				{DeviceName: aws.String("/dev/sdy"), VirtualName: aws.String("ephemeral0")},
			}
		})
		got := w.image(at, id)
		require.Equal(t, "all of it", *got.Description)
		require.Equal(t, map[string]string{"plan": "daily"}, tagMap(got.Tags))
		require.Equal(t, inst, *got.SourceInstanceId)
		require.Equal(t, ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664), *got.SourceImageId)
		var devices []string
		for _, m := range got.BlockDeviceMappings {
			devices = append(devices, *m.DeviceName)
		}
		require.Equal(t, []string{"/dev/xvda", "/dev/sdf", "/dev/sdz", "/dev/sdy"}, devices)
		require.True(t, *got.BlockDeviceMappings[1].Ebs.DeleteOnTermination)
		require.Nil(t, got.BlockDeviceMappings[2].Ebs.SnapshotId, "an empty volume")
		require.Equal(t, "ephemeral0", *got.BlockDeviceMappings[3].VirtualName)

		snap := w.find(ec2sim.Ref{Site: at, ID: *got.BlockDeviceMappings[1].Ebs.SnapshotId})
		require.Equal(t, "Created by CreateImage("+inst+") for "+id, snap.Description)
		require.Equal(t, map[string]string{"of": "image"}, snap.Tags)
		require.Equal(t, volumes[1], snap.Volume)
		have, err := w.EC2().ReadSnapshot(snap.Ref)
		require.NoError(t, err)
		require.Equal(t, []byte("data"), have.Blocks[7])
	})
}

// Only a call that says so leaves the instance alone.
func TestCreateImageReboots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		inst, _ := w.instance(at, 0)
		boots := func() int {
			all, err := w.EC2().Boots(ec2sim.Ref{Site: at, ID: inst})
			require.NoError(t, err)
			return len(all)
		}
		before := boots()
		w.imageOf(at, inst, "quiet")
		require.Equal(t, before, boots())
		w.imageOf(at, inst, "loud", func(in *ec2.CreateImageInput) { in.NoReboot = nil })
		require.Equal(t, before+1, boots())
		require.Equal(t, types.InstanceStateNameRunning, w.describe(at, inst).State.Name)
	})
}

func TestCreateImageRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		inst, _ := w.instance(at, 1)
		fresh, err := w.admin(at).RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664)), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		require.NoError(t, err)
		w.imageOf(at, inst, "taken")
		gone, _ := w.instance(at, 0)
		_, err = w.admin(at).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{gone}})
		require.NoError(t, err)
		_ = fresh
		disk := func(device string, ebs *types.EbsBlockDevice) []types.BlockDeviceMapping {
			return []types.BlockDeviceMapping{{DeviceName: &device, Ebs: ebs}}
		}
		for _, tt := range []struct {
			name string
			in   ec2.CreateImageInput
			want string
		}{
			{"name taken", ec2.CreateImageInput{Name: aws.String("taken")}, "InvalidAMIName.Duplicate"},
			{"bad name", ec2.CreateImageInput{Name: aws.String("*")}, "InvalidAMIName.Malformed"},
			{"no such instance", ec2.CreateImageInput{InstanceId: aws.String("i-0123456789abcdef0")}, "InvalidInstanceID.NotFound"},
			{"terminated", ec2.CreateImageInput{InstanceId: &gone}, "IncorrectState"},
			{"another size", ec2.CreateImageInput{BlockDeviceMappings: disk("/dev/sdf", &types.EbsBlockDevice{VolumeSize: aws.Int32(100)})}, "InvalidBlockDeviceMapping"},
			{"encryption", ec2.CreateImageInput{BlockDeviceMappings: disk("/dev/sdf", &types.EbsBlockDevice{Encrypted: aws.Bool(true)})}, "InvalidBlockDeviceMapping"},
			{"no root", ec2.CreateImageInput{BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), NoDevice: aws.String("")}}}, "InvalidBlockDeviceMapping"},
			{"boot mode that it has not", ec2.CreateImageInput{BootModeOverride: "floppy"}, "InvalidParameterValue"},
			{"tags of volumes", ec2.CreateImageInput{TagSpecifications: tagged("volume", "a", "b")}, "InvalidParameterValue"},
			{"dry run", ec2.CreateImageInput{DryRun: aws.Bool(true)}, "DryRunOperation"},
		} {
			if tt.in.InstanceId == nil {
				tt.in.InstanceId = &inst
			}
			if tt.in.Name == nil {
				tt.in.Name = aws.String("name")
			}
			_, err := w.admin(at).CreateImage(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
	})
}

func copyImage(source ec2sim.Site, id, name string) *ec2.CopyImageInput {
	return &ec2.CopyImageInput{SourceRegion: &source.Region, SourceImageId: &id, Name: &name}
}

func TestCopyOfAnImage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, at := site(target, ireland), site(target, oregon)
		inst, volumes := w.instance(from, 1)
		w.write(ec2sim.Ref{Site: from, ID: volumes[0]}, "boot", 3)
		source := w.imageOf(from, inst, "source", func(in *ec2.CreateImageInput) { in.TagSpecifications = tagged("image", "a", "own", "b", "own") })
		key := w.key(at)
		in := copyImage(from, source, "copy")
		in.Encrypted, in.KmsKeyId, in.CopyImageTags, in.ClientToken = aws.Bool(true), &key, aws.Bool(true), aws.String("once")
		in.TagSpecifications = []types.TagSpecification{
			{ResourceType: "image", Tags: tags("b", "given")}, {ResourceType: "snapshot", Tags: tags("c", "given")},
		}
		first, err := w.admin(at).CopyImage(t.Context(), in)
		require.NoError(t, err)
		again, err := w.admin(at).CopyImage(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, *first.ImageId, *again.ImageId)
		require.Equal(t, types.ImageStatePending, w.image(at, *first.ImageId).State)
		time.Sleep(time.Hour)
		got := w.image(at, *first.ImageId)
		require.Equal(t, types.ImageStateAvailable, got.State)
		require.Equal(t, map[string]string{"a": "own", "b": "given"}, tagMap(got.Tags))
		require.Equal(t, source, *got.SourceImageId)
		require.Equal(t, ireland, *got.SourceImageRegion)
		for _, m := range got.BlockDeviceMappings {
			sn := w.find(ec2sim.Ref{Site: at, ID: *m.Ebs.SnapshotId})
			require.Equal(t, key, sn.KeyARN)
			require.True(t, *m.Ebs.Encrypted)
			require.Equal(t, map[string]string{"c": "given"}, sn.Tags)
		}
		root, err := w.EC2().ReadSnapshot(ec2sim.Ref{Site: at, ID: *got.BlockDeviceMappings[0].Ebs.SnapshotId})
		require.NoError(t, err)
		require.Equal(t, []byte("boot"), root.Blocks[3])
		out, err := w.admin(at).RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: first.ImageId, InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Equal(t, types.InstanceStateNameRunning, w.describe(at, *out.Instances[0].InstanceId).State.Name)
	})
}

// A key that cannot be used shows later, and in the image's state.
func TestCopyOfAnImageFailsLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		inst, _ := w.instance(at, 0)
		source := w.imageOf(at, inst, "source")
		dead := w.key(at)
		_, err := w.kms(at).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &dead})
		require.NoError(t, err)
		for i, key := range []string{dead, "alias/none", w.key(site(second, ireland))} {
			in := copyImage(at, source, fmt.Sprintf("copy %d", i))
			in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
			out, err := w.admin(at).CopyImage(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, types.ImageStatePending, w.image(at, *out.ImageId).State)
			time.Sleep(time.Hour)
			got := w.image(at, *out.ImageId)
			require.Equal(t, types.ImageStateFailed, got.State)
			require.Equal(t, "Copy image failed with an internal error", *got.StateReason.Message)
		}
	})
}

// Who copies a shared image needs its snapshots and their key as well.
func TestCopyOfASharedImage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		owner, at := site(target, ireland), site(second, oregon)
		inst, _ := w.instance(owner, 0)
		shared := w.imageOf(owner, inst, "shared")
		try := func() (id, refused string) {
			out, err := w.admin(at).CopyImage(t.Context(), copyImage(owner, shared, "mine"))
			if err != nil {
				return "", code(t, err)
			}
			return *out.ImageId, ""
		}
		_, refused := try()
		require.Equal(t, "InvalidAMIID.NotFound", refused)
		require.NoError(t, w.permit(owner, shared, types.LaunchPermission{UserId: aws.String(second)}))
		_, refused = try()
		require.Equal(t, "InvalidRequest", refused, "without the snapshot")
		snap := ec2sim.Ref{Site: owner, ID: *w.image(owner, shared).BlockDeviceMappings[0].Ebs.SnapshotId}
		require.NoError(t, w.share(snap, "add", second))
		id, refused := try()
		require.Empty(t, refused)
		time.Sleep(time.Hour)
		require.Equal(t, types.ImageStateAvailable, w.image(at, id).State)
	})
}

func TestCopiesOfImagesAreLimited(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetLimits(ec2sim.Limits{ImageCopiesPerRegion: 25})
		base := ec2sim.BaseImage(oregon, types.ArchitectureValuesX8664)
		try := func(i int) string {
			_, err := w.admin(at).CopyImage(t.Context(), copyImage(site(target, oregon), base, fmt.Sprintf("copy %d", i)))
			return code(t, err)
		}
		for i := range 25 {
			require.Empty(t, try(i), "the 20 copies of snapshots do not limit those of images")
		}
		require.Equal(t, "ResourceLimitExceeded", try(25))
		time.Sleep(time.Hour)
		require.Empty(t, try(25))
	})
}

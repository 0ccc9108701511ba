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

func imageInput(name string, snapshots ...string) *ec2.RegisterImageInput {
	in := &ec2.RegisterImageInput{
		Name: &name, Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"), EnaSupport: aws.Bool(true),
		BootMode: types.BootModeValuesUefiPreferred, RootDeviceName: aws.String("/dev/sda1"),
	}
	for i, id := range snapshots {
		device := []string{"/dev/sda1", "/dev/sdf", "/dev/sdg"}[i]
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: &device, Ebs: &types.EbsBlockDevice{SnapshotId: &id, VolumeType: types.VolumeTypeGp3},
		})
	}
	return in
}

// An instance is restored by way of an image: what it holds is what was there.
func TestInstanceFromRegisteredSnapshots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, at := site(target, ireland), site(second, ireland)
		key := w.key(from, letIn(second))
		_, volumes := w.instance(from, 0)
		root := ec2sim.Ref{Site: from, ID: volumes[0]}
		data := w.volume(from, key)
		w.write(root, "root", 100)
		w.write(data, "data", 200)
		snaps := []ec2sim.Ref{w.snapshot(root), w.snapshot(data)}
		var here []string
		mine := w.key(at)
		for _, sn := range snaps {
			require.NoError(t, w.share(sn, "add", second))
			copied := w.copy(sn, at, mine)
			require.Equal(t, types.SnapshotStateCompleted, w.settled(copied).State)
			here = append(here, copied.ID)
		}
		image, err := w.admin(at).RegisterImage(t.Context(), imageInput("restored", here...))
		require.NoError(t, err)
		run := &ec2.RunInstancesInput{ImageId: image.ImageId, InstanceType: "m5.large", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
		_, err = w.admin(at).RunInstances(t.Context(), run)
		require.Equal(t, "InvalidAMIID.Unavailable", code(t, err), "pending at first")
		time.Sleep(time.Minute)
		out, err := w.admin(at).RunInstances(t.Context(), run)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		inst := w.describe(at, *out.Instances[0].InstanceId)
		require.Equal(t, types.InstanceStateNameRunning, inst.State.Name)
		require.Len(t, inst.BlockDeviceMappings, 2)
		for i, original := range []ec2sim.Ref{root, data} {
			want, err := w.EC2().ReadVolume(original)
			require.NoError(t, err)
			got, err := w.EC2().ReadVolume(ec2sim.Ref{Site: at, ID: *inst.BlockDeviceMappings[i].Ebs.VolumeId})
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		vols, err := w.admin(at).DescribeVolumes(t.Context(), nil)
		require.NoError(t, err)
		for _, v := range vols.Volumes {
			require.Equal(t, mine, *v.KmsKeyId)
		}
	})
}

func TestImageLocksItsSnapshots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		root := w.snapshot(vol)
		time.Sleep(time.Minute)
		data := w.snapshot(vol)
		image, err := w.admin(at).RegisterImage(t.Context(), imageInput("locked", root.ID, data.ID))
		require.NoError(t, err)
		remove := func(id string) string {
			_, err := w.admin(at).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &id})
			return code(t, err)
		}
		require.Equal(t, "InvalidSnapshot.InUse", remove(root.ID))
		require.Equal(t, "InvalidSnapshot.InUse", remove(data.ID))
		_, err = w.admin(site(second, ireland)).DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: image.ImageId})
		require.Equal(t, "InvalidAMIID.NotFound", code(t, err))
		_, err = w.admin(at).DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: image.ImageId})
		require.NoError(t, err)
		require.Empty(t, remove(root.ID))
		require.Empty(t, remove(data.ID))
		_, err = w.admin(at).DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: image.ImageId})
		require.Equal(t, "InvalidAMIID.NotFound", code(t, err))
	})
}

// An image of somebody who may see a shared snapshot does not lock its owner's.
func TestForeignImageLocksNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		require.NoError(t, w.share(sn, "add", second))
		_, err := w.admin(site(second, ireland)).RegisterImage(t.Context(), imageInput("theirs", sn.ID))
		require.NoError(t, err)
		_, err = w.admin(sn.Site).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &sn.ID})
		require.NoError(t, err)
	})
}

func TestRegisterImageRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		sn := w.snapshot(vol)
		_, err := w.admin(at).RegisterImage(t.Context(), imageInput("taken", sn.ID))
		require.NoError(t, err)
		foreign := w.snapshot(w.volume(site(second, ireland), ""))
		fresh, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(t, err)
		with := func(change func(*ec2.RegisterImageInput)) *ec2.RegisterImageInput {
			in := imageInput("name", sn.ID)
			change(in)
			return in
		}
		for _, tt := range []struct {
			name string
			in   *ec2.RegisterImageInput
			want string
		}{
			{"name taken", imageInput("taken", sn.ID), "InvalidAMIName.Duplicate"},
			{"name too short", imageInput("ab", sn.ID), "InvalidAMIName.Malformed"},
			{"name with a star", imageInput("a*b", sn.ID), "InvalidAMIName.Malformed"},
			{"foreign snapshot", imageInput("name", foreign.ID), "InvalidSnapshot.NotFound"},
			{"pending snapshot", imageInput("name", *fresh.SnapshotId), "IncorrectState"},
			{"no snapshot", imageInput("name"), "InvalidBlockDeviceMapping"},
			{"root not mapped", with(func(in *ec2.RegisterImageInput) { in.RootDeviceName = aws.String("/dev/sdx") }), "InvalidBlockDeviceMapping"},
			{"no root", with(func(in *ec2.RegisterImageInput) { in.RootDeviceName = nil }), "MissingParameter"},
			{"encryption given", with(func(in *ec2.RegisterImageInput) { in.BlockDeviceMappings[0].Ebs.Encrypted = aws.Bool(true) }), "InvalidBlockDeviceMapping"},
			{"device twice", with(func(in *ec2.RegisterImageInput) {
				in.BlockDeviceMappings = append(in.BlockDeviceMappings, in.BlockDeviceMappings[0])
			}), "InvalidBlockDeviceMapping"},
			{"unknown architecture", with(func(in *ec2.RegisterImageInput) { in.Architecture = "z80" }), "InvalidParameterValue"},
			{"unknown boot mode", with(func(in *ec2.RegisterImageInput) { in.BootMode = "floppy" }), "InvalidParameterValue"},
			{"dry run", with(func(in *ec2.RegisterImageInput) { in.DryRun = aws.Bool(true) }), "DryRunOperation"},
			{"good", with(func(*ec2.RegisterImageInput) {}), ""},
		} {
			_, err := w.admin(at).RegisterImage(t.Context(), tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
	})
}

// Source: EC2 API Reference, RegisterImage: the defaults of Architecture and
// VirtualizationType.
func TestRegisterImageDefaults(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		in := imageInput("bare", w.snapshot(w.volume(at, "")).ID)
		in.Architecture, in.VirtualizationType, in.EnaSupport, in.BootMode = "", nil, nil, ""
		image, err := w.admin(at).RegisterImage(t.Context(), in)
		require.NoError(t, err)
		out, err := w.admin(at).DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*image.ImageId}})
		require.NoError(t, err)
		got := out.Images[0]
		require.Equal(t, types.ArchitectureValuesI386, got.Architecture)
		require.Equal(t, types.VirtualizationTypeParavirtual, got.VirtualizationType)
		require.False(t, *got.EnaSupport)
		require.Equal(t, types.ImageStatePending, got.State)
	})
}

func TestImagesAreFound(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, ""))
		in := imageInput("mine", sn.ID)
		in.TagSpecifications = tagged("image", "plan", "daily")
		image, err := w.admin(at).RegisterImage(t.Context(), in)
		require.NoError(t, err)
		x86, arm := ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664), ec2sim.BaseImage(ireland, types.ArchitectureValuesArm64)
		everything, err := w.admin(at).DescribeImages(t.Context(), nil)
		require.NoError(t, err)
		server := *everything.Images[0].ImageId // the third public image
		all := []string{server, x86, arm, *image.ImageId}
		type ask = ec2.DescribeImagesInput
		for _, tt := range []struct {
			name string
			who  ec2sim.Site
			in   ask
			want []string
		}{
			{"everything", at, ask{}, all},
			{"everything, for others", site(second, ireland), ask{}, all[:3]},
			{"own", at, ask{Owners: []string{"self"}}, all[3:]},
			{"Amazon's", at, ask{Owners: []string{"amazon"}}, all[:3]},
			{"by architecture", at, ask{Filters: []types.Filter{filter("architecture", "arm64")}}, all[2:3]},
			{"by snapshot", at, ask{Filters: []types.Filter{filter("block-device-mapping.snapshot-id", sn.ID)}}, all[3:]},
			{"by name", at, ask{Filters: []types.Filter{filter("name", "base-*")}}, all[:3]},
			{"by tag", at, ask{Filters: []types.Filter{filter("tag:plan", "daily")}}, all[3:]},
			{"by alias", at, ask{Filters: []types.Filter{filter("owner-alias", "amazon")}}, all[:3]},
		} {
			out, err := w.admin(tt.who).DescribeImages(t.Context(), &tt.in)
			require.NoError(t, err, tt.name)
			var got []string
			for _, im := range out.Images {
				got = append(got, *im.ImageId)
			}
			require.Equal(t, tt.want, got, tt.name)
		}
		require.Empty(t, w.listed(at, ec2.DescribeSnapshotsInput{OwnerIds: []string{"amazon"}}), "the snapshots behind public images are not public")
	})
}

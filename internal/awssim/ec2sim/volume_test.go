package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

var volumeKeyActions = []string{
	"kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Decrypt",
}

// volumeState is empty for a volume that does not exist.
func (w *world) volumeState(at ec2sim.Site, id string) types.VolumeState {
	w.t.Helper()
	out, err := w.admin(at).DescribeVolumes(w.t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	if err != nil {
		require.Equal(w.t, "InvalidVolume.NotFound", code(w.t, err))
		return ""
	}
	return out.Volumes[0].State
}

func TestCreateVolume(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		mine := w.snapshot(w.volume(at, ""))
		theirs := w.snapshot(w.volume(site(second, ireland), ""))
		shared := w.snapshot(w.volume(site(second, ireland), ""))
		require.NoError(t, w.share(shared, "add", target))
		zone := aws.String("eu-west-1b")
		type in = ec2.CreateVolumeInput
		for _, tt := range []struct {
			name string
			in   in
			code string
			size int32
			iops int32
			kind types.VolumeType
		}{
			{"empty", in{AvailabilityZone: zone, Size: aws.Int32(50)}, "", 50, 150, "gp2"},
			{"small gp2", in{AvailabilityZone: zone, Size: aws.Int32(1)}, "", 1, 100, "gp2"},
			{"large gp2", in{AvailabilityZone: zone, Size: aws.Int32(16384)}, "", 16384, 16000, "gp2"},
			{"zone by id", in{AvailabilityZoneId: aws.String("euw1-az2"), Size: aws.Int32(1)}, "", 1, 100, "gp2"},
			{"as large as the snapshot", in{AvailabilityZone: zone, SnapshotId: &mine.ID, VolumeType: "gp3"}, "", 4, 3000, "gp3"},
			{"larger than the snapshot", in{AvailabilityZone: zone, SnapshotId: &mine.ID, Size: aws.Int32(9)}, "", 9, 100, "gp2"},
			{"smaller than the snapshot", in{AvailabilityZone: zone, SnapshotId: &mine.ID, Size: aws.Int32(3)}, "InvalidParameterValue", 0, 0, ""},
			{"from a shared snapshot", in{AvailabilityZone: zone, SnapshotId: &shared.ID}, "", 4, 100, "gp2"},
			{"from a foreign snapshot", in{AvailabilityZone: zone, SnapshotId: &theirs.ID}, "InvalidSnapshot.NotFound", 0, 0, ""},
			{"no size", in{AvailabilityZone: zone}, "MissingParameter", 0, 0, ""},
			{"no zone", in{Size: aws.Int32(1)}, "InvalidParameterCombination", 0, 0, ""},
			{"unknown zone", in{AvailabilityZone: aws.String("eu-west-1z"), Size: aws.Int32(1)}, "InvalidZone.NotFound", 0, 0, ""},
			{"zone of another Region", in{AvailabilityZone: aws.String("us-west-2a"), Size: aws.Int32(1)}, "InvalidZone.NotFound", 0, 0, ""},
			{"gp2 too large", in{AvailabilityZone: zone, Size: aws.Int32(16385)}, "InvalidParameterValue", 0, 0, ""},
			{"gp2 with IOPS", in{AvailabilityZone: zone, Size: aws.Int32(9), Iops: aws.Int32(100)}, "InvalidParameterCombination", 0, 0, ""},
			{"gp3 chosen", in{AvailabilityZone: zone, Size: aws.Int32(100), VolumeType: "gp3", Iops: aws.Int32(16000), Throughput: aws.Int32(1000)}, "", 100, 16000, "gp3"},
			{"gp3 of 64 TiB", in{AvailabilityZone: zone, Size: aws.Int32(65536), VolumeType: "gp3"}, "", 65536, 3000, "gp3"},
			{"gp3 with too few IOPS", in{AvailabilityZone: zone, Size: aws.Int32(9), VolumeType: "gp3", Iops: aws.Int32(2999)}, "InvalidParameterValue", 0, 0, ""},
			{"gp3 with too many for its size", in{AvailabilityZone: zone, Size: aws.Int32(10), VolumeType: "gp3", Iops: aws.Int32(5001)}, "InvalidParameterValue", 0, 0, ""},
			{"gp3 faster than its IOPS", in{AvailabilityZone: zone, Size: aws.Int32(100), VolumeType: "gp3", Throughput: aws.Int32(751)}, "InvalidParameterValue", 0, 0, ""},
			{"io2 without IOPS", in{AvailabilityZone: zone, Size: aws.Int32(100), VolumeType: "io2"}, "MissingParameter", 0, 0, ""},
			{"io2", in{AvailabilityZone: zone, Size: aws.Int32(100), VolumeType: "io2", Iops: aws.Int32(10000)}, "", 100, 10000, "io2"},
			{"io1 over its ratio", in{AvailabilityZone: zone, Size: aws.Int32(100), VolumeType: "io1", Iops: aws.Int32(5001)}, "InvalidParameterValue", 0, 0, ""},
			{"st1 too small", in{AvailabilityZone: zone, Size: aws.Int32(124), VolumeType: "st1"}, "InvalidParameterValue", 0, 0, ""},
			{"st1", in{AvailabilityZone: zone, Size: aws.Int32(125), VolumeType: "st1"}, "", 125, 0, "st1"},
			{"unknown type", in{AvailabilityZone: zone, Size: aws.Int32(1), VolumeType: "gp9"}, "InvalidParameterValue", 0, 0, ""},
			{"a key without encryption", in{AvailabilityZone: zone, Size: aws.Int32(1), KmsKeyId: aws.String("alias/x")}, "InvalidParameterDependency", 0, 0, ""},
			{"dry run", in{AvailabilityZone: zone, Size: aws.Int32(1), DryRun: aws.Bool(true)}, "DryRunOperation", 0, 0, ""},
		} {
			out, err := w.admin(at).CreateVolume(t.Context(), &tt.in)
			require.Equal(t, tt.code, code(t, err), tt.name)
			if err != nil {
				continue
			}
			require.Equal(t, types.VolumeStateCreating, out.State, tt.name)
			require.Equal(t, tt.size, *out.Size, tt.name)
			require.Equal(t, tt.iops, aws.ToInt32(out.Iops), tt.name)
			require.Equal(t, tt.kind, out.VolumeType, tt.name)
			require.Equal(t, "eu-west-1b", *out.AvailabilityZone, tt.name)
			time.Sleep(time.Minute)
			require.Equal(t, types.VolumeStateAvailable, w.volumeState(at, *out.VolumeId), tt.name)
		}
	})
}

func TestVolumeHasTheSnapshotsContents(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		owner, grantee := site(target, ireland), site(vault, ireland)
		vol := w.volume(owner, "")
		w.write(vol, "old", 0, 1, 8191)
		sn := w.snapshot(vol)
		require.NoError(t, w.share(sn, "add", vault))
		want, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		out, err := w.admin(grantee).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: &sn.ID, Size: aws.Int32(100),
		})
		require.NoError(t, err)
		restored := ec2sim.Ref{Site: grantee, ID: *out.VolumeId}
		got, err := w.EC2().ReadVolume(restored)
		require.NoError(t, err)
		require.True(t, got.Equal(want))
		require.Equal(t, int32(100), got.GiB)
		w.write(restored, "new", 1)
		w.write(vol, "newer", 0)
		again, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		require.Equal(t, want, again, "a snapshot never changes")
	})
}

func TestVolumeEncryption(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		mine := w.key(at)
		foreign := w.key(site(second, ireland), letIn(target))
		d, err := w.kms(at).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
		require.NoError(t, err)
		ebs := *d.KeyMetadata.Arn
		plain, sealed := w.snapshot(w.volume(at, "")), w.snapshot(w.volume(at, mine))
		shared := w.snapshot(w.volume(site(second, ireland), foreign))
		require.NoError(t, w.share(shared, "add", target))
		yes, no := aws.Bool(true), aws.Bool(false)
		for _, tt := range []struct {
			name      string
			snapshot  *string
			encrypted *bool
			key       *string
			want      string
			code      string
		}{
			{name: "empty", want: ""},
			{name: "empty, encrypted", encrypted: yes, want: ebs},
			{name: "empty, under a key", encrypted: yes, key: &mine, want: mine},
			{name: "plain", snapshot: &plain.ID, want: ""},
			{name: "plain, under a key", snapshot: &plain.ID, encrypted: yes, key: &mine, want: mine},
			{name: "encrypted", snapshot: &sealed.ID, want: mine},
			{name: "encrypted, not any more", snapshot: &sealed.ID, encrypted: no, code: "InvalidParameterValue"},
			{name: "shared and encrypted", snapshot: &shared.ID, want: ebs},
			{name: "shared and encrypted, under a key", snapshot: &shared.ID, encrypted: yes, key: &mine, want: mine},
		} {
			in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: tt.snapshot, Encrypted: tt.encrypted, KmsKeyId: tt.key}
			if tt.snapshot == nil {
				in.Size = aws.Int32(4)
			}
			out, err := w.admin(at).CreateVolume(t.Context(), in)
			require.Equal(t, tt.code, code(t, err), tt.name)
			if err == nil {
				require.Equal(t, tt.want, aws.ToString(out.KmsKeyId), tt.name)
				require.Equal(t, tt.want != "", *out.Encrypted, tt.name)
			}
		}
	})
}

// A volume whose maker lacks a permission on a key is created and vanishes.
func TestVolumeNeedsEveryKeyPermission(t *testing.T) {
	run := func(t *testing.T, missing string) (state types.VolumeState) {
		inWorld(t, func(t *testing.T, w *world) {
			at := site(target, ireland)
			key := w.key(at)
			sn := w.snapshot(w.volume(at, key))
			actions := []string{"ec2:*"}
			for _, a := range volumeKeyActions {
				if a != missing {
					actions = append(actions, a)
				}
			}
			out, err := w.as(at, "restorer", policy(t, allow(actions...))).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
				AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: &sn.ID,
			})
			require.NoError(t, err, "the caller is not told")
			require.Equal(t, types.VolumeStateCreating, w.volumeState(at, *out.VolumeId))
			time.Sleep(time.Minute)
			state = w.volumeState(at, *out.VolumeId)
		})
		return state
	}
	require.Equal(t, types.VolumeStateAvailable, run(t, ""))
	for _, action := range volumeKeyActions {
		require.Empty(t, run(t, action), action)
	}
}

func TestVolumeNeedsAUsableKey(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		vol := w.volume(at, key)
		sn := w.snapshot(vol)
		_, err := w.kms(at).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key})
		require.NoError(t, err)
		out, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: &sn.ID})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Empty(t, w.volumeState(at, *out.VolumeId))
		_, err = w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(t, err, "no permission on a key is documented for this")
	})
}

func TestCreateVolumeOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		make1 := func(at ec2sim.Site, size int32) (string, string) {
			out, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
				AvailabilityZone: aws.String("eu-west-1a"), Size: &size, ClientToken: aws.String("token-1"),
			})
			if err != nil {
				return "", code(t, err)
			}
			return *out.VolumeId, ""
		}
		first, _ := make1(at, 4)
		again, _ := make1(at, 4)
		require.Equal(t, first, again)
		_, refused := make1(at, 5)
		require.Equal(t, "IdempotentParameterMismatch", refused)
		foreign, _ := make1(site(second, ireland), 4)
		require.NotEqual(t, first, foreign)
		time.Sleep(time.Minute)
		_, err := w.admin(at).DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: &first})
		require.NoError(t, err)
		_, refused = make1(at, 4)
		require.Equal(t, "IdempotentParameterMismatch", refused, "a token is used up")
	})
}

func TestAttachAndDetach(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		inst, volumes := w.instance(at, 1)
		vol := w.volume(at, "")
		attach := func(volume, device string) string {
			_, err := c.AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &inst, Device: &device})
			return code(t, err)
		}
		detach := func(volume string) string {
			_, err := c.DetachVolume(t.Context(), &ec2.DetachVolumeInput{VolumeId: &volume})
			return code(t, err)
		}
		attachments := func() (n int, state types.VolumeAttachmentState) {
			out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{vol.ID}})
			require.NoError(t, err)
			for _, a := range out.Volumes[0].Attachments {
				require.Equal(t, inst, *a.InstanceId)
				require.Equal(t, "/dev/sdz", *a.Device)
				return len(out.Volumes[0].Attachments), a.State
			}
			return 0, ""
		}
		require.Equal(t, "InvalidParameterValue", attach(vol.ID, "/dev/sdf"), "the device is taken")
		far, err := c.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1c"), Size: aws.Int32(1)})
		require.NoError(t, err)
		require.Equal(t, "IncorrectState", attach(*far.VolumeId, "/dev/sdz"), "still being created")
		time.Sleep(time.Minute)
		require.Equal(t, "InvalidVolume.ZoneMismatch", attach(*far.VolumeId, "/dev/sdz"))
		require.Empty(t, attach(vol.ID, "/dev/sdz"))
		require.Equal(t, "VolumeInUse", attach(vol.ID, "/dev/sdy"))
		n, state := attachments()
		require.Equal(t, 1, n)
		require.Equal(t, types.VolumeAttachmentStateAttaching, state)
		time.Sleep(time.Minute)
		_, state = attachments()
		require.Equal(t, types.VolumeAttachmentStateAttached, state)
		require.Equal(t, types.VolumeStateInUse, w.volumeState(at, vol.ID))
		_, err = c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: &vol.ID})
		require.Equal(t, "VolumeInUse", code(t, err))

		require.Empty(t, detach(vol.ID))
		require.Equal(t, "IncorrectState", detach(vol.ID))
		_, state = attachments()
		require.Equal(t, types.VolumeAttachmentStateDetaching, state)
		time.Sleep(time.Minute)
		n, _ = attachments()
		require.Zero(t, n)
		require.Equal(t, types.VolumeStateAvailable, w.volumeState(at, vol.ID))
		require.Equal(t, "IncorrectState", detach(vol.ID))

		require.Equal(t, "OperationNotPermitted", detach(volumes[0]), "the root of a running instance stays")
		_, err = c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{inst}})
		require.NoError(t, err)
		require.Equal(t, "IncorrectState", attach(vol.ID, "/dev/sdz"), "not while it is stopping")
		time.Sleep(time.Minute)
		require.Empty(t, attach(vol.ID, "/dev/sdz"))
		require.Empty(t, detach(volumes[0]))

		_, err = c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: far.VolumeId})
		require.NoError(t, err)
		require.Empty(t, w.volumeState(at, *far.VolumeId))
		_, err = c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: far.VolumeId})
		require.Equal(t, "InvalidVolume.NotFound", code(t, err))
	})
}

// Source: Amazon EBS User Guide, "How Amazon EBS encryption works".
func TestAttachingNeedsAGrant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		vol := w.volume(at, key)
		inst, _ := w.instance(at, 0)
		attach := func(actions ...string) string {
			_, err := w.as(at, "restorer", policy(t, allow(actions...))).AttachVolume(t.Context(), &ec2.AttachVolumeInput{
				VolumeId: &vol.ID, InstanceId: &inst, Device: aws.String("/dev/sdf"),
			})
			return code(t, err)
		}
		require.Equal(t, "CustomerKeyHasBeenRevoked", attach("ec2:AttachVolume"))
		_, err := w.kms(at).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key})
		require.NoError(t, err)
		require.Equal(t, "CustomerKeyHasBeenRevoked", attach("ec2:AttachVolume", "kms:CreateGrant"))
		_, err = w.kms(at).EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: &key})
		require.NoError(t, err)
		require.Empty(t, attach("ec2:AttachVolume", "kms:CreateGrant"))
	})
}

func TestVolumeFilters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		inst, volumes := w.instance(at, 1)
		loose := w.volume(at, w.key(at))
		sn := w.snapshot(loose)
		made, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("eu-west-1b"), SnapshotId: &sn.ID, TagSpecifications: tagged("volume", "restored", "yes"),
		})
		require.NoError(t, err)
		names := map[string]string{volumes[0]: "root", volumes[1]: "data", loose.ID: "loose", *made.VolumeId: "made"}
		for _, tt := range []struct {
			filter types.Filter
			want   []string
		}{
			{filter("attachment.instance-id", inst), []string{"root", "data"}},
			{filter("attachment.device", "/dev/sdf"), []string{"data"}},
			{filter("attachment.delete-on-termination", "true"), []string{"root"}},
			{filter("attachment.status", "attached"), []string{"root", "data"}},
			{filter("availability-zone", "eu-west-1b"), []string{"made"}},
			{filter("encrypted", "true"), []string{"loose", "made"}},
			{filter("size", "10"), []string{"data"}},
			{filter("snapshot-id", sn.ID), []string{"made"}},
			{filter("status", "available"), []string{"loose"}},
			{filter("status", "creating"), []string{"made"}},
			{filter("status", "in-use"), []string{"root", "data"}},
			{filter("volume-id", loose.ID), []string{"loose"}},
			{filter("volume-type", "gp2"), []string{"made"}},
			{filter("tag:restored", "yes"), []string{"made"}},
			{filter("tag-key", "Of"), []string{"root", "data"}},
		} {
			out, err := w.admin(at).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{tt.filter}})
			require.NoError(t, err)
			var got []string
			for _, v := range out.Volumes {
				got = append(got, names[*v.VolumeId])
			}
			require.Equal(t, tt.want, got, *tt.filter.Name)
		}
		out, err := w.admin(site(second, ireland)).DescribeVolumes(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, out.Volumes, "nobody sees the volumes of others")
	})
}

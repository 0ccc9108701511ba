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

// instance launches a machine with a root volume and data volumes on
// /dev/sdf, /dev/sdg …, and waits until it runs. The root volume comes first.
func (w *world) instance(at ec2sim.Site, data int) (id string, volumes []string) {
	w.t.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(at.Region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeT3Micro,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: tags("Name", "web")},
			{ResourceType: types.ResourceTypeVolume, Tags: tags("Of", "web")},
		},
	}
	for i := range data {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: aws.String("/dev/sd" + string(rune('f'+i))),
			Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(10), VolumeType: types.VolumeTypeGp3, DeleteOnTermination: aws.Bool(false)},
		})
	}
	out, err := w.admin(at).RunInstances(w.t.Context(), in)
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	for _, m := range out.Instances[0].BlockDeviceMappings {
		volumes = append(volumes, *m.Ebs.VolumeId)
	}
	require.Len(w.t, volumes, 1+data)
	return *out.Instances[0].InstanceId, volumes
}

func TestSnapshotSetIsOfOneMoment(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		id, volumes := w.instance(at, 2)
		before := map[string]ec2sim.Contents{}
		for _, v := range volumes {
			ref := ec2sim.Ref{Site: at, ID: v}
			w.write(ref, "before", 3, 4000)
			got, err := w.EC2().ReadVolume(ref)
			require.NoError(t, err)
			before[v] = got
		}
		out, err := w.admin(at).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
			InstanceSpecification: &types.InstanceSpecification{InstanceId: &id}, Description: aws.String("set"),
			TagSpecifications: tagged("snapshot", "run", "1"),
		})
		require.NoError(t, err)
		require.Len(t, out.Snapshots, 3)
		for _, v := range volumes {
			w.write(ec2sim.Ref{Site: at, ID: v}, "after", 3)
		}
		for i, sn := range out.Snapshots {
			require.Equal(t, volumes[i], *sn.VolumeId, "root first")
			require.Equal(t, *out.Snapshots[0].StartTime, *sn.StartTime)
			require.Equal(t, map[string]string{"run": "1"}, tagMap(sn.Tags))
			require.Equal(t, types.SnapshotStatePending, sn.State)
			require.Equal(t, "set", *sn.Description)
			ref := ec2sim.Ref{Site: at, ID: *sn.SnapshotId}
			got, err := w.EC2().ReadSnapshot(ref)
			require.NoError(t, err)
			require.Equal(t, before[volumes[i]], got, "what is written later is not in it")
			require.Equal(t, types.SnapshotStateCompleted, w.settled(ref).State)
		}
	})
}

func TestSnapshotSetLeavesOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		id, volumes := w.instance(at, 2)
		detached := w.volume(at, "")
		for _, tt := range []struct {
			name string
			spec types.InstanceSpecification
			want []string
			code string
		}{
			{"nothing", types.InstanceSpecification{}, volumes, ""},
			{"the root", types.InstanceSpecification{ExcludeBootVolume: aws.Bool(true)}, volumes[1:], ""},
			{"one data volume", types.InstanceSpecification{ExcludeDataVolumeIds: volumes[1:2]}, []string{volumes[0], volumes[2]}, ""},
			{"both ways", types.InstanceSpecification{ExcludeBootVolume: aws.Bool(true), ExcludeDataVolumeIds: volumes[1:2]}, volumes[2:], ""},
			{"everything", types.InstanceSpecification{ExcludeBootVolume: aws.Bool(true), ExcludeDataVolumeIds: volumes[1:]}, nil, "InvalidParameterValue"},
			{"the root as data", types.InstanceSpecification{ExcludeDataVolumeIds: volumes[:1]}, nil, "InvalidParameterValue"},
			{"a volume not attached", types.InstanceSpecification{ExcludeDataVolumeIds: []string{detached.ID}}, nil, "InvalidParameterValue"},
			{"too many", types.InstanceSpecification{ExcludeDataVolumeIds: make([]string, 41)}, nil, "InvalidParameterValue"},
			{"an unknown instance", types.InstanceSpecification{InstanceId: aws.String("i-0123456789abcdef0")}, nil, "InvalidInstanceID.NotFound"},
		} {
			time.Sleep(time.Hour)
			if tt.spec.InstanceId == nil {
				tt.spec.InstanceId = &id
			}
			out, err := w.admin(at).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: &tt.spec})
			require.Equal(t, tt.code, code(t, err), tt.name)
			var got []string
			if err == nil {
				for _, sn := range out.Snapshots {
					got = append(got, *sn.VolumeId)
				}
			}
			require.Equal(t, tt.want, got, tt.name)
		}
	})
}

func TestSnapshotSetCanTakeTheVolumesTags(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		id, volumes := w.instance(at, 1)
		_, err := w.admin(at).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: volumes[1:], Tags: tags("Only", "data", "run", "0")})
		require.NoError(t, err)
		out, err := w.admin(at).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
			InstanceSpecification: &types.InstanceSpecification{InstanceId: &id}, CopyTagsFromSource: types.CopyTagsFromSourceVolume,
			TagSpecifications: tagged("snapshot", "run", "1"),
		})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"Of": "web", "run": "1"}, tagMap(out.Snapshots[0].Tags))
		require.Equal(t, map[string]string{"Of": "web", "Only": "data", "run": "1"}, tagMap(out.Snapshots[1].Tags))
	})
}

// Source: Amazon EBS User Guide, "Create Amazon EBS snapshots", multi-volume.
func TestSnapshotSetFailsAsOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		id, _ := w.instance(at, 2)
		out, err := w.admin(at).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: &id}})
		require.NoError(t, err)
		require.NoError(t, w.EC2().SetSnapshotError(ec2sim.Ref{Site: at, ID: *out.Snapshots[1].SnapshotId}, "a disk broke"))
		require.Len(t, w.EC2().Snapshots(), 3)
		for _, sn := range w.EC2().Snapshots() {
			require.Equal(t, types.SnapshotStateError, sn.State)
			require.Equal(t, "a disk broke", sn.StateMessage)
		}
		d, err := w.admin(at).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		require.NoError(t, err)
		require.Equal(t, "a disk broke", *d.Snapshots[0].StateMessage)
	})
}

func TestSnapshotSetIsMadeWholeOrNotAtAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		id, volumes := w.instance(at, 2)
		_, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volumes[2]})
		require.NoError(t, err)
		spec := &types.InstanceSpecification{InstanceId: &id}
		_, err = w.admin(at).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: spec})
		require.Equal(t, "SnapshotCreationPerVolumeRateExceeded", code(t, err))
		require.Len(t, w.EC2().Snapshots(), 1)

		time.Sleep(time.Minute)
		w.EC2().SetLimits(ec2sim.Limits{PendingPerSite: 3})
		_, err = w.admin(at).CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: spec})
		require.Equal(t, "PendingSnapshotLimitExceeded", code(t, err), "one is pending, three do not fit")
		require.Len(t, w.EC2().Snapshots(), 1)
	})
}

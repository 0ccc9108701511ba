package ec2sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// delay is the longest until all see a change.
const delay = 30 * time.Second

// inLaggingWorld builds a world, and then lets some kinds of change lag in it,
// or all if none is named.
func inLaggingWorld(t *testing.T, build func(*world), f func(t *testing.T, w *world), kinds ...core.Change) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		build(w)
		k := core.Consistency{Max: delay, Replicas: 10}
		if len(kinds) > 0 {
			k = core.Consistency{By: map[core.Change]time.Duration{}, Replicas: 10}
			for _, kind := range kinds {
				k.By[kind] = delay
			}
		}
		w.SetConsistency(k)
		time.Sleep(time.Millisecond)
		f(t, w)
	})
}

// watch looks every second whether something is as it should be in the end. It
// must not be so at some time before the delay is over, and always afterwards.
// It returns how often it was so and then was not.
func watch(t *testing.T, there func() bool) (flips int) {
	t.Helper()
	missed, before := 0, false
	for i := range 2 * int(delay/time.Second) {
		now := there()
		require.True(t, now || i <= int(delay/time.Second), "%d s after the change", i)
		if !now {
			missed++
		}
		if before && !now {
			flips++
		}
		before = now
		time.Sleep(time.Second)
	}
	require.NotZero(t, missed)
	return flips
}

// own lists the caller's snapshots, with filters.
func own(t testing.TB, client *ec2.Client, filters ...types.Filter) []types.Snapshot {
	t.Helper()
	out, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: filters})
	require.NoError(t, err)
	return out.Snapshots
}

func TestANewSnapshotIsMissedForAWhile(t *testing.T) {
	here := site(target, ireland)
	var volume ec2sim.Ref
	inLaggingWorld(t, func(w *world) { volume = w.volume(here, "") }, func(t *testing.T, w *world) {
		client := w.admin(here)
		flips := 0
		for range 8 {
			out, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume.ID})
			require.NoError(t, err)
			flips += watch(t, func() bool {
				found := 0
				for _, sn := range own(t, client) {
					if *sn.SnapshotId == *out.SnapshotId {
						found++
					}
				}
				// Whatever names the id may miss it, independently of that.
				_, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*out.SnapshotId}})
				_, tag := client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{*out.SnapshotId}, Tags: tags("a", "b")})
				for _, e := range []error{err, tag} {
					if e != nil {
						require.Equal(t, "InvalidSnapshot.NotFound", code(t, e))
					}
				}
				return found == 1 && err == nil && tag == nil
			})
		}
		require.NotZero(t, flips)
	}, core.Creation)
}

// What is refused because of what there is, is refused at once.
func TestQuotasAreOfTheTruth(t *testing.T) {
	here := site(target, ireland)
	var volume ec2sim.Ref
	inLaggingWorld(t, func(w *world) { volume = w.volume(here, "") }, func(t *testing.T, w *world) {
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		for range 5 {
			_, err := w.admin(here).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume.ID})
			require.NoError(t, err)
		}
		_, err := w.admin(here).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume.ID})
		require.Equal(t, "ConcurrentSnapshotLimitExceeded", code(t, err))
	})
}

func TestADeletedSnapshotIsListedForAWhile(t *testing.T) {
	here := site(target, ireland)
	var sn ec2sim.Ref
	inLaggingWorld(t, func(w *world) { sn = w.snapshot(w.volume(here, "")) }, func(t *testing.T, w *world) {
		client := w.admin(here)
		remove := func() error {
			_, err := client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &sn.ID})
			return err
		}
		require.NoError(t, remove())
		require.Empty(t, w.EC2().Snapshots())
		watch(t, func() bool {
			require.Equal(t, "InvalidSnapshot.NotFound", code(t, remove()), "it is gone to whoever wants to change it")
			return len(own(t, client)) == 0
		})
	}, core.Deletion)
}

func TestTagsAreStaleForAWhile(t *testing.T) {
	here := site(target, ireland)
	var sn ec2sim.Ref
	inLaggingWorld(t, func(w *world) { sn = w.snapshot(w.volume(here, ""), "a", "old") }, func(t *testing.T, w *world) {
		client := w.admin(here)
		_, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{sn.ID}, Tags: tags("a", "new")})
		require.NoError(t, err)
		watch(t, func() bool {
			value := tagMap(own(t, client)[0].Tags)["a"]
			require.Contains(t, []string{"old", "new"}, value)
			out, err := client.DescribeTags(t.Context(), nil)
			require.NoError(t, err)
			require.Len(t, out.Tags, 1)
			filtered := own(t, client, types.Filter{Name: aws.String("tag:a"), Values: []string{"new"}})
			return value == "new" && len(filtered) == 1 && *out.Tags[0].Value == "new"
		})
		_, err = client.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{sn.ID}, Tags: tags("a", "new")})
		require.NoError(t, err)
		watch(t, func() bool { return len(own(t, client)[0].Tags) == 0 })
	}, core.Tagging)
}

func TestAShareTakesAWhile(t *testing.T) {
	here, there := site(target, ireland), site(vault, ireland)
	var sn ec2sim.Ref
	inLaggingWorld(t, func(w *world) { sn = w.snapshot(w.volume(here, "")) }, func(t *testing.T, w *world) {
		w.EC2().SetLimits(ec2sim.Limits{CopiesPerRegion: -1})
		copied := func() bool {
			_, err := w.admin(there).CopySnapshot(t.Context(), copyInput(sn, ""))
			if err != nil {
				require.Equal(t, "InvalidSnapshot.NotFound", code(t, err))
			}
			return err == nil
		}
		listed := func() bool {
			in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, RestorableByUserIds: []string{vault}}
			out, err := w.admin(here).DescribeSnapshots(t.Context(), in)
			require.NoError(t, err)
			return len(out.Snapshots) == 1
		}
		require.NoError(t, w.share(sn, types.OperationTypeAdd, vault))
		require.Equal(t, []string{vault}, w.find(sn).Shares)
		watch(t, func() bool { return copied() && listed() })
		require.NoError(t, w.share(sn, types.OperationTypeRemove, vault))
		watch(t, func() bool { return !copied() && !listed() })
	}, core.Sharing)
}

func TestStatesAreStaleForAWhile(t *testing.T) {
	here := site(target, ireland)
	var volume ec2sim.Ref
	inLaggingWorld(t, func(w *world) { volume = w.volume(here, "") }, func(t *testing.T, w *world) {
		client := w.admin(here)
		out, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume.ID})
		require.NoError(t, err)
		w.settled(ec2sim.Ref{Site: here, ID: *out.SnapshotId})
		watch(t, func() bool {
			sn := own(t, client)[0]
			require.Equal(t, sn.State == types.SnapshotStateCompleted, *sn.Progress == "100%")
			return sn.State == types.SnapshotStateCompleted
		})
	}, core.Progress)
}

func TestANewInstanceIsMissedForAWhile(t *testing.T) {
	here := site(target, ireland)
	inLaggingWorld(t, func(*world) {}, func(t *testing.T, w *world) {
		client := w.admin(here)
		made, err := client.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesArm64)), InstanceType: types.InstanceTypeT4gSmall,
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		require.NoError(t, err)
		ids := []string{*made.Instances[0].InstanceId}
		watch(t, func() bool {
			out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})
			if err != nil {
				require.Equal(t, "InvalidInstanceID.NotFound", code(t, err))
				return false
			}
			volumes, err := client.DescribeVolumes(t.Context(), nil)
			require.NoError(t, err)
			require.Len(t, out.Reservations[0].Instances[0].BlockDeviceMappings, 1)
			return len(volumes.Volumes) == 1
		})
	}, core.Creation)
}

package ebs_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/retention"
)

// holds lists what holds snapshots, in words, and of which kinds it is not known.
func holds(t *testing.T, c backup.Client) (found map[string][]string, unread map[retention.HoldKind]error) {
	t.Helper()
	found, unread = map[string][]string{}, map[retention.HoldKind]error{}
	for h, err := range c.(backup.Holder).Holds(t.Context()) {
		if err != nil {
			require.Empty(t, h.Snapshot)
			unread[h.Kind] = err
			continue
		}
		text := h.Kind.String() + " " + h.Ref
		if !h.Until.IsZero() {
			text += " until " + h.Until.UTC().Format("2006-01-02 15:04")
		}
		found[h.Snapshot] = append(found[h.Snapshot], text)
		slices.Sort(found[h.Snapshot])
	}
	return found, unread
}

// snapshots makes some of the loose volume, and lets them complete.
func (s *estate) snapshots(n int) (ids []string) {
	s.t.Helper()
	for range n {
		out, err := s.ec2.CreateSnapshot(s.t.Context(), &ec2.CreateSnapshotInput{VolumeId: aws.String(s.ids["loose"])})
		require.NoError(s.t, err)
		ids = append(ids, *out.SnapshotId)
		time.Sleep(time.Hour)
	}
	return ids
}

func (s *estate) register(name, snapshot string) string {
	s.t.Helper()
	out, err := s.ec2.RegisterImage(s.t.Context(), &ec2.RegisterImageInput{
		Name: aws.String(name), RootDeviceName: aws.String("/dev/xvda"), Architecture: types.ArchitectureValuesX8664,
		VirtualizationType:  aws.String("hvm"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(snapshot)}}},
	})
	require.NoError(s.t, err)
	return *out.ImageId
}

func (s *estate) lock(snapshot string, days int32) {
	s.t.Helper()
	_, err := s.ec2.LockSnapshot(s.t.Context(), &ec2.LockSnapshotInput{
		SnapshotId: aws.String(snapshot), LockMode: types.LockModeGovernance, LockDuration: aws.Int32(days),
	})
	require.NoError(s.t, err)
}

// TestHolds has every kind of hold there is, in pages of two.
func TestHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		s.cloud.EC2().SetLimits(ec2sim.Limits{ScannedPerPage: 2})
		c, ctx := s.client(site), t.Context()
		sn := s.snapshots(7)
		first, disabled := s.register("first", sn[0]), s.register("disabled", sn[1])
		second := s.register("second", sn[0])
		time.Sleep(time.Hour)
		_, err := s.ec2.DisableImage(ctx, &ec2.DisableImageInput{ImageId: aws.String(disabled)})
		require.NoError(t, err)
		s.lock(sn[2], 1)
		locked := time.Now()
		s.lock(sn[3], 30)
		_, err = s.ec2.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{SnapshotId: aws.String(sn[4]), StorageTier: types.TargetStorageTierArchive})
		require.NoError(t, err)
		archived := time.Now()
		_, err = s.ec2.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{SnapshotId: aws.String(sn[5]), StorageTier: types.TargetStorageTierArchive})
		require.NoError(t, err)

		until := func(t time.Time) string { return " until " + t.UTC().Format("2006-01-02 15:04") }
		const minimum = 90 * 24 * time.Hour
		want := map[string][]string{
			sn[0]: {"in-use " + first, "in-use " + second},
			sn[1]: {"in-use " + disabled},
			sn[2]: {"snapshot-lock " + sn[2] + until(locked.Add(24*time.Hour))},
			sn[3]: {"snapshot-lock " + sn[3] + until(locked.Add(30*24*time.Hour))},
			sn[4]: {"cold-minimum " + sn[4] + until(archived.Add(minimum))},
			sn[5]: {"cold-minimum " + sn[5] + until(archived.Add(minimum))},
		}
		slices.Sort(want[sn[0]])
		check := func() {
			t.Helper()
			got, unread := holds(t, c)
			require.Empty(t, unread)
			require.Equal(t, want, got)
		}
		check()

		time.Sleep(25 * time.Hour)
		delete(want, sn[2]) // its lock has expired
		_, err = s.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: aws.String(disabled)})
		require.NoError(t, err)
		delete(want, sn[1])
		_, err = s.ec2.RestoreSnapshotTier(ctx, &ec2.RestoreSnapshotTierInput{SnapshotId: aws.String(sn[4]), TemporaryRestoreDays: aws.Int32(2)})
		require.NoError(t, err)
		// AWS tells no more when archiving began, but when it was done.
		tier, err := s.ec2.DescribeSnapshotTierStatus(ctx, &ec2.DescribeSnapshotTierStatusInput{
			Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: sn[4:5]}},
		})
		require.NoError(t, err)
		done := *tier.SnapshotTierStatuses[0].ArchivalCompleteTime
		require.True(t, done.After(archived.Add(time.Minute)))
		want[sn[4]][0] = "cold-minimum " + sn[4] + until(done.Add(minimum))
		check()

		_, err = s.ec2.RestoreSnapshotTier(ctx, &ec2.RestoreSnapshotTierInput{SnapshotId: aws.String(sn[5]), PermanentRestore: aws.Bool(true)})
		require.NoError(t, err)
		delete(want, sn[5]) // what is charged is charged
		check()
		require.Empty(t, s.cloud.Misuse())
	})
}

// TestHoldsThatARoleMayNotRead: each kind is told by itself, and the others follow.
func TestHoldsThatARoleMayNotRead(t *testing.T) {
	for kind, action := range map[retention.HoldKind]string{
		retention.InUse: "ec2:DescribeImages", retention.SnapshotLock: "ec2:DescribeLockedSnapshots",
		retention.ColdMinimum: "ec2:DescribeSnapshotTierStatus",
	} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, false)
				sn := s.snapshots(3)
				s.register("image", sn[0])
				s.lock(sn[1], 10)
				_, err := s.ec2.ModifySnapshotTier(t.Context(), &ec2.ModifySnapshotTierInput{SnapshotId: aws.String(sn[2]), StorageTier: types.TargetStorageTierArchive})
				require.NoError(t, err)
				deny, err := iampolicy.Parse([]byte(fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
					{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": %q, "Resource": "*"}]}`, action)))
				require.NoError(t, err)
				c := ebs.New(ebs.Options{}).Open(s.cloud.Config(s.cloud.User(string(site.Account), "reader", deny), site.Region), site)
				got, unread := holds(t, c)
				require.Len(t, got, 2)
				require.Len(t, unread, 1)
				require.ErrorIs(t, unread[kind], backup.ErrDenied)
				require.ErrorContains(t, unread[kind], action)
			})
		})
	}
}

// TestCallsThatAWSDoesNotHave: in a Region without locks nothing is locked.
func TestCallsThatAWSDoesNotHave(t *testing.T) {
	const image = `<imagesSet><item><imageId>ami-1</imageId><blockDeviceMapping><item><ebs><snapshotId>snap-1</snapshotId></ebs></item>
		<item><virtualName>ephemeral0</virtualName></item></blockDeviceMapping></item></imagesSet>`
	client, w := open(t, func(r request) answer {
		if r.action == "DescribeImages" {
			return ok(r.action, image)
		}
		return refused(400, "InvalidAction", "The action "+r.action+" is not valid for this web service.")
	})
	got, unread := holds(t, client)
	require.Equal(t, map[string][]string{"snap-1": {"in-use ami-1"}}, got)
	require.Empty(t, unread)
	for range client.(backup.Recycler).Recycled(t.Context()) {
		t.Error("nothing is there, and that is no error")
	}
	require.Len(t, w.calls, 4)
	has(t, w.calls[0].form, "Owner.1=self", "IncludeDisabled=true", "MaxResults=1000")
	has(t, w.calls[1].form, "MaxResults=1000")
	has(t, w.calls[2].form, "MaxResults=1000", "Filter.1.Name=last-tiering-operation")
	has(t, w.calls[3].form, "MaxResults=1000")
}

// TestHoldsEndWhereNobodyAsksOn: a loop that is left reads no further.
func TestHoldsEndWhereNobodyAsksOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		sn := s.snapshots(2)
		s.register("image", sn[0])
		s.lock(sn[1], 10)
		for range s.client(site).(backup.Holder).Holds(t.Context()) {
			break
		}
		require.Zero(t, s.cloud.Stats().Calls["ec2:DescribeLockedSnapshots"])
	})
}

// TestRecycled: what a rule caught is told, with its end; what it let go is not.
func TestRecycled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		s.cloud.EC2().SetLimits(ec2sim.Limits{ScannedPerPage: 1})
		c, sn := s.client(site), s.snapshots(3)
		remove := func(id string) {
			_, err := c.Do(t.Context(), backup.Step{Kind: backup.StepDelete, Snapshot: id})
			require.NoError(t, err)
		}
		remove(sn[0])
		require.NoError(t, s.cloud.EC2().SetRecycleBin(ec2sim.BinRule{Site: ec2sim.Site{Account: string(site.Account), Region: site.Region}, Days: 7}))
		remove(sn[1])
		remove(sn[2])
		deleted, got := time.Now().Truncate(time.Minute), map[string]time.Time{}
		for r, err := range c.(backup.Recycler).Recycled(t.Context()) {
			require.NoError(t, err)
			got[r.ID] = r.Until.Local().Truncate(time.Minute)
		}
		end := deleted.Add(7 * 24 * time.Hour)
		require.Equal(t, map[string]time.Time{sn[1]: end, sn[2]: end}, got)
		require.Empty(t, list(t, c, backup.Query{}), "no listing shows them")

		_, err := s.ec2.RestoreSnapshotFromRecycleBin(t.Context(), &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: aws.String(sn[1])})
		require.NoError(t, err)
		back := list(t, c, backup.Query{})
		require.Len(t, back, 1)
		require.Equal(t, backup.SnapshotState("recovering"), back[0].State, "which is pending to the engine")
	})
}

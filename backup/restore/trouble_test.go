package restore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// plan plans a request that must be fine.
func (w *world) plan(q restore.Request) *restore.Plan {
	w.t.Helper()
	p, err := w.restorer(restore.Options{}).Plan(w.t.Context(), q)
	require.NoError(w.t, err)
	return p
}

// failing lets every call of an operation fail by a code, as long as it is set.
func (w *world) failing(operation, code string, status int) {
	w.cloud.SetFault(func(c core.CallInfo) core.Fault {
		if c.Operation != operation {
			return core.Fault{}
		}
		return core.Fault{Way: core.Refuse, Error: core.Error{Code: code, Message: "as the test wants", Status: status}}
	})
}

// left lists what a report says is left, by kind.
func left(r *restore.Report) map[string]int {
	kinds := map[string]int{}
	for _, l := range r.Left {
		kinds[l.Kind]++
	}
	return kinds
}

func TestAFailedCopyEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		time.AfterFunc(time.Minute, func() {
			copies := w.marked(q)
			ref := ec2sim.Ref{Site: ec2sim.Site{Account: clean, Region: away}, ID: copies[1]}
			_ = w.cloud.EC2().SetSnapshotError(ref, "the disk was on fire")
		})
		var told error
		report, err := w.restorer(restore.Options{OnEvent: func(e backup.Event) {
			if e.Err != nil {
				told = e.Err
			}
		}}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "the disk was on fire")
		require.Equal(t, err, told)
		require.ErrorIs(t, err, backup.ErrSnapshot)
		var where *backup.Error
		require.ErrorAs(t, err, &where)
		require.Equal(t, backup.Error{
			Account: clean, Region: away, Resource: w.point.Resource, Stage: backup.Shared, Err: where.Err,
		}, *where)
		w.nothingShared()
		require.Equal(t, map[string]int{"snapshot": 3}, left(report))
		require.Empty(t, w.restored(q))
		w.runAgain(q, restore.Options{})
	})
}

// TestAKeyThatCannotBeUsed is told by AWS only after the copy has begun.
func TestAKeyThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		keys := kms.NewFromConfig(w.cloud.Config(w.cloud.Root(clean), away))
		_, err := keys.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: aws.String(q.KMSKey)})
		require.NoError(t, err)
		_, err = w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "Given key ID is not accessible")
		w.nothingShared()
		_, err = keys.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: aws.String(q.KMSKey)})
		require.NoError(t, err)
		w.runAgain(q, restore.Options{})
	})
}

// TestASharerThatMayNotShare fails before anything is copied.
func TestASharerThatMayNotShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		p := w.plan(q)
		w.failing("ModifySnapshotAttribute", "UnauthorizedOperation", 403)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.ErrorIs(t, err, backup.ErrDenied)
		var where *backup.Error
		require.ErrorAs(t, err, &where)
		require.Equal(t, accounts.ID(vault), where.Account)
		require.Equal(t, backup.Planned, where.Stage)
		require.Equal(t, map[string]int{"share": 3}, left(report)) // as far as it knows
		require.Empty(t, w.marked(q))
		w.cloud.SetFault(nil)
		w.runAgain(q, restore.Options{})
	})
}

// TestAShareThatCannotBeTakenBack is an error, though the volumes are there.
func TestAShareThatCannotBeTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		p := w.plan(q)
		w.cloud.SetFault(func(c core.CallInfo) core.Fault {
			in, ok := c.Input.(*ec2.ModifySnapshotAttributeInput)
			if !ok || len(in.CreateVolumePermission.Remove) == 0 {
				return core.Fault{}
			}
			return core.Fault{Way: core.Refuse, Error: core.Error{Code: "UnauthorizedOperation", Status: 403}}
		})
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Equal(t, map[string]int{"share": 3}, left(report))
		require.Len(t, report.Volumes, 3)
		require.Empty(t, w.marked(q))
		w.cloud.SetFault(nil)
		w.runAgain(q, restore.Options{})
	})
}

// TestCopySlotsOfOthers: AWS takes one copy at a time, and the restore waits.
func TestCopySlotsOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		opts    restore.Options
		refused bool
	}{
		"found out by refusal": {restore.Options{}, true},
		"known beforehand":     {restore.Options{Copies: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.cloud.EC2().SetLimits(ec2sim.Limits{CopiesPerRegion: 1})
				q := w.request(restore.Volumes, away)
				before := w.cloud.Stats().Calls["ec2:CopySnapshot"]
				w.runAgain(q, test.opts)
				require.Equal(t, test.refused, w.cloud.Stats().Calls["ec2:CopySnapshot"] > before+3)
			})
		})
	}
}

// TestALostCopyIsLookedForFirst: CopySnapshot has no client token. After a lost
// answer it is sent again only if the copy does not show.
func TestALostCopyIsLookedForFirst(t *testing.T) {
	for _, after := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			q := w.request(restore.Volumes, away)
			p := w.plan(q)
			lost := false
			w.cloud.SetFault(func(c core.CallInfo) core.Fault {
				if c.Operation != "CopySnapshot" || lost {
					return core.Fault{}
				}
				lost = true
				return core.Fault{Way: core.Refuse, After: after}
			})
			before := w.cloud.Stats().Calls["ec2:CopySnapshot"]
			report, err := w.restorer(slowToShow(40*time.Second)).Run(t.Context(), p)
			require.NoError(t, err)
			w.verify(q, report)
			require.Equal(t, map[bool]int{true: 3, false: 4}[after], w.cloud.Stats().Calls["ec2:CopySnapshot"]-before)
		})
	}
}

// TestAShareThatIsTakenAway while the copy waits for a slot is given again.
func TestAShareThatIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cloud.EC2().SetLimits(ec2sim.Limits{CopiesPerRegion: 1})
		taken := 0
		time.AfterFunc(time.Minute, func() {
			for _, s := range w.snapshots(vault) {
				taken += len(s.Shares)
				_, err := w.admin(vault, home).ModifySnapshotAttribute(context.Background(), &ec2.ModifySnapshotAttributeInput{
					SnapshotId: aws.String(s.ID), CreateVolumePermission: &types.CreateVolumePermissionModifications{
						Remove: []types.CreateVolumePermission{{UserId: aws.String(clean)}},
					},
				})
				require.NoError(t, err)
			}
		})
		w.runAgain(w.request(restore.Volumes, away), restore.Options{})
		require.Equal(t, 2, taken) // of the copy under way and of the one that waits
	})
}

// TestListingsDoNotGrowWithVolumes: while it waits, a restore makes one
// listing a poll, however many volumes there are.
func TestListingsDoNotGrowWithVolumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		listings := func(q restore.Request) (n int) {
			p := w.plan(q)
			w.cloud.EC2().SetDurations(ec2sim.Durations{Copy: time.Hour, CopyBlock: -1, Jitter: -1})
			before := w.cloud.Stats().Calls["ec2:DescribeSnapshots"]
			_, err := w.restorer(restore.Options{}).Run(t.Context(), p)
			require.NoError(t, err)
			return w.cloud.Stats().Calls["ec2:DescribeSnapshots"] - before
		}
		three := listings(q)
		one := q
		one.ID, one.Point.Members = "drill-2", q.Point.Members[:1]
		require.Equal(t, 240+3, three) // an hour in polls of 15 s, and the view before, the first poll, the last look
		require.Equal(t, three, listings(one))
	})
}

// TestRolesCallNothingElse is the list that the generated policies are made for.
func TestRolesCallNothingElse(t *testing.T) {
	allowed := map[string][]string{
		"restore": {
			"DescribeSnapshots", "CopySnapshot", "CreateVolume", "DescribeVolumes", "RegisterImage", "DescribeImages",
			"RunInstances", "DescribeInstances", "DeregisterImage", "DeleteSnapshot",
		},
		"vault-sharer": {"ModifySnapshotAttribute"},
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		seen := map[string]map[string]bool{"restore": {}, "vault-sharer": {}}
		w.cloud.SetFault(func(c core.CallInfo) core.Fault {
			if in, ok := c.Input.(*ec2.CreateVolumeInput); ok {
				require.True(t, aws.ToBool(in.Encrypted))
				require.Equal(t, w.cleanKeys[away], aws.ToString(in.KmsKeyId))
			}
			if _, role, ok := strings.Cut(c.Caller, ":assumed-role/snapkeep-"); ok && c.Service != "sts" {
				role, _, _ = strings.Cut(role, "/")
				seen[role][c.Operation] = true
			}
			return core.Fault{}
		})
		w.runAgain(w.request(restore.Instance, away), restore.Options{})
		q := w.request(restore.Volumes, away)
		q.ID = "drill-2"
		_, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		for role, operations := range allowed {
			require.Len(t, seen[role], len(operations), "%v", seen[role])
			for _, op := range operations {
				require.True(t, seen[role][op], "%s never calls %s", role, op)
			}
		}
	})
}

// direct gives every account's root user: sessions for tests in which the
// owner of the copies restores for itself.
type direct struct{ cloud *awssim.Cloud }

func (d direct) Config(_ context.Context, id accounts.ID, p accounts.Purpose, region string) (aws.Config, error) {
	if p != accounts.Restore {
		return aws.Config{}, errors.New("no session for " + string(p))
	}
	return d.cloud.Config(d.cloud.Root(string(id)), region), nil
}

// TestIntoTheOwnersAccount shares nothing, and writes under the key asked for
// all the same.
func TestIntoTheOwnersAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.newKey(vault, away)
		// The generated policy of the vault's key does not know this restore.
		w.putKeyPolicy(vault, home, w.vaultKey, rootPolicy)
		q := w.request(restore.Instance, away)
		q.Account, q.KMSKey = vault, key
		r, err := restore.New(direct{w.cloud}, restore.Options{})
		require.NoError(t, err)
		p, err := r.Plan(t.Context(), q)
		require.NoError(t, err)
		before := w.cloud.Stats().Calls["ec2:ModifySnapshotAttribute"]
		report, err := r.Run(t.Context(), p)
		require.NoError(t, err)
		w.verify(q, report)
		require.Equal(t, before, w.cloud.Stats().Calls["ec2:ModifySnapshotAttribute"])
		require.NotContains(t, p.String(), "share")
	})
}

// TestASizeThatIsNotKnown is that of the snapshot.
func TestASizeThatIsNotKnown(t *testing.T) {
	for _, as := range []restore.Kind{restore.Volumes, restore.Instance} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			q := w.request(as, away)
			q.Point.Members = slices.Clone(q.Point.Members)
			for n := range q.Point.Members {
				q.Point.Members[n].SizeGiB = 0
			}
			report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
			require.NoError(t, err)
			require.Len(t, report.Volumes, 3)
			for n, m := range q.Point.Members {
				require.Equal(t, m.Snapshot.SizeGiB, report.Volumes[n].SizeGiB)
			}
		})
	}
}

// TestAnImageInUse is deregistered, and its snapshots are in use a while longer.
func TestAnImageInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		p := w.plan(q)
		refusals := 0
		w.cloud.SetFault(func(c core.CallInfo) core.Fault {
			if c.Operation != "DeleteSnapshot" || refusals == 7 {
				return core.Fault{}
			}
			refusals++
			return core.Fault{Way: core.Refuse, Error: core.Error{Code: "InvalidSnapshot.InUse", Status: 400}}
		})
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.NoError(t, err)
		w.verify(q, report)
		require.Equal(t, 7, refusals)
	})
}

// TestWhatCannotBeDeletedIsReported: the rest is deleted, and the volumes count.
func TestWhatCannotBeDeletedIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		p := w.plan(q)
		first := ""
		w.cloud.SetFault(func(c core.CallInfo) core.Fault {
			in, ok := c.Input.(*ec2.DeleteSnapshotInput)
			if !ok {
				return core.Fault{}
			}
			if first == "" {
				first = aws.ToString(in.SnapshotId)
			}
			if first != aws.ToString(in.SnapshotId) {
				return core.Fault{}
			}
			return core.Fault{Way: core.Refuse, Error: core.Error{Code: "UnauthorizedOperation", Message: "no", Status: 403}}
		})
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Len(t, report.Volumes, 3)
		require.Equal(t, []restore.Leftover{{
			Site: backup.Site{Account: clean, Region: away}, Kind: "snapshot", ID: first,
			Why: "delete snapshot " + first + ": access denied: UnauthorizedOperation: no",
		}}, report.Left)
		require.Equal(t, []string{first}, w.marked(q))
		w.nothingShared()
		w.cloud.SetFault(nil)
		w.runAgain(q, restore.Options{})
	})
}

// TestTheVaultsKeyIsNotNeededAfterwards: with the vault's key gone, restored
// volumes can still be snapshotted, attached and read.
func TestTheVaultsKeyIsNotNeededAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		w.runAgain(q, restore.Options{})
		_, err := kms.NewFromConfig(w.cloud.Config(w.cloud.Root(vault), home)).ScheduleKeyDeletion(t.Context(),
			&kms.ScheduleKeyDeletionInput{KeyId: aws.String(w.vaultKey), PendingWindowInDays: aws.Int32(7)})
		require.Error(t, err) // nobody may, by the generated policy; so open the policy first
		w.putKeyPolicy(vault, home, w.vaultKey, rootPolicy)
		_, err = kms.NewFromConfig(w.cloud.Config(w.cloud.Root(vault), home)).ScheduleKeyDeletion(t.Context(),
			&kms.ScheduleKeyDeletionInput{KeyId: aws.String(w.vaultKey), PendingWindowInDays: aws.Int32(7)})
		require.NoError(t, err)
		time.Sleep(8 * 24 * time.Hour)
		there := w.admin(clean, away)
		stop := &ec2.StopInstancesInput{InstanceIds: w.instances(q)}
		_, err = there.StopInstances(t.Context(), stop)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = there.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: stop.InstanceIds})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		out, err := there.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: stop.InstanceIds})
		require.NoError(t, err)
		require.Equal(t, types.InstanceStateNameRunning, out.Reservations[0].Instances[0].State.Name)
	})
}

func (w *world) instances(q restore.Request) []string {
	out, err := w.admin(string(q.Account), q.Region).DescribeInstances(w.t.Context(), &ec2.DescribeInstancesInput{})
	require.NoError(w.t, err)
	var ids []string
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			ids = append(ids, aws.ToString(i.InstanceId))
		}
	}
	return ids
}

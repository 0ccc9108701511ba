package restore_test

import (
	"context"
	"errors"
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
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "the disk was on fire")
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

// TestAnInterruptedRun ends by its context while copies are under way: the
// share is taken back all the same, the copies go on and serve the next Run.
func TestAnInterruptedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		report, err := w.restorer(restore.Options{}).Run(ctx, w.plan(q))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, map[string]int{"snapshot": 3}, left(report))
		w.nothingShared()
		copies := w.cloud.Stats().Calls["ec2:CopySnapshot"]
		w.runAgain(q, restore.Options{})
		require.Equal(t, copies, w.cloud.Stats().Calls["ec2:CopySnapshot"])
	})
}

func TestCleanGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		p := w.plan(q)
		w.failing("RunInstances", "InsufficientInstanceCapacity", 500)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.ErrorIs(t, err, backup.ErrQuota)
		require.Equal(t, map[string]int{"snapshot": 3, "image": 1}, left(report))
		require.Len(t, w.marked(q), 3)
		w.nothingShared()
		w.cloud.SetFault(nil)

		report, err = w.restorer(restore.Options{}).Clean(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, &restore.Report{ID: q.ID, Site: backup.Site{Account: clean, Region: away}}, report)
		w.nothingLeft(q)
		w.runAgain(q, restore.Options{})
	})
}

// TestCleanKeepsWhatIsRestored and names it.
func TestCleanKeepsWhatIsRestored(t *testing.T) {
	for _, as := range []restore.Kind{restore.Volumes, restore.Instance} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			q := w.request(as, away)
			w.runAgain(q, restore.Options{})
			report, err := w.restorer(restore.Options{}).Clean(t.Context(), w.plan(q))
			require.NoError(t, err)
			w.verify(q, report)
		})
	}
}

// TestAnotherTypeUsesTheSameCopies: a launch that failed is asked for again in
// another way, under the same ID.
func TestAnotherTypeUsesTheSameCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		w.failing("RunInstances", "InsufficientInstanceCapacity", 500)
		_, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.Error(t, err)
		w.cloud.SetFault(nil)
		copies := w.cloud.Stats().Calls["ec2:CopySnapshot"]
		images := w.cloud.Stats().Calls["ec2:RegisterImage"]
		q.Instance.InstanceType, q.Zone = "m5.xlarge", away+"b"
		w.runAgain(q, restore.Options{})
		require.Equal(t, copies, w.cloud.Stats().Calls["ec2:CopySnapshot"])
		require.Equal(t, images, w.cloud.Stats().Calls["ec2:RegisterImage"])
	})
}

// TestAnInstanceThatDies is started again by the next Run, not asked for by
// the token that would only return it.
func TestAnInstanceThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		keys := kms.NewFromConfig(w.cloud.Config(w.cloud.Root(clean), away))
		disabled := false
		_, err := w.restorer(restore.Options{OnEvent: func(e backup.Event) {
			if e.Stage == backup.Copied && !disabled {
				disabled = true
				_, err := keys.DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: aws.String(q.KMSKey)})
				require.NoError(t, err)
			}
		}}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "did not start")
		require.ErrorContains(t, err, "InvalidKMSKey")
		_, err = keys.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: aws.String(q.KMSKey)})
		require.NoError(t, err)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		w.verify(q, report)
	})
}

// TestAnInstanceThatWasTerminated is made anew; its old volumes outlived it,
// and the report says so.
func TestAnInstanceThatWasTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		first, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		_, err = w.admin(clean, away).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{first.Instance}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		second, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		require.NotEqual(t, first.Instance, second.Instance)
		require.Equal(t, map[string]int{"volume": 3}, left(second))
		for n, v := range second.Volumes {
			require.Equal(t, first.Volumes[n].Source, v.Source)
			require.NotEqual(t, first.Volumes[n].Volume, v.Volume)
		}
		w.nothingLeft(q)
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

// TestAnIDIsOfOneRestore: what another request has made under the ID is
// neither taken for the restore's own nor deleted.
func TestAnIDIsOfOneRestore(t *testing.T) {
	for name, test := range map[string]struct {
		first restore.Kind
		then  func(*restore.Request)
		want  string
	}{
		"volumes in another zone": {restore.Volumes, func(q *restore.Request) { q.Zone = away + "b" }, "volume vol-"},
		"other tags":              {restore.Volumes, func(q *restore.Request) { q.Tags = nil }, "volume vol-"},
		"an instance of it": {restore.Volumes, func(q *restore.Request) {
			q.As, q.Zone = restore.Instance, ""
		}, "volume vol-"},
		"another point":              {restore.Volumes, func(q *restore.Request) { q.Point.ID = "sk-other" }, "volume vol-"},
		"another type":               {restore.Instance, func(q *restore.Request) { q.Instance.InstanceType = "m5.xlarge" }, "volume vol-"},
		"volumes after the instance": {restore.Instance, func(q *restore.Request) { q.As, q.Zone = restore.Volumes, away+"a" }, "volume vol-"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				q := w.request(test.first, away)
				w.runAgain(q, restore.Options{})
				other := q
				test.then(&other)
				calls := w.strike(0, blow{}, nil)
				_, err := w.restorer(restore.Options{}).Plan(t.Context(), other)
				var field *restore.RequestError
				require.ErrorAs(t, err, &field)
				require.Equal(t, "id", field.Field)
				require.ErrorContains(t, err, test.want)
				report, err := w.restorer(restore.Options{}).Run(t.Context(), &restore.Plan{Request: other})
				require.Nil(t, report)
				require.ErrorAs(t, err, &field)
				_, err = w.restorer(restore.Options{}).Clean(t.Context(), &restore.Plan{Request: other})
				require.ErrorAs(t, err, &field)
				require.Zero(t, *calls)
				w.runAgain(q, restore.Options{})
			})
		})
	}
}

// TestOthersAreLeftAlone: a restore of another ID beside it keeps all it has.
func TestOthersAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q, other := w.request(restore.Volumes, away), w.request(restore.Volumes, away)
		other.ID = "drill-2"
		done := make(chan error)
		for _, one := range []restore.Request{q, other} {
			p := w.plan(one)
			go func() {
				_, err := w.restorer(restore.Options{}).Run(context.Background(), p)
				done <- err
			}()
			time.Sleep(100 * time.Second)
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		w.runAgain(q, restore.Options{})
		w.runAgain(other, restore.Options{})
	})
}

// TestADeletedVolumeIsNotMadeAnew: the ID stands for what was made under it.
func TestADeletedVolumeIsNotMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		_, err = w.admin(clean, away).DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: aws.String(report.Volumes[1].Volume)})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		report, err = w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "give the restore another id")
		require.Equal(t, map[string]int{"snapshot": 1}, left(report))
		w.nothingShared()
		_, err = w.restorer(restore.Options{}).Clean(t.Context(), w.plan(q))
		require.NoError(t, err)
		w.nothingLeft(q)
	})
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

package story_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// The locks of the story: of originals for a short time and such as an
// administrator may take off; of copies such as nobody may.
const (
	originalsLocked = 3
	copiesLocked    = 10
)

// lockedLab is a lab whose plan locks, in roles that may lock for so long.
func lockedLab(t *testing.T) *lab {
	l := kept(t, "last=1", "last=1")
	l.Install.Lock = &iampolicy.LockBounds{Min: copiesLocked, Max: 30}
	for i := range l.Install.Protected {
		l.Install.Protected[i].Lock = &iampolicy.LockBounds{Min: 1, Max: originalsLocked}
	}
	l.putRoles()
	l.Plan.Lock = &backup.Lock{Mode: backup.Governance, Days: originalsLocked}
	l.Plan.Copies[0].Lock = &backup.Lock{Mode: backup.Compliance, Days: copiesLocked}
	return l
}

// checkLocks looks for snapshots that the plan wants locked and that are not.
// Of a run that was never taken up again nobody may come to lock the originals.
func (l *lab) checkLocks(v *verdict, snapshots []backuptest.Snapshot) {
	loose := map[string]bool{}
	for _, at := range l.want.perhaps {
		loose[backup.RunID(l.Plan.Name, at)] = true
	}
	for _, s := range snapshots {
		if s.Tags["snapkeep:vault"] != string(l.vault()) || s.Tags["snapkeep:step"] != "" {
			continue
		}
		lock := l.Plan.Lock
		if s.Tags["snapkeep:source"] != "" {
			lock = l.placeAt(backup.Site{Account: s.Account, Region: s.Region}).Lock
		} else if loose[s.Tags["snapkeep:run"]] {
			continue
		}
		if lock == nil {
			continue
		}
		want := types.LockState(lock.Mode)
		if s.Lock != want && time.Since(s.Done) < 24*time.Hour*time.Duration(lock.Days) {
			v.add("the lock of %s of %s is %q, want %q", s.ID, s.Account, s.Lock, want)
		}
	}
}

// outcomes prunes, and counts what was decided on originals and on copies.
func (l *lab) outcomes() (originals, copies map[retention.Action]int) {
	plan, err := l.Engine.PlanPrune(l.ctx, l.Plan, time.Now())
	require.NoError(l.t, err)
	originals, copies = map[retention.Action]int{}, map[retention.Action]int{}
	for _, g := range plan.Groups {
		for _, d := range g.Decisions {
			if g.Copy {
				copies[d.Action]++
			} else {
				originals[d.Action]++
			}
		}
	}
	_, err = l.Engine.Prune(l.ctx, plan)
	require.NoError(l.t, err)
	return originals, copies
}

// What is locked outlives every prune, dropped originals too, and goes at the
// first one after its lock has ended.
func TestLockedPointsOutliveThePrunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lockedLab(t)
		l.Plan.Copies[0].DropOriginal = true
		for _, day := range []string{"day 1", "day 2", "day 3"} {
			l.pass(aDay(day))
		}
		resources := len(l.resources)
		originals, copies := l.outcomes()
		require.Equal(t, map[retention.Action]int{retention.Retain: resources, retention.Blocked: 2 * resources}, originals)
		require.Equal(t, map[retention.Action]int{retention.Retain: resources, retention.Blocked: 2 * resources}, copies)

		time.Sleep(originalsLocked * 24 * time.Hour)
		originals, copies = l.outcomes()
		require.Equal(t, map[retention.Action]int{retention.Retain: resources, retention.Prune: 2 * resources}, originals)
		require.Equal(t, map[retention.Action]int{retention.Retain: resources, retention.Blocked: 2 * resources}, copies)

		time.Sleep((copiesLocked - originalsLocked) * 24 * time.Hour)
		_, copies = l.outcomes()
		require.Equal(t, map[retention.Action]int{retention.Retain: resources, retention.Prune: 2 * resources}, copies)
		l.want.originals, l.want.copies = l.want.originals[2:], l.want.copies[2:]
		require.Empty(t, l.check())
	})
}

// A plan that wants longer locks than the roles may put gets everything else.
func TestALockOutOfBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lockedLab(t)
		l.Plan.Copies[0].Lock.Days = 31
		l.write()
		report, err := l.Engine.Run(l.ctx, l.Plan, time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		require.ErrorContains(t, err, "ec2:LockSnapshot")
		for _, j := range report.Jobs {
			require.Equal(t, backup.Unlocked, j.Stage)
			require.Len(t, j.Unlocked(), len(j.Resource.Members))
		}
		require.Equal(t, len(l.resources), report.Copies)
		for _, s := range l.Cloud.Snapshots() {
			require.Empty(t, s.Shares)
		}
	})
}

// No role that snapkeep generates can take a lock off, nor can one whose locks
// have bounds go round them with a date.
func TestNobodyTakesALockOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lockedLab(t)
		l.Plan.Copies[0].Lock.Mode = backup.Governance // that AWS would let go
		l.pass(aDay("day 1"))
		roles, err := l.Install.Roles()
		require.NoError(t, err)
		tried := 0
		for _, r := range roles {
			for _, s := range l.Cloud.Snapshots() {
				if s.Lock == "" || string(s.Account) != r.Account {
					continue
				}
				api := ec2.NewFromConfig(l.as(r, s.Region))
				_, err := api.UnlockSnapshot(l.ctx, &ec2.UnlockSnapshotInput{SnapshotId: aws.String(s.ID)})
				require.ErrorContains(t, err, "UnauthorizedOperation", r.Name)
				_, err = api.LockSnapshot(l.ctx, &ec2.LockSnapshotInput{
					SnapshotId: aws.String(s.ID), LockMode: types.LockModeGovernance, ExpirationDate: aws.Time(time.Now().Add(time.Hour)),
				})
				require.ErrorContains(t, err, "UnauthorizedOperation", r.Name)
				_, err = api.DeleteSnapshot(l.ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(s.ID)})
				require.Error(t, err, r.Name)
				tried++
			}
		}
		require.Greater(t, tried, 20)
	})
}

// as acts in a role, as the orchestrator assumes it.
func (l *lab) as(r iampolicy.Role, region string) aws.Config {
	out, err := sts.NewFromConfig(l.Base()).AssumeRole(l.ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String(r.ARN("")), RoleSessionName: aws.String("test"), ExternalId: aws.String("sk-ext-" + r.Account),
	})
	require.NoError(l.t, err, r.Name)
	return l.Cloud.Config(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
			SessionToken: *out.Credentials.SessionToken,
		}, nil
	}), region)
}

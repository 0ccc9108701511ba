package story_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
)

// What is wrong with one account's pruner, or with the listing of the copies,
// does not keep others from being pruned, and never prunes too much.
func TestBadInputOfAPrune(t *testing.T) {
	for _, f := range []struct {
		name   string
		breaks func(context.Context, *stage) error
		mends  func(context.Context, *stage) error
		says   string
		errors []string // sites
		pruned int      // of the four originals and four copies of the first night
	}{
		{
			name:   "a pruner role is deleted",
			breaks: func(_ context.Context, s *stage) error { s.Cloud.DeleteRole(theBank, "snapkeep-pruner"); return nil },
			mends:  put("222222222222/snapkeep-pruner"),
			says:   "assume arn:aws:iam::222222222222:role/snapkeep-pruner", errors: []string{atBank, atBank}, pruned: 6,
		},
		{
			name:   "a pruner may not delete",
			breaks: without("222222222222/snapkeep-pruner", "DeleteOwn"), mends: put("222222222222/snapkeep-pruner"),
			says: "not authorized to perform: ec2:DeleteSnapshot", errors: []string{atBank, atBank}, pruned: 6,
		},
		{
			// Originals whose copies nobody can see are not touched.
			name:   "the copies cannot be listed",
			breaks: without("999999999999/snapkeep-vault-writer", "Describe"), mends: put("999999999999/snapkeep-vault-writer"),
			says: "not authorized to perform: ec2:DescribeSnapshots", errors: []string{atVault}, pruned: 0,
		},
		{
			name:   "a protected account cannot be listed",
			breaks: without("222222222222/snapkeep-backup", "Describe"), mends: put("222222222222/snapkeep-backup"),
			says: "not authorized to perform: ec2:DescribeSnapshots", errors: []string{atBank}, pruned: 6,
		},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			backuptest.Simulate(func() {
				ctx := context.Background()
				s, err := newStage(ctx, backuptest.Options{Seed: 1})
				require.NoError(t, err)
				_, err = s.Engine.Run(ctx, s.Plan, time.Now())
				require.NoError(t, err)
				time.Sleep(24 * time.Hour)
				_, err = s.Engine.Run(ctx, s.Plan, time.Now())
				require.NoError(t, err)

				require.NoError(t, f.breaks(ctx, s))
				n, err := s.pruneAll(ctx)
				require.Equal(t, f.pruned, n, "%v", err)
				var sites []string
				for _, piece := range piecesOf(err) {
					var e *backup.Error
					require.ErrorAs(t, piece, &e)
					require.Contains(t, e.Error(), f.says)
					require.ErrorIs(t, e, backup.ErrDenied)
					sites = append(sites, backup.Site{Account: e.Account, Region: e.Region}.String())
				}
				require.Equal(t, f.errors, sites, "%v", err)
				require.Empty(t, s.leaks(s.told(err)))

				require.NoError(t, f.mends(ctx, s))
				n, err = s.pruneAll(ctx)
				require.NoError(t, err)
				require.Equal(t, 8-f.pruned, n)
			})
		})
	}
}

// pruneAll plans and prunes, and returns how many points went.
func (s *stage) pruneAll(ctx context.Context) (int, error) {
	plan, err := s.Engine.PlanPrune(ctx, s.Plan, time.Now())
	if plan == nil {
		return 0, err
	}
	report, failed := s.Engine.Prune(ctx, plan)
	if report == nil {
		return 0, errors.Join(err, failed)
	}
	if failed == nil { // what cannot be listed twice is told twice
		return report.Count(backup.Pruned), err
	}
	return report.Count(backup.Pruned), failed
}

// A restore that cannot go on says why, takes its shares back, and goes on
// once what was wrong is mended.
func TestBadInputOfARestore(t *testing.T) {
	key := func(s *stage) string { return s.Install.Restore[0].Keys[0] }
	for _, f := range []struct {
		name   string
		breaks func(context.Context, *stage) error
		mends  func(context.Context, *stage) error
		at     string
		is     error
		says   []string
	}{
		{
			name:   "the restore role is deleted",
			breaks: func(_ context.Context, s *stage) error { s.Cloud.DeleteRole(theClean, "snapkeep-restore"); return nil },
			mends: func(ctx context.Context, s *stage) error {
				return s.restored(ctx, "555555555555/snapkeep-restore", "vault key policy")
			},
			at: "555555555555/us-east-1", is: backup.ErrDenied, says: []string{"assume arn:aws:iam::555555555555:role/snapkeep-restore"},
		},
		{
			name: "the sharer is deleted",
			breaks: func(_ context.Context, s *stage) error {
				s.Cloud.DeleteRole(theVault, "snapkeep-vault-sharer")
				return nil
			},
			mends: put("999999999999/snapkeep-vault-sharer"),
			at:    atVault, is: backup.ErrDenied, says: []string{"share snap-", "assume arn:aws:iam::999999999999:role/snapkeep-vault-sharer"},
		},
		{
			name: "the key to restore under is disabled", breaks: turn(key, disable), mends: turn(key, enable),
			at: "555555555555/us-east-1", says: []string{"after shared", "snap-", "Given key ID is not accessible"},
		},
		{
			name: "the vault key's policy lacks the restore role", breaks: without("vault key policy", "Restorers"), mends: put("vault key policy"),
			at: "555555555555/us-east-1", says: []string{"after shared", "snap-", "Given key ID is not accessible"},
		},
		{
			name: "the instance may not have its role", breaks: without("555555555555/snapkeep-restore", "PassListedRoles"), mends: put("555555555555/snapkeep-restore"),
			at: "555555555555/us-east-1", is: backup.ErrDenied, says: []string{"after copied", "run an instance of ami-", "iam:PassRole"},
		},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			backuptest.Simulate(func() {
				ctx := context.Background()
				s, err := newStage(ctx, backuptest.Options{Seed: 1})
				require.NoError(t, err)
				kept, err := s.write(ctx)
				require.NoError(t, err)
				_, err = s.Engine.Run(ctx, s.Plan, time.Now())
				require.NoError(t, err)

				require.NoError(t, f.breaks(ctx, s))
				err = s.bringBack(ctx, "instance", restore.Instance, kept)
				pieces := piecesOf(err)
				var first *backup.Error
				require.ErrorAs(t, pieces[0], &first)
				require.Equal(t, f.at, backup.Site{Account: first.Account, Region: first.Region}.String())
				require.Equal(t, ledger, nameOf(first.Resource))
				if f.is != nil {
					require.ErrorIs(t, first, f.is)
				}
				for _, part := range f.says {
					require.Contains(t, first.Error(), part)
				}
				// One error, unless shares that an earlier call may have left
				// could not be looked after either.
				for _, piece := range pieces[1:] {
					require.Contains(t, piece.Error(), "revoke the share of snap-")
					require.Equal(t, atVault, f.at)
				}
				require.Empty(t, s.leaks(s.told(err)))
				require.Empty(t, s.shared())

				require.NoError(t, f.mends(ctx, s))
				require.NoError(t, s.bringBack(ctx, "instance", restore.Instance, kept))
				require.Empty(t, s.shared())
				for _, snap := range s.Cloud.Snapshots() {
					require.NotEqual(t, theClean, snap.Account, "%s is left of the restore", snap.ID)
				}
			})
		})
	}
}

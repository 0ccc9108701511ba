package backup_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A freezer is a cloud that brings back from the archive what was moved there,
// in two days.
type freezer struct {
	*cloud
	thawed  map[string]time.Time // when it was asked for
	refuses func(id string) error
	hidden  error // what listing the tiers ends with
}

func (f *freezer) Open(cfg aws.Config, site backup.Site) backup.Client {
	return freezerClient{f.cloud.Open(cfg, site), f, accounts.Purpose(cfg.AppID)}
}

type freezerClient struct {
	backup.Client
	f  *freezer
	as accounts.Purpose
}

func (c freezerClient) Tiers(context.Context) iter.Seq2[backup.SnapshotTier, error] {
	return func(yield func(backup.SnapshotTier, error) bool) {
		for id := range c.f.cold {
			at := backup.SnapshotTier{Snapshot: id, Archived: true}
			if asked, ok := c.f.thawed[id]; ok {
				at.Thawing, at.Archived = true, time.Since(asked) < 48*time.Hour
			}
			if !yield(at, nil) {
				return
			}
		}
		if c.f.hidden != nil {
			yield(backup.SnapshotTier{}, c.f.hidden)
		}
	}
}

func (c freezerClient) Do(ctx context.Context, step backup.Step) ([]backup.Snapshot, error) {
	if step.Kind != backup.StepThaw {
		return c.Client.Do(ctx, step)
	}
	if _, twice := c.f.thawed[step.Snapshot]; twice || step.Days != 3 || c.as != accounts.VaultSharer {
		c.f.t.Errorf("thaws %s for %d days as %s, before: %v", step.Snapshot, step.Days, c.as, twice)
	}
	if err := c.f.refuses(step.Snapshot); err != nil {
		return nil, err
	}
	c.f.thawed[step.Snapshot] = time.Now()
	return nil, nil
}

// frozen is a point of three copies in the archive, and an engine that may
// bring them back.
func frozen(t *testing.T, onEvent func(backup.Event)) (*freezer, *backup.Engine, backup.Point) {
	t.Helper()
	c, p := story(t), nightly()
	p.Sources = p.Sources[:1]
	c.resources[siteA] = c.resources[siteA][:1]
	run(t, c, p, time.Now())
	for _, s := range c.at(home) {
		c.cold[s.ID] = time.Now()
	}
	f := &freezer{c, map[string]time.Time{}, func(string) error { return nil }, nil}
	e, err := backup.New(c, []backup.Driver{f}, backup.Options{Vault: vault, OnEvent: onEvent})
	require.NoError(t, err)
	pt := pointsAt(t, c, home)[0]
	require.Len(t, pt.Members, 3)
	return f, e, pt
}

// What is in the archive is asked for once, however often the host asks, until
// all of it is there.
func TestThawAsksOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		told := 0
		f, e, pt := frozen(t, func(ev backup.Event) {
			require.NoError(t, ev.Err)
			if ev.Step == backup.StepThaw {
				told++
			}
		})
		delete(f.cold, pt.Members[0].Snapshot.ID)
		out, err := e.Thaw(t.Context(), pt, 3)
		for !out.Done {
			require.NoError(t, err)
			require.Equal(t, "2 of 3 snapshots to come from the archive", out.Waiting)
			require.Equal(t, time.Now().Add(10*time.Minute), out.NotBefore)
			time.Sleep(time.Until(out.NotBefore))
			out, err = e.Thaw(t.Context(), pt, 3)
		}
		require.NoError(t, err)
		require.Len(t, f.thawed, 2)
		require.Equal(t, 2, told)
		require.GreaterOrEqual(t, time.Since(f.cold[pt.Members[1].Snapshot.ID]), 48*time.Hour)
	})
}

// What may pass is said, and nothing else is asked for in the same call; the
// next one goes on with it. What is throttled is asked for more slowly.
func TestThawInTrouble(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		slow bool
	}{
		"throttled": {fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled), true},
		"full":      {fmt.Errorf("ResourceLimitExceeded: %w", backup.ErrQuota), false},
		"lost":      {lostAnswer, false},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				f, e, pt := frozen(t, nil)
				asked := 0
				f.refuses = func(string) error {
					if asked++; asked == 2 {
						return test.err
					}
					return nil
				}
				out, err := e.Thaw(t.Context(), pt, 3)
				require.NoError(t, err)
				require.Equal(t, "3 of 3 snapshots to come from the archive; "+test.err.Error(), out.Waiting)
				require.Len(t, f.thawed, 1)
				require.Equal(t, 2, asked)
				begun := time.Now()
				_, err = e.Thaw(t.Context(), pt, 3)
				require.NoError(t, err)
				require.Equal(t, test.slow, time.Since(begun) > 0)
				require.Len(t, f.thawed, 3)
			})
		})
	}
}

// What does not pass is an error of the point's, and so is what cannot be read.
func TestThawFails(t *testing.T) {
	inTime(t, func(t *testing.T) {
		f, e, pt := frozen(t, nil)
		f.refuses = func(string) error { return fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied) }
		out, err := e.Thaw(t.Context(), pt, 3)
		var failed *backup.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, pt.Resource, failed.Resource)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.False(t, out.Done)

		f.hidden = errors.New("page 2 was lost")
		_, err = e.Thaw(t.Context(), pt, 3)
		require.ErrorContains(t, err, "thaw "+pt.ID+": page 2 was lost")
		require.Empty(t, f.thawed)
	})
}

package backup_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A memo is a journal in memory, which may be broken.
type memo struct {
	mu     sync.Mutex // guards all below
	runs   map[string][]time.Time
	begins int
	broken error
	before func() // called by Begin
}

func newMemo() *memo { return &memo{runs: map[string][]time.Time{}} }

func (m *memo) Begin(_ context.Context, plan string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begins++
	if m.before != nil {
		m.before()
	}
	if m.broken == nil {
		m.runs[plan] = append(m.runs[plan], at)
	}
	return m.broken
}

func (m *memo) Begun(_ context.Context, plan string, since time.Time) (runs []time.Time, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range m.runs[plan] {
		if !at.Before(since) {
			runs = append(runs, at)
		}
	}
	return runs, m.broken
}

// cutAfter runs a plan and stops it after so many calls that change something.
func cutAfter(t *testing.T, c *cloud, p backup.Plan, at time.Time, calls int, opts backup.Options) {
	t.Helper()
	ctx, crash := context.WithCancel(t.Context())
	defer crash()
	n := 0
	c.after = func(k call) error {
		if k.mutates() {
			if n++; n == calls {
				crash()
			}
			return ctx.Err()
		}
		return nil
	}
	_, err := engine(t, c, opts).Run(ctx, p, at)
	require.Error(t, err)
	c.after = nil
}

// With a journal the next night's run copies what a run left, wherever it was
// cut: also before its first copy.
func TestAJournalProvesWhatDiedEarly(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	for cut := range mutationsOf(t, p) {
		t.Run(fmt.Sprintf("call %d", cut+1), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, at, j := story(t), time.Now(), newMemo()
				cutAfter(t, c, p, at, cut+1, backup.Options{Journal: j})
				time.Sleep(24 * time.Hour)
				_, err := engine(t, c, backup.Options{Journal: j}).Run(t.Context(), p, at.Add(24*time.Hour))
				require.NoError(t, err)
				nothingShared(t, c)
				places := map[string]int{}
				for _, pt := range points(t, c, p) {
					require.Equal(t, retention.Complete, pt.State, "%+v", pt)
					if pt.Run.Equal(at) {
						places[pt.Resource]++
					}
				}
				require.NotEmpty(t, places)
				for resource, n := range places {
					require.Equal(t, 3, n, resource)
				}
			})
		})
	}
}

// A run that the journal does not know is proven by the vault alone, and a run
// that settles it does not become its witness.
func TestAJournalVouchesForNoOtherRun(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at, j := story(t), nightly(copyTo(home)), time.Now(), newMemo()
		cutAfter(t, c, p, at, 1, backup.Options{})
		var left []error
		opts := backup.Options{Journal: j, OnEvent: func(e backup.Event) {
			if errors.Is(e.Err, backup.ErrUnproven) {
				left = append(left, e.Err)
			}
		}}
		for day := 1; day <= 2; day++ {
			time.Sleep(time.Until(at.AddDate(0, 0, day)))
			_, err := engine(t, c, opts).Run(t.Context(), p, time.Now())
			require.NoError(t, err)
			require.Len(t, left, 3, "one of each resource; the second night there is a later copy")
			require.Len(t, j.runs[p.Name], day)
		}
		for _, pt := range pointsAt(t, c, home) {
			require.False(t, pt.Run.Equal(at))
		}
	})
}

func TestARunIsNotedOnceAndFirst(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at, j := story(t), nightly(copyTo(home)), time.Now().Add(1500*time.Millisecond), newMemo()
		made := -1
		j.before = func() { made = c.mutations() }
		report, err := engine(t, c, backup.Options{Journal: j}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Greater(t, len(report.Jobs), 1)
		require.Equal(t, 1, j.begins)
		require.Zero(t, made)
		require.Equal(t, []time.Time{at.UTC().Truncate(time.Second)}, j.runs[p.Name])
	})
}

// A journal that fails is told of, now and then, and stops nothing.
func TestAJournalThatFails(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at, j := story(t), nightly(copyTo(home)), time.Now(), newMemo()
		j.broken = errors.New("disk full")
		var told []time.Time
		report, err := engine(t, c, backup.Options{Journal: j, OnEvent: func(e backup.Event) {
			if errors.Is(e.Err, backup.ErrJournal) {
				require.ErrorIs(t, e.Err, j.broken)
				told = append(told, e.Time)
			}
		}}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, len(report.Jobs), report.Points)
		require.Greater(t, len(told), 2, "once when it was read, and again and again when it was written")
		for i := 2; i < len(told); i++ {
			require.GreaterOrEqual(t, told[i].Sub(told[i-1]), time.Minute)
		}
	})
}

// A hung is a journal that never answers.
type hung struct{}

func (hung) Begin(ctx context.Context, _ string, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hung) Begun(ctx context.Context, plan string, at time.Time) ([]time.Time, error) {
	return nil, h.Begin(ctx, plan, at)
}

func TestAJournalThatHangs(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at, told := story(t), nightly(copyTo(home)), time.Now(), 0
		report, err := engine(t, c, backup.Options{Journal: hung{}, OnEvent: func(e backup.Event) {
			if errors.Is(e.Err, backup.ErrJournal) {
				require.ErrorIs(t, e.Err, context.DeadlineExceeded)
				told++
			}
		}}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, len(report.Jobs), report.Points)
		require.NotZero(t, told)
	})
}

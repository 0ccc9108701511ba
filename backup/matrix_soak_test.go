package backup_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// Whatever goes wrong now and then on whatever path, what is done again often
// enough ends as if nothing had.
func TestAnyFaultsAndCrashesOnEveryPath(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 1
	}
	for _, p := range paths() {
		want := refer(t, p)
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", p.name, seed), func(t *testing.T) {
				t.Parallel()
				inTime(t, func(t *testing.T) {
					l := p.build(t)
					rng := rand.New(rand.NewPCG(uint64(seed), 1))
					for i, d := range p.deeds() {
						d.ready(l)
						l.endure(rng, d)
						d.then(l)
						require.Empty(t, l.check(), d.name)
						require.Equal(t, want[i].end, l.print(), d.name)
					}
				})
			})
		}
	}
}

// The same with a run that nobody takes up again: what is left of it is settled
// by the next one, whatever goes wrong with that.
func TestAnyFaultsOfARunThatIsForgotten(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 1
	}
	for _, p := range paths() {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", p.name, seed), func(t *testing.T) {
				t.Parallel()
				inTime(t, func(t *testing.T) {
					l, first, next, last := p.build(t), aNight("a night"), aNight("the day after"), aNight("the day after that")
					rng := rand.New(rand.NewPCG(uint64(seed), 2))
					first.ready(l)
					if err, _ := l.try(rng, first); err == nil {
						first.then(l)
					} else {
						l.want.perhaps, l.want.proven = first.at(), l.proves(first.at())
					}
					l.begin()
					next.ready(l)
					l.want.twice = l.endure(rng, next) > 0
					next.then(l)
					l.pass(last) // what has not rested for long enough was left alone
					require.Empty(t, l.check())
				})
			})
		}
	}
}

// endure does something again and again until it reports success, while one
// call in ten fails, or in thirty, and the process dies now and then. It returns
// how often that was in vain.
func (l *lab) endure(rng *rand.Rand, d deed) (tries int) {
	l.t.Helper()
	for ; ; tries++ {
		err, died := l.try(rng, d)
		if err == nil {
			return tries
		}
		require.Less(l.t, tries, 100, "%s: %v", d.name, err)
		time.Sleep(time.Duration(rng.IntN(120)) * time.Second)
		if died || rng.IntN(2) == 0 {
			l.begin()
			if d.at != nil && l.want.perhaps.IsZero() {
				l.resting = l.leftResting(db)
			}
		}
	}
}

// try does something once. It says whether the process died over it.
func (l *lab) try(rng *rand.Rand, d deed) (err error, died bool) {
	often := 10
	if d.at == nil {
		often = 3 // it reads all there is before it does anything
	}
	trouble := []error{
		lostAnswer, fmt.Errorf("list: %w", context.DeadlineExceeded),
		fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled), fmt.Errorf("ResourceLimitExceeded: %w", backup.ErrQuota),
	}
	ctx, die := context.WithCancel(l.t.Context())
	defer die()
	roll := func(list []error) error {
		switch n := rng.IntN(100); {
		case died:
		case n < often:
			return list[rng.IntN(len(list))]
		case n < often+2:
			died = true
			die()
		}
		if died {
			return context.Canceled
		}
		return nil
	}
	l.before = func(k call) error {
		if k.mutates() && !died {
			l.disturbs(k)
		}
		err := roll(trouble)
		if err != nil && k.op == "commands" {
			l.resting = "" // who cannot look yet goes on with other things
		}
		return err
	}
	l.after = func(k call) error {
		if k.mutates() {
			l.look(k)
		}
		return roll(trouble[:2])
	}
	err = d.do(ctx, l)
	l.strike(nil, nil)
	return err, died
}

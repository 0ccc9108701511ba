package limitertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/limitertest"
)

func TestTheOneInMemoryIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, limitertest.Check(context.Background(), backup.NewLimiter()))
	})
}

// A faulty limiter does one thing wrong.
type faulty struct {
	backup.Limiter
	take      func(l backup.Limiter, ctx context.Context, b []backup.Bucket) (time.Duration, error)
	throttled func(l backup.Limiter, ctx context.Context, b backup.Bucket) error
	reserve   func(l backup.Limiter, ctx context.Context, s backup.Site, key string, room int, hold time.Duration) (bool, error)
	release   func(l backup.Limiter, ctx context.Context, s backup.Site, key string) error
}

func (f faulty) Take(ctx context.Context, b []backup.Bucket) (time.Duration, error) {
	if f.take == nil {
		return f.Limiter.Take(ctx, b)
	}
	return f.take(f.Limiter, ctx, b)
}

func (f faulty) Throttled(ctx context.Context, b backup.Bucket) error {
	if f.throttled == nil {
		return f.Limiter.Throttled(ctx, b)
	}
	return f.throttled(f.Limiter, ctx, b)
}

func (f faulty) Reserve(ctx context.Context, s backup.Site, key string, room int, hold time.Duration) (bool, error) {
	if f.reserve == nil {
		return f.Limiter.Reserve(ctx, s, key, room, hold)
	}
	return f.reserve(f.Limiter, ctx, s, key, room, hold)
}

func (f faulty) Release(ctx context.Context, s backup.Site, key string) error {
	if f.release == nil {
		return f.Limiter.Release(ctx, s, key)
	}
	return f.release(f.Limiter, ctx, s, key)
}

func TestEachFaultIsFound(t *testing.T) {
	type (
		limiter = backup.Limiter
		buckets = []backup.Bucket
	)
	for name, test := range map[string]struct {
		fault faulty
		want  string
	}{
		"no limit": {faulty{take: func(_ limiter, ctx context.Context, _ buckets) (time.Duration, error) { return 0, ctx.Err() }}, "an empty bucket: Take says to wait for 0s"},
		"one bucket for all": {faulty{take: func(l limiter, ctx context.Context, b buckets) (time.Duration, error) {
			return l.Take(ctx, buckets{{Account: "1", Rate: b[0].Rate}})
		}}, "another account's bucket"},
		"a token of the first bucket is lost": {faulty{take: func(l limiter, ctx context.Context, b buckets) (wait time.Duration, err error) {
			for _, one := range b {
				if wait, err = l.Take(ctx, buckets{one}); wait > 0 || err != nil {
					return wait, err
				}
			}
			return 0, nil
		}}, "the first of two buckets"},
		"an hour for a token": {faulty{take: func(l limiter, ctx context.Context, b buckets) (time.Duration, error) {
			wait, err := l.Take(ctx, b)
			return wait * 3600, err
		}}, "Take says to wait for 1h0m0s for a token a second"},
		"a rate of zero is none": {faulty{take: func(l limiter, ctx context.Context, b buckets) (time.Duration, error) {
			if b[0].Rate.PerSecond == 0 {
				return time.Hour, nil
			}
			return l.Take(ctx, b)
		}}, "a bucket without a rate"},
		"refusals are not heard": {faulty{throttled: func(_ limiter, ctx context.Context, _ backup.Bucket) error { return ctx.Err() }}, "a bucket that AWS refused a call of"},
		"a slot for everybody": {faulty{reserve: func(_ limiter, ctx context.Context, _ backup.Site, _ string, _ int, _ time.Duration) (bool, error) {
			return true, ctx.Err()
		}}, "the third of two slots"},
		"one slot for all sites": {faulty{reserve: func(l limiter, ctx context.Context, _ backup.Site, key string, room int, hold time.Duration) (bool, error) {
			return l.Reserve(ctx, backup.Site{}, key, room, hold)
		}}, "another site's slot"},
		"a key takes two": {faulty{reserve: func(l limiter, ctx context.Context, s backup.Site, key string, room int, hold time.Duration) (bool, error) {
			return l.Reserve(ctx, s, key+time.Now().String(), room, hold)
		}}, "a slot that is held, for longer"},
		"slots are held for ever": {faulty{reserve: func(l limiter, ctx context.Context, s backup.Site, key string, room int, _ time.Duration) (bool, error) {
			return l.Reserve(ctx, s, key, room, time.Hour)
		}}, "a slot that is held no more"},
		"nothing is given back": {faulty{release: func(_ limiter, ctx context.Context, _ backup.Site, _ string) error { return ctx.Err() }}, "a slot that was released"},
		"giving back twice fails": {faulty{release: func(l limiter, ctx context.Context, s backup.Site, key string) error {
			if ok, _ := l.Reserve(ctx, s, "probe "+key, 100, time.Nanosecond); key == "b" && ok && s.Region == "eu-west-1" {
				return errors.Join(l.Release(ctx, s, key), errors.New("not reserved"))
			}
			return l.Release(ctx, s, key)
		}}, "Release: not reserved"},
		"nobody is told that it was cancelled": {faulty{take: func(l limiter, _ context.Context, b buckets) (time.Duration, error) {
			return l.Take(context.Background(), b)
		}}, "Take: no error, though its context is done"},
		"it fails": {faulty{take: func(limiter, context.Context, buckets) (time.Duration, error) { return 0, errors.New("no connection") }}, "Take: no connection"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.fault.Limiter = backup.NewLimiter()
				require.ErrorContains(t, limitertest.Check(context.Background(), test.fault), test.want)
			})
		})
	}
}

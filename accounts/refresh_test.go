package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/snapkeep/snapkeep/accounts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newSessions is New that must succeed.
func newSessions(t testing.TB, f *fakeSTS, opts accounts.Options, accts ...accounts.Account) *accounts.Sessions {
	t.Helper()
	s, err := accounts.New(f.base(), accts, opts)
	require.NoError(t, err)
	return s
}

func config(t testing.TB, s *accounts.Sessions, id accounts.ID, p accounts.Purpose) aws.Config {
	t.Helper()
	cfg, err := s.Config(context.Background(), id, p, "eu-west-1")
	require.NoError(t, err)
	return cfg
}

// one is a single account behind one hop.
func (f *fakeSTS) one() accounts.Account {
	f.trust(roleIn("111111111111"), fakeRole{trusts: baseARN, max: 12 * time.Hour})
	return accounts.Account{ID: "111111111111", Chain: []accounts.Role{{ARN: roleIn("111111111111")}}}
}

// A night of ten accounts in twenty Regions: some sites back up by the
// account's chain, some prune by a role of their own, held down by one of two
// session policies. Each of these sessions is opened once in each lifetime.
func TestSixHoursOfManyGoroutinesCostOneCallPerHopAndLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		accts := []accounts.Account{{ID: "999999999999", Chain: []accounts.Role{{ARN: hubARN}}}}
		for i := range 10 {
			a := f.spoke(accounts.ID(fmt.Sprintf("%012d", 111111111111+i)))
			f.trust(roleIn(a.ID)+"-pruner", fakeRole{trusts: hubARN})
			a.Purposes = map[accounts.Purpose][]accounts.Role{accounts.Pruner: {{ARN: hubARN}, {ARN: roleIn(a.ID) + "-pruner"}}}
			accts = append(accts, a)
		}
		s := newSessions(t, f, accounts.Options{}, accts...)
		start := time.Now()
		var wg sync.WaitGroup
		var uses atomic.Int64
		for i := range 1000 {
			id := accts[1+i%10].ID
			region := fmt.Sprintf("eu-west-%d", 1+i/10%20)
			purpose, policy := accounts.Backup, ""
			switch {
			case i < 20:
				id = accts[0].ID
			case i/200%5 == 3:
				purpose, policy = accounts.Pruner, `{"Sid":"old"}`
			case i/200%5 == 4:
				purpose, policy = accounts.Pruner, `{"Sid":"failed"}`
			}
			wg.Go(func() {
				for time.Since(start) < 6*time.Hour {
					if err := use(f, s, site{id, purpose, policy, region}); err != nil {
						t.Errorf("%s of %s in %s after %v: %v", purpose, id, region, time.Since(start), err)
						return
					}
					uses.Add(1)
					time.Sleep(time.Minute)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		require.EqualValues(t, 1000*360, uses.Load())
		// Sessions of 1 h are renewed after 54 to 55 min, at the next use within
		// a minute: 7 calls in 6 h, whatever the jitter.
		sessions := map[string]int{}
		var hours [6]int
		for _, c := range f.made("AssumeRole", "") {
			sessions[c.Role+c.Form.Get("Policy")]++
			hours[int(c.At.Sub(start)/time.Hour)]++
		}
		require.Len(t, sessions, 1+10+2*10, "the hub's, and of each account the backup's and two of the pruner's")
		for session, calls := range sessions {
			require.Equal(t, 7, calls, session)
		}
		require.Empty(t, f.made("GetCallerIdentity", ""))
		t.Logf("%d uses of %d sessions in 6 h: %v calls of STS in each hour", uses.Load(), len(sessions), hours)
	})
}

// A site is where a session is used, and for what.
type site struct {
	account accounts.ID
	purpose accounts.Purpose
	policy  string // that narrows; empty means none
	region  string
}

// use signs something in a site.
func use(f *fakeSTS, s *accounts.Sessions, at site) (err error) {
	if at.policy != "" {
		if s, err = s.Narrow(at.account, at.purpose, at.policy); err != nil {
			return err
		}
	}
	cfg, err := s.Config(context.Background(), at.account, at.purpose, at.region)
	if err == nil {
		_, err = f.use(cfg)
	}
	return err
}

func TestRefreshIsAheadOfExpiryWithJitter(t *testing.T) {
	for _, c := range []struct {
		name              string
		opts              accounts.Options
		duration          time.Duration
		earliest, latest  time.Duration // into the session
		distinctAtLeast10 bool
	}{
		{"defaults", accounts.Options{}, 0, 54 * time.Minute, 55 * time.Minute, true},
		{"no jitter", accounts.Options{Jitter: -1}, 0, 55 * time.Minute, 55 * time.Minute, false},
		{"own values", accounts.Options{RefreshBefore: 10 * time.Minute, Jitter: 4 * time.Minute}, 0, 46 * time.Minute, 50 * time.Minute, true},
		{"half of a short session", accounts.Options{RefreshBefore: 10 * time.Minute, Jitter: -1}, 15 * time.Minute, 7*time.Minute + 30*time.Second, 7*time.Minute + 30*time.Second, false},
		{"twelve hours", accounts.Options{Jitter: -1}, 12 * time.Hour, 12*time.Hour - 5*time.Minute, 12*time.Hour - 5*time.Minute, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := map[time.Duration]bool{}
				for range 20 {
					f := newSTS(t)
					a := f.one()
					a.Chain[0].Duration = c.duration
					cfg := config(t, newSessions(t, f, c.opts, a), a.ID, accounts.Backup)
					start := time.Now()
					for len(f.made("AssumeRole", "")) < 2 {
						_, err := f.use(cfg)
						require.NoError(t, err)
						time.Sleep(time.Second)
						synctest.Wait()
					}
					after := f.made("AssumeRole", "")[1].At.Sub(start)
					require.GreaterOrEqual(t, after, c.earliest)
					require.LessOrEqual(t, after, c.latest+time.Second)
					seen[after] = true
				}
				if c.distinctAtLeast10 {
					require.GreaterOrEqual(t, len(seen), 10, "jitter %v", seen)
				}
			})
		})
	}
}

func TestNobodyWaitsForARefreshAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		f.latency = 20 * time.Second
		a := f.one()
		cfg := config(t, newSessions(t, f, accounts.Options{Jitter: -1}, a), a.ID, accounts.Backup)
		first, err := f.use(cfg)
		require.NoError(t, err)

		time.Sleep(56 * time.Minute)
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				c, err := f.use(cfg)
				if err != nil || c.AccessKeyID != first.AccessKeyID {
					t.Errorf("got %q, %v; want the old session", c.AccessKeyID, err)
				}
			})
		}
		wg.Wait()
		require.Zero(t, time.Since(start))
		synctest.Wait()
		require.Len(t, f.made("AssumeRole", ""), 1+1)
		time.Sleep(21 * time.Second)
		second, err := f.use(cfg)
		require.NoError(t, err)
		require.NotEqual(t, first.AccessKeyID, second.AccessKeyID)
		require.Len(t, f.made("AssumeRole", ""), 2)
	})
}

func TestCallersWaitInTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		a := f.one()
		cfg := config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup)
		first, err := f.use(cfg)
		require.NoError(t, err)
		time.Sleep(59*time.Minute + 30*time.Second)
		f.latency = 20 * time.Second
		start := time.Now()
		second, err := f.use(cfg)
		require.NoError(t, err)
		require.NotEqual(t, first.AccessKeyID, second.AccessKeyID)
		require.Equal(t, 20*time.Second, time.Since(start))
	})
}

func TestACancelledCallerLeavesAndTheOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		f.latency = 30 * time.Second
		a := f.one()
		cfg := config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { // the first caller, who starts the call
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_, err := cfg.Credentials.Retrieve(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("after %v: %v; want the deadline after 1s", time.Since(start), err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			_, err := f.use(cfg)
			if err != nil || time.Since(start) != 30*time.Second {
				t.Errorf("after %v: %v; want credentials after 30s", time.Since(start), err)
			}
		})
		wg.Wait()
		require.Len(t, f.made("AssumeRole", ""), 1)
	})
}

func TestACallerWhoHasLeftStartsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		s := newSessions(t, f, accounts.Options{}, f.one(), accounts.Account{ID: "999999999999"})
		for _, id := range []accounts.ID{"111111111111", "999999999999"} {
			ctx, cancel := context.WithCancel(context.Background())
			cfg := config(t, s, id, accounts.Backup)
			cancel()
			_, err := cfg.Credentials.Retrieve(ctx)
			require.ErrorIs(t, err, context.Canceled)
		}
		synctest.Wait()
		require.Empty(t, f.calls)
	})
}

// TestAColdStartIsOneCall runs in real time, so that some callers look before
// the first answer has come and ask after it.
func TestAColdStartIsOneCall(t *testing.T) {
	for range 300 {
		f := newSTS(t)
		a, base := f.one(), accounts.Account{ID: "999999999999"}
		s := newSessions(t, f, accounts.Options{}, a, base)
		roleSite, baseSite := config(t, s, a.ID, accounts.Backup), config(t, s, base.ID, accounts.Backup)
		var wg sync.WaitGroup
		for i := range 32 {
			cfg := roleSite
			if i%2 == 0 {
				cfg = baseSite
			}
			wg.Go(func() {
				if _, err := f.use(cfg); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, f.made("AssumeRole", ""), 1)
		require.Len(t, f.made("GetCallerIdentity", ""), 1)
	}
}

func TestAFailedRefreshKeepsServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		a := f.one()
		cfg := config(t, newSessions(t, f, accounts.Options{Jitter: -1}, a), a.ID, accounts.Backup)
		_, err := f.use(cfg)
		require.NoError(t, err)
		f.fault = func(fakeCall) *fakeFault {
			return &fakeFault{status: 403, code: "AccessDenied", message: "no longer"}
		}
		start := time.Now()
		for ; time.Since(start) < time.Hour; time.Sleep(time.Second) {
			_, err := f.use(cfg)
			require.NoError(t, err, time.Since(start))
		}
		// One attempt each 30 s from minute 55 to minute 60.
		require.Len(t, f.made("AssumeRole", ""), 1+10)
		_, err = f.use(cfg)
		require.ErrorIs(t, err, accounts.ErrAccessDenied)

		f.fault = nil
		_, err = f.use(cfg)
		require.NoError(t, err)
	})
}

func TestSTSThatNeverAnswersIsNotTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		f.latency = math.MaxInt64
		a := f.one()
		cfg := config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup)
		start := time.Now()
		_, err := cfg.Credentials.Retrieve(context.Background())
		require.Equal(t, time.Minute, time.Since(start))
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "no answer within 1m0s")
		var failed *accounts.AssumeError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Remedy(), "network")
	})
}

func TestAWrongClockNeitherOutlivesNorHammers(t *testing.T) {
	for _, c := range []struct {
		name    string
		skew    time.Duration // of AWS's clock against ours
		undated bool
		calls   int // in 6 h
	}{
		{"right", 0, false, 7},
		{"ours is 20 min slow", 20 * time.Minute, false, 7},
		{"ours is 2 h slow", 2 * time.Hour, false, 7},
		{"ours is 20 min fast", -20 * time.Minute, false, 7},
		{"ours is 2 h fast", -2 * time.Hour, false, 7},
		{"ours is 2 h slow, undated answers", 2 * time.Hour, true, 7},
		// Without a date the session seems to end 20 min early.
		{"ours is 20 min fast, undated answers", -20 * time.Minute, true, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newSTS(t)
				f.skew, f.undated = c.skew, c.undated
				a := f.one()
				cfg := config(t, newSessions(t, f, accounts.Options{Jitter: -1}, a), a.ID, accounts.Backup)
				for range 6 * 60 {
					_, err := f.use(cfg)
					require.NoError(t, err)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				require.Len(t, f.made("AssumeRole", ""), c.calls)
			})
		})
	}
}

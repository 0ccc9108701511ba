package accounts_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
)

// longPolicy is JSON of n characters.
func longPolicy(n int) string {
	const frame = `{"Sid":""}`
	return `{"Sid":"` + strings.Repeat("ü", n-len(frame)) + `"}`
}

func narrow(t *testing.T, s *accounts.Sessions, id accounts.ID, p accounts.Purpose, policy string) *accounts.Sessions {
	t.Helper()
	n, err := s.Narrow(id, p, policy)
	require.NoError(t, err)
	return n
}

func TestNarrowHoldsDownOnePurposeOfOneAccount(t *testing.T) {
	f := newSTS(t)
	a, b := f.spoke("111111111111"), f.spoke("222222222222")
	s := newSessions(t, f, accounts.Options{}, a, b)
	n := narrow(t, s, a.ID, accounts.Backup, `{"Statement":[]}`)
	require.Empty(t, f.calls)

	used := map[string]bool{}
	for _, way := range []struct {
		s  *accounts.Sessions
		id accounts.ID
		p  accounts.Purpose
	}{
		{n, a.ID, accounts.Backup},      // the only one with a policy
		{n, a.ID, accounts.VaultWriter}, // goes the same way, but is not narrowed
		{n, b.ID, accounts.Backup},
		{s, a.ID, accounts.Backup},
		{s, b.ID, accounts.Backup},
	} {
		c, err := f.use(config(t, way.s, way.id, way.p))
		require.NoError(t, err)
		used[c.AccessKeyID] = true
	}
	require.Len(t, used, 3)
	require.Len(t, f.made("AssumeRole", hubARN), 1)
	require.Len(t, f.made("AssumeRole", roleIn(a.ID)), 2)
	require.Len(t, f.made("AssumeRole", roleIn(b.ID)), 1)
	var policies []string
	for _, call := range f.calls {
		policies = append(policies, call.Form.Get("Policy"))
	}
	require.Equal(t, []string{"", `{"Statement":[]}`, "", ""}, policies)
	require.Equal(t, "ext-111111111111", f.calls[1].Form.Get("ExternalId"))
	require.Equal(t, s.Accounts(), n.Accounts())
}

func TestEqualPoliciesShareOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		a := f.spoke("111111111111")
		s := newSessions(t, f, accounts.Options{}, a)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				n, err := s.Narrow(a.ID, accounts.Backup, fmt.Sprintf(`{"n":%d}`, i%2))
				if err != nil {
					t.Error(err)
					return
				}
				cfg, err := n.Config(context.Background(), a.ID, accounts.Backup, "us-east-1")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := f.use(cfg); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, f.made("AssumeRole", roleIn(a.ID)), 2)
	})
}

func TestNarrowTwice(t *testing.T) {
	f := newSTS(t)
	a := f.spoke("111111111111")
	n := narrow(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup, `{"a":1}`)
	same := narrow(t, n, a.ID, accounts.Backup, `{"a":1}`)
	require.Same(t, n, same)
	_, err := n.Narrow(a.ID, accounts.Backup, `{"a":2}`)
	require.ErrorIs(t, err, accounts.ErrSessionPolicy)
	require.ErrorContains(t, err, "already narrowed")

	both := narrow(t, n, a.ID, accounts.VaultWriter, `{"a":2}`)
	for p, want := range map[accounts.Purpose]string{accounts.Backup: `{"a":1}`, accounts.VaultWriter: `{"a":2}`} {
		f.calls = nil
		_, err := f.use(config(t, both, a.ID, p))
		require.NoError(t, err)
		require.Equal(t, want, f.made("AssumeRole", roleIn(a.ID))[0].Form.Get("Policy"))
	}
	f.calls = nil
	_, err = f.use(config(t, n, a.ID, accounts.VaultWriter))
	require.NoError(t, err)
	require.Empty(t, f.calls[0].Form.Get("Policy")) // n itself was not changed
}

func TestNarrowRefuses(t *testing.T) {
	f := newSTS(t)
	a := f.spoke("111111111111")
	s := newSessions(t, f, accounts.Options{}, a, accounts.Account{ID: "999999999999"})
	for _, c := range []struct {
		name, policy, want string
	}{
		{"empty", "", "is empty"},
		{"too long", longPolicy(2100), "has 2100 characters, 52 more than the 2048 AWS allows"},
		{"one too long", longPolicy(2049), "1 more than"},
		{"alphabet", `{"Sid":"€"}`, "outside U+0020 to U+00FF"},
		{"not UTF-8", "{\"Sid\":\"\xff\"}", "outside U+0020 to U+00FF"},
		{"not JSON", `{"Secret":`, "is not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := s.Narrow(a.ID, accounts.Backup, c.policy)
			require.Nil(t, n)
			require.ErrorIs(t, err, accounts.ErrSessionPolicy)
			require.ErrorContains(t, err, "accounts: account 111111111111: narrow purpose backup: the session policy")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "Secret")
		})
	}
	narrow(t, s, a.ID, accounts.Backup, longPolicy(2048))

	_, err := s.Narrow("999999999999", accounts.Backup, "{}")
	require.ErrorIs(t, err, accounts.ErrNoRole)
	require.ErrorContains(t, err, "no role is assumed")
}

func TestALiveNarrowSessionIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		a := f.one()
		s := newSessions(t, f, accounts.Options{}, a)
		for range 5 { // nobody holds the narrowed Sessions in between
			_, err := f.use(config(t, narrow(t, s, a.ID, accounts.Backup, "{}"), a.ID, accounts.Backup))
			require.NoError(t, err)
			narrow(t, s, a.ID, accounts.Backup, `{"other":1}`) // which looks for what to forget
			runtime.GC()
			time.Sleep(10 * time.Minute)
		}
		require.Len(t, f.calls, 1)
	})
}

func TestLapsedNarrowSessionsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		a := f.one()
		s := newSessions(t, f, accounts.Options{}, a)
		kept := narrow(t, s, a.ID, accounts.Backup, `{"kept":true}`)
		cfg := config(t, kept, a.ID, accounts.Backup)
		most := 0
		for i := range 90 * 24 { // a prune an hour for three months
			n := narrow(t, s, a.ID, accounts.Backup, fmt.Sprintf(`{"before":%d}`, i))
			if i%2 == 0 { // some are never used
				_, err := f.use(config(t, n, a.ID, accounts.Backup))
				require.NoError(t, err)
			}
			if i%24 == 0 {
				runtime.GC()
				narrow(t, s, a.ID, accounts.Backup, `{}`)
				most = max(most, accounts.NarrowedHops(s))
			}
			for range 6 {
				_, err := f.use(cfg)
				require.NoError(t, err)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
			}
		}
		// What is kept, the latest three prunes and the {} asked for above.
		require.LessOrEqual(t, most, 5)
		require.Greater(t, most, 1)

		// The one in use all the time is the same for who asks again.
		mine, err := f.use(cfg)
		require.NoError(t, err)
		theirs, err := f.use(config(t, narrow(t, s, a.ID, accounts.Backup, `{"kept":true}`), a.ID, accounts.Backup))
		require.NoError(t, err)
		require.Equal(t, mine, theirs)
	})
}

package accounts_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
)

func TestAssumeWithTriesAnotherExternalID(t *testing.T) {
	f := newSTS(t)
	open := accounts.ID("222222222222")
	f.trust(roleIn(open), fakeRole{trusts: hubARN})
	guarded := f.spoke("111111111111")
	s := newSessions(t, f, accounts.Options{}, guarded, accounts.Account{ID: open, Chain: []accounts.Role{{ARN: hubARN}, {ARN: roleIn(open), ExternalID: "ext-2"}}})
	ctx := context.Background()
	for _, id := range []string{"", "a-wrong-one"} {
		err := s.AssumeWith(ctx, guarded.ID, accounts.Backup, id)
		require.ErrorIs(t, err, accounts.ErrAccessDenied)
		var failed *accounts.AssumeError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, guarded.ID, failed.Account)
		require.Equal(t, 2, failed.Hop)
		require.NotContains(t, err.Error(), "a-wrong-one")
		require.NotContains(t, err.Error(), "ext-1")
		require.NoError(t, s.AssumeWith(ctx, open, accounts.Backup, id))
	}
	require.NoError(t, s.AssumeWith(ctx, guarded.ID, accounts.Backup, "ext-"+string(guarded.ID)))

	require.Len(t, f.made("AssumeRole", hubARN), 1, "the hop before is shared")
	calls := f.made("AssumeRole", roleIn(open))
	require.Len(t, calls, 2)
	require.Empty(t, calls[0].Form["ExternalId"])
	require.Equal(t, []string{"a-wrong-one"}, calls[1].Form["ExternalId"])
	for _, c := range calls {
		require.Equal(t, "900", c.Form.Get("DurationSeconds"))
		require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`, c.Form.Get("Policy"))
	}

	// The session in use is another one, and stays.
	_, err := f.use(config(t, s, guarded.ID, accounts.Backup))
	require.NoError(t, err)
	require.Len(t, f.made("AssumeRole", roleIn(guarded.ID)), 4)
}

func TestAssumeWithRefusesBeforeItCalls(t *testing.T) {
	f := newSTS(t)
	a := f.spoke("111111111111")
	s := newSessions(t, f, accounts.Options{}, a, accounts.Account{ID: "999999999999"})
	ctx, cancel := context.WithCancel(context.Background())
	require.ErrorIs(t, s.AssumeWith(ctx, "333333333333", accounts.Backup, ""), accounts.ErrUnknownAccount)
	require.ErrorIs(t, s.AssumeWith(ctx, a.ID, accounts.Pruner, ""), accounts.ErrNoRole)
	require.ErrorIs(t, s.AssumeWith(ctx, "999999999999", accounts.Backup, ""), accounts.ErrNoRole)
	for _, bad := range []string{"x", "with space", strings.Repeat("x", 1225)} {
		var field *accounts.FieldError
		err := s.AssumeWith(ctx, a.ID, accounts.Backup, bad)
		require.ErrorAs(t, err, &field)
		require.Equal(t, "ExternalID", field.Field)
		require.Equal(t, 2, field.Hop)
		require.NotContains(t, err.Error(), bad+" ")
	}
	cancel()
	require.ErrorIs(t, s.AssumeWith(ctx, a.ID, accounts.Backup, ""), context.Canceled)
	require.Empty(t, f.calls)
}

func TestAssumeWithTellsAnEarlierHop(t *testing.T) {
	f := newSTS(t)
	a := f.spoke("111111111111")
	f.trust(hubARN, fakeRole{trusts: "arn:aws:iam::999999999999:user/other"})
	err := newSessions(t, f, accounts.Options{}, a).AssumeWith(context.Background(), a.ID, accounts.Backup, "")
	var failed *accounts.AssumeError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 1, failed.Hop)
	require.Equal(t, a.ID, failed.Account)
}

func TestAssumeWithLeavesWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		a := f.spoke("111111111111")
		s := newSessions(t, f, accounts.Options{}, a)
		_, err := f.use(config(t, s, a.ID, accounts.Backup))
		require.NoError(t, err)
		f.latency = time.Hour
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, s.AssumeWith(ctx, a.ID, accounts.Backup, ""), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestAccountRolesAreThoseAssumed(t *testing.T) {
	a := accounts.Account{
		ID: "111111111111", Chain: []accounts.Role{{ARN: "chain"}},
		Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: {{ARN: "pruner"}}},
	}
	for purpose, want := range map[accounts.Purpose]string{accounts.Backup: "chain", accounts.VaultWriter: "chain", accounts.Pruner: "pruner"} {
		roles, ok := a.Roles(purpose)
		require.True(t, ok)
		require.Equal(t, want, roles[0].ARN)
	}
	_, ok := a.Roles(accounts.VaultSharer)
	require.False(t, ok)
}

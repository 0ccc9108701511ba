package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
)

func TestAChainSendsEveryField(t *testing.T) {
	f := newSTS(t)
	f.trust(roleIn("111111111111"), fakeRole{trusts: hubARN, externalID: "x/1:=@"})
	a := accounts.Account{ID: "111111111111", Chain: []accounts.Role{
		{ARN: hubARN, SourceIdentity: "run-7", Duration: 30 * time.Minute},
		{
			ARN: roleIn("111111111111"), ExternalID: "x/1:=@", SessionName: "night@backup",
			Tags: map[string]string{"team": "Müller & co"[:7], "plan": "gold"}, TransitiveTags: []string{"team", "plan"},
		},
	}}
	var options int
	s := newSessions(t, f, accounts.Options{
		Region: "eu-central-1", ClientOptions: []func(*sts.Options){func(*sts.Options) { options++ }},
	}, a)
	cfg := config(t, s, a.ID, accounts.Backup)
	c, err := f.use(cfg)
	require.NoError(t, err)
	require.Equal(t, "111111111111", c.AccountID)
	require.Equal(t, "eu-west-1", cfg.Region)
	require.Equal(t, 1, options)

	form := func(c fakeCall) map[string]string {
		m := map[string]string{}
		for k := range c.Form {
			m[k] = c.Form.Get(k)
		}
		return m
	}
	require.Len(t, f.calls, 2)
	for _, call := range f.calls {
		require.Equal(t, "sts.eu-central-1.amazonaws.com", call.Host)
		require.Equal(t, "eu-central-1", call.Region)
	}
	require.Equal(t, baseARN, f.calls[0].Caller)
	require.Equal(t, map[string]string{
		"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": hubARN,
		"RoleSessionName": "snapkeep", "SourceIdentity": "run-7", "DurationSeconds": "1800",
	}, form(f.calls[0]))
	require.Equal(t, hubARN, f.calls[1].Caller)
	require.Equal(t, map[string]string{
		"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": roleIn("111111111111"), "ExternalId": "x/1:=@",
		"RoleSessionName": "night@backup", "DurationSeconds": "3600",
		"Tags.member.1.Key": "plan", "Tags.member.1.Value": "gold",
		"Tags.member.2.Key": "team", "Tags.member.2.Value": "Müller",
		"TransitiveTagKeys.member.1": "plan", "TransitiveTagKeys.member.2": "team",
	}, form(f.calls[1]))
}

func TestOtherPartitionsHaveTheirOwnEndpoints(t *testing.T) {
	for region, want := range map[string][2]string{
		"cn-north-1":     {"aws-cn", "sts.cn-north-1.amazonaws.com.cn"},
		"us-gov-west-1":  {"aws-us-gov", "sts.us-gov-west-1.amazonaws.com"},
		"us-iso-east-1":  {"aws-iso", "sts.us-iso-east-1.c2s.ic.gov"},
		"us-isob-east-1": {"aws-iso-b", "sts.us-isob-east-1.sc2s.sgov.gov"},
		"eu-isoe-west-1": {"aws-iso-e", "sts.eu-isoe-west-1.cloud.adc-e.uk"},
		"us-isof-east-1": {"aws-iso-f", "sts.us-isof-east-1.csp.hci.ic.gov"},
		"eusc-de-east-1": {"aws-eusc", "sts.eusc-de-east-1.amazonaws.eu"},
		"us-east-1":      {"aws", "sts.us-east-1.amazonaws.com"},
	} {
		f := newSTS(t)
		arn := "arn:" + want[0] + ":iam::111111111111:role/path/to/snapkeep"
		f.trust(arn, fakeRole{trusts: baseARN})
		s := newSessions(t, f, accounts.Options{Region: region}, accounts.Account{ID: "111111111111", Chain: []accounts.Role{{ARN: arn}}})
		cfg, err := s.Config(context.Background(), "111111111111", accounts.Backup, region)
		require.NoError(t, err, region)
		_, err = f.use(cfg)
		require.NoError(t, err, region)
		require.Equal(t, want[1], f.calls[0].Host)
	}
}

// reach uses every way there is and returns the number of AssumeRole calls.
func reach(t *testing.T, f *fakeSTS, s *accounts.Sessions) int {
	t.Helper()
	for _, a := range s.Accounts() {
		for _, p := range []accounts.Purpose{
			accounts.Backup, accounts.Pruner, accounts.VaultWriter, accounts.VaultPruner,
			accounts.VaultSharer, accounts.Restore, accounts.Export,
		} {
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				cfg, err := s.Config(context.Background(), a.ID, p, region)
				if errors.Is(err, accounts.ErrNoRole) {
					continue
				}
				require.NoError(t, err)
				_, err = f.use(cfg)
				require.NoError(t, err)
			}
		}
	}
	return len(f.made("AssumeRole", ""))
}

func TestWhatBeginsAlikeIsShared(t *testing.T) {
	hub := accounts.Role{ARN: hubARN}
	type roles = []accounts.Role
	in := func(id accounts.ID) accounts.Role {
		return accounts.Role{ARN: roleIn(id), ExternalID: "ext-" + string(id)}
	}
	for _, c := range []struct {
		name  string
		accts []accounts.Account
		calls int
	}{
		{"a hub before two accounts", []accounts.Account{
			{ID: "111111111111", Chain: roles{hub, in("111111111111")}},
			{ID: "222222222222", Chain: roles{hub, in("222222222222")}},
		}, 3},
		{"the hub is an account too", []accounts.Account{
			{ID: "999999999999", Chain: roles{hub}},
			{ID: "222222222222", Chain: roles{hub, in("222222222222")}},
		}, 2},
		{"a purpose by the same way", []accounts.Account{
			{ID: "111111111111", Chain: roles{hub, in("111111111111")}, Purposes: map[accounts.Purpose]roles{
				accounts.Export: {hub, in("111111111111")},
			}},
		}, 2},
		{"a purpose with a role of its own", []accounts.Account{
			{ID: "111111111111", Chain: roles{hub, in("111111111111")}, Purposes: map[accounts.Purpose]roles{
				accounts.Pruner: {hub, {ARN: "arn:aws:iam::111111111111:role/pruner"}},
			}},
		}, 3},
		{"defaults spelled out", []accounts.Account{
			{ID: "111111111111", Chain: roles{hub, in("111111111111")}},
			{ID: "222222222222", Chain: roles{{ARN: hubARN, Duration: time.Hour, SessionName: "snapkeep"}, in("222222222222")}},
		}, 3},
		{"the same hub with another session name", []accounts.Account{
			{ID: "111111111111", Chain: roles{hub, in("111111111111")}},
			{ID: "222222222222", Chain: roles{{ARN: hubARN, SessionName: "other"}, in("222222222222")}},
		}, 4},
		{"the same role after another hop", []accounts.Account{
			{ID: "999999999999", Chain: roles{hub}, Purposes: map[accounts.Purpose]roles{accounts.VaultWriter: {hub, hub}}},
		}, 2},
		{"tags in another order", []accounts.Account{
			{ID: "999999999999", Chain: roles{{ARN: hubARN, Tags: map[string]string{"a": "1", "b": "2"}, TransitiveTags: []string{"a", "b"}}}, Purposes: map[accounts.Purpose]roles{
				accounts.Export: {{ARN: hubARN, Tags: map[string]string{"b": "2", "a": "1"}, TransitiveTags: []string{"b", "a"}}},
			}},
		}, 1},
		{"tags that differ", []accounts.Account{
			{ID: "999999999999", Chain: roles{{ARN: hubARN, Tags: map[string]string{"a": "1"}}}, Purposes: map[accounts.Purpose]roles{
				accounts.Export: {{ARN: hubARN, Tags: map[string]string{"a": "2"}}},
			}},
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newSTS(t)
			f.spoke("111111111111")
			f.spoke("222222222222")
			f.trust("arn:aws:iam::111111111111:role/pruner", fakeRole{trusts: hubARN})
			f.trust(hubARN, fakeRole{trusts: "*"})
			require.Equal(t, c.calls, reach(t, f, newSessions(t, f, accounts.Options{}, c.accts...)))
		})
	}
}

func TestPurposesFallBackOnlyWhereNothingIsDestroyed(t *testing.T) {
	f := newSTS(t)
	s := newSessions(t, f, accounts.Options{}, f.spoke("111111111111"), accounts.Account{ID: "999999999999"})
	for p, allowed := range map[accounts.Purpose]bool{
		accounts.Backup: true, accounts.VaultWriter: true, accounts.Pruner: false, accounts.VaultPruner: false,
		accounts.VaultSharer: false, accounts.Restore: false, accounts.Export: false, "": false, "backups": false,
	} {
		for _, id := range []accounts.ID{"111111111111", "999999999999"} {
			_, err := s.Config(context.Background(), id, p, "eu-west-1")
			if allowed {
				require.NoError(t, err, p)
				continue
			}
			require.ErrorIs(t, err, accounts.ErrNoRole, p)
			require.ErrorContains(t, err, string(id))
			_, err = s.Narrow(id, p, "{}")
			require.ErrorIs(t, err, accounts.ErrNoRole, p)
		}
	}
}

func TestConfigRefusesBeforeAnyCall(t *testing.T) {
	f := newSTS(t)
	s := newSessions(t, f, accounts.Options{}, f.spoke("111111111111"))
	_, err := s.Config(context.Background(), "222222222222", accounts.Backup, "eu-west-1")
	require.ErrorIs(t, err, accounts.ErrUnknownAccount)
	_, err = s.Narrow("222222222222", accounts.Backup, "{}")
	require.ErrorIs(t, err, accounts.ErrUnknownAccount)
	for _, region := range []string{
		"", "-", "--", "eu", "eu-west", "eu-west-", "eu-west-0", "eu-west-01", "eu-west-1a", "eu-west-100", "EU-WEST-1", "eu_west_1",
		"eu--1", "-west-1", "europe-west-1", "eu-west-1 ", " eu-west-1", "aws-global", "fips-us-east-1", "eu-west-1-1", "us-gov-west-1",
		"cn-north-1", "eusc-de-east-1", "eusc-deu-east-1", "mars-north-1", "eu-wést-1", "http://eu-west-1",
	} {
		_, err := s.Config(context.Background(), "111111111111", accounts.Backup, region)
		require.ErrorIs(t, err, accounts.ErrRegion, region)
		require.ErrorContains(t, err, fmt.Sprintf("%q", region))
	}
	for _, region := range []string{"eu-west-1", "ap-southeast-7", "mx-central-1", "il-central-1", "us-east-10"} {
		_, err := s.Config(context.Background(), "111111111111", accounts.Backup, region)
		require.NoError(t, err, region)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Config(ctx, "111111111111", accounts.Backup, "eu-west-1")
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, f.calls)
}

func TestConfigsShareNoRoomToAppend(t *testing.T) {
	f := newSTS(t)
	base := f.base()
	nothing := func(*middleware.Stack) error { return nil }
	base.APIOptions = append(make([]func(*middleware.Stack) error, 0, 8), nothing)
	a := f.one()
	s, err := accounts.New(base, []accounts.Account{a}, accounts.Options{})
	require.NoError(t, err)
	one, two := config(t, s, a.ID, accounts.Backup), config(t, s, a.ID, accounts.Backup)
	require.Equal(t, base.HTTPClient, one.HTTPClient)
	require.Same(t, one.Credentials, two.Credentials)
	var called string
	one.APIOptions = append(one.APIOptions, func(*middleware.Stack) error { called = "one"; return nil })
	two.APIOptions = append(two.APIOptions, func(*middleware.Stack) error { called = "two"; return nil })
	require.NoError(t, one.APIOptions[1](nil))
	require.Equal(t, "one", called)
}

func TestNewKeepsNothingOfTheCallers(t *testing.T) {
	f := newSTS(t)
	declare := func() []accounts.Account {
		a := f.one()
		a.Chain[0].Tags, a.Chain[0].TransitiveTags = map[string]string{"plan": "gold"}, []string{"plan"}
		a.Purposes = map[accounts.Purpose][]accounts.Role{accounts.Restore: {{ARN: roleIn(a.ID)}}}
		return []accounts.Account{a}
	}
	list := declare()
	s := newSessions(t, f, accounts.Options{}, list...)
	for _, mine := range []accounts.Account{list[0], s.Accounts()[0]} {
		mine.Chain[0].Tags["plan"], mine.Chain[0].TransitiveTags[0] = "lead", "other"
		mine.Chain[0].ARN = "arn:aws:iam::222222222222:role/other"
		mine.Purposes[accounts.Restore][0].ARN = "arn:aws:iam::222222222222:role/other"
		delete(mine.Purposes, accounts.Restore)
		require.Equal(t, declare(), s.Accounts())
	}
	_, err := f.use(config(t, s, "111111111111", accounts.Backup))
	require.NoError(t, err)
	require.Equal(t, "gold", f.calls[0].Form.Get("Tags.member.1.Value"))
}

func TestTheBaseAccountIsIdentifiedOnceForEachAccessKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		f.latency = time.Second
		f.keys["AKIANEXT"] = fakeKey{arn: "arn:aws:iam::222222222222:user/backup"}
		key := "AKIABASE"
		base := f.base()
		base.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: "s"}, nil
		})
		s, err := accounts.New(base, []accounts.Account{{ID: "999999999999"}, {ID: "222222222222"}}, accounts.Options{})
		require.NoError(t, err)
		mine, other := config(t, s, "999999999999", accounts.VaultWriter), config(t, s, "222222222222", accounts.Backup)
		results := make(chan error, 100)
		for range 100 {
			go func() { _, err := f.use(mine); results <- err }()
		}
		for range 100 {
			require.NoError(t, <-results)
		}
		_, err = f.use(other)
		require.ErrorIs(t, err, accounts.ErrWrongAccount)
		var failed *accounts.AssumeError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, accounts.ID("222222222222"), failed.Account)
		require.Zero(t, failed.Hop)
		require.Len(t, f.made("GetCallerIdentity", ""), 1)

		key = "AKIANEXT"
		_, err = f.use(mine)
		require.ErrorIs(t, err, accounts.ErrWrongAccount)
		_, err = f.use(other)
		require.NoError(t, err)
		require.Len(t, f.calls, 2)
		require.Equal(t, "sts.eu-west-1.amazonaws.com", f.calls[1].Host)
	})
}

func TestNewNeedsCredentials(t *testing.T) {
	for _, provider := range []aws.CredentialsProvider{nil, aws.AnonymousCredentials{}, &aws.AnonymousCredentials{}} {
		_, err := accounts.New(aws.Config{Region: "eu-west-1", Credentials: provider}, nil, accounts.Options{})
		require.EqualError(t, err, "accounts: the base config has no Credentials")
	}
	s, err := accounts.New(newSTS(t).base(), nil, accounts.Options{})
	require.NoError(t, err)
	require.Empty(t, s.Accounts())
}

func TestConfigAllocatesNothing(t *testing.T) {
	f := newSTS(t)
	s := newSessions(t, f, accounts.Options{}, f.spoke("111111111111"), f.spoke("222222222222"))
	s, err := s.Narrow("222222222222", accounts.Backup, "{}")
	require.NoError(t, err)
	ctx := context.Background()
	for _, id := range []accounts.ID{"111111111111", "222222222222"} {
		require.Zero(t, testing.AllocsPerRun(100, func() { sink, _ = s.Config(ctx, id, accounts.Backup, "eu-west-1") }))
		require.NotNil(t, sink.Credentials)
		provider := sink.Credentials
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = provider.Retrieve(ctx) }))
	}
}

var sink aws.Config

func BenchmarkConfig(b *testing.B) {
	f := newSTS(b)
	var list []accounts.Account
	for i := range 1000 {
		list = append(list, f.spoke(accounts.ID(fmt.Sprintf("%012d", i))))
	}
	s := newSessions(b, f, accounts.Options{}, list...)
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Config(ctx, list[i%len(list)].ID, accounts.Backup, "eu-central-1"); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkRetrieve(b *testing.B) {
	f := newSTS(b)
	a := f.spoke("111111111111")
	cfg := config(b, newSessions(b, f, accounts.Options{}, a), a.ID, accounts.Backup)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew1000Accounts(b *testing.B) {
	f := newSTS(b)
	var list []accounts.Account
	for i := range 1000 {
		list = append(list, f.spoke(accounts.ID(fmt.Sprintf("%012d", i))))
	}
	for b.Loop() {
		if _, err := accounts.New(f.base(), list, accounts.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

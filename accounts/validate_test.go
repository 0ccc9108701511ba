package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
)

func tags(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("k%d", i)] = "v"
	}
	return m
}

func TestNewRefuses(t *testing.T) {
	const id = accounts.ID("111111111111")
	ok := accounts.Role{ARN: roleIn(id)}
	hub := accounts.Role{ARN: hubARN}
	chain := func(change func(*accounts.Role)) accounts.Account {
		r := ok
		change(&r)
		return accounts.Account{ID: id, Chain: []accounts.Role{r}}
	}
	arn := func(s string) accounts.Account { return chain(func(r *accounts.Role) { r.ARN = s }) }
	purpose := func(p accounts.Purpose, roles ...accounts.Role) accounts.Account {
		return accounts.Account{ID: id, Chain: []accounts.Role{ok}, Purposes: map[accounts.Purpose][]accounts.Role{p: roles}}
	}
	type at = accounts.FieldError
	for _, c := range []struct {
		name string
		acct accounts.Account
		opts accounts.Options
		want at // Reason is a part of it
	}{
		{"no id", accounts.Account{}, accounts.Options{}, at{Field: "ID", Reason: `"": want 12 digits (entry 1)`}},
		{"id with dashes", accounts.Account{ID: "1111-1111-1111"}, accounts.Options{}, at{Account: "1111-1111-1111", Field: "ID", Reason: "want 12 digits"}},
		{"no ARN", arn(""), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "is empty"}},
		{"short ARN", arn("arn:aws:iam"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "has 11 characters"}},
		{"long ARN", arn(roleIn(id) + strings.Repeat("x", 2048)), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "want 20 to 2,048"}},
		{"role name only", arn("OrganizationAccountAccessRole"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "is not an ARN"}},
		{"session ARN", arn("arn:aws:sts::111111111111:assumed-role/a/b"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "is not an IAM ARN"}},
		{"ARN with a Region", arn("arn:aws:iam:eu-west-1:111111111111:role/a"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "is not an IAM ARN"}},
		{"ARN of a user", arn("arn:aws:iam::111111111111:user/a"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "names no role"}},
		{"ARN of an account", arn("arn:aws:iam::111111111111:root"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "names no role"}},
		{"ARN without account", arn("arn:aws:iam::11111111111:role/abc"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "no 12-digit account id"}},
		{"role without a name", arn("arn:aws:iam::111111111111:role/path/"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "role's name has 1 to 64"}},
		{"role's name too long", arn(roleIn(id) + strings.Repeat("x", 57)), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "role's name has 1 to 64"}},
		{"wildcard in the name", arn("arn:aws:iam::111111111111:role/snap*"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "role's name has 1 to 64"}},
		{"space in the path", arn("arn:aws:iam::111111111111:role/a b/c"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "role's path"}},
		{"path too long", arn("arn:aws:iam::111111111111:role/" + strings.Repeat("x", 511) + "/c"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "role's path"}},
		{"unknown partition", arn("arn:aws-mars:iam::111111111111:role/abc"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: `"aws-mars" is not a partition`}},
		{"other partition", arn("arn:aws-cn:iam::111111111111:role/abc"), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "roles do not cross partitions"}},
		{"other partition than the STS Region", arn(roleIn(id)), accounts.Options{Region: "us-gov-east-1"}, at{Account: id, Hop: 1, Field: "ARN", Reason: "is in partition aws, but Region us-gov-east-1 is in aws-us-gov"}},
		{"chain into another account", arn(roleIn("222222222222")), accounts.Options{}, at{Account: id, Hop: 1, Field: "ARN", Reason: "belongs to account 222222222222"}},
		{"chain that ends elsewhere", accounts.Account{ID: id, Chain: []accounts.Role{ok, hub}}, accounts.Options{}, at{Account: id, Hop: 2, Field: "ARN", Reason: "belongs to account 999999999999"}},
		{"purpose that ends elsewhere", purpose(accounts.Pruner, ok, hub), accounts.Options{}, at{Account: id, Purpose: "pruner", Hop: 2, Field: "ARN", Reason: "belongs to account 999999999999"}},
		{"purpose that is none", purpose("prune", ok), accounts.Options{}, at{Account: id, Purpose: "prune", Field: "Purposes", Reason: "is not a purpose"}},
		{"purpose without a role", purpose(accounts.Pruner), accounts.Options{}, at{Account: id, Purpose: "pruner", Field: "Purposes", Reason: "names no role"}},
		{"external id of one character", chain(func(r *accounts.Role) { r.ExternalID = "x" }), accounts.Options{}, at{Account: id, Hop: 1, Field: "ExternalID", Reason: "has 1 characters, want 2 to 1224"}},
		{"external id too long", chain(func(r *accounts.Role) { r.ExternalID = strings.Repeat("x", 1225) }), accounts.Options{}, at{Account: id, Hop: 1, Field: "ExternalID", Reason: "has 1225 characters"}},
		{"external id with a space", chain(func(r *accounts.Role) { r.ExternalID = "x y" }), accounts.Options{}, at{Account: id, Hop: 1, Field: "ExternalID", Reason: "a character other than"}},
		{"session name of one character", chain(func(r *accounts.Role) { r.SessionName = "x" }), accounts.Options{}, at{Account: id, Hop: 1, Field: "SessionName", Reason: "want 2 to 64"}},
		{"session name too long", chain(func(r *accounts.Role) { r.SessionName = strings.Repeat("x", 65) }), accounts.Options{}, at{Account: id, Hop: 1, Field: "SessionName", Reason: "want 2 to 64"}},
		{"session name with a slash", chain(func(r *accounts.Role) { r.SessionName = "a/b" }), accounts.Options{}, at{Account: id, Hop: 1, Field: "SessionName", Reason: "a character other than"}},
		{"source identity reserved", chain(func(r *accounts.Role) { r.SourceIdentity = "aws:me" }), accounts.Options{}, at{Account: id, Hop: 1, Field: "SourceIdentity", Reason: "a character other than"}},
		{"source identity changed", accounts.Account{ID: id, Chain: []accounts.Role{{ARN: hubARN, SourceIdentity: "me"}, {ARN: ok.ARN, SourceIdentity: "you"}}}, accounts.Options{}, at{Account: id, Hop: 2, Field: "SourceIdentity", Reason: "differs from an earlier hop's"}},
		{"fraction of a second", chain(func(r *accounts.Role) { r.Duration = time.Hour - 1 }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Duration", Reason: "whole seconds"}},
		{"negative duration", chain(func(r *accounts.Role) { r.Duration = -time.Hour }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Duration", Reason: "shorter than 15 min"}},
		{"seconds taken for nanoseconds", chain(func(r *accounts.Role) { r.Duration = 3600 }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Duration", Reason: "whole seconds"}},
		{"14 minutes", chain(func(r *accounts.Role) { r.Duration = 14 * time.Minute }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Duration", Reason: "shorter than 15 min"}},
		{"13 hours", chain(func(r *accounts.Role) { r.Duration = 13 * time.Hour }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Duration", Reason: "longer than 12 h"}},
		{"2 hours chained", accounts.Account{ID: id, Chain: []accounts.Role{hub, {ARN: ok.ARN, Duration: 2 * time.Hour}}}, accounts.Options{}, at{Account: id, Hop: 2, Field: "Duration", Reason: "limits chained sessions to 1 h"}},
		{"51 tags", chain(func(r *accounts.Role) { r.Tags = tags(51) }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: "51 tags, AWS allows 50"}},
		{"tag without a key", chain(func(r *accounts.Role) { r.Tags = map[string]string{"": "v"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: "want 1 to 128"}},
		{"tag's key too long", chain(func(r *accounts.Role) { r.Tags = map[string]string{strings.Repeat("x", 129): "v"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: "want 1 to 128"}},
		{"tag's key with a comma", chain(func(r *accounts.Role) { r.Tags = map[string]string{"a,b": "v"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: "want 1 to 128"}},
		{"tag's key reserved", chain(func(r *accounts.Role) { r.Tags = map[string]string{"AWS:x": "v"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: "reserved"}},
		{"tag's value too long", chain(func(r *accounts.Role) { r.Tags = map[string]string{"k": strings.Repeat("x", 257)} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: `value of "k"`}},
		{"tag's value not UTF-8", chain(func(r *accounts.Role) { r.Tags = map[string]string{"k": "\xff"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: `value of "k"`}},
		{"tags that differ in case", chain(func(r *accounts.Role) { r.Tags = map[string]string{"team": "a", "Team": "b"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "Tags", Reason: `keys "Team" and "team" are the same`}},
		{"transitive tag that is none", chain(func(r *accounts.Role) { r.TransitiveTags = []string{"team"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "TransitiveTags", Reason: "is not among Tags"}},
		{"transitive tag twice", chain(func(r *accounts.Role) { r.Tags, r.TransitiveTags = tags(1), []string{"k0", "k0"} }), accounts.Options{}, at{Account: id, Hop: 1, Field: "TransitiveTags", Reason: "twice"}},
		{"transitive tag set again", accounts.Account{ID: id, Chain: []accounts.Role{{ARN: hubARN, Tags: tags(1), TransitiveTags: []string{"k0"}}, {ARN: ok.ARN, Tags: map[string]string{"K0": "w"}}}}, accounts.Options{}, at{Account: id, Hop: 2, Field: "Tags", Reason: "transitive tag of hop 1"}},
		{"STS Region unparsable", accounts.Account{ID: id}, accounts.Options{Region: "Ireland"}, at{Field: "Options.Region", Reason: `"Ireland" is not a Region's name`}},
		{"STS Region global", accounts.Account{ID: id}, accounts.Options{Region: "aws-global"}, at{Field: "Options.Region", Reason: "is not a Region's name"}},
		{"negative refresh", accounts.Account{ID: id}, accounts.Options{RefreshBefore: -time.Minute}, at{Field: "Options.RefreshBefore", Reason: "is negative"}},
		{"refresh before the shortest session", accounts.Account{ID: id}, accounts.Options{RefreshBefore: 14 * time.Minute}, at{Field: "Options.RefreshBefore", Reason: "want less than 15 min"}},
		{"refresh that overflows", accounts.Account{ID: id}, accounts.Options{RefreshBefore: 1<<63 - 1, Jitter: 1<<63 - 1}, at{Field: "Options.RefreshBefore", Reason: "want less than 15 min"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := accounts.New(newSTS(t).base(), []accounts.Account{c.acct}, c.opts)
			require.Nil(t, s)
			var e *accounts.FieldError
			require.ErrorAs(t, err, &e)
			require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 1, "%v", err)
			require.Contains(t, e.Reason, c.want.Reason)
			got := *e
			got.Reason = c.want.Reason
			require.Equal(t, c.want, got)
			require.Contains(t, err.Error(), e.Field+": "+e.Reason)
		})
	}
}

func TestNewAcceptsTheLimits(t *testing.T) {
	r := accounts.Role{
		ARN:         "arn:aws:iam::111111111111:role/" + strings.Repeat("x", 510) + "/" + strings.Repeat("y", 64),
		ExternalID:  strings.Repeat("x", 1217) + "+=,.@:/",
		SessionName: strings.Repeat("x", 58) + "+=,.@-", SourceIdentity: "me",
		Duration: time.Hour, Tags: tags(49),
	}
	r.Tags[strings.Repeat("ü", 128)] = strings.Repeat("ß", 256)
	first := accounts.Role{ARN: hubARN, Duration: 12 * time.Hour, SourceIdentity: "me", Tags: map[string]string{"KEY": ""}}
	short := accounts.Role{ARN: roleIn("111111111111"), Duration: 15 * time.Minute, ExternalID: "xx"}
	_, err := accounts.New(newSTS(t).base(), []accounts.Account{{
		ID: "111111111111", Chain: []accounts.Role{first, r, short},
		Purposes: map[accounts.Purpose][]accounts.Role{accounts.Export: {short}},
	}}, accounts.Options{RefreshBefore: 14 * time.Minute, Jitter: time.Minute - 1})
	require.NoError(t, err)
}

func TestNewReportsEverythingAtOnce(t *testing.T) {
	base := newSTS(t).base()
	base.Region = ""
	bad := accounts.Role{ARN: "x", ExternalID: "very secret", Duration: time.Minute, Tags: map[string]string{"k": "also|secret"}}
	_, err := accounts.New(base, []accounts.Account{
		{ID: "111111111111", Chain: []accounts.Role{bad}},
		{ID: "111111111111", Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: {bad}}},
	}, accounts.Options{})
	var got []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var field *accounts.FieldError
		require.True(t, errors.As(e, &field))
		got = append(got, fmt.Sprintf("%s %s %d %s", field.Account, field.Purpose, field.Hop, field.Field))
	}
	require.Equal(t, []string{
		"  0 Options.Region",
		"111111111111  1 ARN", "111111111111  1 ExternalID", "111111111111  1 Duration", "111111111111  1 Tags",
		"111111111111  0 ID",
		"111111111111 pruner 1 ARN", "111111111111 pruner 1 ExternalID", "111111111111 pruner 1 Duration", "111111111111 pruner 1 Tags",
	}, got)
	require.NotContains(t, err.Error(), "secret")
	require.ErrorContains(t, err, "accounts: account 111111111111: purpose pruner: hop 1: Duration: 1m0s is shorter than 15 min")
	require.ErrorContains(t, err, "accounts: account 111111111111: ID: declared twice, by entries 1 and 2")
	require.ErrorContains(t, err, "accounts: Options.Region: is empty, and so is the base config's Region")
}

func TestParseID(t *testing.T) {
	for _, s := range []string{"000000000000", "012345678901", "999999999999"} {
		id, err := accounts.ParseID(s)
		require.NoError(t, err)
		require.Equal(t, s, id.String())
	}
	for _, s := range []string{"", "1", "1234567890123", "12345678901", "1234-5678-90", " 12345678901", "12345678901a", "1a2345678901", "１２３４", "-12345678901"} {
		_, err := accounts.ParseID(s)
		require.EqualError(t, err, fmt.Sprintf("accounts: account id %q: want 12 digits", s))
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"", "111111111111", "1111-1111-1111", "11111111111x", "１１１１"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := accounts.ParseID(s)
		digits := len(s) == 12
		for i := range len(s) {
			digits = digits && s[i] >= '0' && s[i] <= '9'
		}
		if digits != (err == nil) || digits && string(id) != s || !digits && id != "" {
			t.Fatalf("ParseID(%q) = %q, %v", s, id, err)
		}
	})
}

func FuzzRoleARN(f *testing.F) {
	for _, s := range []string{
		"", "arn:aws:iam::111111111111:role/a", "arn:aws-cn:iam::111111111111:role/a/b/c", "arn:aws:sts::111111111111:assumed-role/a/b",
		"arn:aws:iam::111111111111:role/", "arn:aws:iam::111111111111:role//", "arn:aws:iam::111111111111:role/x:y/z", "arn::iam::111111111111:role/abc",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		partition, id, name, err := accounts.ParseRoleARN(s)
		if err != nil {
			return
		}
		if _, err := accounts.ParseID(string(id)); err != nil {
			t.Fatalf("%q: account %q", s, id)
		}
		if name == "" || len(name) > 64 || strings.ContainsAny(name, "/: \n") {
			t.Fatalf("%q: name %q", s, name)
		}
		prefix := "arn:" + partition + ":iam::" + string(id) + ":role/"
		if !strings.HasPrefix(s, prefix) || !strings.HasSuffix(s, "/"+name) || strings.Contains(partition, ":") {
			t.Fatalf("%q does not hold %q, %q, %q", s, partition, id, name)
		}
	})
}

// A Region is taken exactly if it is one of the partition of the roles, and
// then as it was given.
func FuzzRegion(f *testing.F) {
	for _, s := range []string{"", "eu-west-1", "us-gov-east-1", "cn-north-1", "eu-west-01", "EU-WEST-1", "eu-west-1 ", "us-isob-east-1", "eusc-de-east-1", "--", "a-b-1"} {
		f.Add(s)
	}
	host := newSTS(f)
	sessions := newSessions(f, host, accounts.Options{}, accounts.Account{ID: "999999999999"})
	f.Fuzz(func(t *testing.T, s string) {
		cfg, err := sessions.Config(t.Context(), "999999999999", accounts.Backup, s)
		if err != nil {
			if !errors.Is(err, accounts.ErrRegion) || cfg.Credentials != nil {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		// Names of three parts are of partition aws, but for those of China.
		parts := strings.Split(s, "-")
		if cfg.Region != s || len(parts) != 3 || parts[0] == "cn" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Fatalf("%q was taken", s)
		}
	})
}

package retention_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

const wholePolicy = "last=3 hourly=24 daily=7 weekly=5 monthly=12 quarterly=all yearly=3 " +
	"within=14d hourly-within=2d12h daily-within=2m weekly-within=1y2m3d4h monthly-within=1y quarterly-within=3y yearly-within=7y " +
	"tag=k:v tag=a,b:c min-count=2 min-age=24h oldest tz=Europe/Berlin max-skew=5m30s"

func TestPolicyTextHasEveryField(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	want := retention.Policy{
		Last: 3, Within: retention.Span{Days: 14},
		Hourly:    retention.Keep{Count: 24, Within: retention.Span{Days: 2, Hours: 12}},
		Daily:     retention.Keep{Count: 7, Within: retention.Span{Months: 2}},
		Weekly:    retention.Keep{Count: 5, Within: retention.Span{Years: 1, Months: 2, Days: 3, Hours: 4}},
		Monthly:   retention.Keep{Count: 12, Within: retention.Span{Years: 1}},
		Quarterly: retention.Keep{Count: retention.All, Within: retention.Span{Years: 3}},
		Yearly:    retention.Keep{Count: 3, Within: retention.Span{Years: 7}},
		Tags:      []retention.Selector{{"k": "v"}, {"a": "", "b": "c"}},
		MinCount:  2, MinAge: 24 * time.Hour, KeepOldest: true, Location: berlin, MaxSkew: 5*time.Minute + 30*time.Second,
	}
	requireSamePolicy(t, want, policy(t, wholePolicy))
	require.Equal(t, wholePolicy, want.String())
	requireSamePolicy(t, want, throughJSON(t, want))
}

func TestParsePolicyAccepts(t *testing.T) {
	for _, c := range []struct{ text, canonical string }{
		{"last=3 daily=7 weekly=5 monthly=12 yearly=3 within=14d daily-within=2m tag=k:v min-count=2 min-age=24h oldest tz=Europe/Berlin max-skew=5m", ""},
		{"  yearly=3\tlast=1\n", "last=1 yearly=3"},
		{"daily=-1", "daily=all"},
		{"daily=007", "daily=7"},
		{"daily=0 last=1", "last=1"},
		{"within=0d12h", "within=12h"},
		{"tag=k:", "tag=k"},
		{"tag=b:2,a:1", "tag=a:1,b:2"},
		{"tag=a=b:c=d", ""},
		{"tag=Größe:ja", ""},
		{"tag=aws%3Acloudformation%3astack-name:my%20stack%2C%25", "tag=aws%3Acloudformation%3Astack-name:my%20stack%2C%25"},
		{"tag=%FF:%C2%A0", ""},
		{"tag=a%09b:%00%0A", ""},
		{"min-age=90m", "min-age=1h30m"},
		{"min-age=36h0m0s", "min-age=36h"},
		{"min-age=0.5s", "min-age=500ms"},
		{"max-skew=1h0m5s", ""},
		{"tz=UTC", ""},
		{"tz=+02:00", ""},
		{"tz=-00:25:21", ""},
		{"min-count=2", ""},
		{"oldest", ""},
	} {
		p, err := retention.ParsePolicy(c.text)
		require.NoError(t, err, c.text)
		want := c.canonical
		if want == "" {
			want = c.text
		}
		require.Equal(t, want, p.String())
		again, err := retention.ParsePolicy(p.String())
		require.NoError(t, err, p.String())
		requireSamePolicy(t, p, again)
	}
}

func TestParsePolicyRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"dayly=7", "retention policy: dayly: is no term of a policy"},
		{"last-within=1d", "retention policy: last-within: is no term of a policy"},
		{"7", "retention policy: 7: is no term of a policy"},
		{"=7", "retention policy: : is no term of a policy"},
		{"Daily=7", "retention policy: Daily: is no term of a policy"},
		{"daily", `retention policy: daily: "" is neither a count nor all`},
		{"daily=", `retention policy: daily: "" is neither a count nor all`},
		{"daily=-2", `retention policy: daily: "-2" is neither a count nor all`},
		{"daily=+2", `retention policy: daily: "+2" is neither a count nor all`},
		{"daily=7.5", `retention policy: daily: "7.5" is neither a count nor all`},
		{"daily=99999999999999999999", `retention policy: daily: "99999999999999999999" is neither a count nor all`},
		{"daily=7 daily=8", "retention policy: daily: is there twice"},
		{"oldest oldest", "retention policy: oldest: is there twice"},
		{"oldest=true", "retention policy: oldest: takes no value"},
		{"within=", `retention policy: within: "" is not a span such as 1y2m3d4h`},
		{"within=d", `retention policy: within: "d" is not a span such as 1y2m3d4h`},
		{"within=14", `retention policy: within: "14" is not a span such as 1y2m3d4h`},
		{"within=2w", `retention policy: within: "2w" is not a span such as 1y2m3d4h`},
		{"within=3d2m", `retention policy: within: "3d2m" is not a span such as 1y2m3d4h`},
		{"within=1d1d", `retention policy: within: "1d1d" is not a span such as 1y2m3d4h`},
		{"within=-1d", `retention policy: within: "-1d" is not a span such as 1y2m3d4h`},
		{"daily-within=10000y", `retention policy: daily-within: "10000y" is more than 9999 years`},
		{"within=99999999999999999999h", `retention policy: within: "99999999999999999999h" is more than 9999 years`},
		{"tag=", `retention policy: tag: "" has no key`},
		{"tag=:v", `retention policy: tag: ":v" has no key`},
		{"tag=a:1,", `retention policy: tag: "" has no key`},
		{"tag=aws:backup:source", `retention policy: tag: "aws:backup:source" has more than one colon; one inside a key or value is written %3A`},
		{"tag=a:1,a:2", `retention policy: tag: "a:1,a:2" has the key "a" twice`},
		{"tag=a%2", `retention policy: tag: invalid URL escape "%2"`},
		{"tag=a:%zz", `retention policy: tag: invalid URL escape "%zz"`},
		{"min-count=all", `retention policy: min-count: "all" is not a number`},
		{"min-age=7d", `retention policy: min-age: "7d" is not a duration such as 36h or 90m`},
		{"min-age=-1h", `retention policy: min-age: "-1h" is not a duration such as 36h or 90m`},
		{"max-skew=", `retention policy: max-skew: "" is not a duration such as 36h or 90m`},
		{"tz=", "retention policy: tz: has no name"},
		{"tz=Local", "retention policy: tz: the zone Local is another on each machine; name one"},
		{"tz=Mars/Olympus", "retention policy: tz: unknown time zone Mars/Olympus"},
		{"tz=+2", `retention policy: tz: "+2" is not an offset such as +02:00`},
	} {
		p, err := retention.ParsePolicy(c.text)
		require.EqualError(t, err, c.want, c.text)
		require.Zero(t, p)
		var field *retention.PolicyError
		require.ErrorAs(t, err, &field)
	}
}

// Blank text is more likely a setting that got lost than a policy, but in JSON
// a zero Policy has to have a text: it stands for "as the plan says".
func TestBlankPolicyText(t *testing.T) {
	for _, text := range []string{"", " \n", "daily=0 within=0h"} {
		_, err := retention.ParsePolicy(text)
		require.ErrorIs(t, err, retention.ErrEmptyPolicy)
		p := retention.Policy{Last: 3}
		require.NoError(t, p.UnmarshalText([]byte(text)))
		require.Zero(t, p)
	}
	require.Empty(t, retention.Policy{}.String())
	require.Zero(t, throughJSON(t, retention.Policy{}))
}

func TestUnmarshalTextLeavesThePolicyOnError(t *testing.T) {
	p := retention.Policy{Last: 3}
	require.Error(t, p.UnmarshalText([]byte("last=x")))
	require.Equal(t, retention.Policy{Last: 3}, p)
}

func TestLocationsWithoutAName(t *testing.T) {
	for _, c := range []struct {
		name string
		loc  *time.Location
		want string
	}{
		{"fixed", time.FixedZone("", 2*3600), "tz=+02:00"},
		{"fixed, with a name of its own", time.FixedZone("Vault", -5*3600-1800), "tz=-05:30"},
		{"fixed, to the second", time.FixedZone("LMT", 53*60+28), "tz=+00:53:28"},
		{"fixed, under the name of a zone that is not", time.FixedZone("Europe/Berlin", 3600), "tz=+01:00"},
		{"fixed, under the name of another", time.FixedZone("Etc/GMT+5", 3600), "tz=+01:00"},
		{"fixed, as its name says", time.FixedZone("Etc/GMT+5", -5*3600), "tz=Etc/GMT+5"},
		{"no location at all", &time.Location{}, "tz=+00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := retention.Policy{Last: 1, Location: c.loc}
			require.Equal(t, "last=1 "+c.want, p.String())
			requireSamePolicy(t, p, throughJSON(t, p))
		})
	}
}

func TestMarshalTextRefusesWhatItCannotCarry(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy retention.Policy
		field  string
	}{
		{"local zone", retention.Policy{Last: 1, Location: time.Local}, "Location"},
		{"offset of days", retention.Policy{Last: 1, Location: time.FixedZone("far", 100*3600)}, "Location"},
		{"negative count", retention.Policy{Last: -5}, "Last"},
		{"empty selector", retention.Policy{Tags: []retention.Selector{{}}}, "Tags[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := json.Marshal(c.policy)
			var field *retention.PolicyError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
		})
	}
}

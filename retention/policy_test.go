package retention_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

func TestValidateNamesTheField(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy retention.Policy
		fields []string
	}{
		{"last", retention.Policy{Last: -2}, []string{"Last"}},
		{"within", retention.Policy{Within: retention.Span{Days: -1}}, []string{"Within"}},
		{"hourly count", retention.Policy{Hourly: retention.Keep{Count: -7}}, []string{"Hourly.Count"}},
		{"quarterly span", retention.Policy{Quarterly: retention.Keep{Within: retention.Span{Years: 10000}}}, []string{"Quarterly.Within"}},
		{"span that would overflow", retention.Policy{Yearly: retention.Keep{Within: retention.Span{Hours: math.MaxInt}}}, []string{"Yearly.Within"}},
		{"selectors", retention.Policy{Tags: []retention.Selector{{"a": "b"}, {}, nil, {"": "x"}}}, []string{"Tags[1]", "Tags[2]", "Tags[3]"}},
		{"min count", retention.Policy{Last: 1, MinCount: -1}, []string{"MinCount"}},
		{"min age", retention.Policy{Last: 1, MinAge: -1}, []string{"MinAge"}},
		{"max skew", retention.Policy{Last: 1, MaxSkew: -time.Second}, []string{"MaxSkew"}},
		{"all at once", retention.Policy{Last: -2, Daily: retention.Keep{Count: -2}, MinAge: -1}, []string{"Last", "Daily.Count", "MinAge"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.policy.Validate()
			require.Error(t, err)
			var fields []string
			for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
				var field *retention.PolicyError
				require.ErrorAs(t, one, &field)
				require.Contains(t, one.Error(), field.Field+": ")
				fields = append(fields, field.Field)
			}
			require.Equal(t, c.fields, fields)
		})
	}
}

func TestValidateRefusesEmptyPolicies(t *testing.T) {
	for _, p := range []retention.Policy{
		{},
		{MinCount: 5},
		{MinAge: time.Hour, KeepOldest: true, Location: time.UTC, MaxSkew: time.Minute},
		{Tags: []retention.Selector{}},
	} {
		require.ErrorIs(t, p.Validate(), retention.ErrEmptyPolicy, "%s", p)
	}
}

func TestValidateAcceptsAnyRule(t *testing.T) {
	for _, text := range []string{
		"last=1", "last=all", "within=1h", "hourly=1", "daily-within=1d", "weekly=all", "monthly=1",
		"quarterly-within=1m", "yearly-within=9999y", "tag=keep",
	} {
		require.NoError(t, policy(t, text).Validate(), text)
	}
}

// Hours are counted as the local clock shows them, cut where it is changed.
func TestHoursWhereClocksChange(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		hours      [][]string // each of one hour, newest first
	}{
		{"half an hour ahead on Lord Howe Island", "Australia/Lord_Howe", [][]string{
			{"2024-10-05T16:00:00Z"}, {"2024-10-05T15:59:59Z", "2024-10-05T15:30:00Z"}, {"2024-10-05T15:29:59Z", "2024-10-05T14:30:00Z"},
		}},
		{"half an hour back on Lord Howe Island", "Australia/Lord_Howe", [][]string{
			{"2024-04-06T15:30:00Z"}, {"2024-04-06T15:29:59Z", "2024-04-06T15:00:00Z"}, {"2024-04-06T14:59:59Z", "2024-04-06T14:00:00Z"},
		}},
		{"an hour ahead in Berlin", "Europe/Berlin", [][]string{
			{"2024-03-31T01:59:59Z", "2024-03-31T01:00:00Z"}, {"2024-03-31T00:59:59Z", "2024-03-31T00:00:00Z"},
		}},
		{"a zone renamed at half past", "Pacific/Honolulu", [][]string{ // at 13:30, from war to peace time
			{"1945-08-14T23:30:00Z"}, {"1945-08-14T23:29:59Z", "1945-08-14T23:00:00Z", "1945-08-14T22:59:59Z", "1945-08-14T22:30:00Z"}, {"1945-08-14T22:29:59Z"},
		}},
		{"an hour ahead at one past midnight in St. John's", "America/St_Johns", [][]string{
			{"2010-03-14T04:30:00Z"}, {"2010-03-14T04:29:59Z", "2010-03-14T03:31:00Z"}, {"2010-03-14T03:30:59Z", "2010-03-14T03:30:00Z"}, {"2010-03-14T03:29:59Z"},
		}},
		{"before 1970", "America/New_York", [][]string{
			{"1960-06-01T04:59:59Z", "1960-06-01T04:00:00Z"}, {"1960-06-01T03:59:59Z"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var times []string
			for _, hour := range c.hours {
				times = append(times, hour...)
			}
			points := listed(t, times...)
			p := policy(t, "hourly=all tz="+c.zone)
			result, err := retention.Evaluate(points[0].Time, points, p)
			require.NoError(t, err)
			i := 0
			for _, hour := range c.hours {
				for j := range hour {
					kept := result.Decisions[i].Action == retention.Retain
					require.Equal(t, j == 0, kept, times[i])
					i++
				}
			}
		})
	}
}

// Newfoundland set its clocks back at one minute past midnight: the 6th of
// November 2010 ended, and an hour of it came once more. A day that has begun
// stays begun, or the 6th and the 7th would each be counted twice.
func TestDayThatBeginsTwice(t *testing.T) {
	points := listed(t,
		"2010-11-08T12:00:00-03:30",
		"2010-11-07T12:00:00-03:30",
		"2010-11-06T23:30:00-03:30", // for the second time
		"2010-11-07T00:00:30-02:30", // an instant before
		"2010-11-06T23:30:00-02:30",
		"2010-11-06T12:00:00-02:30",
		"2010-11-05T12:00:00-02:30",
	)
	result, err := retention.Evaluate(points[0].Time, points, policy(t, "daily=4 tz=America/St_Johns"))
	require.NoError(t, err)
	var kept []string
	for _, d := range result.Decisions {
		if d.Action == retention.Retain {
			kept = append(kept, points[d.Index].ID)
		}
	}
	require.Equal(t, []string{"a", "b", "e", "g"}, kept)
	require.Contains(t, result.Explain(2), "newer point b represents 2010-11-07")
	require.Contains(t, result.Explain(3), "newer point b represents 2010-11-07")
}

// Samoa went from the 29th to the 31st of December 2011.
func TestDayThatNeverWas(t *testing.T) {
	points := listed(t, "2011-12-31T00:00:00+14:00", "2011-12-29T23:59:59-10:00", "2011-12-29T12:00:00-10:00")
	require.Equal(t, time.Second, points[0].Time.Sub(points[1].Time))
	result, err := retention.Evaluate(points[0].Time, points, policy(t, "daily=1 daily-within=2d tz=Pacific/Apia"))
	require.NoError(t, err)
	require.Equal(t, "b is kept: daily-within: less than 2d before a, and the newest of 2011-12-29.", result.Explain(1))
	require.Equal(t, "c is pruned: daily: 2011-12-29 is older than the 1 day kept, back to 2011-12-31; "+
		"daily-within: newer point b represents 2011-12-29.", result.Explain(2))
}

// Spans are civil: a day is a date's difference, an hour is an hour.
func TestSpansWhereClocksChange(t *testing.T) {
	for _, c := range []struct {
		name, policy, newest, edge string
	}{
		{"a day of 23 hours", "within=1d tz=Europe/Berlin", "2024-03-31T12:00:00+02:00", "2024-03-30T12:00:00+01:00"},
		{"24 hours across it", "within=24h tz=Europe/Berlin", "2024-03-31T12:00:00+02:00", "2024-03-30T11:00:00+01:00"},
		{"a day of 25 hours", "within=1d tz=Europe/Berlin", "2024-10-27T12:00:00+01:00", "2024-10-26T12:00:00+02:00"},
		{"an hour from the second run", "within=1h tz=Europe/Berlin", "2024-10-27T02:30:00+01:00", "2024-10-27T02:30:00+02:00"},
		{"a year from leap day", "within=1y", "2024-02-29T12:00:00Z", "2023-02-28T12:00:00Z"},
		{"a month, then a day", "within=1m1d", "2023-03-31T12:00:00Z", "2023-02-27T12:00:00Z"},
		{"months across a year", "within=14m", "2026-01-31T12:00:00Z", "2024-11-30T12:00:00Z"},
		{"many hours", "within=6000000h", "2026-01-31T12:00:00Z", "1341-08-10T12:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			edge := at(t, c.edge)
			points := []retention.RecoveryPoint{
				complete("newest", at(t, c.newest)), complete("inside", edge.Add(1)), complete("edge", edge), complete("outside", edge.Add(-1)),
			}
			result, err := retention.Evaluate(points[0].Time, points, policy(t, c.policy))
			require.NoError(t, err)
			require.Equal(t, retention.Retain, result.Decisions[1].Action)
			require.Equal(t, retention.Prune, result.Decisions[2].Action)
			require.Equal(t, retention.Prune, result.Decisions[3].Action)
		})
	}
}

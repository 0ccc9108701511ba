package ebs_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

const oneSnapshot = `<item><snapshotId>snap-1</snapshotId><ownerId>222222222222</ownerId><volumeId>vol-1</volumeId><volumeSize>8</volumeSize>
	<status>error</status><statusMessage>Given key ID is not accessible</statusMessage><startTime>2026-03-01T02:00:00.000Z</startTime>
	<encrypted>true</encrypted><kmsKeyId>arn:key</kmsKeyId><tagSet><item><key>snapkeep:vault</key><value>999999999999</value></item>
	<item><key>a</key><value/></item></tagSet></item>`

func list(t *testing.T, client backup.Client, q backup.Query) []backup.Snapshot {
	t.Helper()
	var all []backup.Snapshot
	for s, err := range client.List(t.Context(), q) {
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func TestListSendsOneFilteredListing(t *testing.T) {
	client, w := open(t, func(r request) answer { return ok(r.action, "<snapshotSet>"+oneSnapshot+"</snapshotSet>") })
	got := list(t, client, backup.Query{
		Tags: map[string]string{"snapkeep:vault": "999999999999", "a": ""}, SharedWith: "999999999999",
	})
	require.Equal(t, []backup.Snapshot{{
		ID: "snap-1", Owner: "222222222222", Volume: "vol-1", SizeGiB: 8, State: backup.SnapshotError,
		StateMessage: "Given key ID is not accessible", Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC),
		Encrypted: true, KMSKey: "arn:key", Tags: map[string]string{"snapkeep:vault": "999999999999", "a": ""},
	}}, got)
	require.Equal(t, []string{"DescribeSnapshots tag-key:a tag:snapkeep:vault:999999999999"}, asked(w))
	form := w.only().form
	has(t, form, "Owner.1=self", "RestorableBy.1=999999999999", "MaxResults=1000")
	hasNone(t, form, "SnapshotId", "RestorableBy.2")
}

func TestListWithoutAnythingIsStillOurs(t *testing.T) {
	client, w := open(t, func(r request) answer { return ok(r.action, "<snapshotSet>"+oneSnapshot+"</snapshotSet>") })
	require.Len(t, list(t, client, backup.Query{}), 1)
	has(t, w.only().form, "Owner.1=self", "MaxResults=1000")
	hasNone(t, w.only().form, "SnapshotId", "RestorableBy", "Filter")
}

// What was started in some spans is asked for as text, as finely as fits into
// one filter.
func TestListAsksForWhatWasStarted(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	span := func(from, to time.Duration) backup.Span { return backup.Span{From: at.Add(from), To: at.Add(to)} }
	hours := func(n, apart int) (spans []backup.Span) {
		for i := range n {
			spans = append(spans, span(time.Duration(i*apart)*time.Hour, time.Duration(i*apart)*time.Hour+time.Minute))
		}
		return spans
	}
	for name, tt := range map[string]struct {
		spans []backup.Span
		want  string
	}{
		"one":             {[]backup.Span{span(0, 10*time.Minute)}, "start-time:2026-03-01T02:0*"},
		"not aligned":     {[]backup.Span{span(9*time.Minute, 21*time.Minute)}, "start-time:2026-03-01T02:0*,2026-03-01T02:1*,2026-03-01T02:2*"},
		"another zone":    {[]backup.Span{{From: at.In(time.FixedZone("", 3600)), To: at.Add(time.Minute)}}, "start-time:2026-03-01T02:0*"},
		"overlapping":     {[]backup.Span{span(0, time.Minute), span(2*time.Minute, 3*time.Minute)}, "start-time:2026-03-01T02:0*"},
		"over midnight":   {[]backup.Span{span(-2*time.Hour-time.Second, -2*time.Hour+time.Second)}, "start-time:2026-02-28T23:5*,2026-03-01T00:0*"},
		"hours":           {append(hours(2, 1), span(3*time.Hour, 40*time.Hour)), "start-time:2026-03-01T02:*,2026-03-01T03:*"},
		"days":            {hours(201, 1), "start-time:2026-03-01T*,2026-03-02T*"},
		"too many at all": {hours(201, 24), ""},
		"nothing asked":   {[]backup.Span{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, w := open(t, func(r request) answer { return ok(r.action, "<snapshotSet>"+oneSnapshot+"</snapshotSet>") })
			require.Len(t, list(t, client, backup.Query{Started: tt.spans}), 1)
			require.LessOrEqual(t, len(w.only().form), 8+200)
			got := strings.Join(asked(w), "")
			require.True(t, strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(got, "DescribeSnapshots"), " "), tt.want), got)
			require.Equal(t, tt.want != "", strings.Contains(got, "start-time"))
		})
	}
}

func TestListComparesTagsAgain(t *testing.T) {
	client, _ := open(t, func(r request) answer { return ok(r.action, "<snapshotSet>"+oneSnapshot+"</snapshotSet>") })
	require.Empty(t, list(t, client, backup.Query{Tags: map[string]string{"a": "", "other": ""}}))
	require.Empty(t, list(t, client, backup.Query{Tags: map[string]string{"snapkeep:vault": "111111111111"}}))
}

func TestListReadsOnlyThePagesThatAreWanted(t *testing.T) {
	client, w := open(t, func(r request) answer {
		return ok(r.action, "<snapshotSet>"+oneSnapshot+"</snapshotSet><nextToken>t"+r.form.Get("NextToken")+"</nextToken>")
	})
	seen := 0
	for _, err := range client.List(t.Context(), backup.Query{}) {
		require.NoError(t, err)
		if seen++; seen == 3 {
			break
		}
	}
	require.Len(t, w.calls, 3)
	has(t, w.calls[2].form, "NextToken=tt", "MaxResults=1000", "Owner.1=self")
}

func TestAReadIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client, _ := open(t, func(r request) answer {
			if calls++; calls < 5 {
				return refused(503, "RequestLimitExceeded", "slow")
			}
			return ok(r.action, "<snapshotSet>"+oneSnapshot+"</snapshotSet>")
		})
		require.Len(t, list(t, client, backup.Query{}), 1)
		require.Equal(t, 5, calls)
	})
}

// TestThereIsNoRetryQuota fails far more calls than the SDK's quota of 500
// tokens would let it repeat.
func TestThereIsNoRetryQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, w := open(t, func(request) answer { return refused(503, "RequestLimitExceeded", "slow") })
		for range 50 {
			for _, err := range client.List(t.Context(), backup.Query{}) {
				require.ErrorIs(t, err, backup.ErrThrottled)
			}
		}
		require.Equal(t, 250, w.count("DescribeSnapshots"))
	})
}

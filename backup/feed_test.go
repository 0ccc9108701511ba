package backup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// events is a feed of what ends in a cloud, which a filter may drop.
type events struct {
	c    *cloud
	told map[string]bool
	drop func(backup.Change) bool
}

func (f *events) Next(ctx context.Context) (backup.Change, error) {
	for ctx.Err() == nil {
		if c, ok := f.ended(); ok {
			return c, nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return backup.Change{}, ctx.Err()
}

func (f *events) ended() (backup.Change, bool) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	for _, id := range f.c.order {
		s := f.c.snaps[id]
		c := backup.Change{Site: s.site, Snapshot: id}
		if f.told[id] || time.Now().Before(s.done) {
			continue
		}
		f.told[id] = true
		if f.drop == nil || !f.drop(c) {
			return c, true
		}
	}
	return backup.Change{}, false
}

// unlike has copies take from two minutes to half an hour, whatever their size.
func unlike(c *cloud) {
	n := 0
	c.takesOf = func(backup.Snapshot) time.Duration {
		n++
		return time.Duration(2+n*7919%29) * time.Minute
	}
}

// With a feed, a slot is filled soon after a copy ends, and there is a listing
// for each end at most; without it, or when it is silent, it takes as long, or
// longer, and more listings, and comes to the same.
func TestAFeedSavesListings(t *testing.T) {
	lists := map[string]int{}
	took := map[string]time.Duration{}
	for name, drop := range map[string]func(backup.Change) bool{
		"told": nil, "silent": func(backup.Change) bool { return true },
		"half is lost": func(c backup.Change) bool { return c.Snapshot[len(c.Snapshot)-1]%2 == 0 },
	} {
		inTime(t, func(t *testing.T) {
			c := fleet(t, 120, same(10))
			unlike(c)
			start := time.Now()
			e := engine(t, c, backup.Options{Feed: &events{c: c, told: map[string]bool{}, drop: drop}})
			report, err := e.Run(context.Background(), fleetPlan(), start)
			require.NoError(t, err)
			require.Equal(t, 120, report.Copies)
			lists[name], took[name] = len(c.calls)-c.mutations(), time.Since(start)
		})
	}
	t.Log(lists, took)
	require.Less(t, lists["told"], 240, "one for each snapshot and each copy, as each ends alone")
	require.Less(t, lists["told"], lists["silent"])
	require.Less(t, took["told"], took["silent"]*51/50, "who of those that wait is first depends on the scheduler")
	require.Less(t, took["half is lost"], took["told"]*11/10)
	require.Less(t, took["silent"], took["told"]*11/10)
}

// What a feed says is not believed.
func TestAFeedThatLiesChangesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		report, err := engine(t, c, backup.Options{Feed: liar{c}}).Run(context.Background(), p, at)
		require.NoError(t, err)
		require.Equal(t, 3, report.Copies)
		intact(t, c, p, at)
	})
}

// A liar says every second that all has ended, or that something else has.
type liar struct{ c *cloud }

func (l liar) Next(ctx context.Context) (backup.Change, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	changes := []backup.Change{{}, {Site: siteA, Snapshot: "snap-x"}}
	for _, id := range l.c.order {
		changes = append(changes, backup.Change{Site: l.c.snaps[id].site, Snapshot: id})
	}
	return changes[int(time.Now().Unix())%len(changes)], ctx.Err()
}

func TestAFeedThatFailsIsTold(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at, told := story(t), nightly(), time.Now(), 0
		broken := errors.New("no such queue")
		_, err := engine(t, c, backup.Options{Feed: brokenFeed{broken}, OnEvent: func(e backup.Event) {
			if e.Err != nil {
				require.ErrorIs(t, e.Err, broken)
				told++
			}
		}}).Run(context.Background(), p, at)
		require.NoError(t, err)
		require.Greater(t, told, 2)
		require.Less(t, told, 30)
		intact(t, c, p, at)
	})
}

type brokenFeed struct{ err error }

func (f brokenFeed) Next(context.Context) (backup.Change, error) { return backup.Change{}, f.err }

// What the events of the EBS User Guide come to.
func TestParseChanges(t *testing.T) {
	event := func(detail string) string {
		return `{"version": "0", "detail-type": "x", "source": "aws.ec2", "account": "111111111111", "region": "eu-west-1", "detail": ` + detail + `}`
	}
	change := func(id string) backup.Change { return backup.Change{Site: siteA, Snapshot: id} }
	for name, test := range map[string]struct {
		event string
		want  []backup.Change
		fails string
	}{
		"a snapshot": {
			event(`{"event": "createSnapshot", "result": "succeeded", "snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-01234567", "source": "arn:aws:ec2::eu-west-1:volume/vol-01234567"}`),
			[]backup.Change{change("snap-01234567")},
			"",
		},
		"the Region at its place": {
			event(`{"event": "createSnapshot", "result": "failed", "snapshot_id": "arn:aws:ec2:eu-west-1::snapshot/snap-01234567"}`),
			[]backup.Change{change("snap-01234567")},
			"",
		},
		"a copy": {
			event(`{"event": "copySnapshot", "result": "succeeded", "snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-2", "source": "arn:aws:ec2::us-east-1:snapshot/snap-1", "incremental": "true"}`),
			[]backup.Change{change("snap-2")},
			"",
		},
		"a set": {
			event(`{"event": "createSnapshots", "result": "succeeded", "snapshots": [
				{"snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-1", "source": "arn:aws:ec2::eu-west-1:volume/vol-1", "status": "completed"},
				{"snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-2", "source": "arn:aws:ec2::eu-west-1:volume/vol-2", "status": "error"}]}`),
			[]backup.Change{change("snap-1"), change("snap-2")},
			"",
		},
		"a share":         {event(`{"event": "shareSnapshot", "snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-1"}`), nil, ""},
		"something else":  {`{"detail-type": "EC2 Instance State-change Notification", "detail": {"state": "running"}}`, nil, ""},
		"no JSON":         {`snap-1`, nil, "an event of EventBridge: invalid character"},
		"a strange type":  {event(`{"event": 1}`), nil, "detail.event"},
		"no snapshot":     {event(`{"event": "copySnapshot"}`), nil, `detail: "" is no ARN of a snapshot`},
		"a volume":        {event(`{"event": "createSnapshot", "snapshot_id": "arn:aws:ec2::eu-west-1:volume/vol-1"}`), nil, "is no ARN of a snapshot"},
		"a strange place": {`{"account": "1", "region": "eu-west-1", "detail": {"event": "copySnapshot"}}`, nil, "account: "},
		"a strange site":  {`{"account": "111111111111", "region": "mars", "detail": {"event": "copySnapshot"}}`, nil, `region: "mars" is none`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := backup.ParseChanges([]byte(test.event))
			if test.fails != "" {
				require.ErrorContains(t, err, test.fails)
				require.Nil(t, got)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func FuzzParseChanges(f *testing.F) {
	f.Add([]byte(`{"account": "111111111111", "region": "eu-west-1", "detail": {"event": "createSnapshots", "snapshots": [{"snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-1"}]}}`))
	f.Add([]byte(`{"account": "111111111111", "region": "eu-west-1", "detail": {"event": "copySnapshot", "snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-1"}}`))
	f.Add([]byte(`{"detail": {"snapshots": null}}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		changes, err := backup.ParseChanges(event)
		require.False(t, err != nil && changes != nil)
		for _, c := range changes {
			require.Len(t, string(c.Site.Account), 12)
			require.NotEmpty(t, c.Site.Region)
			require.Regexp(t, "^snap-", c.Snapshot)
		}
	})
}

// rule is a host's feed: a queue that EventBridge rules of all sites send to.
type rule struct {
	queue   []string
	changes []backup.Change // of the last message
}

func (r *rule) Next(ctx context.Context) (backup.Change, error) {
	for len(r.changes) == 0 {
		if len(r.queue) == 0 {
			<-ctx.Done() // a host's would wait for messages here
			return backup.Change{}, ctx.Err()
		}
		message := r.queue[0]
		r.queue = slices.Delete(r.queue, 0, 1)
		var err error
		if r.changes, err = backup.ParseChanges([]byte(message)); err != nil {
			return backup.Change{}, err
		}
	}
	c := r.changes[0]
	r.changes = slices.Delete(r.changes, 0, 1)
	return c, nil
}

func ExampleFeed() {
	feed := &rule{queue: []string{`{
		"detail-type": "EBS Multi-Volume Snapshots Completion Status", "source": "aws.ec2",
		"account": "111111111111", "region": "eu-west-1",
		"detail": {"event": "createSnapshots", "result": "succeeded", "snapshots": [
			{"snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-0123456789abcdef0", "status": "completed"},
			{"snapshot_id": "arn:aws:ec2::eu-west-1:snapshot/snap-0123456789abcdef1", "status": "completed"}]}}`}}
	opts := backup.Options{Vault: "999999999999", Feed: feed}
	for range 2 {
		c, err := opts.Feed.Next(context.Background())
		fmt.Println(c.Site, c.Snapshot, err)
	}
	// Output:
	// 111111111111/eu-west-1 snap-0123456789abcdef0 <nil>
	// 111111111111/eu-west-1 snap-0123456789abcdef1 <nil>
}

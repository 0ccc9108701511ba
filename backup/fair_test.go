package backup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A small account does not wait for a large one's many large volumes: it has
// its share of the slots from the beginning, and the large one has all of them
// as soon as the small one is done. The whole takes no longer for it.
func TestAccountsShareTheSlots(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := newCloud(t)
		for i := range 200 {
			c.resources[siteA] = append(c.resources[siteA], instance(siteA, fmt.Sprintf("i-a%03d", i), root(fmt.Sprintf("vol-a%03d", i), 100)))
		}
		for i := range 40 {
			c.resources[siteB] = append(c.resources[siteB], instance(siteB, fmt.Sprintf("i-b%03d", i), root(fmt.Sprintf("vol-b%03d", i), 90)))
		}
		c.takes = func(giB int32) time.Duration { return time.Minute + time.Duration(giB)*6*time.Second }
		done := map[backup.Site]time.Duration{}
		at := time.Now()
		estimate := backup.Estimate{Overhead: time.Minute, SnapshotRate: 1024. / 6, CopyRate: 1024. / 6}
		e := engine(t, c, backup.Options{Estimate: estimate, OnEvent: func(ev backup.Event) {
			if ev.Stage == backup.Done && ev.Step == "" {
				done[backup.Site{Account: ev.Account, Region: ev.Region}] = time.Since(at)
			}
		}})
		f := e.Forecast(jobs(t, e, nightly(), at))
		report, err := e.Run(t.Context(), nightly(), at)
		require.NoError(t, err)
		require.Equal(t, 240, report.Copies)
		t.Logf("%v, %v after the bound; %v", done, report.Ended.Sub(report.Started)-f.Makespan, f.Makespan)
		require.Less(t, done[siteB], done[siteA]*2/3)
		require.Less(t, report.Ended.Sub(report.Started), f.Makespan+f.Makespan/20)
	})
}

// What an account has been given is the copies that were made, not the whole of
// the instances that they are of: one with few large instances has its share.
func TestLargeInstancesHaveTheirShare(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := newCloud(t)
		for i := range 10 {
			members := []backup.Member{root(fmt.Sprintf("vol-a%d-0", i), 100)}
			for k := range 15 {
				members = append(members, plain(fmt.Sprintf("vol-a%d-%d", i, k+1), 100))
			}
			c.resources[siteA] = append(c.resources[siteA], instance(siteA, fmt.Sprintf("i-a%d", i), members...))
		}
		for i := range 160 {
			c.resources[siteB] = append(c.resources[siteB], instance(siteB, fmt.Sprintf("i-b%03d", i), root(fmt.Sprintf("vol-b%03d", i), 100)))
		}
		c.takes = func(int32) time.Duration { return 10 * time.Minute }
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), nightly(), time.Now())
		require.NoError(t, err)
		require.Equal(t, 170, report.Copies)
		ofA := 0
		for _, s := range c.at(home)[:160] { // half of all
			if s.Tags["snapkeep:source"] == siteA.String() {
				ofA++
			}
		}
		t.Logf("%d of the first 160 copies", ofA)
		require.InDelta(t, 80, ofA, 20)
	})
}

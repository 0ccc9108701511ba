package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// byVSS is a plan that leaves it to Windows.
func byVSS(fallback bool) backup.Plan {
	p := calm(fallback)
	p.Sources[0].Quiesce = &backup.Quiesce{VSS: &backup.VSS{}, Fallback: fallback}
	return p
}

func TestVSSMakesTheSnapshots(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), byVSS(false)
		report := run(t, c, p, time.Now())
		require.Less(t, report.Ended.Sub(report.Started), 5*time.Minute, "what VSS vouches for need not be waited for")
		require.Equal(t, []backup.StepKind{backup.StepVSS}, c.sent(db))
		require.Equal(t, map[string]int{"SendCommand": 1, "ModifySnapshotAttribute": 2, "CopySnapshot": 1}, report.Calls)
		require.Equal(t, []backup.Consistency{backup.VSSConsistent, backup.VSSConsistent}, consistencies(t, c, p))
		step := c.agent.scripts[0].step
		require.Equal(t, "AWSEC2-CreateVssSnapshot", step.VSS.Document)
		require.Equal(t, 600, step.VSS.TimeoutSeconds)
		require.Equal(t, "vss", step.Tags["snapkeep:consistency"])
	})
}

// What VSS vouches for may be listed some time after it said that it was done.
func TestVSSVouchesLater(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), byVSS(false)
		c.after = func(k call) error {
			if k.op != "vss" {
				return nil
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			s := c.snaps[c.order[0]]
			delete(s.Tags, "AppConsistent")
			time.AfterFunc(2*time.Minute, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				s.Tags["AppConsistent"] = "True"
			})
			return nil
		}
		run(t, c, p, time.Now())
		require.Equal(t, []backup.Consistency{backup.VSSConsistent, backup.VSSConsistent}, consistencies(t, c, p))
	})
}

// Whatever VSS does not vouch for falls back, or fails.
func TestVSSThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(c *cloud)
		sent  int
		made  int // originals if it falls back
		fails int // originals if it fails
		says  string
	}{
		"the command fails": {func(c *cloud) {
			c.agent.run = func(backup.StepKind, int) (time.Duration, backup.CommandState) {
				return time.Minute, backup.CommandFailed
			}
		}, 2, 1, 0, "VSS: Failed, exit code 1, in the last of 2 attempts"},
		"it never ends": {func(c *cloud) {
			c.agent.run = func(backup.StepKind, int) (time.Duration, backup.CommandState) { return 0, backup.CommandPending }
		}, 2, 1, 0, "VSS: did not end within 10m0s, in the last of 2 attempts"},
		"it says that the snapshots are not consistent": {func(c *cloud) {
			c.after = func(k call) error {
				for _, s := range c.snaps {
					delete(s.Tags, "AppConsistent")
				}
				return nil
			}
		}, 1, 1, 1, "the snapshots were made, and are crash-consistent only"},
		"it says that it succeeded, and made nothing": {func(c *cloud) {
			c.after = func(k call) error {
				for _, s := range c.snaps {
					s.gone = s.gone || s.Tags["snapkeep:consistency"] == "vss"
				}
				return nil
			}
		}, 2, 1, 0, "VSS: made no complete set of snapshots, in the last of 2 attempts"},
		"a data volume is left out": {func(c *cloud) {
			c.resources[siteB][0].Excluded = []backup.Member{plain("vol-b2", 5)}
		}, 0, 1, 0, "VSS cannot leave data volumes out"},
	} {
		for _, fallback := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", falls back"}[fallback], func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, p := story(t), byVSS(fallback)
					test.spoil(c)
					_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
					require.Len(t, c.sent(db), test.sent)
					if !fallback {
						require.ErrorIs(t, err, backup.ErrQuiesce)
						require.ErrorContains(t, err, test.says)
						require.Len(t, c.at(siteB), test.fails)
						require.Empty(t, c.at(home))
						return
					}
					require.NoError(t, err)
					require.Len(t, c.at(siteB), test.made)
					require.Equal(t, []backup.Consistency{backup.FellBack, backup.FellBack}, consistencies(t, c, p))
				})
			})
		}
	}
}

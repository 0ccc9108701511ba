package backuptest

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// SetLag makes the cloud eventually consistent from now on: what is created,
// deleted, tagged, shared or completed, and what policies say, may be missing or
// stale in answers for up to the longest time given, and may come and go until
// then. What has happened before is seen by all, so a test can build its world
// first. Which call sees what is a function of Options.Seed and the seed given.
// Zero time means that everything is seen at once, as in a new cloud.
func (c *Cloud) SetLag(longest time.Duration, seed uint64) {
	c.sim.SetConsistency(core.Consistency{Max: longest, Seed: seed})
}

package backup

import (
	"fmt"
	"math"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// Warnings returns what is allowed in a valid plan and is probably not meant.
// Nothing that the engine does depends on them.
func (p Plan) Warnings() []*PlanError {
	var c planCheck
	c.warnLock("lock", p.Lock, p.Retention)
	for i, d := range p.Copies {
		field := fmt.Sprintf("copies[%d]", i)
		c.warnLock(field+".lock", d.Lock, p.policyOf(groupID{place: place{d.Site(), true}}))
		if d.DropOriginal && p.Lock != nil {
			c.wrong(field+".dropOriginal", "originals stay until their locks end")
		}
	}
	var all []*PlanError
	for _, err := range c.errs {
		all = append(all, err.(*PlanError))
	}
	return all
}

// warnLock compares a lock with how long the policy keeps what is locked.
func (c *planCheck) warnLock(field string, l *Lock, policy retention.Policy) {
	if l == nil {
		return
	}
	if l.Mode == Compliance && l.CoolOffHours == 0 {
		c.wrong(field+".coolOffHours", "is none: from the first moment nobody can take a lock off, whatever it was a mistake for")
	}
	// How far counts and tags reach depends on how often the plan is run.
	_, usual := policy.Reach()
	if policy.Last != 0 || len(policy.Tags) > 0 || usual == math.MaxInt64 {
		return
	}
	if locked := time.Duration(l.Days) * lockDay; locked > usual {
		c.wrong(field+".days", "%d is longer than the retention of %s keeps, about %d days: prunes are held off until then, and every snapshot is paid for",
			l.Days, policy, int(usual/lockDay))
	}
}

package backuptest

import (
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// EnableRegion gives an account a Region that has to be enabled, such as
// "af-south-1".
func (c *Cloud) EnableRegion(account accounts.ID, region string) error {
	return c.sim.EnableRegion(account.String(), region)
}

// DisableRegion takes such a Region away again. What is in it stays.
func (c *Cloud) DisableRegion(account accounts.ID, region string) error {
	return c.sim.DisableRegion(account.String(), region)
}

// SetSTS activates or deactivates STS of an account in a Region: whether it
// gives out credentials for roles of that account there.
func (c *Cloud) SetSTS(account accounts.ID, region string, active bool) {
	c.sim.SetSTS(account.String(), region, active)
}

// Suspend makes all credentials of an account worthless, as when it is closed;
// Reinstate lets them work again.
func (c *Cloud) Suspend(account accounts.ID) { c.sim.SetState(account.String(), core.Suspended) }

// Reinstate undoes Suspend.
func (c *Cloud) Reinstate(account accounts.ID) { c.sim.SetState(account.String(), core.Active) }

// SetRCP sets the resource control policies of an account, one list for each
// level of its organization. They bind whoever uses the account's keys, roles
// and buckets. Without levels none apply.
func (c *Cloud) SetRCP(account accounts.ID, levels ...[]*iampolicy.Document) {
	c.sim.SetRCP(account.String(), levels...)
}

// SetClockSkew sets how far AWS's clock is ahead of the caller's. Signatures
// that are too far off are refused, as AWS does.
func (c *Cloud) SetClockSkew(ahead time.Duration) { c.sim.SetClockSkew(ahead) }

package awssim

import (
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// SetPartition moves an account into a partition: "aws-cn", "aws-us-gov" ….
// It comes before anything is put into the account.
func (c *Cloud) SetPartition(account, partition string) error {
	c.Lock()
	defer c.Unlock()
	return c.Account(account).SetPartition(partition)
}

// EnableRegion enables an opt-in Region for an account.
func (c *Cloud) EnableRegion(account, region string) error {
	c.Lock()
	defer c.Unlock()
	return c.Account(account).EnableRegion(region)
}

// DisableRegion takes EnableRegion back.
func (c *Cloud) DisableRegion(account, region string) error {
	c.Lock()
	defer c.Unlock()
	return c.Account(account).DisableRegion(region)
}

// SetSTS activates or deactivates STS in a Region for credentials of an account.
func (c *Cloud) SetSTS(account, region string, active bool) {
	c.Lock()
	defer c.Unlock()
	c.Account(account).SetSTS(region, active)
}

// SetState suspends an account, closes it, or makes it active again.
func (c *Cloud) SetState(account string, state core.State) {
	c.Lock()
	defer c.Unlock()
	c.Account(account).State = state
}

// SetRCP sets the resource control policies of an account, one list for each
// level of its organization. Without levels none apply.
func (c *Cloud) SetRCP(account string, levels ...[]*iampolicy.Document) {
	c.Lock()
	defer c.Unlock()
	c.Account(account).RCP = levels
}

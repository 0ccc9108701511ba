package iampolicy

import "fmt"

// restore checks the accounts that are restored into.
func (c *specCheck) restore(i Installation) {
	var seen []string
	for n, r := range i.Restore {
		at := fmt.Sprintf("Restore[%d].", n)
		c.member(at, r.Account, i.Vault, seen)
		seen = append(seen, r.Account)
		c.externalID(at+"ExternalID", r.ExternalID, r.Account)
		c.regions(at+"Regions", r.Regions)
		c.keys(at+"Keys", r.Keys, r.Account, r.Regions)
		c.keyInEachRegion(at+"Keys", r.Keys, r.Regions)
		c.unique(at+"PassRoles", r.PassRoles)
		for m, arn := range r.PassRoles {
			field := fmt.Sprintf("%sPassRoles[%d]", at, m)
			kind, name := c.principal(field, arn, r.Account)
			c.notGenerated(field, name)
			if kind == "user" {
				c.fault(field, "%s is a user; want a role", arn)
			}
		}
	}
}

package preflight

import "github.com/snapkeep/snapkeep/iampolicy"

// NewEC2 shows the guarded client to its test.
var NewEC2 = Options{}.clients().ec2

// Needs shows what the probe of permissions asks.
func Needs(role iampolicy.Role, region string) (all []iampolicy.Request) {
	for _, n := range needsOf(role, region) {
		who := iampolicy.Principal{ARN: role.ARN("")}
		all = append(all, iampolicy.Request{Principal: who, Action: n.action, Resource: n.resource, ResourceAccount: role.Account, Context: n.context})
	}
	return all
}

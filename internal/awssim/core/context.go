package core

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// sourceIP is where all requests come from.
const sourceIP = "127.0.0.1"

// context returns the condition keys of a need: its own and those that every
// request has.
// Source: IAM User Guide, "AWS global condition context keys".
func (c *Call) context(n Need) map[string][]string {
	keys := map[string][]string{
		"aws:RequestedRegion":       {c.Region},
		"aws:CurrentTime":           {c.Now.UTC().Format(time.RFC3339)},
		"aws:EpochTime":             {strconv.FormatInt(c.Now.Unix(), 10)},
		"aws:SecureTransport":       {"true"},
		"aws:PrincipalIsAWSService": {"false"},
	}
	c.principalKeys(keys)
	service, _, _ := strings.Cut(n.Action, ":")
	switch service {
	case "ec2":
		keys["ec2:Region"] = []string{c.Region}
	case "kms":
		keys["kms:CallerAccount"] = []string{c.Account.ID}
	}
	// What a service asks of KMS on the caller's behalf does not come from the
	// caller's address (forward access sessions).
	via := service == "kms" && c.Service != "kms"
	keys["aws:ViaAWSService"] = []string{strconv.FormatBool(via)}
	if !via {
		keys["aws:SourceIp"] = []string{sourceIP}
	}
	if n.Resource != "*" {
		owner := n.Owner
		if owner == "" {
			owner = c.Account.ID
		}
		keys["aws:ResourceAccount"] = []string{owner}
		if a := c.Cloud.accounts[owner]; a != nil && a.Organization != "" {
			keys["aws:ResourceOrgID"] = []string{a.Organization}
		}
	}
	maps.Copy(keys, n.Keys)
	return keys
}

// principalKeys adds what the keys tell of the caller.
func (c *Call) principalKeys(keys map[string][]string) {
	caller := &c.Caller
	keys["aws:PrincipalArn"] = []string{caller.Entity()}
	keys["aws:PrincipalAccount"] = []string{c.Account.ID}
	keys["aws:userid"] = []string{caller.UserID}
	if c.Account.Organization != "" {
		keys["aws:PrincipalOrgID"] = []string{c.Account.Organization}
	}
	var tags map[string]string
	switch {
	case caller.Session != nil:
		s := caller.Session
		keys["aws:PrincipalType"] = []string{"AssumedRole"}
		keys["aws:TokenIssueTime"] = []string{s.Issued.UTC().Format(time.RFC3339)}
		// Sessions of roles are known not to have used MFA; long-term keys have no such key at all.
		keys["aws:MultiFactorAuthPresent"] = []string{"false"}
		if s.SourceIdentity != "" {
			keys["aws:SourceIdentity"] = []string{s.SourceIdentity}
		}
		tags = maps.Clone(s.Role.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, s.Tags) // session tags win over the role's own
	case caller.User != nil:
		keys["aws:PrincipalType"] = []string{"User"}
		keys["aws:username"] = []string{caller.User.Name}
		tags = caller.User.Tags
	default:
		keys["aws:PrincipalType"] = []string{"Account"}
	}
	for k, v := range tags {
		keys["aws:PrincipalTag/"+k] = []string{v}
	}
}

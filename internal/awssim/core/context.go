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
//
// There is no aws:CalledVia: none of the services that set it is simulated,
// and EC2, which calls KMS for its caller, does not. Nor is there
// aws:FederatedProvider, since nobody comes from an identity provider.
//
// Source: IAM User Guide, "AWS global condition context keys".
func (c *Call) context(n Need) map[string][]string {
	keys := map[string][]string{
		"aws:RequestedRegion":       {c.Region},
		"aws:CurrentTime":           {c.Now.UTC().Format(time.RFC3339)},
		"aws:EpochTime":             {strconv.FormatInt(c.Now.Unix(), 10)},
		"aws:SecureTransport":       {"true"},
		"aws:PrincipalIsAWSService": {"false"},
	}
	if c.UserAgent != "" {
		keys["aws:UserAgent"] = []string{c.UserAgent}
	}
	if c.Referer != "" {
		keys["aws:referer"] = []string{c.Referer}
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
		if a := c.Cloud.accounts[owner]; a != nil {
			a.organizationKeys(keys, "Resource")
		}
	}
	maps.Copy(keys, n.Keys)
	return keys
}

// organizationKeys adds the keys of the account's place in its organization,
// as that of the "Principal" or the "Resource".
func (a *Account) organizationKeys(keys map[string][]string, role string) {
	if a.Organization != "" {
		keys["aws:"+role+"OrgID"] = []string{a.Organization}
	}
	if a.OrgPath != "" {
		keys["aws:"+role+"OrgPaths"] = []string{a.OrgPath}
	}
}

// principalKeys adds what the keys tell of the caller.
func (c *Call) principalKeys(keys map[string][]string) {
	caller := &c.Caller
	keys["aws:PrincipalArn"] = []string{caller.Entity()}
	keys["aws:PrincipalAccount"] = []string{c.Account.ID}
	keys["aws:userid"] = []string{caller.UserID}
	c.Account.organizationKeys(keys, "Principal")
	if since, _, _, ok := caller.temporary(); ok {
		keys["aws:TokenIssueTime"] = []string{since.UTC().Format(time.RFC3339)}
		// Nobody here has used MFA. Long-term keys have no such key at all.
		keys["aws:MultiFactorAuthPresent"] = []string{"false"}
	}
	switch {
	case caller.Session != nil:
		keys["aws:PrincipalType"] = []string{"AssumedRole"}
		if source := caller.Session.SourceIdentity; source != "" {
			keys["aws:SourceIdentity"] = []string{source}
		}
	case caller.Federated():
		keys["aws:PrincipalType"] = []string{"FederatedUser"}
	case caller.User != nil:
		keys["aws:PrincipalType"] = []string{"User"}
		keys["aws:username"] = []string{caller.User.Name}
	default:
		keys["aws:PrincipalType"] = []string{"Account"}
	}
	for k, v := range caller.tags() {
		keys["aws:PrincipalTag/"+k] = []string{v}
	}
}

// tags of the caller. A session tag takes the place of a tag of the role or
// user whose key differs in case at most.
// Source: STS API Reference, AssumeRole and GetFederationToken, Tags.
func (c *Caller) tags() map[string]string {
	var own, session map[string]string
	switch {
	case c.Session != nil:
		own, session = c.Session.Role.Tags, c.Session.Tags
	case c.User != nil:
		own = c.User.Tags
	}
	if c.Pass != nil {
		session = c.Pass.Tags
	}
	if len(session) == 0 {
		return own
	}
	tags := maps.Clone(session)
	for k, v := range own {
		if !hasKeyFold(session, k) {
			tags[k] = v
		}
	}
	return tags
}

func hasKeyFold(m map[string]string, key string) bool {
	for k := range m {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

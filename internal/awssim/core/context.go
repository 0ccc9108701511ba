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
	keys := newKeySet(len(n.Keys))
	keys.set("aws:RequestedRegion", c.Region)
	keys.set("aws:CurrentTime", c.Now.UTC().Format(time.RFC3339))
	keys.set("aws:EpochTime", strconv.FormatInt(c.Now.Unix(), 10))
	keys.set("aws:SecureTransport", "true")
	keys.set("aws:PrincipalIsAWSService", "false")
	if c.UserAgent != "" {
		keys.set("aws:UserAgent", c.UserAgent)
	}
	if c.Referer != "" {
		keys.set("aws:referer", c.Referer)
	}
	c.principalKeys(&keys)
	service, _, _ := strings.Cut(n.Action, ":")
	switch service {
	case "ec2":
		keys.set("ec2:Region", c.Region)
	case "kms":
		keys.set("kms:CallerAccount", c.Account.ID)
	}
	// What a service asks of KMS on the caller's behalf does not come from the
	// caller's address (forward access sessions).
	via := service == "kms" && c.Service != "kms"
	keys.set("aws:ViaAWSService", strconv.FormatBool(via))
	if !via {
		keys.set("aws:SourceIp", sourceIP)
	}
	if n.Resource != "*" {
		owner := n.Owner
		if owner == "" {
			owner = c.Account.ID
		}
		keys.set("aws:ResourceAccount", owner)
		if a := c.Cloud.accounts[owner]; a != nil {
			a.organizationKeys(&keys, "Resource")
		}
	}
	maps.Copy(keys.values, n.Keys)
	return keys.values
}

// A keySet is condition keys of one value each, which lie side by side: every
// call has some twenty of them.
type keySet struct {
	values map[string][]string
	all    []string
}

// newKeySet makes room for the keys that every request has, and so many more.
func newKeySet(more int) keySet {
	const usual = 20
	return keySet{values: make(map[string][]string, usual+more), all: make([]string, 0, usual)}
}

func (s *keySet) set(key, value string) {
	at := len(s.all)
	s.all = append(s.all, value)
	s.values[key] = s.all[at : at+1 : at+1]
}

// organizationKeys adds the keys of the account's place in its organization,
// as that of the "Principal" or the "Resource".
func (a *Account) organizationKeys(keys *keySet, role string) {
	if a.Organization != "" {
		keys.set("aws:"+role+"OrgID", a.Organization)
	}
	if a.OrgPath != "" {
		keys.set("aws:"+role+"OrgPaths", a.OrgPath)
	}
}

// principalKeys adds what the keys tell of the caller.
func (c *Call) principalKeys(keys *keySet) {
	caller := &c.Caller
	keys.set("aws:PrincipalArn", caller.Entity())
	keys.set("aws:PrincipalAccount", c.Account.ID)
	keys.set("aws:userid", caller.UserID)
	c.Account.organizationKeys(keys, "Principal")
	if since, _, _, ok := caller.temporary(); ok {
		keys.set("aws:TokenIssueTime", since.UTC().Format(time.RFC3339))
		// Nobody here has used MFA. Long-term keys have no such key at all.
		keys.set("aws:MultiFactorAuthPresent", "false")
	}
	switch {
	case caller.Session != nil:
		keys.set("aws:PrincipalType", "AssumedRole")
		if source := caller.Session.SourceIdentity; source != "" {
			keys.set("aws:SourceIdentity", source)
		}
	case caller.Federated():
		keys.set("aws:PrincipalType", "FederatedUser")
	case caller.User != nil:
		keys.set("aws:PrincipalType", "User")
		keys.set("aws:username", caller.User.Name)
	default:
		keys.set("aws:PrincipalType", "Account")
	}
	for k, v := range caller.tags() {
		keys.set("aws:PrincipalTag/"+k, v)
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

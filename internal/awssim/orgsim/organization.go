package orgsim

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An organization is one tree of accounts.
type organization struct {
	id       string
	manager  *core.Account
	root     *node
	nodes    map[string]*node   // by id
	policies map[string]*policy // by id
	enabled  map[types.PolicyType]bool
	trusted  map[string]time.Time            // services with access, by principal
	admins   map[string]map[string]time.Time // accounts, by the services they administer
	requests map[string]*creation            // by id
	closures []time.Time
}

// A kind of node.
type kind string

const (
	root    kind = "ROOT"
	unit    kind = "ORGANIZATIONAL_UNIT"
	account kind = "ACCOUNT"
)

// A node is the root, an organizational unit or an account.
type node struct {
	kind     kind
	id, name string
	parent   *node // nil for the root
	children []*node
	tags     map[string]string
	attached []*policy

	// Of accounts only.
	email   string
	joined  time.Time
	invited bool
	closing time.Time // when the account was closed; zero means that it is not
}

func (n *node) remove(child *node) {
	n.children = slices.DeleteFunc(n.children, func(c *node) bool { return c == child })
}

// path from the root down to the node.
func (n *node) path() (all []*node) {
	for ; n != nil; n = n.parent {
		all = append(all, n)
	}
	slices.Reverse(all)
	return all
}

// A policy is a service or resource control policy.
type policy struct {
	id, name, description string
	kind                  types.PolicyType
	content               string
	document              *iampolicy.Document
	managed               bool // by AWS
	tags                  map[string]string
}

// AWS's own policies, which are on every node from the start.
// Source: AWS Organizations User Guide, "SCP evaluation" and "RCP evaluation".
const (
	fullAccess    = "p-FullAWSAccess"
	fullRCPAccess = "p-RCPFullAWSAccess"
)

func awsPolicies() map[string]*policy {
	allow := iampolicy.Statement{Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*")}
	open := allow
	open.Principal = &iampolicy.Principals{Any: true}
	return map[string]*policy{
		fullAccess: {
			id: fullAccess, name: "FullAWSAccess", description: "Allows access to every operation", managed: true, kind: types.PolicyTypeServiceControlPolicy,
			content:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
			document: &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{allow}},
		},
		fullRCPAccess: {
			id: fullRCPAccess, name: "RCPFullAWSAccess", description: "Allows access to every resource", managed: true, kind: types.PolicyTypeResourceControlPolicy,
			content:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`,
			document: &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{open}},
		},
	}
}

// newOrganization makes an organization with its management account in it.
// All features are on, and with them service control policies.
// Source: AWS Organizations API Reference, CreateOrganization.
func (s *Service) newOrganization(id string, manager *core.Account) *organization {
	if id == "" {
		id = "o-" + s.name(10)
	}
	o := &organization{
		id: id, manager: manager, nodes: map[string]*node{}, policies: awsPolicies(),
		enabled: map[types.PolicyType]bool{types.PolicyTypeServiceControlPolicy: true},
		trusted: map[string]time.Time{}, admins: map[string]map[string]time.Time{}, requests: map[string]*creation{},
	}
	o.root = &node{kind: root, id: "r-" + s.name(4), name: "Root"}
	o.nodes[o.root.id] = o.root
	o.provide(o.root)
	s.join(o, &node{kind: account, id: manager.ID, name: manager.ID, email: emailOf(manager.ID), joined: s.cloud.Now(), invited: true})
	return o
}

// join puts an account under the root.
func (s *Service) join(o *organization, n *node) {
	o.add(o.root, n)
	s.orgs[n.id] = o
	s.settle(o)
}

func (o *organization) add(parent, n *node) {
	n.parent = parent
	parent.children = append(parent.children, n)
	o.nodes[n.id] = n
	o.provide(n)
}

// provide gives a new node AWS's own policies of the types that are enabled.
func (o *organization) provide(n *node) {
	for _, id := range []string{fullAccess, fullRCPAccess} {
		if p := o.policies[id]; o.enabled[p.kind] && !slices.Contains(n.attached, p) {
			n.attached = append(n.attached, p)
		}
	}
}

// settle puts the organization's policies into force in its accounts.
func (s *Service) settle(o *organization) {
	for id, n := range o.nodes {
		if n.kind != account {
			continue
		}
		a := s.cloud.Account(id)
		a.Organization, a.OrgPath, a.Management = o.id, o.pathOf(n.parent), a == o.manager
		a.SCP, a.RCP = s.extra[id], nil
		if a.Management {
			continue // neither SCPs nor RCPs bind it
		}
		a.SCP = append(o.levels(n, types.PolicyTypeServiceControlPolicy), a.SCP...)
		a.RCP = o.levels(n, types.PolicyTypeResourceControlPolicy)
	}
}

// levels returns the documents of one type on the way from the root to an account.
func (o *organization) levels(n *node, t types.PolicyType) (all [][]*iampolicy.Document) {
	if !o.enabled[t] {
		return nil
	}
	for _, level := range n.path() {
		documents := []*iampolicy.Document{}
		for _, p := range level.attached {
			if p.kind == t {
				documents = append(documents, p.document)
			}
		}
		all = append(all, documents)
	}
	return all
}

// pathOf a node as aws:PrincipalOrgPaths has it.
// Source: IAM User Guide, "AWS global condition context keys".
func (o *organization) pathOf(n *node) string {
	path := o.id + "/"
	for _, level := range n.path() {
		path += level.id + "/"
	}
	return path
}

// arn of a node. Source: Service Authorization Reference, "Resource types
// defined by AWS Organizations".
func (o *organization) arn(n *node) string {
	word := map[kind]string{root: "root", unit: "ou", account: "account"}[n.kind]
	return o.manager.GlobalARN("organizations", word+"/"+o.id+"/"+n.id)
}

func (o *organization) policyARN(p *policy) string {
	kind := strings.ToLower(string(p.kind))
	if p.managed {
		return strings.Join([]string{"arn", o.manager.Partition, "organizations", "", "aws", "policy/" + kind + "/" + p.id}, ":")
	}
	return o.manager.GlobalARN("organizations", "policy/"+o.id+"/"+kind+"/"+p.id)
}

// name returns n random characters as ids of Organizations have them.
func (s *Service) name(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[s.cloud.Rand().IntN(len(alphabet))]
	}
	return string(b)
}

package accounts

import (
	"maps"
	"slices"
	"time"
)

// A Role is one hop of a role chain: what is assumed, and how. Lengths and
// alphabets are those of the STS API Reference, AssumeRole; [New] checks them.
type Role struct {
	// ARN of the role to assume, with its path if it has one:
	// "arn:aws:iam::111111111111:role/backup/snapkeep".
	ARN string `json:"arn"`
	// ExternalID is sent with the call; roles that trust another account
	// should demand one. 2 to 1,224 letters, digits and _+=,.@:/-
	// Empty means none is sent.
	ExternalID string `json:"externalId,omitempty"`
	// SessionName appears in the protected account's CloudTrail. 2 to 64
	// letters, digits and _+=,.@- Empty means "snapkeep".
	SessionName string `json:"sessionName,omitempty"`
	// SourceIdentity stays with the chain and cannot be changed by later
	// hops. Same alphabet and length as SessionName. Empty means none.
	SourceIdentity string `json:"sourceIdentity,omitempty"`
	// Duration of the session, in whole seconds, at least 15 min. Zero means
	// 1 h, which is also the most AWS gives to a chained session: the second
	// hop and later ones. A first hop may ask for up to 12 h, if the role's
	// MaxSessionDuration allows it and the base credentials are not
	// themselves a role session.
	Duration time.Duration `json:"duration,omitempty"`
	// Tags of the session, at most 50; TransitiveTags names those that later
	// hops inherit and may not set again.
	Tags           map[string]string `json:"tags,omitempty"`
	TransitiveTags []string          `json:"transitiveTags,omitempty"` // keys of Tags, each once
}

// An Account is one AWS account and the way into it.
type Account struct {
	// ID of the account. The last role of every chain must belong to it.
	ID ID `json:"id"`
	// Name is for people; nothing depends on it.
	Name string `json:"name,omitempty"`
	// Chain holds the roles assumed one after another from the base
	// credentials. Empty means the base credentials are the account's own.
	Chain []Role `json:"chain,omitempty"`
	// Purposes holds chains that replace Chain for one purpose. Each begins
	// at the base credentials again; an empty one is an error.
	Purposes map[Purpose][]Role `json:"purposes,omitempty"`
}

// A Purpose is what a session is for. Each has a role of its own, so that no
// role can do more than its purpose needs.
type Purpose string

// The purposes. Backup and VaultWriter fall back to the account's Chain;
// for the others a missing role is an error.
const (
	Backup      Purpose = "backup"       // in a protected account: discover, snapshot, rekey, share
	Pruner      Purpose = "pruner"       // in a protected account: delete own originals
	VaultWriter Purpose = "vault-writer" // in the vault: copy and list
	VaultPruner Purpose = "vault-pruner" // in the vault: delete own copies
	VaultSharer Purpose = "vault-sharer" // in the vault: share copies with restore accounts
	Restore     Purpose = "restore"      // in the account restored into
	Export      Purpose = "export"       // read blocks
	Import      Purpose = "import"       // in the account restored into: write blocks
)

// purposes lists every Purpose.
func purposes() []Purpose {
	return []Purpose{Backup, Pruner, VaultWriter, VaultPruner, VaultSharer, Restore, Export, Import}
}

// fallsBack says whether an account's Chain may stand in for a missing role.
// A role that deletes or shares must be named, never inherited.
func (p Purpose) fallsBack() bool { return p == Backup || p == VaultWriter }

// Roles returns the chain that is assumed for a purpose, and whether the
// account serves it at all. No roles stand for the base credentials.
func (a Account) Roles(p Purpose) (chain []Role, ok bool) {
	if roles, ok := a.Purposes[p]; ok {
		return roles, true
	}
	return a.Chain, p.fallsBack()
}

// clone returns a copy that shares no memory with a.
func (a Account) clone() Account {
	a.Chain = cloneRoles(a.Chain)
	a.Purposes = maps.Clone(a.Purposes)
	for p, roles := range a.Purposes {
		a.Purposes[p] = cloneRoles(roles)
	}
	return a
}

func cloneRoles(roles []Role) []Role {
	roles = slices.Clone(roles)
	for i := range roles {
		roles[i].Tags = maps.Clone(roles[i].Tags)
		roles[i].TransitiveTags = slices.Clone(roles[i].TransitiveTags)
	}
	return roles
}

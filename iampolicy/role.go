package iampolicy

import (
	"cmp"
	"fmt"
	"slices"
)

// A Role is one role to create: in which account, who may assume it and what it may do.
type Role struct {
	// Account that the role is created in.
	Account string
	// Name of the role, the same in every account.
	Name string
	// Purpose that the engine asks for when it needs the role: "backup",
	// "pruner", "vault-writer", "vault-pruner", "vault-sharer", "restore",
	// "export" or "import".
	Purpose string
	// Trust and Policy are the trust policy and the permissions policy. The
	// role needs no other.
	Trust, Policy *Document
	// Managed is nil where Policy can be the role's inline policy. If it has
	// more than InlineLimit characters, these are to be attached to the role
	// instead, as managed policies, all of them: together they mean what Policy
	// means. There are ManagedPerRole at most.
	Managed []*Document
	// Reasons says of each statement, by Sid, why it is there.
	Reasons map[string]string
}

// ARN of the role. An empty partition means "aws".
func (r Role) ARN(partition string) string { return roleARN(partition, r.Account, r.Name) }

func roleARN(partition, account, name string) string {
	return "arn:" + partitionOr(partition) + ":iam::" + account + ":role/" + name
}

// The names of the roles. One role for each purpose, so that none can do more
// than its purpose needs, and each can be watched and revoked alone.
const (
	roleBackup      = "snapkeep-backup"
	rolePruner      = "snapkeep-pruner"
	roleWriter      = "snapkeep-vault-writer"
	roleVaultPruner = "snapkeep-vault-pruner"
	roleSharer      = "snapkeep-vault-sharer"
	roleRestore     = "snapkeep-restore"
	roleExport      = "snapkeep-export"
	roleImport      = "snapkeep-import"
)

var roleNames = []string{roleBackup, rolePruner, roleWriter, roleVaultPruner, roleSharer, roleRestore, roleExport, roleImport}

// Roles returns all roles of the installation: those of the protected
// accounts, of the vault and of the restore accounts. The order of the
// installation's lists does not matter. It fails if the installation is not
// valid, or with ErrTooLarge.
func (i Installation) Roles() ([]Role, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	var builds []func() (Role, error)
	for _, p := range slices.SortedFunc(slices.Values(i.Protected), func(a, b Protected) int {
		return cmp.Compare(a.Account, b.Account)
	}) {
		builds = append(builds,
			func() (Role, error) { return i.targetBackup(p) },
			func() (Role, error) { return i.targetPruner(p) })
	}
	builds = append(builds, i.vaultWriter, i.vaultPruner)
	if len(i.Restore) > 0 {
		builds = append(builds, i.vaultSharer)
	}
	if i.Export {
		builds = append(builds, i.exportRole)
	}
	for _, r := range slices.SortedFunc(slices.Values(i.Restore), func(a, b RestoreAccount) int {
		return cmp.Compare(a.Account, b.Account)
	}) {
		builds = append(builds, func() (Role, error) { return i.restoreRole(r) })
		if r.Import {
			builds = append(builds, func() (Role, error) { return i.importRole(r) })
		}
	}
	var all []Role
	for _, build := range builds {
		role, err := build()
		if err != nil {
			return nil, err
		}
		all = append(all, role)
	}
	return all, nil
}

// role makes a role of the table.
func (i Installation) role(which paper, name, purpose, externalID string, p particulars) (Role, error) {
	p.partition, p.vault = i.partition(), i.Vault
	p.orchestrator, p.externalID = i.Orchestrator, externalID
	p.organization, p.sourceIdentity, p.sessionTags = i.Organization, i.SourceIdentity, i.SessionTags
	p.grantOperations = i.GrantOperations
	policy, reasons := write(which, p)
	trust, why := write(roleTrust, p)
	for sid, reason := range why {
		reasons[sid] = reason
	}
	r := Role{Account: p.account, Name: name, Purpose: purpose, Trust: trust, Policy: policy, Reasons: reasons}
	what := fmt.Sprintf("role %s in %s", name, p.account)
	var err error
	if r.Managed, err = attachable(policy, InlineLimit, what); err != nil {
		return Role{}, err
	}
	if err := fits(trust, TrustLimit, what+": trust policy"); err != nil {
		return Role{}, err
	}
	return r, nil
}

// attachable splits a policy that is larger than what may be inline over
// managed policies, if there are not too many of them.
func attachable(policy *Document, inline int, what string) ([]*Document, error) {
	if policy.Size() <= inline {
		return nil, nil
	}
	parts, err := Split(policy, ManagedLimit)
	if err != nil {
		return nil, fmt.Errorf("iampolicy: %s: %w", what, err)
	}
	if len(parts) <= ManagedPerRole {
		return parts, nil
	}
	e := &TooLargeError{What: what, Limit: ManagedPerRole * ManagedLimit}
	e.Size = e.Limit
	for _, part := range parts[ManagedPerRole:] {
		e.Size += part.Size()
	}
	return nil, e
}

// protectedAccount finds an account of the list.
func (i Installation) protectedAccount(account string) (Protected, error) {
	n := slices.IndexFunc(i.Protected, func(p Protected) bool { return p.Account == account })
	if n < 0 {
		return Protected{}, &FieldError{Field: "Protected", Problem: fmt.Sprintf("has no account %q", account)}
	}
	return i.Protected[n], nil
}

// restoreAccount finds an account of the list.
func (i Installation) restoreAccount(account string) (RestoreAccount, error) {
	n := slices.IndexFunc(i.Restore, func(r RestoreAccount) bool { return r.Account == account })
	if n < 0 {
		return RestoreAccount{}, &FieldError{Field: "Restore", Problem: fmt.Sprintf("has no account %q", account)}
	}
	return i.Restore[n], nil
}

package iampolicy

import "slices"

// RestoreRole returns the role in a restore account that copies what the vault
// shares under the account's own key, makes volumes and instances of the
// copies, and removes what the restore no longer needs. It makes nothing
// without the tag TagRestore, and builds on and deletes only what has it.
// Volumes and instances that it made it cannot delete.
func (i Installation) RestoreRole(account string) (Role, error) {
	if err := i.Validate(); err != nil {
		return Role{}, err
	}
	r, err := i.restoreAccount(account)
	if err != nil {
		return Role{}, err
	}
	return i.restoreRole(r)
}

func (i Installation) restoreRole(r RestoreAccount) (Role, error) {
	return i.role(restorePolicy, roleRestore, "restore", r.ExternalID, particulars{
		account:   r.Account,
		regions:   r.Regions,
		copyFrom:  []string{i.Vault, r.Account}, // the account itself: into another Region
		keys:      slices.Concat(i.VaultKeys, r.Keys),
		passRoles: r.PassRoles,
	})
}

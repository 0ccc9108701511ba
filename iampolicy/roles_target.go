package iampolicy

import "slices"

// TargetBackup returns the role in a protected account that finds what is to
// be backed up, snapshots it, rekeys and shares the snapshots with the vault,
// and takes the share back. It cannot delete, unlock or tag what exists, nor
// share with anyone but the vault. Options of the account add to it, or narrow
// it down to tagged resources.
func (i Installation) TargetBackup(account string) (Role, error) {
	return i.ofProtected(account, i.targetBackup)
}

// TargetPruner returns the role in a protected account that deletes the
// vault's own snapshots, and its own images where there are any, and can do
// nothing else. Its sessions are narrowed by
// PruneSession or CleanupSession.
func (i Installation) TargetPruner(account string) (Role, error) {
	return i.ofProtected(account, i.targetPruner)
}

func (i Installation) ofProtected(account string, build func(Protected) (Role, error)) (Role, error) {
	if err := i.Validate(); err != nil {
		return Role{}, err
	}
	p, err := i.protectedAccount(account)
	if err != nil {
		return Role{}, err
	}
	return build(p)
}

func (i Installation) targetBackup(p Protected) (Role, error) {
	return i.role(backupPolicy, roleBackup, "backup", p.ExternalID, particulars{
		account:   p.Account,
		regions:   p.Regions,
		copyFrom:  []string{p.Account},
		shareWith: []string{i.Vault},
		keys:      p.RekeyKeys,
		options:   options{onlyTagged: p.OnlyTagged, documents: p.Documents, images: p.Images, attributes: p.Attributes, lock: p.Lock},
	})
}

func (i Installation) targetPruner(p Protected) (Role, error) {
	return i.role(prunerPolicy, rolePruner, "pruner", p.ExternalID, particulars{
		account: p.Account,
		options: options{images: p.Images},
	})
}

// keys of a protected account that the vault reads under.
func (p Protected) keys() []string { return slices.Concat(p.SourceKeys, p.RekeyKeys) }

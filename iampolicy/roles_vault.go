package iampolicy

import "slices"

// VaultWriter returns the role in the vault that copies what the protected
// accounts share, lists the copies and, with Installation.Lock, locks them or,
// with Installation.Images, registers images of them. It cannot delete, unlock
// or share.
//
// The vault's keys are in its policy although the policy of VaultKeyPolicy
// names the role, which is enough within one account: so the role also works
// with keys whose policy delegates to the account, as AWS makes them.
//
// Each key is named three times: from some 35 protected accounts with one
// source key each the role has Managed policies, and some 200 are ErrTooLarge.
func (i Installation) VaultWriter() (Role, error) { return i.ofVault(i.vaultWriter) }

// VaultPruner returns the role in the vault that deletes copies and, with
// Installation.Archive, moves them to the archive and, with Installation.Images,
// drops images of them, and can do nothing else. Its sessions are narrowed by
// PruneSession, CleanupSession or ArchiveSession.
func (i Installation) VaultPruner() (Role, error) { return i.ofVault(i.vaultPruner) }

// VaultSharer returns the role in the vault that shares copies with the
// restore accounts, and with nobody else, and takes the shares back; with
// Installation.Archive it brings copies back from the archive. It fails if
// there is no restore account.
func (i Installation) VaultSharer() (Role, error) {
	if len(i.Restore) == 0 {
		return Role{}, &FieldError{Field: "Restore", Problem: "is empty; there is nobody to share with"}
	}
	return i.ofVault(i.vaultSharer)
}

func (i Installation) ofVault(build func() (Role, error)) (Role, error) {
	if err := i.Validate(); err != nil {
		return Role{}, err
	}
	return build()
}

func (i Installation) vaultWriter() (Role, error) {
	p := particulars{
		account:  i.Vault,
		regions:  i.Regions,
		copyFrom: []string{i.Vault}, // a copy of a copy, into another Region
		keys:     slices.Clone(i.VaultKeys),
		options:  options{lock: i.Lock, images: i.Images},
	}
	for _, from := range i.Protected {
		p.copyFrom = append(p.copyFrom, from.Account)
		p.keys = append(p.keys, from.keys()...)
	}
	return i.role(writerPolicy, roleWriter, "vault-writer", i.ExternalID, p)
}

func (i Installation) vaultPruner() (Role, error) {
	return i.role(vaultPrunerPolicy, roleVaultPruner, "vault-pruner", i.ExternalID, particulars{
		account: i.Vault, options: options{archive: i.Archive, images: i.Images},
	})
}

func (i Installation) vaultSharer() (Role, error) {
	p := particulars{account: i.Vault, options: options{archive: i.Archive}}
	for _, to := range i.Restore {
		p.shareWith = append(p.shareWith, to.Account)
	}
	return i.role(sharerPolicy, roleSharer, "vault-sharer", i.ExternalID, p)
}

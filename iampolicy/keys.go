package iampolicy

// SourceKeyPolicy returns the policy for the source and rekey keys of a
// protected account: the statement that AWS gives every key, so that the
// account's own IAM policies decide about its own principals, and the vault
// writer for what copying needs. That is enough for the vault to read shared
// snapshots and not enough to use the key outside EC2.
//
// A key policy replaces the whole policy of a key: what others need of the key
// by statements of their own must be added. The vault writer must exist first,
// and if it is made anew the policy must be stored again, since KMS keeps the
// role's unique id (IAM User Guide, "AWS JSON policy elements: Principal").
func (i Installation) SourceKeyPolicy(account string) (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	if _, err := i.protectedAccount(account); err != nil {
		return nil, err
	}
	return i.keyPolicy(sourceKeyPolicy, account)
}

// VaultKeyPolicy returns the policy for the vault's keys: the key admins for
// administration, the vault writer and the restore roles for what copying
// needs, the export role for what reading needs, and nobody for disabling or deleting the key.
//
// It does not delegate to the account's IAM policies, so no administrator of
// the vault account, its root user included, can use or change the keys by
// granting himself the right. The price is a lock-out if all of KeyAdmins are
// lost or made anew: only AWS Support can then change the policy (KMS
// Developer Guide, "Default key policy": risk of the key becoming
// unmanageable); copies and restores go on. Have at least two, in reach of
// different people. And since a key admin can rewrite the policy, the refusal
// to delete included, these roles are for emergencies and under watch, not for
// daily work.
func (i Installation) VaultKeyPolicy() (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	return i.keyPolicy(vaultKeyPolicy, i.Vault)
}

// RestoreKeyPolicy returns the policy for the keys of a restore account: the
// statement that AWS gives every key. What is restored belongs to the account,
// so its own IAM policies decide, that of the restore role among them; the
// vault has no part in it.
func (i Installation) RestoreKeyPolicy(account string) (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	if _, err := i.restoreAccount(account); err != nil {
		return nil, err
	}
	return i.keyPolicy(restoreKeyPolicy, account)
}

func (i Installation) keyPolicy(which paper, account string) (*Document, error) {
	p := particulars{
		partition: i.partition(),
		account:   account,
		vault:     i.Vault,
		admins:    i.KeyAdmins,
		writer:    roleARN(i.Partition, i.Vault, roleWriter),
	}
	p.bucketOf(i)
	p.grantOperations = i.GrantOperations
	for _, r := range i.Restore {
		p.restorers = append(p.restorers, roleARN(i.Partition, r.Account, roleRestore))
		p.restoreTo = append(p.restoreTo, r.Account)
	}
	doc, _ := write(which, p)
	if err := fits(doc, KeyPolicyLimit, "key policy in "+account); err != nil {
		return nil, err
	}
	return doc, nil
}

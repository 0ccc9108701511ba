package iampolicy

// ExportRole returns the role in the vault that reads the blocks of copies with
// the EBS direct APIs and writes them to Installation.Bucket, if there is one.
// The policies of the vault's keys and of the bucket let it. It cannot delete,
// share or change anything. It fails without Installation.Export.
func (i Installation) ExportRole() (Role, error) {
	if err := i.Validate(); err != nil {
		return Role{}, err
	}
	if !i.Export {
		return Role{}, &FieldError{Field: "Export", Problem: "is not asked for"}
	}
	return i.exportRole()
}

func (i Installation) exportRole() (Role, error) {
	return i.role(exportPolicy, roleExport, "export", i.ExternalID, particulars{account: i.Vault, regions: i.Regions})
}

// ImportRole returns the role in a restore account that writes snapshots block
// by block, under the account's keys, each with the tag TagRestore: the restore
// role goes on from there. It fails without RestoreAccount.Import.
func (i Installation) ImportRole(account string) (Role, error) {
	if err := i.Validate(); err != nil {
		return Role{}, err
	}
	r, err := i.restoreAccount(account)
	if err != nil {
		return Role{}, err
	}
	if !r.Import {
		return Role{}, &FieldError{Field: "Restore", Problem: "account " + account + " does not import"}
	}
	return i.importRole(r)
}

func (i Installation) importRole(r RestoreAccount) (Role, error) {
	return i.role(importPolicy, roleImport, "import", r.ExternalID, particulars{account: r.Account, regions: r.Regions, keys: r.Keys})
}

package iampolicy

// OrchestratorPolicy returns the policy for the installation's orchestrator:
// it may assume the installation's roles, each named in full, and nothing
// else. Within the vault the trust policies would be enough; it names those
// roles too, so that it says all the orchestrator can become.
//
// Beyond some 100 protected accounts it is larger than InlineLimit; a user's
// inline policies may have 2,048 characters only. Attach what Split makes of
// it for ManagedLimit instead. If that are more than ManagedPerRole, it fails
// with ErrTooLarge: some 600 protected accounts.
func (i Installation) OrchestratorPolicy() (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	p := particulars{partition: i.partition()}
	p.sourceIdentity, p.sessionTags = i.SourceIdentity, i.SessionTags
	add := func(account string, names ...string) {
		for _, name := range names {
			p.assume = append(p.assume, roleARN(i.Partition, account, name))
		}
	}
	for _, account := range i.Protected {
		add(account.Account, roleBackup, rolePruner)
	}
	add(i.Vault, roleWriter, roleVaultPruner)
	if len(i.Restore) > 0 {
		add(i.Vault, roleSharer)
	}
	if i.Export {
		add(i.Vault, roleExport)
	}
	for _, account := range i.Restore {
		add(account.Account, roleRestore)
		if account.Import {
			add(account.Account, roleImport)
		}
	}
	doc, _ := write(orchestratorPolicy, p)
	if _, err := attachable(doc, 0, "orchestrator policy"); err != nil {
		return nil, err
	}
	return doc, nil
}

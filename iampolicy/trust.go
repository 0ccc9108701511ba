package iampolicy

// OrchestratorPolicy returns the policy for the installation's orchestrator:
// it may assume the installation's roles, each named in full, and nothing
// else. Within the vault the trust policies would be enough; it names those
// roles too, so that it says all the orchestrator can become.
//
// It fails with ErrTooLarge beyond some 100 protected accounts, or nearly 60 if the
// orchestrator is a user.
func (i Installation) OrchestratorPolicy() (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	p := particulars{partition: i.partition()}
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
	for _, account := range i.Restore {
		add(account.Account, roleRestore)
	}
	doc, _ := write(orchestratorPolicy, p)
	// A user's inline policies may have 2,048 characters only; a managed
	// policy fits both.
	limit := inlineLimit
	if principalPattern.FindStringSubmatch(i.Orchestrator)[3] == "user" {
		limit = managedLimit
	}
	if err := fits(doc, limit, "orchestrator policy"); err != nil {
		return nil, err
	}
	return doc, nil
}

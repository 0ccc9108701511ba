package iampolicy

// ProtectedGuard returns a service control policy for a protected account: its
// administrators can neither tamper with the vault's snapshots and roles there
// nor make the keys useless that the vault reads under. The engine works on
// under it. Attach it to the account, or to its organizational unit: what it
// says of keys concerns those of this account only.
//
// It does not keep administrators from their own volumes, from their own
// snapshots, or from copying what the vault snapshotted.
func (i Installation) ProtectedGuard(account string) (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	p, err := i.protectedAccount(account)
	if err != nil {
		return nil, err
	}
	free := []string{roleBackup, rolePruner}
	return i.guard(protectedGuard, "guard of "+account, particulars{keys: p.keys()}, free, free)
}

// VaultGuard returns a service control policy for the vault account: its
// administrators, root included, can neither tamper with copies and roles nor
// destroy or open the vault's keys. The key admins can still change the keys'
// policies. Who controls the machine that the orchestrator runs on remains the
// orchestrator: no policy tells the two apart.
func (i Installation) VaultGuard() (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	free := []string{roleWriter, roleVaultPruner, roleSharer}
	p := particulars{keys: i.VaultKeys, admins: i.KeyAdmins}
	p.bucket = i.Bucket
	p.guarded = append(p.guarded, i.KeyAdmins...)
	if kind := principalPattern.FindStringSubmatch(i.Orchestrator)[3]; kind == "user" {
		p.guardedUser = i.Orchestrator
	} else {
		p.guarded = append(p.guarded, i.Orchestrator)
	}
	return i.guard(vaultGuard, "guard of the vault", p, free, append(free, roleExport))
}

// guard makes a guard that leaves some roles free and has others unchanged,
// whatever account they are in: it may be attached to several.
func (i Installation) guard(which paper, what string, p particulars, free, guarded []string) (*Document, error) {
	p.partition, p.vault = i.partition(), i.Vault
	for _, name := range free {
		p.free = append(p.free, roleARN(i.Partition, "*", name))
	}
	for _, name := range guarded {
		p.guarded = append(p.guarded, roleARN(i.Partition, "*", name))
	}
	for _, name := range i.Deployers {
		p.deployers = append(p.deployers, roleARN(i.Partition, "*", name))
	}
	// Whoever could assume a deployer could do all that the deployer can.
	p.guarded = append(p.guarded, p.deployers...)
	doc, _ := write(which, p)
	if err := fits(doc, SCPLimit, what); err != nil {
		return nil, err
	}
	return doc, nil
}

// VaultBucketPolicy returns the policy for Installation.Bucket: the export role
// writes and reads, and with Installation.Manifests the vault writer below
// "manifests/", under the vault's keys only; nobody but the key admins
// deletes or changes what guards the objects; and nobody else has any access,
// whatever IAM policies say. The bucket's versioning, object lock and default
// encryption are to be set before. It fails if there is no bucket.
//
// AWS lets an account's root user delete the policy of a bucket whatever it
// says (S3 User Guide, "Bucket policies"): VaultGuard forbids that.
func (i Installation) VaultBucketPolicy() (*Document, error) {
	if err := i.Validate(); err != nil {
		return nil, err
	}
	if i.Bucket == "" {
		return nil, &FieldError{Field: "Bucket", Problem: "is missing"}
	}
	p := particulars{partition: i.partition(), vault: i.Vault, admins: i.KeyAdmins, keys: i.VaultKeys}
	p.writer = roleARN(i.Partition, i.Vault, roleWriter)
	p.bucketOf(i)
	doc, _ := write(bucketPolicy, p)
	if err := fits(doc, BucketPolicyLimit, "vault bucket policy"); err != nil {
		return nil, err
	}
	return doc, nil
}

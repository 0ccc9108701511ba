package iampolicy_test

import "slices"

// The attacks: what the holder of a role's session, or somebody else, might
// try. Conditions of a request's other resources are given too where a call
// has them, so that no row is denied for want of a key.

func discoverAttacks() []request {
	return []request{
		{name: "list another Region", who: backup1, action: "ec2:DescribeInstances", resource: "*", keys: []string{region, "ap-south-1"}},
		{name: "list the vault in another Region", who: writer, action: "ec2:DescribeSnapshots", resource: "*", keys: []string{region, "ap-south-1"}},
		{name: "list a restore account in another Region", who: restore5, action: "ec2:DescribeImages", resource: "*", keys: []string{region, "ap-south-1"}},
		{name: "read a snapshot's blocks", who: backup1, action: "ebs:GetSnapshotBlock", resource: snap, keys: []string{hasVault, vault}},
		{name: "read user data", who: backup1, action: "ec2:DescribeInstanceAttribute", resource: in(first, "instance/i-1")},
		{name: "look at another account's key", who: backup1, action: "kms:DescribeKey", resource: key("us-east-1", second, "data"), owner: second, policy: "source-key." + second},
		{name: "look at another account's open key", who: backup1, action: "kms:DescribeKey", resource: key("us-east-1", other, "open"), owner: other, policy: "open key"},
		{name: "look at another account's open key without a rekey key", who: backup2, action: "kms:DescribeKey", resource: key("us-east-1", other, "open"), owner: other, policy: "open key"},
	}
}

func snapshotAttacks() (rows []request) {
	for _, who := range []string{backup1, backup2} {
		account := who[len(who)-12:]
		r := func(name, action, resource string, keys ...string) {
			rows = append(rows, request{name: who + " " + name, who: who, action: action, resource: resource, keys: keys})
		}
		r("makes an untagged snapshot", "ec2:CreateSnapshot", newSnap)
		r("makes untagged snapshots", "ec2:CreateSnapshots", newSnap)
		r("makes another vault's snapshot", "ec2:CreateSnapshot", newSnap, wantsVault, other)
		r("snapshots a stranger's volume", "ec2:CreateSnapshot", in(other, "volume/vol-1"), wantsVault, vault)
		r("snapshots a stranger's instance", "ec2:CreateSnapshots", in(other, "instance/i-1"), wantsVault, vault)
		r("makes a snapshot of an unnamed kind", "ec2:CreateSnapshot", in(account, "snapshot/snap-1"), wantsVault, vault)
		r("adopts a foreign snapshot by tag", "ec2:CreateTags", snap, wantsVault, vault)
		r("adopts one by a call that makes none", "ec2:CreateTags", snap, wantsVault, vault, createAction, "CreateTags")
		r("tags in a launch", "ec2:CreateTags", snap, wantsVault, vault, createAction, "RunInstances")
		r("tags a new snapshot as another's", "ec2:CreateTags", newSnap, wantsVault, other, createAction, "CreateSnapshot")
		r("tags a new snapshot with nothing of ours", "ec2:CreateTags", newSnap, createAction, "CreateSnapshot")
		r("tags an instance", "ec2:CreateTags", in(account, "instance/i-1"), wantsVault, vault, createAction, "CreateSnapshot")
		r("removes tags", "ec2:DeleteTags", snap, hasVault, vault)
		r("deletes an own snapshot", "ec2:DeleteSnapshot", snap, hasVault, vault, owner, account)
		r("deletes a foreign snapshot", "ec2:DeleteSnapshot", snap, owner, account)
		r("unlocks a snapshot", "ec2:UnlockSnapshot", snap, hasVault, vault)
		r("archives a snapshot", "ec2:ModifySnapshotTier", snap, hasVault, vault)
		r("deletes a volume", "ec2:DeleteVolume", in(account, "volume/vol-1"))
		r("terminates an instance", "ec2:TerminateInstances", in(account, "instance/i-1"))
		r("makes a volume of a snapshot", "ec2:CreateVolume", snap, hasVault, vault)
		r("lets others read blocks: starts a snapshot", "ebs:StartSnapshot", snap, hasVault, vault)
		r("lists blocks", "ebs:ListSnapshotBlocks", snap, hasVault, vault)
		r("turns off encryption by default", "ec2:DisableEbsEncryptionByDefault", "*")
		r("drops the rule of the Recycle Bin", "rbin:DeleteRule", "arn:aws:rbin:us-east-1:"+account+":rule/r1")
		r("makes its role wider", "iam:AttachRolePolicy", "arn:aws:iam::"+account+":role/snapkeep-backup")
		r("lifts its boundary", "iam:DeleteRolePermissionsBoundary", "arn:aws:iam::"+account+":role/snapkeep-backup")
		r("opens its trust policy", "iam:UpdateAssumeRolePolicy", "arn:aws:iam::"+account+":role/snapkeep-backup")
		r("detaches the guard", "organizations:DetachPolicy", "*")
		r("leaves the organization", "organizations:LeaveOrganization", "*")
		r("allows public snapshots", "ec2:DisableSnapshotBlockPublicAccess", "*")
		r("passes a role", "iam:PassRole", "arn:aws:iam::"+account+":role/admin", "iam:PassedToService", "ec2.amazonaws.com")
		r("changes itself", "iam:PutRolePolicy", "arn:aws:iam::"+account+":role/snapkeep-backup")
	}
	return rows
}

func shareAttacks() (rows []request) {
	for _, pair := range [][2]string{{backup1, vault}, {backup2, vault}, {sharer, clean}} {
		who, friend := pair[0], pair[1]
		r := func(name string, keys ...string) {
			rows = append(rows, request{name: who + " " + name, who: who, action: "ec2:ModifySnapshotAttribute", resource: snap, keys: keys})
		}
		r("shares an untagged snapshot", addUser, friend)
		r("shares another vault's snapshot", hasVault, other, addUser, friend)
		r("shares with a stranger", hasVault, vault, addUser, other)
		r("shares with a stranger beside a friend", hasVault, vault, addUser, friend, addUser, other)
		r("shares with everyone", hasVault, vault, addGroup, "all")
		r("shares with everyone beside a friend", hasVault, vault, addUser, friend, addGroup, "all")
		r("revokes and shares with everyone", hasVault, vault, removeUser, friend, addGroup, "all")
		r("revokes and shares with a stranger", hasVault, vault, removeUser, friend, addUser, other)
		r("revokes another's share", hasVault, vault, removeUser, other)
		r("revokes on an untagged snapshot", removeUser, friend)
		r("revokes on another vault's snapshot", hasVault, other, removeUser, friend)
		r("changes product codes", hasVault, vault, "ec2:Attribute", "productCodes")
		rows = append(rows, request{name: who + " resets all shares", who: who, action: "ec2:ResetSnapshotAttribute", resource: snap, keys: []string{hasVault, vault}})
	}
	return append(rows,
		request{name: "the sharer shares with the protected account", who: sharer, action: "ec2:ModifySnapshotAttribute", resource: snap, keys: []string{hasVault, vault, addUser, first}},
		request{name: "the writer shares a copy", who: writer, action: "ec2:ModifySnapshotAttribute", resource: snap, keys: []string{hasVault, vault, addUser, clean}},
		request{name: "the sharer deletes a copy", who: sharer, action: "ec2:DeleteSnapshot", resource: snap, keys: []string{hasVault, vault, owner, vault}})
}

func copyAttacks() (rows []request) {
	for _, who := range []string{backup1, writer} {
		home := who[len(who)-12:]
		r := func(name, action, resource string, keys ...string) {
			rows = append(rows, request{name: who + " " + name, who: who, action: action, resource: resource, keys: keys})
		}
		r("copies a stranger's snapshot", "ec2:CopySnapshot", snap, owner, other, wantsVault, vault, encrypted, "true")
		r("copies a public snapshot of Amazon", "ec2:CopySnapshot", snap, owner, "amazon", wantsVault, vault, encrypted, "true")
		r("makes an untagged copy", "ec2:CopySnapshot", newSnap, owner, home, encrypted, "true")
		r("makes another vault's copy", "ec2:CopySnapshot", newSnap, owner, home, wantsVault, other, encrypted, "true")
		r("makes a plain copy", "ec2:CopySnapshot", newSnap, owner, home, wantsVault, vault, encrypted, "false")
		r("tags a copy as another's", "ec2:CreateTags", newSnap, createAction, "CopySnapshot", wantsVault, other)
		r("tags a copy with nothing of ours", "ec2:CreateTags", newSnap, createAction, "CopySnapshot")
		r("retags a copy", "ec2:CreateTags", snap, wantsVault, vault)
		r("tags an image copy", "ec2:CreateTags", image, createAction, "CopySnapshot", wantsVault, vault)
		r("copies an image", "ec2:CopyImage", image)
	}
	return append(rows,
		request{name: "rekey without a rekey key", who: backup2, action: "ec2:CopySnapshot", resource: newSnap, keys: []string{wantsVault, vault, encrypted, "true"}},
		request{name: "the writer deletes a copy", who: writer, action: "ec2:DeleteSnapshot", resource: snap, keys: []string{hasVault, vault, owner, vault}},
		request{name: "the writer deletes an original", who: writer, action: "ec2:DeleteSnapshot", resource: snap, keys: []string{hasVault, vault, owner, first}},
		request{name: "the writer unlocks a copy", who: writer, action: "ec2:UnlockSnapshot", resource: snap, keys: []string{hasVault, vault}},
		request{name: "the writer snapshots a volume", who: writer, action: "ec2:CreateSnapshot", resource: in(vault, "volume/vol-1")})
}

func pruneAttacks() (rows []request) {
	for _, who := range []string{pruner1, vpruner} {
		home := who[len(who)-12:]
		r := func(name, action, session string, keys ...string) {
			rows = append(rows, request{name: who + " " + name, who: who, action: action, resource: snap, session: session, keys: keys})
		}
		r("deletes a foreign snapshot", "ec2:DeleteSnapshot", "", owner, home)
		r("deletes another vault's snapshot", "ec2:DeleteSnapshot", "", owner, home, hasVault, other)
		r("deletes in another account", "ec2:DeleteSnapshot", "", owner, other, hasVault, vault)
		r("prunes a young snapshot", "ec2:DeleteSnapshot", "prune-session", owner, home, hasVault, vault, snapTime, "2026-03-01T04:30:00Z")
		r("prunes a foreign old snapshot", "ec2:DeleteSnapshot", "prune-session", owner, home, snapTime, "2020-01-01T00:00:00Z")
		r("cleans up after another run", "ec2:DeleteSnapshot", "cleanup-session", owner, home, hasVault, vault, hasRun, "nightly@2026-03-07T02:00:00Z")
		r("cleans up what no run made", "ec2:DeleteSnapshot", "cleanup-session", owner, home, hasVault, vault)
		rows = append(rows, request{name: who + " lists", who: who, action: "ec2:DescribeSnapshots", resource: "*"})
		r("tags", "ec2:CreateTags", "", wantsVault, vault, createAction, "CreateSnapshot")
		r("unlocks", "ec2:UnlockSnapshot", "", hasVault, vault)
		r("shares", "ec2:ModifySnapshotAttribute", "", hasVault, vault, addUser, vault)
	}
	// A session policy alone must hold too: another role may be narrowed by it.
	return append(rows,
		request{name: "a prune session touches a foreign snapshot", who: "vault admin", action: "ec2:DeleteSnapshot", resource: snap, session: "prune-session", keys: []string{snapTime, "2020-01-01T00:00:00Z"}},
		request{name: "a cleanup session touches another vault's run", who: "vault admin", action: "ec2:DeleteSnapshot", resource: snap, session: "cleanup-session", keys: []string{hasVault, other, hasRun, cleanupRun}},
		request{name: "a prune session tags", who: "vault admin", action: "ec2:CreateTags", resource: snap, session: "prune-session", keys: []string{hasVault, vault, snapTime, "2020-01-01T00:00:00Z"}},
		request{name: "a prune session drops another vault's image", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "prune-session", keys: []string{owner, vault, hasVault, other}},
		request{name: "a prune session drops a foreign image", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "prune-session", keys: []string{owner, vault}},
		request{name: "a cleanup session drops another vault's image", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "cleanup-session", keys: []string{owner, vault, hasVault, other, hasRun, cleanupRun}},
		request{name: "a cleanup session drops a foreign image", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "cleanup-session", keys: []string{owner, vault, hasRun, cleanupRun}},
		request{name: "a cleanup session drops another run's image", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "cleanup-session", keys: []string{owner, vault, hasVault, vault, hasRun, "nightly@2026-03-07T02:00:00Z"}},
		request{name: "a cleanup session drops an image of no run", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "cleanup-session", keys: []string{owner, vault, hasVault, vault}},
		request{name: "a prune session drops what is no image", who: "vault admin", action: "ec2:DeregisterImage", resource: in(vault, "unlisted/u-1"), session: "prune-session", keys: []string{hasVault, vault}},
		request{name: "a cleanup session drops what is no image", who: "vault admin", action: "ec2:DeregisterImage", resource: in(vault, "unlisted/u-1"), session: "cleanup-session", keys: []string{hasVault, vault, hasRun, cleanupRun}},
		request{name: "a prune session shares an image", who: "vault admin", action: "ec2:ModifyImageAttribute", resource: image, session: "prune-session", keys: []string{owner, vault, hasVault, vault}},
		request{name: "a cleanup session shares an image", who: "vault admin", action: "ec2:ModifyImageAttribute", resource: image, session: "cleanup-session", keys: []string{owner, vault, hasVault, vault, hasRun, cleanupRun}},
		request{name: "the vault pruner drops an image without being let", who: vpruner, action: "ec2:DeregisterImage", resource: image, session: "prune-session", keys: []string{owner, vault, hasVault, vault}})
}

func restoreAttacks() []request {
	r := func(name, action, resource string, keys ...string) request {
		return request{name: "restore " + name, who: restore5, action: action, resource: resource, keys: keys}
	}
	return []request{
		r("copies a stranger's snapshot", "ec2:CopySnapshot", snap, owner, other, wantsRestore, "r1", encrypted, "true"),
		r("makes an unmarked copy", "ec2:CopySnapshot", newSnap, owner, clean, encrypted, "true"),
		r("makes a plain copy", "ec2:CopySnapshot", newSnap, owner, clean, wantsRestore, "r1", encrypted, "false"),
		r("marks what exists", "ec2:CreateTags", snap, wantsRestore, "r1"),
		r("marks a security group in a launch", "ec2:CreateTags", in(clean, "security-group/sg-1"), wantsRestore, "r1", createAction, "RunInstances"),
		r("marks in a call of another kind", "ec2:CreateTags", snap, wantsRestore, "r1", createAction, "CreateSnapshot"),
		r("tags without the mark", "ec2:CreateTags", newSnap, createAction, "CopySnapshot"),
		r("removes the mark", "ec2:DeleteTags", snap, hasRestore, "r1"),
		r("makes a volume of another snapshot", "ec2:CreateVolume", snap, owner, clean, wantsRestore, "r1", encrypted, "true"),
		r("makes an unmarked volume", "ec2:CreateVolume", in(clean, "volume/*"), encrypted, "true"),
		r("makes a plain volume", "ec2:CreateVolume", in(clean, "volume/*"), wantsRestore, "r1", encrypted, "false"),
		r("makes a volume elsewhere", "ec2:CreateVolume", in(other, "volume/*"), wantsRestore, "r1", hasRestore, "r1", encrypted, "true"),
		r("registers another snapshot", "ec2:RegisterImage", snap, owner, clean, wantsRestore, "r1"),
		r("registers an unmarked image", "ec2:RegisterImage", "arn:aws:ec2:us-east-1::image/*", hasRestore, "r1"),
		r("drops another image", "ec2:DeregisterImage", image, owner, clean),
		r("deletes another snapshot", "ec2:DeleteSnapshot", snap, owner, clean),
		r("deletes a marked snapshot elsewhere", "ec2:DeleteSnapshot", snap, owner, vault, hasRestore, "r1"),
		r("deletes an original", "ec2:DeleteSnapshot", snap, owner, clean, hasVault, vault),
		r("deletes a volume", "ec2:DeleteVolume", in(clean, "volume/vol-1"), hasRestore, "r1"),
		r("terminates an instance", "ec2:TerminateInstances", in(clean, "instance/i-1"), hasRestore, "r1"),
		r("shares on", "ec2:ModifySnapshotAttribute", snap, hasRestore, "r1", addUser, other),
		r("publishes an image", "ec2:ModifyImageAttribute", image, hasRestore, "r1"),
		r("reads blocks", "ebs:GetSnapshotBlock", snap, hasRestore, "r1"),
	}
}

func launchAttacks() []request {
	r := func(name, action, resource string, keys ...string) request {
		return request{name: "launch: " + name, who: restore5, action: action, resource: resource, keys: keys}
	}
	pass := func(name, role, service string) request {
		return r(name, "iam:PassRole", "arn:aws:iam::555555555555:role/"+role, "iam:PassedToService", service)
	}
	return []request{
		r("from a stranger's image", "ec2:RunInstances", image, owner, other, hasRestore, "r1", wantsRestore, "r1"),
		r("from an unmarked image", "ec2:RunInstances", image, owner, clean, wantsRestore, "r1"),
		r("an unmarked instance", "ec2:RunInstances", in(clean, "instance/*"), hasRestore, "r1", owner, clean),
		r("an unmarked volume", "ec2:RunInstances", in(clean, "volume/*"), hasRestore, "r1", owner, clean),
		r("in another account's subnet", "ec2:RunInstances", in(other, "subnet/subnet-1"), wantsRestore, "r1", hasRestore, "r1", owner, clean),
		r("from a launch template", "ec2:RunInstances", in(clean, "launch-template/lt-1"), wantsRestore, "r1", hasRestore, "r1", owner, clean),
		pass("with an administrator's role", "admin", "ec2.amazonaws.com"),
		pass("with the restore role itself", "snapkeep-restore", "ec2.amazonaws.com"),
		pass("a role for another service", "app", "lambda.amazonaws.com"),
		r("with a role for no service", "iam:PassRole", "arn:aws:iam::555555555555:role/app"),
		{name: "launch: pass a role where none is listed", who: restore6, action: "iam:PassRole", resource: "arn:aws:iam::666666666666:role/app", keys: []string{"iam:PassedToService", "ec2.amazonaws.com"}},
	}
}

// keyAttacks use keys outside EC2, for other services, for grants to people
// and where they are not named. The policies of the keys delegate to their
// account or, in other accounts, let everyone in: it is for the role's policy
// to refuse.
func keyAttacks() (rows []request) {
	for _, k := range []struct{ who, arn, policy string }{
		{backup1, key("us-east-1", first, "rekey-us"), "source-key." + first},
		{writer, vaultKeyUS, "delegating vault key"},
		{restore5, key("us-east-1", clean, "clean-us"), "restore-key." + clean},
		{restore6, key("us-east-1", drill, "drill"), "restore-key." + drill},
	} {
		who, home := k.who, k.who[len(k.who)-12:]
		r := func(name, action, arn, account string, keys ...string) {
			policy := k.policy
			if account != home {
				policy = "open key"
			}
			rows = append(rows, request{name: who + " " + name, who: who, action: action, resource: arn, owner: account, policy: policy, keys: keys})
		}
		for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"} {
			r(action+" by itself", action, k.arn, home)
			r(action+" through another service", action, k.arn, home, viaService, "s3.us-east-1.amazonaws.com")
		}
		r("grants to people", "kms:CreateGrant", k.arn, home, viaService, ec2East, grantForAWS, "false")
		r("grants by itself", "kms:CreateGrant", k.arn, home, grantForAWS, "true")
		r("grants through another service", "kms:CreateGrant", k.arn, home, grantForAWS, "true", viaService, "rds.us-east-1.amazonaws.com")
		r("uses a key it does not name", "kms:Decrypt", key("us-east-1", other, "open"), other, viaService, ec2East)
		r("grants on a key it does not name", "kms:CreateGrant", key("us-east-1", other, "open"), other, viaService, ec2East, grantForAWS, "true")
		r("looks at a key it does not name", "kms:DescribeKey", key("us-east-1", other, "open"), other)
		r("revokes grants", "kms:RevokeGrant", k.arn, home)
		r("deletes its key", "kms:ScheduleKeyDeletion", k.arn, home)
	}
	return rows
}

// keyPolicyAttacks are by administrators of their accounts, whom only the key
// policies hold back, and by our own roles beyond what a key policy gives them.
func keyPolicyAttacks() []request {
	source := key("us-east-1", first, "data")
	r := func(name, who, action, arn, account, policy string, keys ...string) request {
		return request{name: name, who: who, action: action, resource: arn, owner: account, policy: policy, keys: keys}
	}
	rows := []request{
		r("the writer changes a source key", "writer unbound", "kms:PutKeyPolicy", source, first, "source-key."+first),
		r("the writer changes its key", "writer unbound", "kms:PutKeyPolicy", vaultKeyUS, vault, "vault-key"),
		r("an unbound restorer encrypts", "restorer unbound", "kms:Encrypt", vaultKeyUS, vault, "vault-key", viaService, ec2East),
		r("a restorer changes the vault's key", "restorer unbound", "kms:PutKeyPolicy", vaultKeyUS, vault, "vault-key"),
	}
	for _, account := range []string{first, second} {
		for _, who := range []string{"vault admin", "stranger"} {
			arn, policy := key("us-east-1", account, "data"), "source-key."+account
			rows = append(rows,
				r(who+" decrypts with a source key of "+account, who, "kms:Decrypt", arn, account, policy, viaService, ec2East),
				r(who+" grants on a source key of "+account, who, "kms:CreateGrant", arn, account, policy, viaService, ec2East, grantForAWS, "true"),
				r(who+" looks at a source key of "+account, who, "kms:DescribeKey", arn, account, policy))
		}
	}
	for _, who := range []string{"vault admin", "vault root", "protected admin", "restore admin", "drill admin", "stranger"} {
		rows = append(rows,
			r(who+" decrypts with the vault's key", who, "kms:Decrypt", vaultKeyUS, vault, "vault-key", viaService, ec2East),
			r(who+" grants on the vault's key", who, "kms:CreateGrant", vaultKeyUS, vault, "vault-key", viaService, ec2East, grantForAWS, "true"),
			r(who+" looks at the vault's key", who, "kms:DescribeKey", vaultKeyUS, vault, "vault-key"),
			r(who+" changes the vault key's policy", who, "kms:PutKeyPolicy", vaultKeyUS, vault, "vault-key"),
			r(who+" deletes the vault's key", who, "kms:ScheduleKeyDeletion", vaultKeyUS, vault, "vault-key"))
	}
	for _, action := range []string{"kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial", "kms:Decrypt", "kms:CreateGrant"} {
		rows = append(rows, r("a key admin "+action, "key-admin", action, vaultKeyUS, vault, "vault-key", viaService, ec2East, grantForAWS, "true"))
	}
	for _, action := range []string{"kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial"} {
		rows = append(rows, r("a key policy that also delegates "+action, "vault admin", action, vaultKeyUS, vault, "vault-key and delegation"))
	}
	// The writer's and a restorer's own policies replaced by everything: the
	// key policies still hold them to EC2.
	for _, k := range []struct{ who, arn, account, policy string }{
		{"writer unbound", source, first, "source-key." + first},
		{"writer unbound", key("us-east-1", second, "data"), second, "source-key." + second},
		{"writer unbound", vaultKeyUS, vault, "vault-key"},
		{"restorer unbound", vaultKeyUS, vault, "vault-key"},
	} {
		at := k.who + " with a key of " + k.account
		rows = append(rows,
			r(at+": decrypts by itself", k.who, "kms:Decrypt", k.arn, k.account, k.policy),
			r(at+": decrypts through S3", k.who, "kms:Decrypt", k.arn, k.account, k.policy, viaService, "s3.us-east-1.amazonaws.com"),
			r(at+": called for another account", k.who, "kms:Decrypt", k.arn, k.account, k.policy, viaService, ec2East, "kms:CallerAccount", other),
			r(at+": grants to people", k.who, "kms:CreateGrant", k.arn, k.account, k.policy, viaService, ec2East, grantForAWS, "false"),
			r(at+": grants by itself", k.who, "kms:CreateGrant", k.arn, k.account, k.policy, grantForAWS, "true"))
	}
	return slices.Clip(rows)
}

func assumeAttacks() (rows []request) {
	for _, role := range []string{backup1, backup2, pruner1, "snapkeep-pruner." + second, writer, vpruner, sharer, restore5, restore6} {
		id := externalIDs[role[len(role)-12:]]
		rows = append(rows,
			assume("orchestrator", role, ""),
			assume("orchestrator", role, "guessed"),
			assume("vault admin", role, id),
			assume("stranger", role, id),
			assume("protected admin", role, id),
			assume(writer, role, id),
		)
	}
	wrong := assume("orchestrator", backup1, externalIDs[second])
	return append(rows, wrong,
		request{
			name: "the orchestrator assumes a role of the host's", who: "orchestrator", action: "sts:AssumeRole",
			resource: "arn:aws:iam::999999999999:role/admin", policy: "open trust", keys: []string{"sts:ExternalId", "x"},
		},
		request{name: "the orchestrator deletes a snapshot", who: "orchestrator", action: "ec2:DeleteSnapshot", resource: snap, keys: []string{hasVault, vault, owner, vault}},
		request{name: "the orchestrator tags its session", who: "orchestrator", action: "sts:TagSession", resource: "arn:aws:iam::111111111111:role/snapkeep-backup", owner: first, policy: backup1 + ".trust", keys: []string{"sts:ExternalId", externalIDs[first]}},
	)
}

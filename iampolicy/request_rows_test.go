package iampolicy_test

import (
	"slices"
	"strings"
)

// Who asks, and for what.
const (
	backup1  = "snapkeep-backup.111111111111"
	backup2  = "snapkeep-backup.222222222222"
	pruner1  = "snapkeep-pruner.111111111111"
	writer   = "snapkeep-vault-writer.999999999999"
	vpruner  = "snapkeep-vault-pruner.999999999999"
	sharer   = "snapkeep-vault-sharer.999999999999"
	restore5 = "snapkeep-restore.555555555555"
	restore6 = "snapkeep-restore.666666666666"

	vault  = "999999999999"
	first  = "111111111111"
	second = "222222222222"
	clean  = "555555555555"
	drill  = "666666666666"
	other  = "333333333333"

	snap    = "arn:aws:ec2:us-east-1::snapshot/snap-0a1b"
	newSnap = "arn:aws:ec2:us-east-1::snapshot/*"
	image   = "arn:aws:ec2:us-east-1::image/ami-0a1b"

	region       = "aws:RequestedRegion"
	owner        = "ec2:Owner"
	encrypted    = "ec2:Encrypted"
	createAction = "ec2:CreateAction"
	addUser      = "ec2:Add/userId"
	addGroup     = "ec2:Add/group"
	removeUser   = "ec2:Remove/userId"
	snapTime     = "ec2:SnapshotTime"
	viaService   = "kms:ViaService"
	grantForAWS  = "kms:GrantIsForAWSResource"
	ec2East      = "ec2.us-east-1.amazonaws.com"
	wantsVault   = "aws:RequestTag/snapkeep:vault"
	hasVault     = "aws:ResourceTag/snapkeep:vault"
	wantsRestore = "aws:RequestTag/snapkeep:restore"
	hasRestore   = "aws:ResourceTag/snapkeep:restore"
	hasRun       = "aws:ResourceTag/snapkeep:run"
)

func in(account, kind string) string { return "arn:aws:ec2:us-east-1:" + account + ":" + kind }

func key(region, account, id string) string {
	return "arn:aws:kms:" + region + ":" + account + ":key/" + id
}

// requests returns the table.
func requests() []request {
	allowed := slices.Concat(discoverRows(), snapshotRows(), shareRows(), rekeyRows(), copyRows(), pruneRows(),
		restoreRows(), keyRows(), assumeRows(), listRows(), regionRows())
	return slices.Concat(
		mark(true, "may", allowed),
		mark(false, "near", nearMisses(allowed)),
		mark(false, "not", discoverAttacks(), snapshotAttacks(), shareAttacks(), copyAttacks(), pruneAttacks(),
			restoreAttacks(), launchAttacks(), keyAttacks(), keyPolicyAttacks(), assumeAttacks(),
			regionAttacks()),
	)
}

func mark(want bool, word string, groups ...[]request) []request {
	rows := slices.Concat(groups...)
	for n := range rows {
		rows[n].want = want
		rows[n].name = word + ": " + rows[n].name
	}
	return rows
}

func discoverRows() (rows []request) {
	for _, list := range [][]string{
		{backup1, "ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots"},
		{backup2, "ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots"},
		{writer, "ec2:DescribeSnapshots"},
		{restore5, "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"},
	} {
		who := list[0]
		for _, action := range list[1:] {
			for _, r := range []string{"us-east-1", "eu-west-1"} {
				if who == backup2 && r != "us-east-1" {
					continue
				}
				rows = append(rows, request{name: who + " " + action + " in " + r, who: who, action: action, resource: "*", keys: []string{region, r}})
			}
		}
	}
	return append(rows,
		request{name: "look at a key of the account", who: backup1, action: "kms:DescribeKey", resource: key("us-east-1", first, "data"), policy: "source-key." + first},
		request{name: "look at a key without a rekey key", who: backup2, action: "kms:DescribeKey", resource: key("us-east-1", second, "data"), policy: "source-key." + second},
	)
}

func snapshotRows() (rows []request) {
	for _, who := range []string{backup1, backup2} {
		_, account, _ := strings.Cut(who, ".")
		rows = append(rows,
			request{name: who + " snapshots a volume", who: who, action: "ec2:CreateSnapshot", resource: in(account, "volume/vol-1")},
			request{name: who + " makes its snapshot", who: who, action: "ec2:CreateSnapshot", resource: newSnap, keys: []string{wantsVault, vault}},
			request{name: who + " tags its snapshot", who: who, action: "ec2:CreateTags", resource: newSnap, keys: []string{createAction, "CreateSnapshot", wantsVault, vault}},
			request{name: who + " snapshots an instance", who: who, action: "ec2:CreateSnapshots", resource: in(account, "instance/i-1")},
			request{name: who + " snapshots its volumes", who: who, action: "ec2:CreateSnapshots", resource: in(account, "volume/vol-1")},
			request{name: who + " makes its snapshots", who: who, action: "ec2:CreateSnapshots", resource: newSnap, keys: []string{wantsVault, vault}},
			request{name: who + " tags its snapshots", who: who, action: "ec2:CreateTags", resource: snap, keys: []string{createAction, "CreateSnapshots", wantsVault, vault}},
		)
	}
	return rows
}

func shareRows() (rows []request) {
	share := func(who, with string) {
		rows = append(rows,
			request{name: who + " shares with " + with, who: who, action: "ec2:ModifySnapshotAttribute", resource: snap, keys: []string{hasVault, vault, addUser, with}},
			request{name: who + " revokes from " + with, who: who, action: "ec2:ModifySnapshotAttribute", resource: snap, keys: []string{hasVault, vault, removeUser, with}},
		)
	}
	share(backup1, vault)
	share(backup2, vault)
	share(sharer, clean)
	share(sharer, drill)
	return rows
}

func rekeyRows() []request {
	return []request{
		{name: "rekey an own snapshot", who: backup1, action: "ec2:CopySnapshot", resource: snap, keys: []string{owner, first}},
		{name: "make the rekeyed copy", who: backup1, action: "ec2:CopySnapshot", resource: newSnap, keys: []string{wantsVault, vault, encrypted, "true"}},
		{name: "tag the rekeyed copy", who: backup1, action: "ec2:CreateTags", resource: newSnap, keys: []string{createAction, "CopySnapshot", wantsVault, vault}},
	}
}

func copyRows() (rows []request) {
	for _, from := range []string{first, second, vault} {
		rows = append(rows, request{name: "copy from " + from, who: writer, action: "ec2:CopySnapshot", resource: snap, keys: []string{owner, from}})
	}
	return append(rows,
		request{name: "make the copy", who: writer, action: "ec2:CopySnapshot", resource: newSnap, keys: []string{wantsVault, vault, encrypted, "true"}},
		request{name: "tag the copy", who: writer, action: "ec2:CreateTags", resource: newSnap, keys: []string{createAction, "CopySnapshot", wantsVault, vault}},
	)
}

func pruneRows() []request {
	old := []string{owner, vault, hasVault, vault, snapTime, "2026-02-28T02:00:00Z"}
	failed := []string{owner, vault, hasVault, vault, hasRun, cleanupRun}
	return []request{
		{name: "delete an own original", who: pruner1, action: "ec2:DeleteSnapshot", resource: snap, keys: []string{owner, first, hasVault, vault}},
		{name: "prune an old original", who: pruner1, action: "ec2:DeleteSnapshot", resource: snap, session: "prune-session", keys: []string{owner, first, hasVault, vault, snapTime, "2026-03-01T04:29:59Z"}},
		{name: "delete an own copy", who: vpruner, action: "ec2:DeleteSnapshot", resource: snap, keys: []string{owner, vault, hasVault, vault}},
		{name: "prune an old copy", who: vpruner, action: "ec2:DeleteSnapshot", resource: snap, session: "prune-session", keys: old},
		{name: "remove a failed copy", who: vpruner, action: "ec2:DeleteSnapshot", resource: snap, session: "cleanup-session", keys: failed},
		{name: "a prune session drops an own image", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "prune-session", keys: []string{owner, vault, hasVault, vault}},
		{name: "a cleanup session drops an image of its run", who: "vault admin", action: "ec2:DeregisterImage", resource: image, session: "cleanup-session", keys: failed},
	}
}

func restoreRows() []request {
	r := func(name, action, resource string, keys ...string) request {
		return request{name: name, who: restore5, action: action, resource: resource, keys: keys}
	}
	return []request{
		{name: "copy what the vault shares", who: restore5, action: "ec2:CopySnapshot", resource: snap, keys: []string{owner, vault}},
		r("copy into another Region", "ec2:CopySnapshot", snap, owner, clean),
		r("make the restore copy", "ec2:CopySnapshot", newSnap, wantsRestore, "r1", encrypted, "true"),
		r("tag the restore copy", "ec2:CreateTags", newSnap, createAction, "CopySnapshot", wantsRestore, "r1"),
		r("make a volume of a copy", "ec2:CreateVolume", snap, hasRestore, "r1"),
		r("make the volume", "ec2:CreateVolume", in(clean, "volume/*"), wantsRestore, "r1", encrypted, "true"),
		r("tag the volume", "ec2:CreateTags", in(clean, "volume/*"), createAction, "CreateVolume", wantsRestore, "r1"),
		r("register a copy", "ec2:RegisterImage", snap, hasRestore, "r1"),
		r("register the image", "ec2:RegisterImage", "arn:aws:ec2:us-east-1::image/*", wantsRestore, "r1"),
		r("tag the image", "ec2:CreateTags", "arn:aws:ec2:us-east-1::image/*", createAction, "RegisterImage", wantsRestore, "r1"),
		r("start from the image", "ec2:RunInstances", image, owner, clean, hasRestore, "r1"),
		r("start the instance", "ec2:RunInstances", in(clean, "instance/*"), wantsRestore, "r1"),
		r("start with the volume", "ec2:RunInstances", in(clean, "volume/*"), wantsRestore, "r1"),
		r("start with an interface", "ec2:RunInstances", in(clean, "network-interface/*")),
		r("start in a subnet", "ec2:RunInstances", in(clean, "subnet/subnet-1")),
		r("start in a security group", "ec2:RunInstances", in(clean, "security-group/sg-1")),
		r("start with a key pair", "ec2:RunInstances", in(clean, "key-pair/ops")),
		r("tag the instance", "ec2:CreateTags", in(clean, "instance/i-1"), createAction, "RunInstances", wantsRestore, "r1"),
		r("pass the app role", "iam:PassRole", "arn:aws:iam::555555555555:role/app", "iam:PassedToService", "ec2.amazonaws.com"),
		r("pass the web role", "iam:PassRole", "arn:aws:iam::555555555555:role/web", "iam:PassedToService", "ec2.amazonaws.com"),
		r("drop the image", "ec2:DeregisterImage", image, hasRestore, "r1"),
		r("delete the restore copy", "ec2:DeleteSnapshot", snap, owner, clean, hasRestore, "r1"),
	}
}

// copyKeyRows are the seven things a copy needs of a key.
func copyKeyRows(who, arn, policy string) []request {
	account := strings.Split(arn, ":")[4]
	row := func(action string, keys ...string) request {
		return request{name: who + " " + action + " " + arn + " under " + policy, who: who, action: action, resource: arn, owner: account, policy: policy, keys: keys}
	}
	rows := []request{row("kms:DescribeKey"), row("kms:CreateGrant", grantForAWS, "true", viaService, ec2East)}
	for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"} {
		rows = append(rows, row(action, viaService, ec2East))
	}
	return rows
}

var vaultKeyUS, vaultKeyEU = key("us-east-1", vault, "vault-us"), key("eu-west-1", vault, "vault-eu")

func keyRows() []request {
	rows := slices.Concat(
		copyKeyRows(backup1, key("us-east-1", first, "rekey-us"), "source-key."+first),
		copyKeyRows(backup1, key("eu-west-1", first, "rekey-eu"), "source-key."+first),
		copyKeyRows(writer, key("us-east-1", first, "data"), "source-key."+first),
		copyKeyRows(writer, key("us-east-1", first, "rekey-us"), "source-key."+first),
		copyKeyRows(writer, key("eu-west-1", first, "rekey-eu"), "source-key."+first),
		copyKeyRows(writer, key("us-east-1", second, "data"), "source-key."+second),
		copyKeyRows(writer, vaultKeyUS, "vault-key"),
		copyKeyRows(writer, vaultKeyUS, "delegating vault key"),
		copyKeyRows(writer, vaultKeyEU, "delegating vault key"),
		copyKeyRows(restore5, vaultKeyUS, "vault-key"),
		copyKeyRows(restore5, vaultKeyEU, "vault-key"),
		copyKeyRows(restore5, key("us-east-1", clean, "clean-us"), "restore-key."+clean),
		copyKeyRows(restore5, key("eu-west-1", clean, "clean-eu"), "restore-key."+clean),
		copyKeyRows(restore6, vaultKeyUS, "vault-key"),
		copyKeyRows(restore6, key("us-east-1", drill, "drill"), "restore-key."+drill),
	)
	for _, action := range []string{
		"kms:CancelKeyDeletion", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
		"kms:ListGrants", "kms:ListKeyPolicies", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:TagResource", "kms:UpdateKeyDescription",
	} {
		for _, who := range []string{"key-admin", "key-admin-2"} {
			rows = append(rows, request{name: who + " " + action, who: who, action: action, resource: vaultKeyUS, policy: "vault-key"})
		}
	}
	return append(rows,
		request{name: "a source key is its account's", who: "protected admin", action: "kms:PutKeyPolicy", resource: key("us-east-1", first, "data"), policy: "source-key." + first},
		request{name: "a restore key is its account's", who: "restore admin", action: "kms:DisableKey", resource: key("us-east-1", clean, "clean-us"), policy: "restore-key." + clean})
}

var externalIDs = map[string]string{
	first: "first-9b2d", second: "second-44f0", vault: "vault-7c1e", clean: "restore-e81a", drill: "drill-02aa",
}

func assumeRows() (rows []request) {
	for _, role := range []string{
		backup1, backup2, pruner1, "snapkeep-pruner." + second, writer, vpruner, sharer, restore5, restore6,
	} {
		rows = append(rows, assume("orchestrator", role, externalIDs[role[len(role)-12:]]))
	}
	return rows
}

func assume(who, role, externalID string) request {
	name, account, _ := strings.Cut(role, ".")
	r := request{
		name: who + " assumes " + role + " with " + externalID, who: who, action: "sts:AssumeRole",
		resource: "arn:aws:iam::" + account + ":role/" + name, owner: account, policy: role + ".trust",
	}
	if externalID != "" {
		r.keys = []string{"sts:ExternalId", externalID}
	}
	return r
}

package iampolicy_test

// listRows are what pruning looks at beside snapshots.
func listRows() (rows []request) {
	for who, regions := range map[string][]string{backup1: {"us-east-1", "eu-west-1"}, backup2: {"us-east-1"}, writer: {"us-east-1", "eu-west-1"}} {
		for _, action := range []string{
			"ec2:DescribeImages", "ec2:DescribeLockedSnapshots", "ec2:DescribeSnapshotTierStatus", "ec2:ListSnapshotsInRecycleBin",
		} {
			for _, r := range regions {
				rows = append(rows, request{name: who + " " + action + " in " + r, who: who, action: action, resource: "*", keys: []string{region, r}})
			}
		}
	}
	return rows
}

// makesThere are the calls by which something is made in a Region.
func makesThere(where string) (rows []request) {
	for who, account := range map[string]string{backup1: first, backup2: second} {
		rows = append(rows, request{
			name: who + " snapshots in " + where, who: who, action: "ec2:CreateSnapshot",
			resource: "arn:aws:ec2:" + where + ":" + account + ":volume/vol-1",
		})
	}
	for _, who := range []string{backup1, writer} {
		rows = append(rows, request{
			name: who + " copies to " + where, who: who, action: "ec2:CopySnapshot",
			resource: "arn:aws:ec2:" + where + "::snapshot/*", keys: []string{wantsVault, vault, "ec2:Encrypted", "true"},
		})
	}
	return rows
}

// regionRows are in the Regions of the installation.
func regionRows() (rows []request) {
	for _, r := range makesThere("eu-west-1") {
		if r.who != backup2 {
			rows = append(rows, r)
		}
	}
	return rows
}

// regionAttacks use a role where nobody looks.
func regionAttacks() (rows []request) {
	rows = makesThere("ap-south-2")
	for _, r := range makesThere("eu-west-1") {
		if r.who == backup2 {
			rows = append(rows, r)
		}
	}
	return rows
}

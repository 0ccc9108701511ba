package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// The role that deletes copies in the vault, ready to be created.
func ExampleInstallation() {
	i := iampolicy.Installation{
		Vault:        "999999999999",
		Orchestrator: "arn:aws:iam::999999999999:role/backup-orchestrator",
		ExternalID:   "vault-7c1e",
		Regions:      []string{"eu-west-1"},
		VaultKeys:    []string{"arn:aws:kms:eu-west-1:999999999999:key/6f1c9a58-5f0e-4e9d-9d55-0f6f2c1b7a10"},
		KeyAdmins:    []string{"arn:aws:iam::999999999999:role/key-admin"},
		Protected: []iampolicy.Protected{{
			Account: "111111111111", ExternalID: "first-9b2d", Regions: []string{"eu-west-1"},
		}},
	}
	role, err := i.VaultPruner()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(role.ARN(i.Partition))
	for _, doc := range []*iampolicy.Document{role.Trust, role.Policy} {
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(text))
	}
	fmt.Println(role.Reasons["DeleteOwn"])
	// Output:
	// arn:aws:iam::999999999999:role/snapkeep-vault-pruner
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Sid": "Orchestrator",
	//       "Effect": "Allow",
	//       "Principal": {
	//         "AWS": "arn:aws:iam::999999999999:role/backup-orchestrator"
	//       },
	//       "Action": "sts:AssumeRole",
	//       "Condition": {
	//         "StringEquals": {
	//           "sts:ExternalId": "vault-7c1e"
	//         }
	//       }
	//     }
	//   ]
	// }
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Sid": "DeleteOwn",
	//       "Effect": "Allow",
	//       "Action": "ec2:DeleteSnapshot",
	//       "Resource": "arn:aws:ec2:*::snapshot/snap-*",
	//       "Condition": {
	//         "StringEquals": {
	//           "aws:ResourceTag/snapkeep:vault": "999999999999",
	//           "ec2:Owner": "999999999999"
	//         }
	//       }
	//     }
	//   ]
	// }
	// Only the vault's own snapshots are deleted; which of them, and how old at least, each prune says in its session policy.
}

// What one prune may delete at most: what is older than the minimum age.
func ExamplePruneSession() {
	now := time.Date(2026, 3, 8, 2, 0, 0, 0, time.UTC)
	policy, err := json.Marshal(iampolicy.PruneSession("", "999999999999", now.AddDate(0, 0, -7)))
	fmt.Println(string(policy), err)
	// Output:
	// {"Version":"2012-10-17","Statement":[{"Sid":"DeleteOld","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:aws:ec2:*::snapshot/snap-*","Condition":{"DateLessThan":{"ec2:SnapshotTime":"2026-03-01T02:00:00Z"},"StringEquals":{"aws:ResourceTag/snapkeep:vault":"999999999999"}}},{"Sid":"DropImages","Effect":"Allow","Action":"ec2:DeregisterImage","Resource":"arn:aws:ec2:*::image/ami-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"999999999999"}}}]} <nil>
}

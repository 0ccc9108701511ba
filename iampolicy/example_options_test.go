package iampolicy_test

import (
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// small is an installation with one protected account.
func small() iampolicy.Installation {
	return iampolicy.Installation{
		Vault: "999999999999", Orchestrator: "arn:aws:iam::999999999999:role/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{"eu-west-1"}, VaultKeys: []string{"arn:aws:kms:eu-west-1:999999999999:key/vault"},
		KeyAdmins: []string{"arn:aws:iam::999999999999:role/key-admin"},
		Protected: []iampolicy.Protected{{Account: "111111111111", ExternalID: "first-9b2d", Regions: []string{"eu-west-1"}}},
	}
}

// What a protected account's administrators cannot do under the guard.
func ExampleInstallation_ProtectedGuard() {
	guard, err := small().ProtectedGuard("111111111111")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range guard.Statements {
		fmt.Println(s.Effect, s.Sid)
	}
	fmt.Println("fits into a service control policy:", guard.Size() <= iampolicy.SCPLimit)
	// Output:
	// Deny OwnSnapshotsUntouchable
	// Deny TagReserved
	// Deny RolesUntouchable
	// Deny ManagedPoliciesUntouchable
	// Deny PublicAccessBlocked
	// Deny NeverLeave
	// fits into a service control policy: true
}

// Options add to the roles what they need and nothing else.
func ExampleInstallation_TargetBackup() {
	i := small()
	p := &i.Protected[0]
	p.OnlyTagged = map[string]string{"backup": "yes"}
	p.Documents = []string{"arn:aws:ssm:eu-west-1:111111111111:document/freeze-database"}
	role, err := i.TargetBackup("111111111111")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(role.Reasons["RunListedDocuments"])
	fmt.Println(role.Reasons["RunOnTaggedInstances"])
	// Output:
	// Applications are brought to rest around a snapshot by these documents and no other script.
	// Documents run on instances that are backed up and on no other.
}

// A session of the vault's pruner for one plan.
func ExamplePlanSession_Policy() {
	s := iampolicy.PlanSession{
		Vault: "999999999999", Account: "999999999999", Plan: "nightly",
		Before: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC),
	}
	doc, err := s.Policy("vault-pruner")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range doc.Statements[0].Conditions {
		fmt.Println(c.Operator, c.Key, c.Values.Values)
	}
	// Output:
	// DateLessThan ec2:SnapshotTime [2026-03-01T02:00:00Z]
	// StringEquals aws:ResourceTag/snapkeep:plan [nightly]
	// StringEquals aws:ResourceTag/snapkeep:vault [999999999999]
}

package preflight_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// simulatedPair is a vault and a shop that it protects, on the simulated AWS,
// with all generated roles and key policies in place.
func simulatedPair(cloud *backuptest.Cloud) (*accounts.Sessions, iampolicy.Installation, error) {
	ctx := context.Background()
	vaultKey, err := cloud.AddKey(vault, frankfurt, nil)
	if err != nil {
		return nil, iampolicy.Installation{}, err
	}
	root := &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + vault + ":root")}}
	cloud.PutRole(vault, backuptest.Role{Name: "key-admin", Trust: &iampolicy.Document{
		Version: iampolicy.Version, Statements: []iampolicy.Statement{{Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"), Principal: root}},
	}})
	in := iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{frankfurt}, VaultKeys: []string{vaultKey}, KeyAdmins: []string{"arn:aws:iam::" + vault + ":role/key-admin"},
		Protected: []iampolicy.Protected{{Account: shop, ExternalID: "shop-9b2d", Regions: []string{dublin}}},
	}
	policy, err := in.OrchestratorPolicy()
	if err != nil {
		return nil, in, err
	}
	base := cloud.Config(cloud.User(vault, "orchestrator", policy), frankfurt)
	roles, err := in.Roles()
	if err != nil {
		return nil, in, err
	}
	externalIDs := map[string]string{vault: in.ExternalID, shop: "shop-9b2d"}
	purposes := map[string]map[accounts.Purpose][]accounts.Role{vault: {}, shop: {}}
	for _, r := range roles {
		cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		purposes[r.Account][accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(""), ExternalID: externalIDs[r.Account]}}
	}
	keyPolicy, err := in.VaultKeyPolicy()
	if err != nil {
		return nil, in, err
	}
	// The auditor of the examples is root, and may read the policy too.
	keyPolicy.Statements = append(keyPolicy.Statements, iampolicy.Statement{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:GetKeyPolicy"), Resources: iampolicy.Of("*"), Principal: root,
	})
	text, err := json.Marshal(keyPolicy)
	if err != nil {
		return nil, in, err
	}
	if _, err = kms.NewFromConfig(cloud.Config(cloud.Root(vault), frankfurt)).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(vaultKey), Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	}); err != nil {
		return nil, in, err
	}
	sessions, err := accounts.New(base, []accounts.Account{
		{ID: vault, Purposes: purposes[vault]}, {ID: shop, Purposes: purposes[shop]},
	}, accounts.Options{})
	return sessions, in, err
}

func ExampleCheck() {
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		sessions, installation, err := simulatedPair(cloud)
		if err != nil {
			fmt.Println(err)
			return
		}
		opts := preflight.Options{Auditor: func(_ context.Context, id accounts.ID, region string) (aws.Config, error) {
			return cloud.Config(cloud.Root(id), region), nil
		}}
		report, err := preflight.Check(context.Background(), sessions, installation, opts)
		fmt.Println(report.OK(), err)

		// Somebody saves the trust policy of the shop's pruner without the
		// external id.
		role, _ := installation.TargetPruner(shop)
		role.Trust.Statements[0].Conditions = nil
		cloud.PutRole(shop, backuptest.Role{Name: role.Name, Trust: role.Trust, Policies: []*iampolicy.Document{role.Policy}})
		report, err = preflight.Check(context.Background(), sessions, installation, opts)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, f := range report.Problems() {
			fmt.Println(f.Outcome, f.Account, f.Purpose, f.Check)
			fmt.Println(f.Evidence)
			fmt.Println(f.Remedy)
		}
	})
	// Output:
	// true <nil>
	// wrong 111111111111 pruner external-id
	// the role was assumed without an external id and with a wrong external id
	// demand it in the role's trust policy: "Condition": {"StringEquals": {"sts:ExternalId": …}}
}

func ExampleReport() {
	report := preflight.Report{Findings: []preflight.Finding{
		{
			Check: preflight.Identity, Outcome: preflight.OK, Account: "111111111111", Purpose: accounts.Backup,
			Evidence: "arn:aws:sts::111111111111:assumed-role/snapkeep-backup/snapkeep",
		},
		{
			Check: preflight.KeyState, Outcome: preflight.Wrong, Account: "111111111111",
			Subject: "arn:aws:kms:eu-west-1:111111111111:key/data", Evidence: "the key is Disabled", Remedy: "enable the key",
		},
	}}
	fmt.Print(report.String())
	text, err := json.Marshal(report.Problems()[0])
	fmt.Println(string(text), err)
	// Output:
	// OUTCOME  ACCOUNT       PURPOSE  CHECK      EVIDENCE
	// ok       111111111111  backup   identity   arn:aws:sts::111111111111:assumed-role/snapkeep-backup/snapkeep
	// wrong    111111111111  -        key-state  arn:aws:kms:eu-west-1:111111111111:key/data: the key is Disabled
	//          → enable the key
	// 1 ok, 1 wrong, 0 unknown
	// {"check":"key-state","outcome":"wrong","account":"111111111111","subject":"arn:aws:kms:eu-west-1:111111111111:key/data","evidence":"the key is Disabled","remedy":"enable the key"} <nil>
}

func ExampleProbes() {
	fmt.Println(preflight.Probes()[:4], len(preflight.Probes()))
	// Output: [installation base-credentials account-state declared] 21
}

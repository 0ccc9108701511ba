package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

const (
	vault  = "999999999999"
	shop   = "111111111111"
	region = "eu-west-1"
)

// simulate plays it on the simulated AWS: a vault that is there, and an
// account that comes under its protection.
func simulate(ctx context.Context, format string, out io.Writer) error {
	cloud := backuptest.New(backuptest.Options{})
	in, base, err := newVault(ctx, cloud)
	if err != nil {
		return err
	}
	t, err := in.Template(shop)
	if err != nil {
		return err
	}
	text, err := render(t, format)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "== What creates the roles in account %s\n\n%s\n", shop, text)

	sessions, err := declare(base, in)
	if err != nil {
		return err
	}
	opts := preflight.Options{Auditor: func(_ context.Context, id accounts.ID, region string) (aws.Config, error) {
		return cloud.Config(cloud.Root(id), region), nil
	}}
	fmt.Fprint(out, "== The preflight before that\n\n")
	if err := look(ctx, sessions, in, opts, time.Second, 0, out); !errors.Is(err, errNotYet) {
		return fmt.Errorf("a preflight without roles: %w", err)
	}
	fmt.Fprint(out, "\n== The roles are created, as CloudFormation does it\n\n")
	if err := deploy(ctx, cloud.Config(cloud.User(shop, "admin", backuptest.Admin()), region), shop, t.CloudFormationJSON()); err != nil {
		return err
	}
	fmt.Fprint(out, "== The preflight after that\n\n")
	return look(ctx, sessions, in, opts, 20*time.Second, 30*time.Minute, out)
}

// newVault makes the vault: its key, its roles and its orchestrator, whose
// config is returned.
func newVault(ctx context.Context, cloud *backuptest.Cloud) (in iampolicy.Installation, base aws.Config, err error) {
	key, err := cloud.AddKey(vault, region, nil)
	if err != nil {
		return in, base, err
	}
	derive, err := accounts.DeriveExternalIDs([]byte("a secret that the host keeps"))
	if err != nil {
		return in, base, err
	}
	cloud.PutRole(vault, backuptest.Role{Name: "key-admin", Trust: &iampolicy.Document{
		Version: iampolicy.Version, Statements: []iampolicy.Statement{{
			Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"), Principal: rootOf(vault),
		}},
	}})
	in = iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: derive(vault),
		Regions: []string{region}, VaultKeys: []string{key}, KeyAdmins: []string{"arn:aws:iam::" + vault + ":role/key-admin"},
		Protected: []iampolicy.Protected{{Account: shop, ExternalID: derive(shop), Regions: []string{region}}},
	}
	policy, err := in.OrchestratorPolicy()
	if err != nil {
		return in, base, err
	}
	base = cloud.Config(cloud.User(vault, "orchestrator", policy), region)
	t, err := in.Template(vault)
	if err != nil {
		return in, base, err
	}
	root := cloud.Config(cloud.Root(vault), region)
	if err := deploy(ctx, root, vault, t.CloudFormationJSON()); err != nil {
		return in, base, err
	}
	return in, base, putKeyPolicy(ctx, root, key, in)
}

// putKeyPolicy gives the vault's key its policy, which the auditor of this
// program, the root user, may read too.
func putKeyPolicy(ctx context.Context, root aws.Config, key string, in iampolicy.Installation) error {
	policy, err := in.VaultKeyPolicy()
	if err != nil {
		return err
	}
	policy.Statements = append(policy.Statements, iampolicy.Statement{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:GetKeyPolicy"), Resources: iampolicy.Of("*"),
		Principal: rootOf(vault),
	})
	text, err := json.Marshal(policy)
	if err != nil {
		return err
	}
	_, err = kms.NewFromConfig(root).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(key), Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	return err
}

// rootOf stands for the principals of an account that its own policies allow.
func rootOf(account string) *iampolicy.Principals {
	return &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + account + ":root")}}
}

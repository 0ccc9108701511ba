package story

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// makeKeysAndRoles does what an administrator does once: keys, the generated
// key policies, the generated roles.
func (w *World) makeKeysAndRoles(ctx context.Context) error {
	keys := map[string]string{}
	for _, k := range []struct {
		name    string
		account accounts.ID
		region  string
	}{
		{"vault", vault, home},
		{"shop", shop, dublin},
		{"bank", bank, virginia},
		{"rekey", bank, virginia},
		{"clean", clean, virginia},
	} {
		arn, err := w.makeKey(ctx, k.account, k.region)
		if err != nil {
			return err
		}
		keys[k.name] = arn
	}
	w.vaultKey, w.cleanKey = keys["vault"], keys["clean"]
	w.sourceKeys = map[accounts.ID]string{shop: keys["shop"], bank: keys["bank"]}
	w.Install = iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: externalID(vault),
		Regions: []string{home}, VaultKeys: []string{w.vaultKey},
		KeyAdmins: []string{"arn:aws:iam::" + vault + ":role/key-admin"},
		Protected: []iampolicy.Protected{
			{Account: shop, ExternalID: externalID(shop), Regions: []string{dublin}, SourceKeys: []string{keys["shop"]}},
			{
				Account: bank, ExternalID: externalID(bank), Regions: []string{virginia},
				SourceKeys: []string{keys["bank"]}, RekeyKeys: []string{keys["rekey"]},
			},
		},
		Restore: []iampolicy.RestoreAccount{{
			Account: clean, ExternalID: externalID(clean), Regions: []string{virginia}, Keys: []string{w.cleanKey},
		}},
	}
	if err := w.installRoles(); err != nil {
		return err
	}
	if err := w.installKeyPolicies(ctx, keys); err != nil {
		return err
	}
	plan, err := w.plan(keys["rekey"])
	w.Plan = plan
	return err
}

func (w *World) makeKey(ctx context.Context, account accounts.ID, region string) (string, error) {
	out, err := kms.NewFromConfig(w.config(w.admin(account), region)).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", fmt.Errorf("key in %s/%s: %w", account, region, err)
	}
	return aws.ToString(out.KeyMetadata.Arn), nil
}

// installRoles creates the generated roles and gives the orchestrator the
// right to assume just those.
func (w *World) installRoles() error {
	w.Cloud.PutRole(vault, backuptest.Role{Name: "key-admin", Trust: trustOwn(vault)})
	orchestrator, err := w.Install.OrchestratorPolicy()
	if err != nil {
		return err
	}
	w.Cloud.User(vault, "orchestrator", orchestrator)
	roles, err := w.Install.Roles()
	if err != nil {
		return err
	}
	for _, r := range roles {
		w.putRole(r)
	}
	return nil
}

// putRole creates a role, or gives the one of that name other policies.
func (w *World) putRole(r iampolicy.Role) {
	w.roles[r.Account+"/"+r.Name] = r
	w.Cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
}

func (w *World) installKeyPolicies(ctx context.Context, keys map[string]string) error {
	for _, k := range []struct {
		name    string
		account accounts.ID
		region  string
		policy  func() (*iampolicy.Document, error)
	}{
		{"vault", vault, home, w.Install.VaultKeyPolicy},
		{"shop", shop, dublin, func() (*iampolicy.Document, error) { return w.Install.SourceKeyPolicy(shop) }},
		{"bank", bank, virginia, func() (*iampolicy.Document, error) { return w.Install.SourceKeyPolicy(bank) }},
		{"rekey", bank, virginia, func() (*iampolicy.Document, error) { return w.Install.SourceKeyPolicy(bank) }},
		{"clean", clean, virginia, func() (*iampolicy.Document, error) { return w.Install.RestoreKeyPolicy(clean) }},
	} {
		policy, err := k.policy()
		if err != nil {
			return err
		}
		if err := w.putKeyPolicy(ctx, w.admin(k.account), keys[k.name], k.region, policy); err != nil {
			return fmt.Errorf("policy of the %s key: %w", k.name, err)
		}
	}
	return nil
}

// putKeyPolicy skips the lock-out check: the vault key's policy takes the
// rights from whoever installs it, on purpose.
func (w *World) putKeyPolicy(ctx context.Context, who aws.CredentialsProvider, key, region string, policy *iampolicy.Document) error {
	text, err := json.Marshal(policy)
	if err != nil {
		return err
	}
	_, err = kms.NewFromConfig(w.config(who, region)).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(key), Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	return err
}

// putVaultKeyPolicy changes the vault key's policy as the one who may: the
// vault's key administrator.
func (w *World) putVaultKeyPolicy(ctx context.Context, policy *iampolicy.Document) error {
	out, err := sts.NewFromConfig(w.config(w.admin(vault), home)).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + vault + ":role/key-admin"), RoleSessionName: aws.String("key-admin"),
	})
	if err != nil {
		return err
	}
	return w.putKeyPolicy(ctx, staticCredentials(out.Credentials), w.vaultKey, home, policy)
}

func staticCredentials(c *ststypes.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(
		aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken))
}

// trustOwn lets an account's own principals assume a role.
func trustOwn(account accounts.ID) *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect:    iampolicy.Allow,
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + string(account) + ":root")}},
		Actions:   iampolicy.Of("sts:AssumeRole"),
	}}}
}

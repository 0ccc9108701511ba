package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// vault looks whether the vault is closed to the accounts that it protects:
// who takes one of them over must not reach a copy from there.
func (v *visit) vault(ctx context.Context) (findings []Finding) {
	if len(v.in.Protected) == 0 {
		return nil
	}
	own := v.entered[0]
	findings = append(findings, v.vaultTrust(ctx, own))
	for _, arn := range v.in.VaultKeys {
		findings = append(findings, v.vaultKey(ctx, own, arn))
	}
	return append(findings, v.vaultShares(ctx)...)
}

// vaultTrust reads the trust policies of all roles of the vault.
func (v *visit) vaultTrust(ctx context.Context, own *entry) Finding {
	f := Finding{Check: VaultTrust, Outcome: OK, Account: own.account()}
	cfg, err := v.auditor(ctx, own.account(), v.open[0], own.configs[own.regions[0]])
	if err != nil {
		f.Outcome, f.Evidence, f.Remedy = Unknown, err.Error(), askAuditor
		return f
	}
	var named, unread []string
	count := 0
	for pages := iam.NewListRolesPaginator(v.clients.iam(cfg), &iam.ListRolesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.Outcome, f.Evidence, f.Remedy = Unknown, "iam:ListRoles: "+brief(err), askAuditor
			return f
		}
		for _, role := range page.Roles {
			count++
			trust, err := iampolicy.ParseURLEncoded(aws.ToString(role.AssumeRolePolicyDocument))
			if err != nil {
				unread = append(unread, aws.ToString(role.Arn))
				continue
			}
			for _, who := range v.protectedIn(trust, nil, aws.ToString(role.Arn)) {
				named = append(named, aws.ToString(role.Arn)+" trusts "+who)
			}
		}
	}
	switch {
	case len(named) > 0:
		f.Outcome, f.Evidence = Wrong, strings.Join(named, "; ")
		f.Remedy = "take it out of the role's trust policy: who holds the protected account could enter the vault"
	case len(unread) > 0:
		f.Outcome, f.Evidence, f.Remedy = Unknown, "trust policies that cannot be read: "+strings.Join(unread, ", "), "look at them"
	default:
		f.Evidence = fmt.Sprintf("none of %d roles trusts a protected account", count)
	}
	return f
}

// vaultKey reads the policy of one of the vault's keys. Restore roles may be
// named in it, in a protected account too.
func (v *visit) vaultKey(ctx context.Context, own *entry, arn string) Finding {
	f := Finding{Check: VaultKeyPolicy, Outcome: OK, Account: own.account(), Subject: arn}
	document, err := v.readKeyPolicy(ctx, arn, own.configs[own.regions[0]])
	if err != nil {
		f.Outcome, f.Evidence, f.Remedy = Unknown, "not read: "+brief(err), askAuditor
		return f
	}
	var meant []string
	if generated, err := v.in.VaultKeyPolicy(); err == nil {
		meant = namedPrincipals(generated)
	}
	if named := v.protectedIn(document, meant, arn); len(named) > 0 {
		f.Outcome, f.Evidence = Wrong, "it names "+strings.Join(named, ", ")
		f.Remedy = "take it out of the key's policy: a protected account has no business with the vault's keys"
		return f
	}
	f.Evidence = "it names no protected account"
	return f
}

// protectedIn returns the principals of protected accounts that a policy lets
// in, but those that are meant to be; "everyone" if it may let strangers in.
func (v *visit) protectedIn(d *iampolicy.Document, meant []string, resource string) (named []string) {
	for _, who := range namedPrincipals(d) {
		if v.protected(accountOf(who)) != nil && !slices.Contains(meant, who) {
			named = append(named, who)
		}
	}
	if len(named) == 0 && letsStrangersIn(d, resource) {
		named = append(named, "everyone")
	}
	return named
}

// vaultShares looks for snapshots of the vault that a protected account, or
// everyone, may copy. An account that is restored into may have shares.
func (v *visit) vaultShares(ctx context.Context) (findings []Finding) {
	i := slices.IndexFunc(v.entered, func(e *entry) bool { return e.purpose() == accounts.VaultWriter })
	if i < 0 {
		return nil // that the writer is missing is a finding of its own
	}
	writer := v.entered[i]
	audience := []string{"all"}
	for _, p := range v.in.Protected {
		if !slices.ContainsFunc(v.in.Restore, func(r iampolicy.RestoreAccount) bool { return r.Account == p.Account }) {
			audience = append(audience, p.Account)
		}
	}
	for _, region := range v.openRegions(writer) {
		f := Finding{Check: VaultShare, Outcome: OK, Account: writer.account(), Regions: []string{region}, Evidence: "no snapshot is shared with a protected account or with everyone"}
		client := v.clients.ec2(writer.configs[region])
		for _, who := range audience {
			shared, err := sharedTo(ctx, client, who)
			if err != nil {
				f.Outcome, f.Evidence, f.Remedy = Unknown, "ec2:DescribeSnapshots: "+brief(err), remedies[Permission]
				break
			}
			if shared != "" {
				f.Outcome, f.Subject, f.Evidence = Wrong, shared, "is shared with "+who
				f.Remedy = "take the share back (ModifySnapshotAttribute), and look for others"
				break
			}
		}
		findings = append(findings, f)
	}
	return findings
}

// sharedTo returns one snapshot of the account that another may restore, or "".
func sharedTo(ctx context.Context, client *ec2.Client, who string) (string, error) {
	pages := ec2.NewDescribeSnapshotsPaginator(client, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, RestorableByUserIds: []string{who}, MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		if len(page.Snapshots) > 0 {
			return aws.ToString(page.Snapshots[0].SnapshotId), nil
		}
	}
	return "", nil
}

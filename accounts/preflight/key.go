package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// keys looks at every key that a role's generated policy names: whether it is
// fit for use, and whether its policy lets the role make the calls of a copy.
func (v *visit) keys(ctx context.Context, e *entry) (findings []Finding) {
	var arns []string
	for _, n := range needsOf(e.role, e.regions[0]) {
		if strings.HasPrefix(n.action, "kms:") && baseName(n.resource) != anyKey {
			arns = appendOnce(arns, n.resource)
		}
	}
	for _, arn := range arns {
		if !v.reachable(accountOf(arn), regionOf(arn)) || !v.reachable(e.role.Account, regionOf(arn)) {
			continue
		}
		needs := needsOf(e.role, regionOf(arn)) // where EC2 uses the key
		needs = slices.DeleteFunc(needs, func(n need) bool { return n.resource != arn })
		findings = append(findings, v.key(ctx, e, arn, needs)...)
	}
	return findings
}

// key looks at one key.
func (v *visit) key(ctx context.Context, e *entry, arn string, needs []need) []Finding {
	state := Finding{Check: KeyState, Account: accounts.ID(accountOf(arn)), Subject: arn}
	document, unread := v.readKeyPolicy(ctx, arn, e.configs[e.regions[0]])
	key, refused := v.describe(ctx, regional(e.configs[e.regions[0]], arn), arn)
	if awserr.Classify(unread) == awserr.NotFound || awserr.Classify(refused) == awserr.NotFound {
		state.Outcome, state.Evidence, state.Remedy = Wrong, "there is no such key", "name the ARN of a key that there is"
		return []Finding{state}
	}
	policy := v.keyPolicy(e, arn, needs, document, unread)
	if d, denied := denialOf(refused); denied && !policy.wrong() {
		policy = overruled(policy, d)
	}
	if refused != nil {
		if cfg, err := v.auditor(ctx, state.Account, regionOf(arn), e.configs[e.regions[0]]); err == nil {
			key, refused = v.describe(ctx, regional(cfg, arn), arn)
		}
	}
	switch {
	case refused == nil:
		state.Outcome, state.Evidence, state.Remedy = fitness(key)
	case policy.wrong():
		return []Finding{policy} // which is why the state is not seen
	default:
		state.Evidence, state.Remedy = "kms:DescribeKey: "+brief(refused), askAuditor
	}
	return []Finding{policy, state}
}

// overruled corrects what a policy, or its absence, made one think, when AWS
// itself refuses kms:DescribeKey. What the role's own policies lack is told by
// another probe.
func overruled(f Finding, d denial) Finding {
	switch d.cause.check {
	case KeyPolicy:
		f.Outcome, f.Remedy = Wrong, remedies[KeyPolicy]
		f.Evidence = "kms:DescribeKey is refused: " + d.cause.because()
	case Organization:
		f.Check, f.Outcome, f.Remedy = Organization, Wrong, remedies[Organization]
		f.Evidence = "kms:DescribeKey is refused: " + d.cause.because()
	default:
	}
	return f
}

func (v *visit) describe(ctx context.Context, cfg aws.Config, arn string) (*types.KeyMetadata, error) {
	out, err := v.clients.kms(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(arn)})
	if err != nil {
		return nil, err
	}
	return out.KeyMetadata, nil
}

// fitness says whether a key can encrypt snapshots that other accounts copy.
// Source: EBS User Guide, "Amazon EBS encryption", "Requirements" (symmetric
// keys), and "Share the KMS key used to encrypt a shared Amazon EBS snapshot"
// (no AWS-managed ones).
func fitness(key *types.KeyMetadata) (outcome Outcome, evidence, remedy string) {
	switch {
	case key.KeyState == types.KeyStatePendingDeletion:
		return Wrong, "the key is to be deleted" + onDay(key), "cancel the deletion and enable the key, before what it encrypts is lost"
	case key.KeyState != types.KeyStateEnabled:
		return Wrong, "the key is " + string(key.KeyState), "enable the key"
	case key.KeyManager == types.KeyManagerTypeAws:
		return Wrong, "the key is managed by AWS, and cannot be used from another account", "name a customer managed key"
	case key.KeySpec != types.KeySpecSymmetricDefault || key.KeyUsage != types.KeyUsageTypeEncryptDecrypt:
		return Wrong, fmt.Sprintf("the key is %s for %s", key.KeySpec, key.KeyUsage), "name a symmetric key for encryption"
	}
	return OK, "enabled, symmetric, customer managed", ""
}

func onDay(key *types.KeyMetadata) string {
	if key.DeletionDate == nil {
		return ""
	}
	return " on " + key.DeletionDate.UTC().Format("2006-01-02")
}

// keyPolicy puts to a key's policy what a copy does with the key.
func (v *visit) keyPolicy(e *entry, arn string, needs []need, document *iampolicy.Document, unread error) Finding {
	f := e.finding(KeyPolicy, OK, "", "")
	f.Subject = arn
	if unread != nil {
		f.Outcome, f.Evidence, f.Remedy = Unknown, "not read: "+brief(unread), askAuditor
		return f
	}
	var refused, turnsOn []string
	for _, n := range needs {
		d := iampolicy.Evaluate(iampolicy.Request{
			Principal: iampolicy.Principal{ARN: sessionOf(e.arn), RoleARN: e.arn, Account: e.role.Account},
			Action:    n.action, Resource: arn, ResourceAccount: accountOf(arn), Context: n.context, Partial: true,
		}, iampolicy.PolicySet{Identity: []*iampolicy.Document{e.role.Policy}, Resource: document})
		switch d.Outcome {
		case iampolicy.Allowed:
		case iampolicy.Unknown:
			turnsOn = append(turnsOn, d.Missing...)
		case iampolicy.ImplicitDeny, iampolicy.ExplicitDeny:
			refused = appendOnce(refused, n.action)
		}
	}
	slices.Sort(refused)
	slices.Sort(turnsOn)
	switch {
	case len(refused) > 0:
		f.Outcome, f.Evidence, f.Remedy = Wrong, "it does not let "+e.arn+" "+strings.Join(refused, ", "), remedies[KeyPolicy]
		if dead := deadPrincipals(document); len(dead) > 0 {
			f.Evidence += "; it names " + strings.Join(dead, ", ") + ", the unique id of a principal that was deleted"
		}
	case len(turnsOn) > 0:
		f.Outcome, f.Evidence = Unknown, "it turns on "+strings.Join(slices.Compact(turnsOn), ", ")
		f.Remedy = "make a trial copy, or leave these conditions out"
	default:
		f.Evidence = fmt.Sprintf("it allows what a copy does with the key: %d requests", len(needs))
	}
	return f
}

// readKeyPolicy reads a key's policy as the auditor of the key's account.
func (v *visit) readKeyPolicy(ctx context.Context, arn string, own aws.Config) (*iampolicy.Document, error) {
	cfg, err := v.auditor(ctx, accounts.ID(accountOf(arn)), regionOf(arn), own)
	if err != nil {
		return nil, err
	}
	out, err := v.clients.kms(cfg).GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: aws.String(arn)})
	if err != nil {
		return nil, err
	}
	return iampolicy.Parse([]byte(aws.ToString(out.Policy)))
}

// regional points a config at the Region of a key.
func regional(cfg aws.Config, arn string) aws.Config {
	cfg.Region = regionOf(arn)
	return cfg
}

func regionOf(arn string) string { return strings.SplitN(arn, ":", 6)[3] }

// sessionOf returns the ARN of a session of a role; any other ARN as it is.
func sessionOf(arn string) string {
	part := strings.SplitN(arn, ":", 6)
	if len(part) < 6 || !strings.HasPrefix(part[5], "role/") {
		return arn
	}
	return strings.Join([]string{part[0], part[1], "sts", "", part[4], "assumed-role/" + baseName(arn) + "/snapkeep"}, ":")
}

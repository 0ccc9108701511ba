package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A danger is what a role must not be able to do, unless its own generated
// policy says that it is there for that.
type danger struct {
	actions []string
	on      func(dangerZone) string   // resource
	context func(dangerZone) []string // keys and values in pairs; nil means none
	what    string                    // in words, after the actions
}

// A dangerZone is where a role is and what it is.
type dangerZone struct{ region, account, vault, role string }

// dangers are what would let whoever holds the role destroy, give away or
// weaken what protects, or become more than the role is.
var dangers = []danger{
	{[]string{"ec2:DeleteSnapshot", "ec2:ModifySnapshotTier"}, aSnapshot, nil, "on snapshots that are not the vault's"},
	{
		[]string{
			"ec2:DeleteSnapshot", "ec2:UnlockSnapshot", "ec2:LockSnapshot", "ec2:ModifySnapshotTier", "ec2:ResetSnapshotAttribute",
			"ec2:CreateTags", "ec2:DeleteTags",
		}, aSnapshot, ofVault, "on the vault's snapshots",
	},
	{[]string{"ec2:ModifySnapshotAttribute"}, aSnapshot, sharedWith("ec2:Add/userId", stranger), "with an account that nobody has heard of"},
	{[]string{"ec2:ModifySnapshotAttribute"}, aSnapshot, sharedWith("ec2:Add/group", "all"), "with everyone"},
	{[]string{"ec2:DeleteVolume"}, thing("volume/vol-"), nil, "on volumes"},
	{[]string{"ec2:TerminateInstances"}, thing("instance/i-"), nil, "on instances"},
	{
		[]string{
			"iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy", "iam:UpdateAssumeRolePolicy",
			"iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary",
		}, itself, nil, "on itself",
	},
	{[]string{"iam:PassRole", "iam:CreateRole", "sts:AssumeRole"}, otherRole, passed, "on other roles"},
	{[]string{"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"}, aPolicy, nil, "on policies"},
	{
		[]string{"kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:Decrypt", "kms:CreateGrant"},
		aKey, nil, "on keys, outside EC2",
	},
	{[]string{"ebs:GetSnapshotBlock", "ebs:PutSnapshotBlock"}, aSnapshot, ofVault, "on the vault's snapshots"},
}

func aSnapshot(z dangerZone) string { return "arn:aws:ec2:" + z.region + "::snapshot/snap-" + anyID }
func itself(z dangerZone) string    { return z.role }
func otherRole(z dangerZone) string { return "arn:aws:iam::" + z.account + ":role/other" }
func aPolicy(z dangerZone) string   { return "arn:aws:iam::" + z.account + ":policy/other" }
func aKey(z dangerZone) string      { return "arn:aws:kms:" + z.region + ":" + z.account + ":key/" + anyKey }

func thing(kind string) func(dangerZone) string {
	return func(z dangerZone) string { return "arn:aws:ec2:" + z.region + ":" + z.account + ":" + kind + anyID }
}

func ofVault(z dangerZone) []string { return []string{taggedVault, z.vault} }
func passed(dangerZone) []string    { return []string{"iam:PassedToService", "ec2.amazonaws.com"} }

func sharedWith(key, whom string) func(dangerZone) []string {
	return func(z dangerZone) []string { return []string{taggedVault, z.vault, key, whom} }
}

// A temptation is one danger for one role.
type temptation struct {
	need
	what string
}

// temptations returns what a role must not be allowed: the dangers that its
// generated policy does not allow, and what that denies.
func temptations(e *entry, vault, region string) (all []temptation) {
	z := dangerZone{region: region, account: e.role.Account, vault: vault, role: e.arn}
	for _, d := range dangers {
		context := map[string][]string{"aws:RequestedRegion": {region}, "ec2:Owner": {e.role.Account}}
		if d.context != nil {
			for pairs := d.context(z); len(pairs) > 0; pairs = pairs[2:] {
				context[pairs[0]] = []string{pairs[1]}
			}
		}
		for _, action := range d.actions {
			n := need{action: action, resource: inPartition(d.on(z), e.arn), context: context}
			if !generatedAllows(e.role, n) {
				all = append(all, temptation{n, d.what})
			}
		}
	}
	return all
}

// inPartition puts an ARN into the partition of another.
func inPartition(arn, like string) string {
	part := strings.SplitN(like, ":", 3)
	if len(part) < 3 {
		return arn
	}
	return strings.Replace(arn, "arn:aws:", "arn:"+part[1]+":", 1)
}

// generatedAllows says whether it is the role's own task.
func generatedAllows(role iampolicy.Role, n need) bool {
	return iampolicy.Evaluate(iampolicy.Request{
		Principal: iampolicy.Principal{ARN: "arn:aws:iam::" + role.Account + ":role/" + role.Name},
		Action:    n.action, Resource: n.resource, ResourceAccount: role.Account, Context: n.context,
	}, iampolicy.PolicySet{Identity: []*iampolicy.Document{role.Policy}}).Outcome == iampolicy.Allowed
}

// excess looks whether a role may do what it must not. One yes of EC2 or of
// the simulator is enough to be wrong; to be fine, every question must have
// been answered.
func (v *visit) excess(ctx context.Context, e *entry) []Finding {
	region := v.openTo(e)
	if region == "" {
		return nil
	}
	const remedy = "take it from the role: its generated policy, iampolicy.Role.Policy, is all that it needs"
	all := temptations(e, v.in.Vault, region)
	needs := make([]need, len(all))
	for i, t := range all {
		needs[i] = t.need
	}
	var answers []answer
	if cfg, err := v.auditor(ctx, e.account(), region, e.configs[region]); err != nil {
		answers = make([]answer, len(all))
		for i := range answers {
			answers[i].trouble = err.Error()
		}
	} else {
		answers = v.simulator(e, cfg).ask(ctx, needs)
	}
	client := v.clients.ec2(e.configs[region])
	var may, open []string
	trouble := ""
	for i, t := range all {
		a := answers[i]
		if a.verdict != yes {
			// That it is refused now says nothing of a condition that may hold later.
			if dry := ask(ctx, client, t.need, v.samples[region]); dry.verdict == yes || dry.verdict == no && !a.conditional {
				a = dry
			}
		}
		switch a.verdict {
		case yes:
			may = appendOnce(may, t.action+" "+t.what)
		case untold:
			open, trouble = appendOnce(open, t.action), a.trouble
			if answers[i].trouble != "" {
				trouble = answers[i].trouble
			}
		case no:
		}
	}
	switch {
	case len(may) > 0:
		return []Finding{e.finding(Excess, Wrong, "the role may "+strings.Join(may, ", "), remedy)}
	case len(open) > 0:
		return []Finding{e.finding(Excess, Unknown, strings.Join(open, ", ")+": "+trouble, askAuditor)}
	}
	return []Finding{e.finding(Excess, OK, fmt.Sprintf("all that is dangerous is refused: %d requests", len(all)), "")}
}

package preflight

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// state asks AWS Organizations whether an account is active.
func (x *examination) state(ctx context.Context, id accounts.ID) []Finding {
	if x.opts.Organization == nil {
		return nil
	}
	f := Finding{Check: AccountState, Account: id}
	out, err := x.clients.organizations(*x.opts.Organization).DescribeAccount(ctx, &organizations.DescribeAccountInput{AccountId: aws.String(string(id))})
	switch {
	case err != nil:
		f.Evidence = "not told: " + brief(err)
		f.Remedy = "ask as the management account or a delegated administrator, or leave Options.Organization out if there is no organization"
	case out.Account.State == orgtypes.AccountStateActive:
		f.Outcome, f.Evidence = OK, string(out.Account.State)
	default:
		f.Outcome, f.Evidence = Wrong, string(out.Account.State)
		f.Remedy = "nothing works in an account that is not active: reopen it, or take it out of the plan"
	}
	return []Finding{f}
}

// refusal finds out why a role cannot be assumed. AWS does not say; whoever
// may read the role can.
func (x *examination) refusal(ctx context.Context, p post, failed *accounts.AssumeError) Finding {
	coarse := p.finding(Assume, Unknown, said(failed.Err), failed.Remedy())
	coarse.Subject = failed.RoleARN
	if failed.Hop < len(p.chain) { // the same for all that pass there
		coarse.Account, coarse.Purpose = accounts.ID(accountOf(failed.RoleARN)), ""
	}
	switch {
	case errors.Is(failed, accounts.ErrWrongAccount):
		coarse.Check, coarse.Outcome = Identity, Wrong
	case errors.Is(failed, accounts.ErrSessionTooLong):
		coarse.Check, coarse.Outcome = SessionDuration, Wrong
	case errors.Is(failed, accounts.ErrRegionDisabled):
		coarse.Check, coarse.Outcome = Region, Wrong
	case errors.Is(failed, accounts.ErrAccessDenied):
		coarse.Outcome = Wrong
		if d, ok := denialOf(failed); ok && d.cause.check == Organization {
			coarse.Check = Organization
			return coarse
		}
		return x.denied(ctx, p, failed, coarse)
	case errors.Is(failed, accounts.ErrCredentials), errors.Is(failed, accounts.ErrExpired):
		coarse.Outcome = Wrong
	}
	return coarse
}

var refusedCaller = regexp.MustCompile(`User: (arn:\S+) is not authorized`)

// A knock is a hop that was refused, and who came to it.
type knock struct {
	post
	role   accounts.Role
	caller iampolicy.Principal
	last   bool
}

// denied looks at the role and at its caller, in the order in which a person would.
func (x *examination) denied(ctx context.Context, p post, failed *accounts.AssumeError, coarse Finding) Finding {
	k := knock{post: p, role: p.chain[failed.Hop-1], last: failed.Hop == len(p.chain)}
	k.caller = iampolicy.Principal{ARN: x.in.Orchestrator}
	if failed.Hop > 1 {
		k.caller.ARN = p.chain[failed.Hop-2].ARN
	}
	if m := refusedCaller.FindStringSubmatch(failed.Err.Error()); m != nil {
		k.caller = iampolicy.Principal{ARN: m[1]}
	}
	tell := func(check Probe, evidence, remedy string) Finding {
		f := coarse
		f.Check, f.Evidence, f.Remedy = check, evidence, remedy
		return f
	}
	if caller := roleOf(k.caller.ARN); k.last && !samePrincipal(caller, x.in.Orchestrator) {
		return tell(Caller, fmt.Sprintf("the caller is %s, not the orchestrator %s", caller, x.in.Orchestrator),
			"run as the orchestrator, or begin the chain with its role")
	}
	role, err := x.read(ctx, accounts.ID(accountOf(k.role.ARN)), k.regions[0], k.role.ARN, nil)
	switch {
	case awserr.Classify(err) == awserr.NotFound:
		return tell(RoleExists, "there is no such role", "create it, or declare the name that it has")
	case err != nil:
		return coarse
	case role.arn != k.role.ARN:
		return tell(RoleExists, "the role's ARN is "+role.arn, "declare the role with its path")
	}
	if check, evidence, remedy := k.judge(role.trust); check != "" {
		return tell(check, evidence, remedy)
	}
	return x.callerRefused(ctx, k, tell)
}

// callerRefused looks at the caller's own policies. What remains, if they
// allow the call as the trust policy does, are the policies of organizations.
func (x *examination) callerRefused(ctx context.Context, k knock, tell func(Probe, string, string) Finding) Finding {
	caller := roleOf(k.caller.ARN)
	if samePrincipal(caller, x.in.Orchestrator) {
		caller = x.in.Orchestrator // with its path
	}
	const remedy = "exempt the role or the caller in the organization's policies"
	home := accounts.ID(accountOf(caller))
	cfg, err := x.auditor(ctx, home, k.regions[0], aws.Config{})
	if err == nil && x.opts.Auditor != nil {
		ask := []need{{action: "sts:AssumeRole", resource: k.role.ARN, context: map[string][]string{}}}
		answers := simulator{client: x.clients.iam(cfg), principal: caller}.ask(ctx, ask)
		if answers[0].verdict == no {
			c := answers[0].cause
			evidence := fmt.Sprintf("%s may not assume it: %s", caller, c.because())
			if c.check == Permission {
				return tell(Caller, evidence, "allow the caller sts:AssumeRole on the role: iampolicy.Installation.OrchestratorPolicy")
			}
			return tell(c.check, evidence, remedies[c.check])
		}
		if answers[0].verdict == yes {
			return tell(Organization, "the trust policy and the caller's own allow it, which leaves a resource control policy, "+
				"or a service control policy with conditions", remedy)
		}
	}
	return tell(Assume, "the trust policy lets "+caller+" in, so that it is the caller's own policy or an organization's that does not", remedy)
}

// An audited is what an auditor read of a role.
type audited struct {
	arn   string
	trust *iampolicy.Document
}

// read reads a role. own is who asks if there is no auditor.
func (x *examination) read(ctx context.Context, id accounts.ID, region, arn string, own *aws.Config) (audited, error) {
	if own == nil && x.opts.Auditor == nil {
		return audited{}, errors.New("nobody may read it")
	}
	cfg, err := x.auditor(ctx, id, region, configOf(own))
	if err != nil {
		return audited{}, err
	}
	out, err := x.clients.iam(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(baseName(arn))})
	if err != nil {
		return audited{}, err
	}
	trust, err := iampolicy.ParseURLEncoded(aws.ToString(out.Role.AssumeRolePolicyDocument))
	if err != nil {
		return audited{}, fmt.Errorf("trust policy: %w", err)
	}
	return audited{arn: aws.ToString(out.Role.Arn), trust: trust}, nil
}

// judge says what is wrong with a trust policy for one who was refused; an
// empty check is nothing.
func (k knock) judge(trust *iampolicy.Document) (check Probe, evidence, remedy string) {
	ask := iampolicy.Request{
		Principal: k.caller, Action: "sts:AssumeRole", Resource: k.role.ARN, ResourceAccount: accountOf(k.role.ARN),
		Context: map[string][]string{}, Partial: true,
	}
	set := iampolicy.PolicySet{Identity: []*iampolicy.Document{everything}, Resource: trust}
	opens := func(id []string) iampolicy.Outcome {
		ask.Context["sts:ExternalId"] = id
		return iampolicy.Evaluate(ask, set).Outcome
	}
	sent := []string{}
	if k.role.ExternalID != "" {
		sent = append(sent, k.role.ExternalID)
	}
	if outcome := opens(sent); outcome == iampolicy.Allowed || outcome == iampolicy.Unknown {
		return "", "", ""
	}
	delete(ask.Context, "sts:ExternalId")
	if iampolicy.Evaluate(ask, set).Outcome == iampolicy.Unknown {
		evidence = "the trust policy demands another external id than the one declared"
		if k.role.ExternalID == "" {
			evidence = "the trust policy demands an external id, and none is declared"
		}
		return ExternalID, evidence, "declare the id that the trust policy has, or save the one declared there"
	}
	if dead := deadPrincipals(trust); len(dead) > 0 {
		return Trust, "the trust policy names " + strings.Join(dead, ", ") + ", the unique id of a principal that was deleted",
			"save the trust policy again: a principal made anew under the old name is another one"
	}
	return Trust, "the trust policy does not let " + roleOf(k.caller.ARN) + " in",
		"name the orchestrator in it: the document is iampolicy.Role.Trust"
}

// everything is a policy that allows all, for questions about other layers.
var everything = &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
	Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*"),
}}}

package preflight

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// trust reads the trust policy of a role that lets the orchestrator in, and
// looks who else it lets in.
func (v *visit) trust(ctx context.Context, e *entry) []Finding {
	if len(e.chain) == 0 {
		return nil
	}
	own := e.configs[e.regions[0]]
	role, err := v.read(ctx, e.account(), v.open[0], e.arn, &own)
	switch {
	case awserr.Classify(err) == awserr.NotFound:
		return []Finding{e.finding(RoleExists, Wrong, "there is no such role any more", "create it again")}
	case err != nil:
		return []Finding{e.finding(Trust, Unknown, "not read: "+brief(err), askAuditor)}
	}
	const remedy = "save the generated trust policy: iampolicy.Role.Trust"
	if letsStrangersIn(role.trust, e.arn) {
		return []Finding{e.finding(Trust, Wrong, "the trust policy may let principals of any account in", remedy)}
	}
	home := []string{v.in.Vault, e.role.Account}
	var foreign []string
	for _, name := range namedPrincipals(role.trust) {
		if account := accountOf(name); account != "" && !slices.Contains(home, account) {
			foreign = append(foreign, name)
		}
	}
	if len(foreign) > 0 {
		return []Finding{e.finding(Trust, Wrong, "the trust policy names "+strings.Join(foreign, ", ")+" beside the vault", remedy)}
	}
	return []Finding{e.finding(Trust, OK, "names nobody outside the vault and the account itself", "")}
}

// letsStrangersIn says whether a resource's policy may allow something to a
// principal of an account that nobody has heard of.
func letsStrangersIn(d *iampolicy.Document, resource string) bool {
	for _, s := range d.Statements {
		for _, action := range s.Actions.Values {
			outcome := iampolicy.Evaluate(iampolicy.Request{
				Principal: iampolicy.Principal{ARN: "arn:aws:iam::000000000000:role/stranger"},
				Action:    strings.ReplaceAll(action, "*", "Anything"), Resource: resource, ResourceAccount: accountOf(resource),
				Context: map[string][]string{}, Partial: true,
			}, iampolicy.PolicySet{Identity: []*iampolicy.Document{everything}, Resource: d}).Outcome
			if outcome == iampolicy.Allowed || outcome == iampolicy.Unknown {
				return true
			}
		}
	}
	return false
}

// namedPrincipals returns the AWS principals that a policy allows something, as
// they are written, sorted. "*" is not among them.
func namedPrincipals(d *iampolicy.Document) []string {
	var all []string
	for _, s := range d.Statements {
		if s.Effect != iampolicy.Allow || s.Principal == nil {
			continue
		}
		for _, kind := range []string{"AWS", ""} {
			all = append(all, s.Principal.By[kind].Values...)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "*" })
}

// uniqueID is how IAM shows a role or user that a policy names and that is no
// more (IAM User Guide, "IAM identifiers", "Unique identifiers").
var uniqueID = regexp.MustCompile(`^(AROA|AIDA)[A-Z0-9]{12,}$`)

// deadPrincipals returns the principals of a policy that were deleted.
func deadPrincipals(d *iampolicy.Document) []string {
	return slices.DeleteFunc(namedPrincipals(d), func(name string) bool { return !uniqueID.MatchString(name) })
}

func configOf(cfg *aws.Config) aws.Config {
	if cfg == nil {
		return aws.Config{}
	}
	return *cfg
}

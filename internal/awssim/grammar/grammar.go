package grammar

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Kind of policy decides which elements its statements have.
type Kind int

// The kinds.
const (
	Identity Kind = iota // of users and roles, boundaries and session policies: no principal
	Trust                // of a role: principals, no resource, actions of STS
	Resource             // of a resource: principals and resources
	SCP                  // of an organization's principals
	RCP                  // of an organization's resources
)

// An Error says why AWS does not store a policy, in AWS's own words as far as
// they are known from its documentation or from what clients have reported.
type Error string

func (e Error) Error() string { return string(e) }

func errorf(format string, args ...any) Error { return Error(fmt.Sprintf(format, args...)) }

// syntax is what AWS says of most faults.
const syntax = Error("Syntax errors in policy.")

// Parse reads a document and checks it. The error is an Error.
// Source of the rules: IAM User Guide, "Grammar of the IAM JSON policy
// language" and "IAM JSON policy element reference"; AWS Organizations User
// Guide, "SCP syntax" and "RCP syntax".
func Parse(text string, kind Kind) (*iampolicy.Document, error) {
	d, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return nil, syntax
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return nil, syntax
	}
	if len(d.Statements) == 0 {
		return nil, syntax
	}
	sids := map[string]bool{}
	for i := range d.Statements {
		st := &d.Statements[i]
		if err := checkSid(st.Sid, sids); err != nil {
			return nil, err
		}
		if err := statement(st, kind); err != nil {
			return nil, err
		}
	}
	return d, nil
}

var sid = regexp.MustCompile(`^[A-Za-z0-9]*$`)

// checkSid holds that Sids are unique. Those of resource policies may hold
// spaces (the default policy of KMS keys does), so only their uniqueness counts.
func checkSid(s string, seen map[string]bool) error {
	if s == "" {
		return nil
	}
	if seen[s] {
		return Error("Statement IDs (SID) in a single policy must be unique.")
	}
	seen[s] = true
	return nil
}

func statement(st *iampolicy.Statement, kind Kind) error {
	if kind != Resource && !sid.MatchString(st.Sid) {
		return Error("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
	}
	if st.Effect != iampolicy.Allow && st.Effect != iampolicy.Deny {
		return errorf("Invalid effect: %s", st.Effect)
	}
	for _, check := range []func(*iampolicy.Statement, Kind) error{principals, actions, resources, organizationRules} {
		if err := check(st, kind); err != nil {
			return err
		}
	}
	for _, c := range st.Conditions {
		if err := condition(c); err != nil {
			return err
		}
	}
	return nil
}

// principals says who may, must or must not be named.
func principals(st *iampolicy.Statement, kind Kind) error {
	named := st.Principal != nil || st.NotPrincipal != nil
	switch {
	case (kind == Identity || kind == SCP) && named:
		return Error("Policy document should not specify a principal.")
	case kind == Identity || kind == SCP:
		return nil
	case !named || st.Principal != nil && st.NotPrincipal != nil:
		return Error("Policy document must specify exactly one of Principal and NotPrincipal.")
	case kind == Trust && st.NotPrincipal != nil && st.Effect == iampolicy.Allow:
		// "Use of NotPrincipal with Effect:Allow is not supported" (IAM User Guide,
		// "AWS JSON policy elements: NotPrincipal").
		return Error("AssumeRolepolicy contained an invalid principal: NotPrincipal with Allow.")
	}
	return nil
}

var action = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)

func actions(st *iampolicy.Statement, kind Kind) error {
	some, not := present(st.Actions), present(st.NotActions)
	if some == not {
		return Error("Policy statement must contain actions.")
	}
	for _, a := range slices.Concat(st.Actions.Values, st.NotActions.Values) {
		vendor, _, _ := strings.Cut(a, ":")
		switch {
		case kind == Trust && !strings.EqualFold(vendor, "sts"):
			return Error("AssumeRole policy may only specify STS AssumeRole actions.")
		case a == "*":
		case !strings.Contains(a, ":"):
			return Error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		case strings.ContainsAny(vendor, "*?"):
			return errorf("Vendor %s is not valid", vendor)
		case !action.MatchString(a):
			return errorf("Action %s is not valid.", a)
		}
	}
	return nil
}

func resources(st *iampolicy.Statement, kind Kind) error {
	some, not := present(st.Resources), present(st.NotResources)
	if kind == Trust {
		if some || not {
			return Error("Has prohibited field Resource")
		}
		return nil
	}
	if some == not {
		return Error("Policy statement must contain resources.")
	}
	for _, r := range slices.Concat(st.Resources.Values, st.NotResources.Values) {
		if err := resource(r); err != nil {
			return err
		}
	}
	return nil
}

// resource checks one pattern: the partition and the service must be spelled out.
func resource(r string) error {
	part := strings.SplitN(r, ":", 6)
	switch {
	case r == "*":
		return nil
	case part[0] != "arn" || len(part) < 6:
		// A pattern such as "arn:aws:ec2:*" reaches over the colons that are left.
		if len(part) > 2 && part[0] == "arn" && strings.HasSuffix(r, "*") {
			return nil
		}
		return errorf(`Resource %s must be in ARN format or "*".`, r)
	case !slices.Contains(partitions, part[1]):
		return errorf("Partition %q is not valid for resource %q.", part[1], r)
	case part[2] == "" || strings.ContainsAny(part[2], "*?"):
		return Error("Resource vendor must be fully qualified and cannot contain regexes.")
	}
	return nil
}

// partitions that a resource may be in; "*" is taken as well.
var partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*"}

// organizationRules are what SCPs and RCPs may not say.
func organizationRules(st *iampolicy.Statement, kind Kind) error {
	if kind != RCP {
		return nil
	}
	// RCPFullAWSAccess is the only one that allows.
	if st.Effect != iampolicy.Deny || st.NotPrincipal != nil || present(st.NotActions) || st.Principal == nil ||
		!st.Principal.Any && !slices.Equal(st.Principal.By["AWS"].Values, []string{"*"}) {
		return Error("The provided policy document does not meet the requirements of the specified policy type.")
	}
	for _, a := range st.Actions.Values {
		if vendor, _, _ := strings.Cut(a, ":"); vendor == "*" || !rcpServices[strings.ToLower(vendor)] {
			return Error("The provided policy document does not meet the requirements of the specified policy type.")
		}
	}
	return nil
}

// rcpServices heed RCPs.
// Source: AWS Organizations User Guide, "List of AWS services that support RCPs".
var rcpServices = map[string]bool{
	"s3": true, "sts": true, "sqs": true, "kms": true, "secretsmanager": true, "dynamodb": true, "ecr": true,
	"aoss": true, "logs": true, "cognito-idp": true,
}

func present(s iampolicy.Strings) bool { return len(s.Values) > 0 || s.List }

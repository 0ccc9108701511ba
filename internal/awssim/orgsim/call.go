package orgsim

import (
	"maps"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Errors of many operations.
// Source: AWS Organizations API Reference, "Errors" of the operations.
var (
	errNotInUse = core.Errorf("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	errDenied   = &core.Error{
		Code: "AccessDeniedException", Status: http.StatusBadRequest,
		Message: "You don't have permissions to access this resource.",
	}
)

// invalid is InvalidInputException with its reason.
func invalid(reason, format string, args ...any) error {
	e := core.Errorf("InvalidInputException", format, args...)
	e.Members = map[string]string{"Reason": reason}
	return e
}

// violates is ConstraintViolationException with its reason.
func violates(reason, format string, args ...any) error {
	e := core.Errorf("ConstraintViolationException", format, args...)
	e.Members = map[string]string{"Reason": reason}
	return e
}

// An audience is who may make a call.
type audience int

const (
	everyMember audience = iota
	delegates            // the management account, and delegated administrators of any service
	manager              // the management account
)

// enter brings the caller's organization up to date and returns it, if the
// caller may make the call there. What the caller's policies say is asked
// first, with no resource in the organization known yet.
func (s *Service) enter(c *core.Call, who audience, needs ...func(o *organization) core.Need) (*organization, error) {
	o := s.orgs[c.Account.ID]
	if o != nil {
		s.advance(o)
	}
	if o == nil || len(needs) == 0 {
		if err := c.Authorize(core.Need{Action: "organizations:" + c.Operation, Resource: "*"}); err != nil {
			return nil, err
		}
		if o == nil {
			return nil, errNotInUse
		}
	}
	for _, need := range needs {
		n := need(o)
		n.Action, n.Owner = "organizations:"+c.Operation, o.manager.ID
		if c.Account != o.manager && n.Resource != "*" {
			n.Policy = lettingIn(c.Account) // or else the management account's resources are out of reach
		}
		if err := c.Authorize(n); err != nil {
			return nil, err
		}
	}
	if c.Account != o.manager && (who == manager || who == delegates && len(o.admins[c.Account.ID]) == 0) {
		return nil, errDenied
	}
	return o, nil
}

// lettingIn is what an organization grants a delegated administrator: that the
// policies of its account decide. Who is none is refused all the same.
func lettingIn(a *core.Account) *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("organizations:*"), Resources: iampolicy.Of("*"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(a.ID)}},
	}}}
}

// onNode is the need for a call on a node that may not be there.
func onNode(id *string, extra ...map[string][]string) func(*organization) core.Need {
	return func(o *organization) core.Need {
		need := core.Need{Keys: map[string][]string{}}
		n := o.nodes[aws.ToString(id)]
		if n == nil {
			n = &node{kind: kindOf(aws.ToString(id)), id: aws.ToString(id)}
		}
		need.Resource = o.arn(n)
		core.WithResourceTags(need.Keys, "", n.tags)
		return with(need, extra)
	}
}

// onPolicy is the need for a call on a policy that may not be there.
func onPolicy(id *string, extra ...map[string][]string) func(*organization) core.Need {
	return func(o *organization) core.Need {
		need := core.Need{Keys: map[string][]string{}}
		p := o.policies[aws.ToString(id)]
		if p == nil {
			p = &policy{id: aws.ToString(id), kind: types.PolicyTypeServiceControlPolicy}
		} else {
			need.Keys["organizations:PolicyType"] = []string{string(p.kind)}
		}
		need.Resource = o.policyARN(p)
		core.WithResourceTags(need.Keys, "", p.tags)
		return with(need, extra)
	}
}

// onAll is the need for a call about no resource of its own.
func onAll(extra ...map[string][]string) func(*organization) core.Need {
	return func(*organization) core.Need {
		return with(core.Need{Resource: "*", Keys: map[string][]string{}}, extra)
	}
}

func with(n core.Need, extra []map[string][]string) core.Need {
	for _, e := range extra {
		maps.Copy(n.Keys, e)
	}
	return n
}

// kindOf an id by its form.
func kindOf(id string) kind {
	switch {
	case strings.HasPrefix(id, "r-"):
		return root
	case strings.HasPrefix(id, "ou-"):
		return unit
	}
	return account
}

// ofType makes the condition key of calls about a type of policies.
func ofType(t types.PolicyType) map[string][]string {
	return core.Keys("organizations:PolicyType", string(t))
}

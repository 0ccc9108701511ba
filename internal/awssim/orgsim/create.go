package orgsim

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateOrganization makes an organization that the caller's account manages.
func (s *Service) CreateOrganization(c *core.Call, in *organizations.CreateOrganizationInput) (*organizations.CreateOrganizationOutput, error) {
	if err := c.Authorize(core.Need{Action: "organizations:CreateOrganization", Resource: "*"}); err != nil {
		return nil, err
	}
	if in.FeatureSet == types.OrganizationFeatureSetConsolidatedBilling {
		return nil, c.Unsupported("FeatureSet CONSOLIDATED_BILLING")
	}
	if s.orgs[c.Account.ID] != nil {
		return nil, core.Errorf("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
	}
	return &organizations.CreateOrganizationOutput{Organization: s.newOrganization("", c.Account).describe()}, nil
}

// DescribeOrganization tells any member of the organization.
func (s *Service) DescribeOrganization(c *core.Call, _ *organizations.DescribeOrganizationInput) (*organizations.DescribeOrganizationOutput, error) {
	o, err := s.enter(c, everyMember)
	if err != nil {
		return nil, err
	}
	return &organizations.DescribeOrganizationOutput{Organization: o.describe()}, nil
}

// describe tells the organization. AvailablePolicyTypes is deprecated: ListRoots
// tells which types are enabled (AWS Organizations API Reference, Organization).
func (o *organization) describe() *types.Organization {
	m := o.nodes[o.manager.ID]
	return &types.Organization{
		Id: aws.String(o.id), Arn: aws.String(o.manager.GlobalARN("organizations", "organization/"+o.id)), FeatureSet: types.OrganizationFeatureSetAll,
		MasterAccountId: aws.String(m.id), MasterAccountArn: aws.String(o.arn(m)), MasterAccountEmail: aws.String(m.email),
		AvailablePolicyTypes: []types.PolicyTypeSummary{{Status: types.PolicyTypeStatusEnabled, Type: types.PolicyTypeServiceControlPolicy}},
	}
}

// A creation is a request for an account.
type creation struct {
	id, name, email string
	role            string
	tags            map[string]string
	requested       time.Time
	ready           time.Time
	account         string // set once it is done
	failure         types.CreateAccountFailureReason
}

var (
	emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	nameForm  = regexp.MustCompile(`^[\x20-\x7e]{1,50}$`)
	roleForm  = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
)

// CreateAccount asks for an account, which takes a while: it comes with a role
// that trusts the management account with everything.
func (s *Service) CreateAccount(c *core.Call, in *organizations.CreateAccountInput) (*organizations.CreateAccountOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(c, manager, onAll(requestTags(tags)))
	if err != nil {
		return nil, err
	}
	r := &creation{
		name: aws.ToString(in.AccountName), email: aws.ToString(in.Email), role: "OrganizationAccountAccessRole", tags: tags,
		requested: c.Now, ready: c.Now.Add(s.limits.Creation),
	}
	if in.RoleName != nil {
		r.role = *in.RoleName
	}
	switch {
	case !nameForm.MatchString(r.name):
		return nil, invalid("INVALID_PATTERN", "You provided a value for AccountName that does not match the required pattern.")
	case !emailForm.MatchString(r.email) || len(r.email) < 6 || len(r.email) > 64:
		return nil, invalid("INVALID_PATTERN", "You provided a value for Email that does not match the required pattern.")
	case !roleForm.MatchString(r.role):
		return nil, invalid("INVALID_ROLE_NAME", "You provided a role name that isn't valid.")
	}
	pending := 0
	for _, other := range o.requests {
		if c.Now.Before(other.ready) {
			pending++
		}
	}
	if reached(s.limits.CreatedAtOnce, pending) {
		return nil, violates("ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED", "You have exceeded the number of accounts that you can create at one time.")
	}
	if reached(s.limits.Accounts, len(o.accounts())+pending) {
		return nil, violates("ACCOUNT_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of AWS accounts.")
	}
	r.id = "car-" + s.name(32)
	o.requests[r.id] = r
	return &organizations.CreateAccountOutput{CreateAccountStatus: r.describe(c.Now)}, nil
}

// advance finishes what became due since somebody looked.
func (s *Service) advance(o *organization) {
	now := s.cloud.Now()
	for _, id := range slices.Sorted(maps.Keys(o.requests)) {
		if r := o.requests[id]; r.account == "" && r.failure == "" && !now.Before(r.ready) {
			s.finish(o, r)
		}
	}
	for _, n := range o.accounts() {
		if !n.closing.IsZero() && !now.Before(n.closing.Add(s.limits.Closure)) {
			s.cloud.Account(n.id).State = core.Closed
		}
	}
}

// finish makes the account of a request, unless an account has its address
// already.
func (s *Service) finish(o *organization, r *creation) {
	for _, other := range s.orgs {
		for _, n := range other.accounts() {
			if strings.EqualFold(n.email, r.email) {
				r.failure = types.CreateAccountFailureReasonEmailAlreadyExists
				return
			}
		}
	}
	for r.account == "" || s.cloud.HasAccount(r.account) {
		r.account = strconv.FormatInt(100_000_000_000+s.cloud.Rand().Int64N(900_000_000_000), 10)
	}
	a := s.cloud.Account(r.account)
	a.Partition = o.manager.Partition
	// What the role holds AWS documents as "administrator permissions"; that it
	// is an inline policy of this name was seen, and is not documented.
	made := a.PutRole(core.Role{Name: r.role, Trust: &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(o.manager.GlobalARN("iam", "root"))}},
	}}}})
	made.PutInline(core.InlinePolicy{Name: "AdministratorAccess", Document: &iampolicy.Document{
		Version: iampolicy.Version, Statements: []iampolicy.Statement{{Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*")}},
	}})
	made.Settle()
	s.join(o, &node{kind: account, id: r.account, name: r.name, email: r.email, joined: r.ready, tags: r.tags})
}

// DescribeCreateAccountStatus tells how far a request for an account is.
func (s *Service) DescribeCreateAccountStatus(
	c *core.Call, in *organizations.DescribeCreateAccountStatusInput,
) (*organizations.DescribeCreateAccountStatusOutput, error) {
	o, err := s.enter(c, delegates)
	if err != nil {
		return nil, err
	}
	r := o.requests[aws.ToString(in.CreateAccountRequestId)]
	if r == nil {
		return nil, core.Errorf("CreateAccountStatusNotFoundException", "We can't find an create account request with the CreateAccountRequestId that you specified.")
	}
	return &organizations.DescribeCreateAccountStatusOutput{CreateAccountStatus: r.describe(c.Now)}, nil
}

// ListCreateAccountStatus lists the requests for accounts in some states.
func (s *Service) ListCreateAccountStatus(
	c *core.Call, in *organizations.ListCreateAccountStatusInput,
) (*organizations.ListCreateAccountStatusOutput, error) {
	o, err := s.enter(c, delegates)
	if err != nil {
		return nil, err
	}
	var all []types.CreateAccountStatus
	for _, r := range o.requests {
		if d := r.describe(c.Now); len(in.States) == 0 || slices.Contains(in.States, d.State) {
			all = append(all, *d)
		}
	}
	list, next, err := cut(s, all, func(r types.CreateAccountStatus) string { return *r.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListCreateAccountStatusOutput{CreateAccountStatuses: list, NextToken: next}, nil
}

func (r *creation) describe(now time.Time) *types.CreateAccountStatus {
	d := &types.CreateAccountStatus{
		Id: aws.String(r.id), AccountName: aws.String(r.name), RequestedTimestamp: aws.Time(r.requested), State: types.CreateAccountStateInProgress,
	}
	switch {
	case r.failure != "":
		d.State, d.FailureReason, d.CompletedTimestamp = types.CreateAccountStateFailed, r.failure, aws.Time(r.ready)
	case r.account != "" && !now.Before(r.ready):
		d.State, d.AccountId, d.CompletedTimestamp = types.CreateAccountStateSucceeded, aws.String(r.account), aws.Time(r.ready)
	}
	return d
}

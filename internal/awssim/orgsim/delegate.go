package orgsim

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// servicePrincipal: which services there are is not simulated.
var servicePrincipal = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)

func validService(principal *string) error {
	if !servicePrincipal.MatchString(aws.ToString(principal)) || len(*principal) > 128 {
		return invalid("UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal.")
	}
	return nil
}

func forService(principal *string) map[string][]string {
	return core.Keys("organizations:ServicePrincipal", aws.ToString(principal))
}

// EnableAWSServiceAccess lets a service work in the organization. Doing it
// again changes nothing.
func (s *Service) EnableAWSServiceAccess(
	c *core.Call, in *organizations.EnableAWSServiceAccessInput,
) (*organizations.EnableAWSServiceAccessOutput, error) {
	o, err := s.enter(c, manager, onAll(forService(in.ServicePrincipal)))
	if err != nil {
		return nil, err
	}
	if err := validService(in.ServicePrincipal); err != nil {
		return nil, err
	}
	if _, ok := o.trusted[*in.ServicePrincipal]; !ok {
		o.trusted[*in.ServicePrincipal] = c.Now
	}
	return &organizations.EnableAWSServiceAccessOutput{}, nil
}

// DisableAWSServiceAccess takes that back.
func (s *Service) DisableAWSServiceAccess(
	c *core.Call, in *organizations.DisableAWSServiceAccessInput,
) (*organizations.DisableAWSServiceAccessOutput, error) {
	o, err := s.enter(c, manager, onAll(forService(in.ServicePrincipal)))
	if err != nil {
		return nil, err
	}
	if err := validService(in.ServicePrincipal); err != nil {
		return nil, err
	}
	for _, services := range o.admins {
		if _, ok := services[*in.ServicePrincipal]; ok {
			return nil, violates("DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE", "You attempted to disable access for a service that has a delegated administrator.")
		}
	}
	delete(o.trusted, *in.ServicePrincipal)
	return &organizations.DisableAWSServiceAccessOutput{}, nil
}

// ListAWSServiceAccessForOrganization lists the services with access.
func (s *Service) ListAWSServiceAccessForOrganization(
	c *core.Call, in *organizations.ListAWSServiceAccessForOrganizationInput,
) (*organizations.ListAWSServiceAccessForOrganizationOutput, error) {
	o, err := s.enter(c, delegates)
	if err != nil {
		return nil, err
	}
	var all []types.EnabledServicePrincipal
	for name, at := range o.trusted {
		all = append(all, types.EnabledServicePrincipal{ServicePrincipal: aws.String(name), DateEnabled: aws.Time(at)})
	}
	list, next, err := cut(s, all, func(e types.EnabledServicePrincipal) string { return *e.ServicePrincipal }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListAWSServiceAccessForOrganizationOutput{EnabledServicePrincipals: list, NextToken: next}, nil
}

// RegisterDelegatedAdministrator lets a member account administer a service,
// and with that read the organization.
func (s *Service) RegisterDelegatedAdministrator(
	c *core.Call, in *organizations.RegisterDelegatedAdministratorInput,
) (*organizations.RegisterDelegatedAdministratorOutput, error) {
	o, err := s.enter(c, manager, onNode(in.AccountId, forService(in.ServicePrincipal)))
	if err != nil {
		return nil, err
	}
	if err := validService(in.ServicePrincipal); err != nil {
		return nil, err
	}
	n, err := o.account(in.AccountId)
	if err != nil {
		return nil, err
	}
	_, trusted := o.trusted[*in.ServicePrincipal]
	_, registered := o.admins[n.id][*in.ServicePrincipal]
	others := 0
	for _, services := range o.admins {
		if _, ok := services[*in.ServicePrincipal]; ok {
			others++
		}
	}
	switch {
	case n.id == o.manager.ID:
		return nil, violates("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", "You cannot register the management account of the organization as a delegated administrator.")
	case !n.closing.IsZero():
		return nil, violates("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR", "You cannot register a suspended account as a delegated administrator.")
	case registered:
		return nil, core.Errorf("AccountAlreadyRegisteredException", "The specified account is already a delegated administrator for this AWS service.")
	case !trusted:
		return nil, violates("SERVICE_ACCESS_NOT_ENABLED", "You must enable access for the service before you can register a delegated administrator.")
	case others >= maxDelegations:
		return nil, violates("MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED", "You have registered the maximum number of delegated administrators for the service.")
	}
	if o.admins[n.id] == nil {
		o.admins[n.id] = map[string]time.Time{}
	}
	o.admins[n.id][*in.ServicePrincipal] = c.Now
	return &organizations.RegisterDelegatedAdministratorOutput{}, nil
}

var errNotRegistered = core.Errorf("AccountNotRegisteredException", "The specified account is not a delegated administrator for this AWS service.")

// DeregisterDelegatedAdministrator takes that back.
func (s *Service) DeregisterDelegatedAdministrator(
	c *core.Call, in *organizations.DeregisterDelegatedAdministratorInput,
) (*organizations.DeregisterDelegatedAdministratorOutput, error) {
	o, err := s.enter(c, manager, onNode(in.AccountId, forService(in.ServicePrincipal)))
	if err != nil {
		return nil, err
	}
	n, err := o.account(in.AccountId)
	if err != nil {
		return nil, err
	}
	if _, ok := o.admins[n.id][aws.ToString(in.ServicePrincipal)]; !ok {
		return nil, errNotRegistered
	}
	delete(o.admins[n.id], *in.ServicePrincipal)
	if len(o.admins[n.id]) == 0 {
		delete(o.admins, n.id)
	}
	return &organizations.DeregisterDelegatedAdministratorOutput{}, nil
}

// ListDelegatedAdministrators lists the accounts that administer a service, or any.
func (s *Service) ListDelegatedAdministrators(
	c *core.Call, in *organizations.ListDelegatedAdministratorsInput,
) (*organizations.ListDelegatedAdministratorsOutput, error) {
	extra := map[string][]string{}
	if in.ServicePrincipal != nil {
		extra = forService(in.ServicePrincipal)
	}
	o, err := s.enter(c, delegates, onAll(extra))
	if err != nil {
		return nil, err
	}
	var all []types.DelegatedAdministrator
	for id, services := range o.admins {
		since := slices.MinFunc(slices.Collect(maps.Values(services)), time.Time.Compare)
		if in.ServicePrincipal != nil {
			at, ok := services[*in.ServicePrincipal]
			if !ok {
				continue
			}
			since = at
		}
		a := s.describeAccount(o, o.nodes[id])
		all = append(all, types.DelegatedAdministrator{
			Id: a.Id, Arn: a.Arn, Name: a.Name, Email: a.Email, JoinedMethod: a.JoinedMethod, JoinedTimestamp: a.JoinedTimestamp,
			State: a.State, Status: a.Status, DelegationEnabledDate: aws.Time(since),
		})
	}
	list, next, err := cut(s, all, func(a types.DelegatedAdministrator) string { return *a.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListDelegatedAdministratorsOutput{DelegatedAdministrators: list, NextToken: next}, nil
}

// ListDelegatedServicesForAccount lists the services that an account administers.
func (s *Service) ListDelegatedServicesForAccount(
	c *core.Call, in *organizations.ListDelegatedServicesForAccountInput,
) (*organizations.ListDelegatedServicesForAccountOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.AccountId))
	if err != nil {
		return nil, err
	}
	n, err := o.account(in.AccountId)
	if err != nil {
		return nil, err
	}
	if len(o.admins[n.id]) == 0 {
		return nil, errNotRegistered
	}
	var all []types.DelegatedService
	for name, at := range o.admins[n.id] {
		all = append(all, types.DelegatedService{ServicePrincipal: aws.String(name), DelegationEnabledDate: aws.Time(at)})
	}
	list, next, err := cut(s, all, func(d types.DelegatedService) string { return *d.ServicePrincipal }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListDelegatedServicesForAccountOutput{DelegatedServices: list, NextToken: next}, nil
}

package orgsim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of Organizations.
func (s *Service) Registration() *core.Service {
	return &core.Service{Name: "organizations", Protocol: wire.Organizations(), Operations: map[string]core.Operation{
		"AttachPolicy":                        core.Op(s.AttachPolicy),
		"CloseAccount":                        core.Op(s.CloseAccount),
		"CreateAccount":                       core.Op(s.CreateAccount),
		"CreateOrganization":                  core.Op(s.CreateOrganization),
		"CreateOrganizationalUnit":            core.Op(s.CreateOrganizationalUnit),
		"CreatePolicy":                        core.Op(s.CreatePolicy),
		"DeleteOrganizationalUnit":            core.Op(s.DeleteOrganizationalUnit),
		"DeletePolicy":                        core.Op(s.DeletePolicy),
		"DeregisterDelegatedAdministrator":    core.Op(s.DeregisterDelegatedAdministrator),
		"DescribeAccount":                     core.Op(s.DescribeAccount),
		"DescribeCreateAccountStatus":         core.Op(s.DescribeCreateAccountStatus),
		"DescribeOrganization":                core.Op(s.DescribeOrganization),
		"DescribeOrganizationalUnit":          core.Op(s.DescribeOrganizationalUnit),
		"DescribePolicy":                      core.Op(s.DescribePolicy),
		"DetachPolicy":                        core.Op(s.DetachPolicy),
		"DisableAWSServiceAccess":             core.Op(s.DisableAWSServiceAccess),
		"DisablePolicyType":                   core.Op(s.DisablePolicyType),
		"EnableAWSServiceAccess":              core.Op(s.EnableAWSServiceAccess),
		"EnablePolicyType":                    core.Op(s.EnablePolicyType),
		"ListAWSServiceAccessForOrganization": core.Op(s.ListAWSServiceAccessForOrganization),
		"ListAccounts":                        core.Op(s.ListAccounts),
		"ListAccountsForParent":               core.Op(s.ListAccountsForParent),
		"ListChildren":                        core.Op(s.ListChildren),
		"ListCreateAccountStatus":             core.Op(s.ListCreateAccountStatus),
		"ListDelegatedAdministrators":         core.Op(s.ListDelegatedAdministrators),
		"ListDelegatedServicesForAccount":     core.Op(s.ListDelegatedServicesForAccount),
		"ListOrganizationalUnitsForParent":    core.Op(s.ListOrganizationalUnitsForParent),
		"ListParents":                         core.Op(s.ListParents),
		"ListPolicies":                        core.Op(s.ListPolicies),
		"ListPoliciesForTarget":               core.Op(s.ListPoliciesForTarget),
		"ListRoots":                           core.Op(s.ListRoots),
		"ListTagsForResource":                 core.Op(s.ListTagsForResource),
		"ListTargetsForPolicy":                core.Op(s.ListTargetsForPolicy),
		"MoveAccount":                         core.Op(s.MoveAccount),
		"RegisterDelegatedAdministrator":      core.Op(s.RegisterDelegatedAdministrator),
		"TagResource":                         core.Op(s.TagResource),
		"UntagResource":                       core.Op(s.UntagResource),
		"UpdateOrganizationalUnit":            core.Op(s.UpdateOrganizationalUnit),
		"UpdatePolicy":                        core.Op(s.UpdatePolicy),
	}}
}

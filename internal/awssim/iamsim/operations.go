package iamsim

import (
	"maps"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of IAM.
func (s *Service) Registration() *core.Service {
	// "Signature expired: … - 15 min." is what clients report of IAM.
	signing := sigv4.Rules{Skew: sigv4.MaxSkew}
	operations := map[string]core.Operation{}
	for _, some := range []map[string]core.Operation{
		s.roleOperations(), s.userOperations(), s.policyOperations(), s.accountOperations(),
	} {
		maps.Copy(operations, some)
	}
	return &core.Service{Name: "iam", Protocol: wire.IAM(), Signing: signing, Operations: operations}
}

// roleOperations are those on roles and their policies.
func (s *Service) roleOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"AttachRolePolicy":              core.Op(s.AttachRolePolicy),
		"CreateRole":                    core.Op(s.CreateRole),
		"CreateServiceLinkedRole":       core.Op(s.CreateServiceLinkedRole),
		"DeleteRole":                    core.Op(s.DeleteRole),
		"DeleteRolePermissionsBoundary": core.Op(s.DeleteRolePermissionsBoundary),
		"DeleteRolePolicy":              core.Op(s.DeleteRolePolicy),
		"DetachRolePolicy":              core.Op(s.DetachRolePolicy),
		"GetRole":                       core.Op(s.GetRole),
		"GetRolePolicy":                 core.Op(s.GetRolePolicy),
		"ListAttachedRolePolicies":      core.Op(s.ListAttachedRolePolicies),
		"ListRolePolicies":              core.Op(s.ListRolePolicies),
		"ListRoleTags":                  core.Op(s.ListRoleTags),
		"ListRoles":                     core.Op(s.ListRoles),
		"PutRolePermissionsBoundary":    core.Op(s.PutRolePermissionsBoundary),
		"PutRolePolicy":                 core.Op(s.PutRolePolicy),
		"TagRole":                       core.Op(s.TagRole),
		"UntagRole":                     core.Op(s.UntagRole),
		"UpdateAssumeRolePolicy":        core.Op(s.UpdateAssumeRolePolicy),
		"UpdateRole":                    core.Op(s.UpdateRole),
		"UpdateRoleDescription":         core.Op(s.UpdateRoleDescription),
	}
}

// userOperations are those on users, their policies and keys.
func (s *Service) userOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"AttachUserPolicy":              core.Op(s.AttachUserPolicy),
		"CreateAccessKey":               core.Op(s.CreateAccessKey),
		"CreateUser":                    core.Op(s.CreateUser),
		"DeleteAccessKey":               core.Op(s.DeleteAccessKey),
		"DeleteUser":                    core.Op(s.DeleteUser),
		"DeleteUserPermissionsBoundary": core.Op(s.DeleteUserPermissionsBoundary),
		"DeleteUserPolicy":              core.Op(s.DeleteUserPolicy),
		"DetachUserPolicy":              core.Op(s.DetachUserPolicy),
		"GetAccessKeyLastUsed":          core.Op(s.GetAccessKeyLastUsed),
		"GetUser":                       core.Op(s.GetUser),
		"GetUserPolicy":                 core.Op(s.GetUserPolicy),
		"ListAccessKeys":                core.Op(s.ListAccessKeys),
		"ListAttachedUserPolicies":      core.Op(s.ListAttachedUserPolicies),
		"ListUserPolicies":              core.Op(s.ListUserPolicies),
		"ListUserTags":                  core.Op(s.ListUserTags),
		"ListUsers":                     core.Op(s.ListUsers),
		"PutUserPermissionsBoundary":    core.Op(s.PutUserPermissionsBoundary),
		"PutUserPolicy":                 core.Op(s.PutUserPolicy),
		"TagUser":                       core.Op(s.TagUser),
		"UntagUser":                     core.Op(s.UntagUser),
		"UpdateAccessKey":               core.Op(s.UpdateAccessKey),
	}
}

// policyOperations are those on managed policies.
func (s *Service) policyOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"CreatePolicy":            core.Op(s.CreatePolicy),
		"CreatePolicyVersion":     core.Op(s.CreatePolicyVersion),
		"DeletePolicy":            core.Op(s.DeletePolicy),
		"DeletePolicyVersion":     core.Op(s.DeletePolicyVersion),
		"GetPolicy":               core.Op(s.GetPolicy),
		"GetPolicyVersion":        core.Op(s.GetPolicyVersion),
		"ListEntitiesForPolicy":   core.Op(s.ListEntitiesForPolicy),
		"ListPolicies":            core.Op(s.ListPolicies),
		"ListPolicyTags":          core.Op(s.ListPolicyTags),
		"ListPolicyVersions":      core.Op(s.ListPolicyVersions),
		"SetDefaultPolicyVersion": core.Op(s.SetDefaultPolicyVersion),
		"TagPolicy":               core.Op(s.TagPolicy),
		"UntagPolicy":             core.Op(s.UntagPolicy),
	}
}

// accountOperations are those on instance profiles and the account, and the policy
// simulator.
func (s *Service) accountOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"AddRoleToInstanceProfile":           core.Op(s.AddRoleToInstanceProfile),
		"CreateAccountAlias":                 core.Op(s.CreateAccountAlias),
		"CreateInstanceProfile":              core.Op(s.CreateInstanceProfile),
		"DeleteAccountAlias":                 core.Op(s.DeleteAccountAlias),
		"DeleteInstanceProfile":              core.Op(s.DeleteInstanceProfile),
		"GenerateServiceLastAccessedDetails": core.Op(s.GenerateServiceLastAccessedDetails),
		"GetAccountAuthorizationDetails":     core.Op(s.GetAccountAuthorizationDetails),
		"GetAccountSummary":                  core.Op(s.GetAccountSummary),
		"GetContextKeysForCustomPolicy":      core.Op(s.GetContextKeysForCustomPolicy),
		"GetContextKeysForPrincipalPolicy":   core.Op(s.GetContextKeysForPrincipalPolicy),
		"GetInstanceProfile":                 core.Op(s.GetInstanceProfile),
		"GetServiceLastAccessedDetails":      core.Op(s.GetServiceLastAccessedDetails),
		"ListAccountAliases":                 core.Op(s.ListAccountAliases),
		"ListInstanceProfiles":               core.Op(s.ListInstanceProfiles),
		"ListInstanceProfilesForRole":        core.Op(s.ListInstanceProfilesForRole),
		"RemoveRoleFromInstanceProfile":      core.Op(s.RemoveRoleFromInstanceProfile),
		"SimulateCustomPolicy":               core.Op(s.SimulateCustomPolicy),
		"SimulatePrincipalPolicy":            core.Op(s.SimulatePrincipalPolicy),
	}
}

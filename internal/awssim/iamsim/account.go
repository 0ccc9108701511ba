package iamsim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// GetAccountSummary counts what the account has, beside its quotas. What is
// not simulated is there none of.
func (s *Service) GetAccountSummary(c *core.Call, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	versions := 0
	for _, p := range c.Account.Policies() {
		versions += len(p.Versions)
	}
	sum := map[string]int32{
		"Groups": 0, "MFADevices": 0, "MFADevicesInUse": 0, "AccountMFAEnabled": 0, "AccountPasswordPresent": 1, "AccountSigningCertificatesPresent": 0,
		"ServerCertificates": 0, "Providers": 0,
		"AccessKeysPerUserQuota": maxKeys, "UserPolicySizeQuota": userInlineSize, "PolicySizeQuota": managedSize, "VersionsPerPolicyQuota": maxVersions,
	}
	for name, n := range map[string]int{
		"Users": len(c.Account.Users()), "Roles": len(c.Account.Roles()), "Policies": len(c.Account.Policies()), "PolicyVersionsInUse": versions,
		"InstanceProfiles": len(c.Account.InstanceProfiles()),
		"UsersQuota":       s.limits.Users, "RolesQuota": s.limits.Roles, "PoliciesQuota": s.limits.Policies,
		"InstanceProfilesQuota": s.limits.InstanceProfiles, "AssumeRolePolicySizeQuota": s.limits.TrustSize,
		"AttachedPoliciesPerRoleQuota": s.limits.PoliciesPerRole, "AttachedPoliciesPerUserQuota": s.limits.PoliciesPerUser,
	} {
		sum[name] = int32(n)
	}
	sum["AccountAccessKeysPresent"] = 0
	if c.Account.HasRootKey() {
		sum["AccountAccessKeysPresent"] = 1
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: sum}, nil
}

// CreateAccountAlias names the account in the address of its sign-in page.
// Such a name is the only one of its kind in the partition, and an account
// has one: another takes its place.
func (s *Service) CreateAccountAlias(c *core.Call, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	if err := valid(member{"accountAlias", in.AccountAlias, alias, true}); err != nil {
		return nil, err
	}
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(s.cloud.AllAccounts(), func(a *core.Account) bool { return a.Alias == *in.AccountAlias }) {
		return nil, conflict("EntityAlreadyExists", "The account alias "+*in.AccountAlias+" already exists.")
	}
	c.Account.Alias = *in.AccountAlias
	return &iam.CreateAccountAliasOutput{}, nil
}

// DeleteAccountAlias takes the account's alias away.
func (s *Service) DeleteAccountAlias(c *core.Call, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	if err := valid(member{"accountAlias", in.AccountAlias, alias, true}); err != nil {
		return nil, err
	}
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	if c.Account.Alias != *in.AccountAlias {
		return nil, noSuchEntity("The account alias " + *in.AccountAlias + " cannot be found.")
	}
	c.Account.Alias = ""
	return &iam.DeleteAccountAliasOutput{}, nil
}

// ListAccountAliases lists the alias, if there is one.
func (s *Service) ListAccountAliases(c *core.Call, in *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	all := []string{}
	if c.Account.Alias != "" {
		all = append(all, c.Account.Alias)
	}
	list, marker, err := cut(all, func(a string) string { return a }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListAccountAliasesOutput{AccountAliases: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// GetAccountAuthorizationDetails tells all users, roles and managed policies
// with their documents.
func (s *Service) GetAccountAuthorizationDetails(
	c *core.Call, in *iam.GetAccountAuthorizationDetailsInput,
) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	wanted := func(t types.EntityType) bool { return len(in.Filter) == 0 || slices.Contains(in.Filter, t) }
	var all []detail
	for _, u := range c.Account.Users() {
		if wanted(types.EntityTypeUser) {
			all = append(all, detail{"1" + u.ARN, func(out *iam.GetAccountAuthorizationDetailsOutput) {
				out.UserDetailList = append(out.UserDetailList, userDetail(u))
			}})
		}
	}
	for _, r := range c.Account.Roles() {
		if wanted(types.EntityTypeRole) {
			all = append(all, detail{"2" + r.ARN, func(out *iam.GetAccountAuthorizationDetailsOutput) {
				out.RoleDetailList = append(out.RoleDetailList, roleDetail(c.Account, r))
			}})
		}
	}
	for _, p := range append(c.Account.Policies(), s.cloud.AWSPolicies(c.Account.Partition)...) {
		if p.Account != nil && !wanted(types.EntityTypeLocalManagedPolicy) || p.Account == nil && !wanted(types.EntityTypeAWSManagedPolicy) {
			continue
		}
		u := usesOf(c.Account, p)
		if p.Account == nil && len(u.attached)+len(u.bounded) == 0 {
			continue // of AWS's policies only those in use are told
		}
		all = append(all, detail{"3" + p.ARN, func(out *iam.GetAccountAuthorizationDetailsOutput) {
			out.Policies = append(out.Policies, policyDetail(c.Account, p))
		}})
	}
	list, marker, err := cut(all, func(d detail) string { return d.key }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	out := &iam.GetAccountAuthorizationDetailsOutput{
		UserDetailList: []types.UserDetail{}, GroupDetailList: []types.GroupDetail{}, RoleDetailList: []types.RoleDetail{},
		Policies: []types.ManagedPolicyDetail{}, Marker: marker, IsTruncated: marker != nil,
	}
	for _, d := range list {
		d.add(out)
	}
	return out, nil
}

// A detail is one entry of GetAccountAuthorizationDetails.
type detail struct {
	key string
	add func(*iam.GetAccountAuthorizationDetailsOutput)
}

func userDetail(u *core.User) types.UserDetail {
	inline, attached := held(&u.Holder)
	return types.UserDetail{
		Arn: aws.String(u.ARN), CreateDate: aws.Time(u.Created), Path: aws.String(u.Path), UserId: aws.String(u.UniqueID), UserName: aws.String(u.Name),
		PermissionsBoundary: boundaryOf(&u.Holder), Tags: tagList(u.Tags), UserPolicyList: inline, AttachedManagedPolicies: attached,
		GroupList: []string{},
	}
}

func roleDetail(a *core.Account, r *core.Role) types.RoleDetail {
	inline, attached := held(&r.Holder)
	d := describeRole(r)
	profiles, _, _ := profilePage(profilesOf(a, r), page{maxItems: aws.Int32(1000)}) // without a marker there is nothing to fail
	return types.RoleDetail{
		Arn: d.Arn, CreateDate: d.CreateDate, Path: d.Path, RoleId: d.RoleId, RoleName: d.RoleName, AssumeRolePolicyDocument: d.AssumeRolePolicyDocument,
		PermissionsBoundary: d.PermissionsBoundary, RoleLastUsed: d.RoleLastUsed, Tags: d.Tags,
		InstanceProfileList: profiles, RolePolicyList: inline, AttachedManagedPolicies: attached,
	}
}

// held lists what a user or role holds.
func held(h *core.Holder) ([]types.PolicyDetail, []types.AttachedPolicy) {
	inline, attached := []types.PolicyDetail{}, []types.AttachedPolicy{}
	for _, p := range h.Inline {
		inline = append(inline, types.PolicyDetail{PolicyName: aws.String(p.Name), PolicyDocument: encoded(textOf(p.Document, p.Text))})
	}
	for _, p := range h.Attached {
		attached = append(attached, types.AttachedPolicy{PolicyArn: aws.String(p.ARN), PolicyName: aws.String(p.Name)})
	}
	return inline, attached
}

func policyDetail(a *core.Account, p *core.Policy) types.ManagedPolicyDetail {
	d := describePolicy(a, p)
	detail := types.ManagedPolicyDetail{
		Arn: d.Arn, PolicyId: d.PolicyId, PolicyName: d.PolicyName, Path: d.Path, CreateDate: d.CreateDate, UpdateDate: d.UpdateDate,
		DefaultVersionId: d.DefaultVersionId, IsAttachable: d.IsAttachable, Description: d.Description,
		AttachmentCount: d.AttachmentCount, PermissionsBoundaryUsageCount: d.PermissionsBoundaryUsageCount,
	}
	for _, v := range p.Versions {
		detail.PolicyVersionList = append(detail.PolicyVersionList, describeVersion(p, v))
	}
	return detail
}

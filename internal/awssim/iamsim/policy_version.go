package iamsim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreatePolicyVersion adds a version to a managed policy, up to five.
func (s *Service) CreatePolicyVersion(c *core.Call, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	if err := valid(member{"policyDocument", in.PolicyDocument, document, true}); err != nil {
		return nil, err
	}
	p, err := s.ownPolicy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	if len(p.Versions) >= maxVersions {
		return nil, conflict("LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	}
	d, err := readManaged(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	v := p.AddVersion(d, c.Now)
	v.Text = *in.PolicyDocument
	if in.SetAsDefault {
		p.SetDefault(v)
	}
	made := describeVersion(p, v)
	made.Document = nil // CreatePolicyVersion does not return it (IAM API Reference, PolicyVersion)
	return &iam.CreatePolicyVersionOutput{PolicyVersion: &made}, nil
}

// version finds a version of a policy.
func version(p *core.Policy, id *string) (*core.PolicyVersion, error) {
	i := slices.IndexFunc(p.Versions, func(v *core.PolicyVersion) bool { return v.ID == *id })
	if i < 0 {
		return nil, noSuchEntity("Policy " + p.ARN + " version " + *id + " does not exist or is not attachable.")
	}
	return p.Versions[i], nil
}

// GetPolicyVersion returns a version with its document.
func (s *Service) GetPolicyVersion(c *core.Call, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	if err := valid(member{"versionId", in.VersionId, versionID, true}); err != nil {
		return nil, err
	}
	p, err := s.policy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	v, err := version(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	d := describeVersion(p, v)
	return &iam.GetPolicyVersionOutput{PolicyVersion: &d}, nil
}

// ListPolicyVersions lists the versions, newest first, without documents.
func (s *Service) ListPolicyVersions(c *core.Call, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	p, err := s.policy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	var all []types.PolicyVersion
	order := map[string]string{} // the newest comes first
	for i, v := range slices.Backward(p.Versions) {
		d := describeVersion(p, v)
		d.Document = nil
		all = append(all, d)
		order[v.ID] = string(rune('a' + len(p.Versions) - i))
	}
	list, marker, err := cut(all, func(v types.PolicyVersion) string { return order[*v.VersionId] }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyVersionsOutput{Versions: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// SetDefaultPolicyVersion puts a version into force.
func (s *Service) SetDefaultPolicyVersion(c *core.Call, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	if err := valid(member{"versionId", in.VersionId, versionID, true}); err != nil {
		return nil, err
	}
	p, err := s.ownPolicy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	v, err := version(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	p.SetDefault(v)
	p.Updated = c.Now.UTC()
	return &iam.SetDefaultPolicyVersionOutput{}, nil
}

// DeletePolicyVersion deletes a version that is not in force.
func (s *Service) DeletePolicyVersion(c *core.Call, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	if err := valid(member{"versionId", in.VersionId, versionID, true}); err != nil {
		return nil, err
	}
	p, err := s.ownPolicy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	v, err := version(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	if v == p.Default {
		return nil, conflict("DeleteConflict", "Cannot delete the default version of a policy.")
	}
	p.Versions = slices.DeleteFunc(p.Versions, func(x *core.PolicyVersion) bool { return x == v })
	return &iam.DeletePolicyVersionOutput{}, nil
}

func describeVersion(p *core.Policy, v *core.PolicyVersion) types.PolicyVersion {
	return types.PolicyVersion{
		VersionId: aws.String(v.ID), CreateDate: aws.Time(v.Created), IsDefaultVersion: v == p.Default,
		Document: encoded(textOf(v.Document, v.Text)),
	}
}

// ListEntitiesForPolicy lists the users and roles that have a policy.
func (s *Service) ListEntitiesForPolicy(c *core.Call, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	if err := valid(member{"pathPrefix", in.PathPrefix, pathPrefix, false}); err != nil {
		return nil, err
	}
	p, err := s.policy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	u := usesOf(c.Account, p)
	from := u.attached
	switch in.PolicyUsageFilter {
	case types.PolicyUsageTypePermissionsBoundary:
		from = u.bounded
	case "":
		from = append(from, slices.DeleteFunc(u.bounded, func(x *subject) bool {
			return slices.ContainsFunc(u.attached, func(y *subject) bool { return x.holder == y.holder })
		})...)
	}
	from = slices.DeleteFunc(from, func(x *subject) bool {
		return !strings.HasPrefix(x.path, aws.ToString(in.PathPrefix)) ||
			in.EntityFilter != "" && !strings.EqualFold(string(in.EntityFilter), x.kind)
	})
	list, marker, err := cut(from, func(x *subject) string { return x.kind + x.path + x.name }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	out := &iam.ListEntitiesForPolicyOutput{
		PolicyGroups: []types.PolicyGroup{}, PolicyRoles: []types.PolicyRole{}, PolicyUsers: []types.PolicyUser{},
		Marker: marker, IsTruncated: marker != nil,
	}
	for _, x := range list {
		if x.kind == "role" {
			out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: aws.String(x.holder.UniqueID), RoleName: aws.String(x.name)})
		} else {
			out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: aws.String(x.holder.UniqueID), UserName: aws.String(x.name)})
		}
	}
	return out, nil
}

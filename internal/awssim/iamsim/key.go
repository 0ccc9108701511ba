package iamsim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// keyOwner finds the user whose keys a call is about: the caller, if none is named.
func (s *Service) keyOwner(c *core.Call, name *string) (*core.User, error) {
	name, err := nameOrCaller(c, name)
	if err != nil {
		return nil, err
	}
	return s.user(c, name, nil)
}

// CreateAccessKey gives a user another key. This is the only answer that
// tells its secret.
func (s *Service) CreateAccessKey(c *core.Call, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	u, err := s.keyOwner(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if err := quota("AccessKeysPerUser", maxKeys, len(u.Keys)); err != nil {
		return nil, err
	}
	k := u.AddKey()
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: aws.String(k.ID), SecretAccessKey: aws.String(k.Secret), UserName: aws.String(u.Name),
		Status: types.StatusTypeActive, CreateDate: aws.Time(k.Created),
	}}, nil
}

// ListAccessKeys lists a user's keys.
func (s *Service) ListAccessKeys(c *core.Call, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	u, err := s.keyOwner(c, in.UserName)
	if err != nil {
		return nil, err
	}
	var all []types.AccessKeyMetadata
	for _, k := range u.Keys {
		all = append(all, types.AccessKeyMetadata{
			AccessKeyId: aws.String(k.ID), CreateDate: aws.Time(k.Created), Status: status(k), UserName: aws.String(u.Name),
		})
	}
	list, marker, err := cut(all, func(k types.AccessKeyMetadata) string { return *k.AccessKeyId }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListAccessKeysOutput{AccessKeyMetadata: list, Marker: marker, IsTruncated: marker != nil}, nil
}

func status(k *core.AccessKey) types.StatusType {
	if k.Inactive {
		return types.StatusTypeInactive
	}
	return types.StatusTypeActive
}

// key finds a key of the user that a call names.
func (s *Service) key(c *core.Call, name, id *string) (*core.User, *core.AccessKey, error) {
	if err := valid(member{"accessKeyId", id, keyID, true}); err != nil {
		return nil, nil, err
	}
	u, err := s.keyOwner(c, name)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(u.Keys, func(k *core.AccessKey) bool { return k.ID == *id })
	if i < 0 {
		return nil, nil, noSuchEntity("The Access Key with id " + *id + " cannot be found.")
	}
	return u, u.Keys[i], nil
}

// UpdateAccessKey makes a key unable to sign, or able again.
func (s *Service) UpdateAccessKey(c *core.Call, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	if in.Status != types.StatusTypeActive && in.Status != types.StatusTypeInactive {
		return nil, core.Errorf("ValidationError",
			"1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]", in.Status)
	}
	u, k, err := s.key(c, in.UserName, in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	u.SetInactive(k, in.Status == types.StatusTypeInactive)
	return &iam.UpdateAccessKeyOutput{}, nil
}

// DeleteAccessKey deletes a key.
func (s *Service) DeleteAccessKey(c *core.Call, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	u, k, err := s.key(c, in.UserName, in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	u.DeleteKey(k)
	return &iam.DeleteAccessKeyOutput{}, nil
}

// GetAccessKeyLastUsed tells when a key of the account last signed, and for
// what. The permission is on the user; a key that nobody here has is denied,
// as AWS tells no more of foreign ones.
func (s *Service) GetAccessKeyLastUsed(c *core.Call, in *iam.GetAccessKeyLastUsedInput) (*iam.GetAccessKeyLastUsedOutput, error) {
	if err := valid(member{"accessKeyId", in.AccessKeyId, keyID, true}); err != nil {
		return nil, err
	}
	for _, u := range c.Account.Users() {
		i := slices.IndexFunc(u.Keys, func(k *core.AccessKey) bool { return k.ID == *in.AccessKeyId })
		if i < 0 {
			continue
		}
		if err := c.Authorize(ofUser(u, u.Name).need(c, nil)); err != nil {
			return nil, err
		}
		k := u.Keys[i]
		// "N/A" stands for a key that was never used (IAM API Reference, AccessKeyLastUsed).
		used := &types.AccessKeyLastUsed{Region: aws.String("N/A"), ServiceName: aws.String("N/A")}
		if !k.Used.At.IsZero() {
			used = &types.AccessKeyLastUsed{LastUsedDate: aws.Time(k.Used.At), Region: aws.String(k.Used.Region), ServiceName: aws.String(k.UsedFor)}
		}
		return &iam.GetAccessKeyLastUsedOutput{UserName: aws.String(u.Name), AccessKeyLastUsed: used}, nil
	}
	return nil, c.Denied(core.Need{Action: "iam:GetAccessKeyLastUsed", Resource: c.Account.GlobalARN("iam", "user/*")})
}

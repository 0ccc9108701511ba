package iamsim_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

// denied turns EC2's word for a denial into everybody else's.
func denied(err error) error {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if errors.As(err, &api) && api.ErrorCode() == "UnauthorizedOperation" && errors.As(err, &response) {
		response.Err = &smithy.GenericAPIError{Code: "AccessDenied"}
		return response
	}
	return err
}

func TestAUserAndItsKeys(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	made, err := c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("op"), Path: aws.String("/ops/")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:user/ops/op", *made.User.Arn)
	require.Regexp(t, "^AIDA", *made.User.UserId)
	_, err = c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("OP")})
	requireCode(t, err, "EntityAlreadyExists")

	first, err := c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("op")})
	require.NoError(t, err)
	require.NoError(t, whoami(cloud, key(first.AccessKey)))
	_, err = c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("op")})
	require.NoError(t, err)
	_, err = c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("op")})
	requireCode(t, err, "LimitExceeded")
	used, err := c.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: first.AccessKey.AccessKeyId})
	require.NoError(t, err)
	require.Equal(t, "sts", *used.AccessKeyLastUsed.ServiceName)

	turn := func(status types.StatusType) {
		_, err := c.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String("op"), AccessKeyId: first.AccessKey.AccessKeyId, Status: status})
		require.NoError(t, err)
	}
	turn(types.StatusTypeInactive)
	requireCode(t, whoami(cloud, key(first.AccessKey)), "InvalidClientTokenId")
	turn(types.StatusTypeActive)
	require.NoError(t, whoami(cloud, key(first.AccessKey)))

	_, err = c.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("op")})
	requireCode(t, err, "DeleteConflict")
	keys, err := c.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String("op")})
	require.NoError(t, err)
	require.Len(t, keys.AccessKeyMetadata, 2)
	for _, k := range keys.AccessKeyMetadata {
		_, err = c.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("op"), AccessKeyId: k.AccessKeyId})
		require.NoError(t, err)
	}
	requireCode(t, whoami(cloud, key(first.AccessKey)), "InvalidClientTokenId")
	_, err = c.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("op")})
	require.NoError(t, err)
}

func TestWhoIsMeantByNoName(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	me, err := c.GetUser(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "admin", *me.User.UserName)
	keys, err := c.ListAccessKeys(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, keys.AccessKeyMetadata, 1, "the key that the cloud gave out")
	root, err := iam.NewFromConfig(config(cloud, cloud.Root(account))).GetUser(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:root", *root.User.Arn)
	role := makeRole(t, c, "backup")
	_, err = c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("backup"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	require.NoError(t, err)
	_, err = iam.NewFromConfig(config(cloud, assume(t, cloud, role))).GetUser(t.Context(), nil)
	requireCode(t, err, "ValidationError")
}

func TestPermissionsForCalls(t *testing.T) {
	policy := "arn:aws:iam::111111111111:policy/look"
	tests := []struct {
		name, statement string
		call            func(context.Context, *iam.Client) error
		allowed         bool
	}{
		{"role by path", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::111111111111:role/bk/*"}`, getRole, true},
		{"role without its path", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::111111111111:role/backup"}`, getRole, false},
		{"role by tag", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/team":"x"}}}`, getRole, true},
		{"role by another tag", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"y"}}}`, getRole, false},
		{"the policy attached", `{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"` + policy + `"}}}`, attach(policy), true},
		{"another policy", `{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"` + policy + `"}}}`, attach("arn:aws:iam::aws:policy/AdministratorAccess"), false},
		{"a boundary that is set", `{"Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111111111111:policy/backup-boundary"}}}`, put, true},
		{"no such boundary", `{"Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111111111111:policy/x"}}}`, put, false},
		{"a role with tags", `{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/a":"b"}}}`, create, true},
		{"a role with tags, not to be tagged", `{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*"}`, create, false},
		{"a role in a profile", `{"Effect":"Allow","Action":["iam:AddRoleToInstanceProfile","iam:PassRole"],"Resource":"*","Condition":{"StringEqualsIfExists":{"iam:PassedToService":"ec2.amazonaws.com"}}}`, add, true},
		{"a role that is not passed", `{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"}`, add, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.PutRole(account, awssim.Role{Name: "backup", Path: "/bk/", Tags: map[string]string{"team": "x"}, Boundary: parse(t, allowAll)})
			boss := admin(cloud, account)
			makePolicy(t, boss, "look", allowEC2)
			_, err := boss.CreateInstanceProfile(t.Context(), &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("web")})
			require.NoError(t, err)
			c := client(cloud, account, "op", parse(t, `{"Version":"2012-10-17","Statement":[`+tt.statement+`]}`))
			if err := tt.call(t.Context(), c); tt.allowed {
				require.NoError(t, err)
			} else {
				requireCode(t, err, "AccessDenied")
			}
		})
	}
}

func getRole(ctx context.Context, c *iam.Client) error {
	_, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("backup")})
	return err
}

func attach(arn string) func(context.Context, *iam.Client) error {
	return func(ctx context.Context, c *iam.Client) error {
		_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("backup"), PolicyArn: &arn})
		return err
	}
}

func put(ctx context.Context, c *iam.Client) error {
	_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allowEC2)})
	return err
}

func create(ctx context.Context, c *iam.Client) error {
	_, err := c.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("fresh"), AssumeRolePolicyDocument: aws.String(trustUs), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	return err
}

func add(ctx context.Context, c *iam.Client) error {
	_, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("web"), RoleName: aws.String("backup")})
	return err
}

func TestInstanceProfiles(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	cloud.PutRole(account, awssim.Role{Name: "backup"})
	_, err := c.CreateInstanceProfile(t.Context(), &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("web"), Path: aws.String("/p/")})
	require.NoError(t, err)
	require.NoError(t, add(t.Context(), c))
	requireCode(t, add(t.Context(), c), "LimitExceeded")
	got, err := c.GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: aws.String("web")})
	require.NoError(t, err)
	require.Equal(t, "backup", *got.InstanceProfile.Roles[0].RoleName)
	require.Equal(t, "arn:aws:iam::111111111111:instance-profile/p/web", *got.InstanceProfile.Arn)
	list, err := c.ListInstanceProfilesForRole(t.Context(), &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	require.Len(t, list.InstanceProfiles, 1)
	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("backup")})
	requireCode(t, err, "DeleteConflict")
	_, err = c.DeleteInstanceProfile(t.Context(), &iam.DeleteInstanceProfileInput{InstanceProfileName: aws.String("web")})
	requireCode(t, err, "DeleteConflict")
	_, err = c.RemoveRoleFromInstanceProfile(t.Context(), &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: aws.String("web"), RoleName: aws.String("backup")})
	require.NoError(t, err)
	_, err = c.DeleteInstanceProfile(t.Context(), &iam.DeleteInstanceProfileInput{InstanceProfileName: aws.String("web")})
	require.NoError(t, err)
}

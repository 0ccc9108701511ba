package orgsim_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	boss   = "999999999999" // the management account
	shop   = "111111111111"
	bank   = "222222222222"
	alone  = "333333333333"
	region = "eu-west-1"
)

func newCloud(t testing.TB) *awssim.Cloud {
	t.Helper()
	cloud := awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}})
	t.Cleanup(func() { require.Empty(t, cloud.Misuse()) })
	return cloud
}

func config(cloud *awssim.Cloud, creds aws.CredentialsProvider) aws.Config {
	cfg := cloud.Config(creds, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func admin(cloud *awssim.Cloud, account string) *organizations.Client {
	return client(cloud, account, awssim.Admin())
}

func client(cloud *awssim.Cloud, account string, policies ...*iampolicy.Document) *organizations.Client {
	return organizations.NewFromConfig(config(cloud, cloud.User(account, "admin", policies...)))
}

// inRole is a configuration for a role, assumed by an administrator.
func inRole(cloud *awssim.Cloud, account, role string) aws.Config {
	base := config(cloud, cloud.User(account, "admin", awssim.Admin()))
	return config(cloud, stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), role))
}

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

func requireCode(t testing.TB, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode(), "%v", err)
}

// requireViolation demands a ConstraintViolationException with a reason.
func requireViolation(t testing.TB, err error, reason types.ConstraintViolationExceptionReason) {
	t.Helper()
	var typed *types.ConstraintViolationException
	require.ErrorAs(t, err, &typed)
	require.Equal(t, reason, typed.Reason)
}

// An organized cloud has an organization of boss, shop and bank.
func organized(t testing.TB) (cloud *awssim.Cloud, c *organizations.Client, root string) {
	t.Helper()
	cloud = newCloud(t)
	cloud.SetOrganization("o-a1b2c3d4e5", boss, shop, bank)
	c = admin(cloud, boss)
	roots, err := c.ListRoots(context.Background(), nil)
	require.NoError(t, err)
	return cloud, c, *roots.Roots[0].Id
}

func newUnit(t testing.TB, c *organizations.Client, parent, name string) string {
	t.Helper()
	out, err := c.CreateOrganizationalUnit(context.Background(), &organizations.CreateOrganizationalUnitInput{ParentId: &parent, Name: &name})
	require.NoError(t, err)
	return *out.OrganizationalUnit.Id
}

func newPolicy(t testing.TB, c *organizations.Client, name, content string, kind types.PolicyType) string {
	t.Helper()
	out, err := c.CreatePolicy(context.Background(), &organizations.CreatePolicyInput{Name: &name, Content: &content, Description: aws.String(""), Type: kind})
	require.NoError(t, err)
	return *out.Policy.PolicySummary.Id
}

func attach(c *organizations.Client, policy, target string) error {
	_, err := c.AttachPolicy(context.Background(), &organizations.AttachPolicyInput{PolicyId: &policy, TargetId: &target})
	return err
}

func detach(c *organizations.Client, policy, target string) error {
	_, err := c.DetachPolicy(context.Background(), &organizations.DetachPolicyInput{PolicyId: &policy, TargetId: &target})
	return err
}

func move(c *organizations.Client, account, from, to string) error {
	_, err := c.MoveAccount(context.Background(), &organizations.MoveAccountInput{AccountId: &account, SourceParentId: &from, DestinationParentId: &to})
	return err
}

// create asks for an account and waits for it.
func create(t testing.TB, c *organizations.Client, name, email string) *types.CreateAccountStatus {
	t.Helper()
	out, err := c.CreateAccount(context.Background(), &organizations.CreateAccountInput{AccountName: &name, Email: &email})
	require.NoError(t, err)
	status := out.CreateAccountStatus
	for status.State == types.CreateAccountStateInProgress {
		time.Sleep(10 * time.Second)
		now, err := c.DescribeCreateAccountStatus(context.Background(), &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: status.Id})
		require.NoError(t, err)
		status = now.CreateAccountStatus
	}
	return status
}

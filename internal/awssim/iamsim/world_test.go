package iamsim_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	account = "111111111111"
	other   = "222222222222"
	region  = "eu-west-1"

	allowEC2 = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trustEC2 = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustUs  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}`
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

// client of a user with the policies.
func client(cloud *awssim.Cloud, acct, name string, policies ...*iampolicy.Document) *iam.Client {
	return iam.NewFromConfig(config(cloud, cloud.User(acct, name, policies...)))
}

func admin(cloud *awssim.Cloud, acct string) *iam.Client {
	return client(cloud, acct, "admin", awssim.Admin())
}

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

func key(k *types.AccessKey) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, "")
}

// whoami tells whether credentials are good for anything.
func whoami(cloud *awssim.Cloud, creds aws.CredentialsProvider) error {
	_, err := sts.NewFromConfig(config(cloud, creds)).GetCallerIdentity(context.Background(), nil)
	return err
}

// assume opens a session of a role as an administrator of the account.
func assume(t testing.TB, cloud *awssim.Cloud, arn string) aws.CredentialsProvider {
	t.Helper()
	out, err := sts.NewFromConfig(config(cloud, cloud.User(account, "admin", awssim.Admin()))).
		AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("s1")})
	require.NoError(t, err)
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// makeRole makes a role that the account may assume.
func makeRole(t testing.TB, c *iam.Client, name string) (arn string) {
	t.Helper()
	out, err := c.CreateRole(context.Background(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trustUs)})
	require.NoError(t, err)
	return *out.Role.Arn
}

func makePolicy(t testing.TB, c *iam.Client, name, document string) (arn string) {
	t.Helper()
	out, err := c.CreatePolicy(context.Background(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	require.NoError(t, err)
	return *out.Policy.Arn
}

// requireCode demands an API error, with the HTTP status that AWS documents.
func requireCode(t testing.TB, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode(), "%v", err)
	status, ok := map[string]int{
		"NoSuchEntity": http.StatusNotFound, "EntityAlreadyExists": http.StatusConflict, "DeleteConflict": http.StatusConflict,
		"LimitExceeded": http.StatusConflict, "AccessDenied": http.StatusForbidden, "InvalidClientTokenId": http.StatusForbidden,
	}[code]
	if !ok {
		status = http.StatusBadRequest
	}
	var response *smithyhttp.ResponseError
	require.True(t, errors.As(err, &response))
	require.Equal(t, status, response.HTTPStatusCode())
}

// decoded is a document as IAM returns it, read.
func decoded(t testing.TB, text *string) string {
	t.Helper()
	s, err := url.PathUnescape(aws.ToString(text))
	require.NoError(t, err)
	return s
}

package kmssim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	account = "111111111111"
	other   = "222222222222"
	region  = "eu-west-1"
)

func newCloud(t testing.TB) *awssim.Cloud {
	t.Helper()
	cloud := awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}})
	t.Cleanup(func() { require.Empty(t, cloud.Misuse()) })
	return cloud
}

// client of a user with the policies.
func client(cloud *awssim.Cloud, acct, name string, policies ...*iampolicy.Document) *kms.Client {
	cfg := cloud.Config(cloud.User(acct, name, policies...), region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return kms.NewFromConfig(cfg)
}

func admin(cloud *awssim.Cloud, acct string) *kms.Client {
	return client(cloud, acct, "admin", awssim.Admin())
}

// session is a client of a role of the account, assumed by an administrator.
func session(t testing.TB, cloud *awssim.Cloud, role string) *kms.Client {
	t.Helper()
	base := cloud.Config(cloud.User(account, "admin", awssim.Admin()), region)
	out, err := sts.NewFromConfig(base).AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1")})
	require.NoError(t, err)
	c := out.Credentials
	cfg := base.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	return kms.NewFromConfig(cfg)
}

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

// allow makes an identity policy that allows actions on everything.
func allow(t testing.TB, actions ...string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["`+strings.Join(actions, `","`)+`"],"Resource":"*"}]}`)
}

func deny(t testing.TB, actions ...string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["`+strings.Join(actions, `","`)+`"],"Resource":"*"}]}`)
}

// keyPolicy lets the account's administrators do everything, and adds statements.
func keyPolicy(more ...string) string {
	all := append([]string{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}`}, more...)
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`
}

func newKey(t testing.TB, c *kms.Client, policy string) (arn string) {
	t.Helper()
	in := &kms.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := c.CreateKey(context.Background(), in)
	require.NoError(t, err)
	return *out.KeyMetadata.Arn
}

// code of an API error; empty for nil.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}

package stssim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func clientIn(c *awssim.Cloud, p aws.CredentialsProvider, region string, options ...func(*sts.Options)) *sts.Client {
	cfg := c.Config(p, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return sts.NewFromConfig(cfg, options...)
}

// global sends requests to the endpoint of STS without a Region in its name.
func global(o *sts.Options) { o.BaseEndpoint = aws.String("https://sts.amazonaws.com") }

func TestRolesOfOtherPartitions(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	const china, there = "222222222222", "arn:aws-cn:iam::222222222222:role/backup"
	require.NoError(t, cloud.SetPartition(china, "aws-cn"))
	cloud.PutRole(china, awssim.Role{Name: "backup", Trust: trust(t, "*", ""), Policies: []*iampolicy.Document{awssim.Admin()}})
	in := &sts.AssumeRoleInput{RoleArn: aws.String(there), RoleSessionName: aws.String("run-1")}
	_, err := client(cloud, cloud.User(vault, "engine", awssim.Admin())).AssumeRole(t.Context(), in)
	require.Equal(t, "AccessDenied", code(err), "a role of another partition")
	in.RoleArn = aws.String("arn:aws:iam::222222222222:role/backup")
	_, err = client(cloud, cloud.User(vault, "engine", awssim.Admin())).AssumeRole(t.Context(), in)
	require.Equal(t, "AccessDenied", code(err), "the account is in another partition")

	local := clientIn(cloud, cloud.User(china, "engine", awssim.Admin()), "cn-north-1")
	in.RoleArn = aws.String(there)
	out, err := local.AssumeRole(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "arn:aws-cn:sts::222222222222:assumed-role/backup/run-1", *out.AssumedRoleUser.Arn)
}

func TestSTSIsOffInARegion(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := cloud.User(vault, "engine", awssim.Admin())
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, "")})
	assume := func(region string, options ...func(*sts.Options)) error {
		_, err := clientIn(cloud, user, region, options...).AssumeRole(t.Context(), input(nil))
		return err
	}
	require.NoError(t, assume("eu-west-1"))
	cloud.SetSTS(vault, "eu-west-1", false)
	require.NoError(t, assume("eu-west-1"), "what counts is the account of the role")
	cloud.SetSTS(target, "eu-west-1", false)
	require.Equal(t, "RegionDisabledException", code(assume("eu-west-1")))
	require.ErrorContains(t, assume("eu-west-1"), "STS is not activated in this region for account:111111111111.")
	require.NoError(t, assume("eu-west-2"))
	cloud.SetSTS(target, "eu-west-1", true)
	require.NoError(t, assume("eu-west-1"))

	require.Equal(t, "InvalidClientTokenId", code(assume("eu-south-1")), "neither account has the Region")
	require.NoError(t, cloud.EnableRegion(vault, "eu-south-1"))
	require.Equal(t, "RegionDisabledException", code(assume("eu-south-1")), "the account of the role has it not")
	require.NoError(t, cloud.EnableRegion(target, "eu-south-1"))
	require.NoError(t, assume("eu-south-1"))

	cloud.SetState(target, core.Suspended)
	require.Equal(t, "AccessDenied", code(assume("eu-west-1")), "an account that is suspended gives nobody its roles")
}

func TestTokensOfTheGlobalEndpoint(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1, RecordAuthorizations: true})
	user := cloud.User(vault, "engine", awssim.Admin())
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, `{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`)})
	require.NoError(t, cloud.EnableRegion(target, "eu-south-1"))
	who := func(out *sts.AssumeRoleOutput, region string) error {
		_, err := clientIn(cloud, of(out), region).GetCallerIdentity(t.Context(), nil)
		return err
	}
	old, err := clientIn(cloud, user, "us-east-1", global).AssumeRole(t.Context(), input(nil))
	require.NoError(t, err, "the Region of the global endpoint is us-east-1")
	require.NoError(t, who(old, "eu-west-1"))
	require.Equal(t, "InvalidClientTokenId", code(who(old, "eu-south-1")))

	regional, err := clientIn(cloud, user, "us-east-1").AssumeRole(t.Context(), input(nil))
	require.NoError(t, err)
	require.NoError(t, who(regional, "eu-south-1"))

	cloud.Lock()
	cloud.Account(target).TokensEverywhere = true
	cloud.Unlock()
	everywhere, err := clientIn(cloud, user, "us-east-1", global).AssumeRole(t.Context(), input(nil))
	require.NoError(t, err)
	require.NoError(t, who(everywhere, "eu-south-1"))
	require.Equal(t, "InvalidClientTokenId", code(who(old, "eu-south-1")), "old tokens stay what they are")
}

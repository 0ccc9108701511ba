package stssim_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func held(c *types.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// describe calls EC2, which asks for ec2:DescribeSnapshots.
func describe(t *testing.T, c *awssim.Cloud, p aws.CredentialsProvider) error {
	t.Helper()
	cfg := c.Config(p, "eu-west-1")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	_, err := ec2.NewFromConfig(cfg).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	return err
}

func TestGetSessionToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := awssim.New(awssim.Options{Latency: -1, RecordAuthorizations: true})
		deny := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:GetSessionToken","Resource":"*"}]}`)
		user := cloud.User(vault, "engine", awssim.Admin(), deny)
		cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, ""), Policies: []*iampolicy.Document{awssim.Admin()}})
		out, err := client(cloud, user).GetSessionToken(t.Context(), nil)
		require.NoError(t, err, "no policy can forbid it")
		require.WithinDuration(t, time.Now().Add(12*time.Hour), *out.Credentials.Expiration, time.Second)
		require.EqualValues(t, len(*out.Credentials.SessionToken), *out.SessionTokenSize)
		mine := held(out.Credentials)
		who, err := client(cloud, mine).GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, engine, *who.Arn)
		require.NoError(t, describe(t, cloud, mine), "it has the permissions of the user")
		last := cloud.Authorizations()[len(cloud.Authorizations())-1]
		require.Equal(t, []string{"false"}, last.Keys["aws:MultiFactorAuthPresent"])
		require.Equal(t, []string{time.Now().UTC().Format(time.RFC3339)}, last.Keys["aws:TokenIssueTime"])
		require.Equal(t, []string{"engine"}, last.Keys["aws:username"])

		// Of STS it may call but two operations.
		_, err = client(cloud, mine).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3600) }))
		require.NoError(t, err)
		_, err = client(cloud, mine).GetSessionToken(t.Context(), nil)
		require.Equal(t, "AccessDenied", code(err))
		require.ErrorContains(t, err, "Cannot call GetSessionToken with session credentials")
		_, err = client(cloud, mine).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: out.Credentials.AccessKeyId})
		require.Equal(t, "AccessDenied", code(err))
		role, err := client(cloud, user).AssumeRole(t.Context(), input(nil))
		require.NoError(t, err)
		_, err = client(cloud, of(role)).GetSessionToken(t.Context(), nil)
		require.Equal(t, "AccessDenied", code(err))

		time.Sleep(12*time.Hour - 2*time.Second)
		require.NoError(t, describe(t, cloud, mine))
		time.Sleep(2 * time.Second)
		_, err = client(cloud, mine).GetCallerIdentity(t.Context(), nil)
		require.Equal(t, "ExpiredToken", code(err))
	})
}

func TestDurationsWithoutARole(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	for _, tt := range []struct {
		name    string
		who     aws.CredentialsProvider
		seconds int32
		want    time.Duration // zero means refused
	}{
		{"too short", cloud.User(vault, "engine"), 899, 0},
		{"shortest", cloud.User(vault, "engine"), 900, 15 * time.Minute},
		{"longest", cloud.User(vault, "engine"), 129600, 36 * time.Hour},
		{"too long", cloud.User(vault, "engine"), 129601, 0},
		{"root", cloud.Root(vault), 1800, 30 * time.Minute},
		{"root, cut", cloud.Root(vault), 7200, time.Hour},
	} {
		out, err := client(cloud, tt.who).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: &tt.seconds})
		if tt.want == 0 {
			require.Equal(t, "ValidationError", code(err), tt.name)
			continue
		}
		require.NoError(t, err, tt.name)
		require.WithinDuration(t, time.Now().Add(tt.want), *out.Credentials.Expiration, 5*time.Second, tt.name)
	}
}

func TestPassesEndWithTheirUser(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	out, err := client(cloud, cloud.User(vault, "engine", awssim.Admin())).GetSessionToken(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, describe(t, cloud, held(out.Credentials)))
	cloud.Lock()
	cloud.Account(vault).DeleteUser("engine")
	cloud.Unlock()
	cloud.User(vault, "engine", awssim.Admin())
	require.Equal(t, "AuthFailure", code(describe(t, cloud, held(out.Credentials))), "another user of the same name is another")
}

func TestGetFederationToken(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1, RecordAuthorizations: true})
	mayDescribe := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
	user := cloud.User(vault, "engine", allow(t, "arn:aws:sts::999999999999:federated-user/ana", "sts:GetFederationToken"), allow(t, "*", "ec2:*"))
	in := func(change func(*sts.GetFederationTokenInput)) *sts.GetFederationTokenInput {
		in := &sts.GetFederationTokenInput{Name: aws.String("ana"), Policy: &mayDescribe}
		if change != nil {
			change(in)
		}
		return in
	}
	out, err := client(cloud, user).GetFederationToken(t.Context(), in(nil))
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::999999999999:federated-user/ana", *out.FederatedUser.Arn)
	require.Equal(t, "999999999999:ana", *out.FederatedUser.FederatedUserId)
	//lint:ignore SA1019 clients still read it
	require.Positive(t, *out.PackedPolicySize)
	ana := held(out.Credentials)
	require.NoError(t, describe(t, cloud, ana))
	last := cloud.Authorizations()[len(cloud.Authorizations())-1]
	require.Equal(t, []string{"FederatedUser"}, last.Keys["aws:PrincipalType"])
	require.Equal(t, []string{"999999999999:ana"}, last.Keys["aws:userid"])
	require.Equal(t, []string{*out.FederatedUser.Arn}, last.Keys["aws:PrincipalArn"])
	require.NotContains(t, last.Keys, "aws:username")

	_, err = client(cloud, ana).AssumeRole(t.Context(), input(nil))
	require.Equal(t, "AccessDenied", code(err), "it calls nothing of STS but GetCallerIdentity")
	who, err := client(cloud, ana).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, *out.FederatedUser.Arn, *who.Arn)

	nothing, err := client(cloud, user).GetFederationToken(t.Context(), in(func(in *sts.GetFederationTokenInput) { in.Policy = nil }))
	require.NoError(t, err)
	require.Equal(t, "UnauthorizedOperation", code(describe(t, cloud, held(nothing.Credentials))), "no session policy, no permission")

	_, err = client(cloud, user).GetFederationToken(t.Context(), in(func(in *sts.GetFederationTokenInput) { in.Name = aws.String("bob") }))
	require.Equal(t, "AccessDenied", code(err))
	tagged := func(in *sts.GetFederationTokenInput) {
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}}
	}
	_, err = client(cloud, user).GetFederationToken(t.Context(), in(tagged))
	require.Equal(t, "AccessDenied", code(err), "tags need sts:TagSession")
	out, err = client(cloud, cloud.User(vault, "admin", awssim.Admin())).GetFederationToken(t.Context(), in(tagged))
	require.NoError(t, err)
	require.NoError(t, describe(t, cloud, held(out.Credentials)))
	last = cloud.Authorizations()[len(cloud.Authorizations())-1]
	require.Equal(t, []string{"x"}, last.Keys["aws:PrincipalTag/team"])

	byRoot, err := client(cloud, cloud.Root(vault)).GetFederationToken(t.Context(), in(nil))
	require.NoError(t, err)
	require.NoError(t, describe(t, cloud, held(byRoot.Credentials)))
	for name, bad := range map[string]string{"too short": "a", "too long": strings.Repeat("a", 33), "slash": "a/b"} {
		_, err = client(cloud, user).GetFederationToken(t.Context(), in(func(in *sts.GetFederationTokenInput) { in.Name = &bad }))
		require.Equal(t, "ValidationError", code(err), name)
	}
}

func TestGetAccessKeyInfo(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	key, err := cloud.User(target, "somebody").Retrieve(t.Context())
	require.NoError(t, err)
	require.NoError(t, cloud.SetPartition("222222222222", "aws-cn"))
	chinese, err := cloud.User("222222222222", "somebody").Retrieve(t.Context())
	require.NoError(t, err)
	ask := func(id string) (string, error) {
		out, err := client(cloud, cloud.User(vault, "engine", allow(t, "*", "sts:GetAccessKeyInfo"))).
			GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
		if err != nil {
			return "", err
		}
		return *out.Account, nil
	}
	account, err := ask(key.AccessKeyID)
	require.NoError(t, err)
	require.Equal(t, target, account)
	for _, id := range []string{"AKIA0000000000000000", "short", chinese.AccessKeyID} {
		_, err = ask(id)
		require.Equal(t, "ValidationError", code(err), id)
	}
	_, err = client(cloud, cloud.User(vault, "engine")).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &key.AccessKeyID})
	require.Equal(t, "AccessDenied", code(err))
}

func TestSessionTokens(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := cloud.User(vault, "engine", awssim.Admin())
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, "", "sts:AssumeRole", "sts:TagSession")})
	assume := func(change func(*sts.AssumeRoleInput)) (*sts.AssumeRoleOutput, error) {
		return client(cloud, user).AssumeRole(t.Context(), input(change))
	}
	plain, err := assume(nil)
	require.NoError(t, err)
	//lint:ignore SA1019 clients still read it
	require.Nil(t, plain.PackedPolicySize, "nothing was passed")
	padded, err := assume(func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = aws.Int32(4096) })
	require.NoError(t, err)
	require.EqualValues(t, 4096, *padded.SessionTokenSize)
	require.EqualValues(t, 100, *padded.SessionTokenUtilization)
	require.Len(t, *padded.Credentials.SessionToken, 4096)
	_, err = assume(func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = aws.Int32(4097) })
	require.Equal(t, "ValidationError", code(err))

	tags := func(length int) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) {
			in.Tags = make([]types.Tag, 50)
			fillTags(in.Tags)
			for i := range in.Tags { // hardly to be compressed
				in.Tags[i].Value = aws.String(noise(i, length))
			}
		}
	}
	some, err := assume(tags(8))
	require.NoError(t, err)
	//lint:ignore SA1019 clients still read it
	require.Greater(t, *some.PackedPolicySize, int32(1))
	require.Greater(t, *some.SessionTokenSize, *plain.SessionTokenSize)
	_, err = assume(tags(256))
	require.Equal(t, "PackedPolicyTooLarge", code(err))
	require.Regexp(t, `Packed size of session tags consumes \d{3}% of allotted space\.`, err.Error())
}

// noise is text without a pattern.
func noise(seed, length int) string {
	b, x := make([]byte, length), uint64(seed)*2862933555777941757+3037000493
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"[x>>58]
	}
	return string(b)
}

func TestAnInstanceDoesNotChain(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	hop := cloud.PutRole(vault, awssim.Role{Name: "hop", Trust: trust(t, "*", ""), Policies: []*iampolicy.Document{awssim.Admin()}})
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", MaxSession: 2 * time.Hour, Trust: trust(t, hop, "")})
	for _, ofInstance := range []bool{false, true} {
		cloud.Lock()
		c, _ := cloud.NewSession(&core.Session{
			Role: cloud.Cloud.Role(hop), Name: "i-1", Issued: time.Now(), Expires: time.Now().Add(time.Hour), OfInstance: ofInstance,
		})
		cloud.Unlock()
		_, err := client(cloud, credentials.NewStaticCredentialsProvider(c.ID, c.Secret, c.Token)).
			AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) }))
		require.Equal(t, ofInstance, err == nil, "%v", err)
	}
}

package awssim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// delay is the longest until all services know of a change.
const delay = 30 * time.Second

// settles looks every second whether a change is known. It must not be at some
// time before the delay is over, and it must be always afterwards.
func settles(t *testing.T, what string, known func() error) {
	t.Helper()
	missed := 0
	for i := range 2 * int(delay/time.Second) {
		err := known()
		if err != nil {
			missed++
		}
		require.True(t, err == nil || i <= int(delay/time.Second), "%s, %d s after the change: %v", what, i, err)
		time.Sleep(time.Second)
	}
	require.NotZero(t, missed, what)
}

// refusedWith says that a call must fail with a code: nothing else is "known".
func refusedWith(t *testing.T, want string, err error) error {
	t.Helper()
	if err == nil {
		return core.Errorf("Allowed", "the call went through")
	}
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, want, api.ErrorCode())
	return nil
}

// lagging is a cloud in which changes are known late.
func lagging() *awssim.Cloud {
	return awssim.New(awssim.Options{Latency: -1, Limits: core.Limits{Off: true}, Consistency: core.Consistency{Max: delay, Replicas: 10}})
}

func noRetries(cfg aws.Config) aws.Config {
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func TestIAMIsEffectiveLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := lagging()
		engine := cloud.Config(cloud.User(vault, "engine", awssim.Admin()), "eu-west-1")
		time.Sleep(time.Minute)
		trust := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}]}`)
		role := awssim.Role{Name: "backup", Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}}
		arn := cloud.PutRole(target, role)
		var session *sts.AssumeRoleOutput
		assume := func() (err error) {
			out, err := sts.NewFromConfig(noRetries(engine)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("run")})
			if err == nil {
				session = out
			}
			return err
		}
		settles(t, "a new role", assume)

		cfg := noRetries(engine.Copy())
		c := session.Credentials
		cfg.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
		list := func() error {
			_, err := ec2.NewFromConfig(cfg).DescribeVolumes(t.Context(), nil)
			return err
		}
		require.NoError(t, list())
		role.Policies = nil
		cloud.PutRole(target, role)
		settles(t, "a policy taken away", func() error { return refusedWith(t, "UnauthorizedOperation", list()) })
		role.Policies = []*iampolicy.Document{awssim.Admin()}
		cloud.PutRole(target, role)
		settles(t, "a policy given", list)

		role.Trust = parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"888888888888"},"Action":"sts:AssumeRole"}]}`)
		cloud.PutRole(target, role)
		settles(t, "a trust taken away", func() error { return refusedWith(t, "AccessDenied", assume()) })
		require.Empty(t, cloud.Misuse())
	})
}

func TestKMSIsEffectiveLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := lagging()
		admin := kms.NewFromConfig(noRetries(cloud.Config(cloud.User(vault, "admin", awssim.Admin()), "eu-west-1")))
		bob := kms.NewFromConfig(noRetries(cloud.Config(cloud.User(vault, "bob"), "eu-west-1")))
		time.Sleep(time.Minute)
		made, err := admin.CreateKey(t.Context(), nil)
		require.NoError(t, err)
		key := made.KeyMetadata.Arn
		settles(t, "a new key", func() error {
			_, err := admin.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
			return err
		})
		_, err = admin.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: key})
		require.NoError(t, err)
		settles(t, "a new alias", func() error {
			_, err := admin.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/a")})
			return err
		})
		grant, err := admin.CreateGrant(t.Context(), &kms.CreateGrantInput{
			KeyId: key, GranteePrincipal: aws.String("arn:aws:iam::999999999999:user/bob"), Operations: []kmstypes.GrantOperation{"Encrypt"},
		})
		require.NoError(t, err)
		settles(t, "a new grant", func() error {
			in := &kms.EncryptInput{KeyId: key, Plaintext: []byte("x"), GrantTokens: []string{*grant.GrantToken}}
			_, err := bob.Encrypt(t.Context(), in)
			require.NoError(t, err, "whoever shows the token need not wait")
			in.GrantTokens = nil
			_, err = bob.Encrypt(t.Context(), in)
			return err
		})
		_, err = admin.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: key, Policy: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:user/admin"},"NotAction":"kms:DescribeKey","Resource":"*"}]}`)})
		require.NoError(t, err)
		settles(t, "a new key policy", func() error {
			_, err := admin.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
			return refusedWith(t, "AccessDeniedException", err)
		})
		require.Empty(t, cloud.Misuse())
	})
}

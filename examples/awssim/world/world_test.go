package world_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/examples/awssim/world"
)

// build makes a world in virtual time.
func build(t *testing.T, text string, f func(ctx context.Context, w *world.World, env map[string]string)) {
	t.Helper()
	script, err := world.Parse([]byte(text), none)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		w, err := world.New(t.Context(), script, 1)
		require.NoError(t, err)
		env := map[string]string{}
		for _, v := range w.Variables {
			require.NotContains(t, env, v.Name)
			env[v.Name] = v.Value
		}
		f(t.Context(), w, env)
		require.Empty(t, w.Cloud.Misuse())
	})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestEverythingOfAScriptIsBuilt(t *testing.T) {
	const text = `
region: eu-west-1
speed: 10
accounts:
- id: "111111111111"
  organization: o-1
  users:
  - {name: admin, key: {id: AKIAIOSFODNN7EXAMPLE, secret: s3cr3t}, policies: [admin]}
  - {name: reader.one, policies: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:Describe*", Resource: "*"}]}]}
  roles:
  - {name: backup, path: /bk/, maxSession: 2h, tags: {a: b}, boundary: admin, policies: [admin],
     trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "sts:AssumeRole"}]}}
  keys:
  - alias: data
  volumes:
  - {name: old, size: 3, zone: b, key: data, tags: {team: x}, blocks: {2: two}, snapshots: 3}
  instances:
  - {name: web, tags: {backup: daily}, volumes: [{device: /dev/sdf, size: 10, encrypted: true, blocks: {0: zero}}]}
- id: "222222222222"
  partition: aws-cn
  scps: [[{Version: "2012-10-17", Statement: []}]]
`
	build(t, text, func(ctx context.Context, w *world.World, env map[string]string) {
		require.Equal(t, "AKIAIOSFODNN7EXAMPLE", env["AWS_ACCESS_KEY_ID"])
		require.Equal(t, "s3cr3t", env["AWS_SECRET_ACCESS_KEY_111111111111"])
		require.Equal(t, "eu-west-1", env["AWS_REGION"])
		user := func(suffix, region string) aws.Config {
			return w.Cloud.Config(credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"+suffix], env["AWS_SECRET_ACCESS_KEY"+suffix], ""), region)
		}
		admin := ec2.NewFromConfig(user("", "eu-west-1"))
		old, web := env["AWSSIM_VOLUME_111111111111_OLD"], env["AWSSIM_INSTANCE_111111111111_WEB"]
		volumes, err := admin.DescribeVolumes(ctx, nil)
		require.NoError(t, err)
		require.Len(t, volumes.Volumes, 3)
		for _, v := range volumes.Volumes {
			ref := backuptest.Ref{Account: "111111111111", Region: "eu-west-1", ID: *v.VolumeId}
			got, err := w.Cloud.ReadVolume(ref)
			require.NoError(t, err)
			switch {
			case *v.VolumeId == old:
				require.Equal(t, "two", string(got.Blocks[2]))
				require.Equal(t, "eu-west-1b", *v.AvailabilityZone)
				require.Equal(t, env["AWSSIM_KEY_111111111111_DATA"], *v.KmsKeyId)
			case *v.Attachments[0].Device == "/dev/sdf":
				require.Equal(t, web, *v.Attachments[0].InstanceId)
				require.Equal(t, "zero", string(got.Blocks[0]))
				require.True(t, *v.Encrypted)
			}
		}
		require.Len(t, w.Cloud.Snapshots(), 3)
		role, err := sts.NewFromConfig(user("", "eu-west-1")).AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::111111111111:role/bk/backup"), RoleSessionName: aws.String("run"), DurationSeconds: aws.Int32(7200),
		})
		require.NoError(t, err)
		require.NotEmpty(t, role.Credentials)
		aliases, err := kms.NewFromConfig(user("", "eu-west-1")).ListAliases(ctx, nil)
		require.NoError(t, err)
		require.Equal(t, "alias/data", *aliases.Aliases[len(aliases.Aliases)-1].AliasName)

		reader := ec2.NewFromConfig(user("_111111111111_READER_ONE", "eu-west-1"))
		_, err = reader.DescribeSnapshots(ctx, nil)
		require.NoError(t, err)
		_, err = reader.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &old})
		require.Equal(t, "UnauthorizedOperation", code(err))
		china := ec2.NewFromConfig(user("_222222222222", "cn-north-1"))
		_, err = china.DescribeSnapshots(ctx, nil)
		require.Equal(t, "UnauthorizedOperation", code(err), "an SCP that allows nothing")
	})
}

func TestFaultsOfAScript(t *testing.T) {
	const text = `
accounts: [{id: "111111111111"}]
faults:
- {service: ec2, operation: DescribeVolumes, account: "111111111111", region: us-east-1, way: refuse, code: Unavailable, status: 503, skip: 1, every: 2, times: 2}
- {writes: true, way: reset, after: true, chance: 1}
`
	build(t, text, func(ctx context.Context, w *world.World, env map[string]string) {
		cfg := w.Cloud.Config(w.Cloud.Root("111111111111"), "us-east-1")
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		client := ec2.NewFromConfig(cfg)
		var codes []string
		for range 7 {
			_, err := client.DescribeVolumes(ctx, nil)
			codes = append(codes, code(err))
		}
		require.Equal(t, []string{"", "", "Unavailable", "", "Unavailable", "", ""}, codes)
		_, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1)})
		require.Error(t, err)
		volumes, err := client.DescribeVolumes(ctx, nil)
		require.NoError(t, err)
		require.Len(t, volumes.Volumes, 1, "the effect was there, its answer was lost")
	})
}

func TestAKeyOfAnother(t *testing.T) {
	script, err := world.Parse([]byte(`accounts: [{id: "111111111111", users: [
		{name: a, key: {id: AKIA1, secret: s}}, {name: b, key: {id: AKIA1, secret: s}}]}]`), none)
	require.NoError(t, err)
	_, err = world.New(t.Context(), script, 1)
	require.ErrorContains(t, err, "AKIA1 is another's key")
}

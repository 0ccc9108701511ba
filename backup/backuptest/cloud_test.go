package backuptest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

const owner, friend accounts.ID = "111111111111", "222222222222"

func client(c *backuptest.Cloud, p aws.CredentialsProvider) *ec2.Client {
	return ec2.NewFromConfig(c.Config(p, "eu-west-1"), func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestWhatSnapshotsTell(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background() // t.Context is from outside
		cloud := backuptest.New(backuptest.Options{})
		ec := client(cloud, cloud.User(owner, "admin", backuptest.Admin()))
		volume, err := ec.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		ref := backuptest.Ref{Account: owner, Region: "eu-west-1", ID: *volume.VolumeId}
		require.NoError(t, cloud.WriteVolume(ref, 3, []byte("data")))
		require.Error(t, cloud.WriteVolume(ref, 2048, nil), "beyond the end of 1 GiB")

		first, err := ec.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		theirs := client(cloud, cloud.User(friend, "admin", backuptest.Admin()))
		_, err = ec.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: first.SnapshotId, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: types.OperationTypeAdd, UserIds: []string{friend.String()},
		})
		require.NoError(t, err)
		second, err := theirs.CopySnapshot(ctx, &ec2.CopySnapshotInput{SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: first.SnapshotId})
		require.NoError(t, err)
		copied := backuptest.Ref{Account: friend, Region: "eu-west-1", ID: *second.SnapshotId}
		require.NoError(t, cloud.FailSnapshot(copied, "out of luck"))

		got := cloud.Snapshots()
		require.Len(t, got, 2)
		require.Equal(t, []accounts.ID{friend}, got[0].Shares)
		require.Equal(t, types.SnapshotStateCompleted, got[0].State)
		require.Equal(t, copied, got[1].Ref)
		require.Equal(t, got[0].Ref, got[1].Source)
		require.Equal(t, *volume.VolumeId, got[1].Origin)
		require.Equal(t, types.SnapshotStateError, got[1].State)
		require.Equal(t, "out of luck", got[1].StateMessage)

		before, err := cloud.ReadSnapshot(got[0].Ref)
		require.NoError(t, err)
		require.Equal(t, []byte("data"), before.Blocks[3])
		require.NoError(t, cloud.FlipBlock(got[0].Ref, 3))
		after, err := cloud.ReadSnapshot(got[0].Ref)
		require.NoError(t, err)
		require.False(t, before.Equal(after))
		_, err = cloud.ReadSnapshot(backuptest.Ref{Account: owner, Region: "eu-west-1", ID: "snap-1"})
		require.ErrorIs(t, err, backuptest.ErrNotFound)
		require.Empty(t, cloud.Misuse())
	})
}

func TestRolesAndDecisions(t *testing.T) {
	cloud := backuptest.New(backuptest.Options{Latency: -1, RecordAuthorizations: true})
	trust, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}]}`))
	require.NoError(t, err)
	role := backuptest.Role{Name: "backup", Path: "/bk/", Trust: trust, Policies: []*iampolicy.Document{backuptest.Admin()}}
	arn := cloud.PutRole(owner, role)
	require.Equal(t, "arn:aws:iam::111111111111:role/bk/backup", arn)
	user := cloud.User(friend, "engine", backuptest.Admin())
	out, err := sts.NewFromConfig(cloud.Config(user, "eu-west-1")).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("run")})
	require.NoError(t, err)
	session := client(cloud, credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
	list := func() error {
		_, err := session.DescribeVolumes(t.Context(), nil)
		return err
	}
	require.NoError(t, list())
	cloud.SetSCP(owner, []*iampolicy.Document{{Version: iampolicy.Version}})
	require.Equal(t, "UnauthorizedOperation", code(list()))
	cloud.SetSCP(owner)
	cloud.SetOrganization("o-1", owner, friend)
	require.NoError(t, list())
	role.Policies = nil
	cloud.PutRole(owner, role)
	require.Equal(t, "UnauthorizedOperation", code(list()))
	cloud.DeleteRole(owner, "backup")
	require.Equal(t, "AuthFailure", code(list()))

	decisions := cloud.Authorizations()
	require.Len(t, decisions, 5)
	require.Equal(t, "sts:AssumeRole", decisions[0].Action)
	require.Equal(t, "arn:aws:iam::222222222222:user/engine", decisions[0].Principal)
	for i, want := range []iampolicy.Outcome{iampolicy.Allowed, iampolicy.ImplicitDeny, iampolicy.Allowed, iampolicy.ImplicitDeny} {
		require.Equal(t, want, decisions[i+1].Decision.Outcome)
		require.Equal(t, arn, decisions[i+1].Principal)
		require.Equal(t, "arn:aws:sts::111111111111:assumed-role/backup/run", decisions[i+1].Caller)
		require.Equal(t, "ec2:DescribeVolumes", decisions[i+1].Action)
	}
	require.Equal(t, []string{"o-1"}, decisions[3].Keys["aws:PrincipalOrgID"])
	stats := cloud.Stats()
	require.Equal(t, map[string]int{"sts:AssumeRole": 1, "ec2:DescribeVolumes": 4}, stats.Calls)
	require.Equal(t, 1, stats.Rejected)
	require.Equal(t, 2, stats.Denied)
}

func TestLimitsAndFaults(t *testing.T) {
	for _, unlimited := range []bool{false, true} {
		cloud := backuptest.New(backuptest.Options{Latency: -1, Unlimited: unlimited})
		root := client(cloud, cloud.Root(owner))
		for range 60 {
			_, err := root.DescribeVolumes(t.Context(), nil)
			require.True(t, err == nil || code(err) == "RequestLimitExceeded", "%v", err)
		}
		require.Equal(t, unlimited, cloud.Stats().Throttled == 0)
	}
	for _, way := range []backuptest.Way{backuptest.Refuse, backuptest.Reset, backuptest.Garbage, backuptest.Truncate} {
		cloud := backuptest.New(backuptest.Options{Latency: -1})
		root := client(cloud, cloud.Root(owner))
		var calls []backuptest.Call
		cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
			require.WithinDuration(t, time.Now(), c.Time, time.Hour)
			c.Time = time.Time{}
			calls = append(calls, c)
			return backuptest.Fault{Way: way, Code: "Unavailable", Status: 503}
		})
		_, err := root.DescribeVolumes(t.Context(), nil)
		require.Error(t, err, "way %d", way)
		if way == backuptest.Refuse {
			require.Equal(t, "Unavailable", code(err))
		}
		require.Equal(t, []backuptest.Call{{
			N: 1, Account: owner, Region: "eu-west-1", Service: "ec2", Operation: "DescribeVolumes", Caller: "arn:aws:iam::111111111111:root",
		}}, calls)
		cloud.SetFault(nil)
		_, err = root.DescribeVolumes(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, 1, cloud.Stats().Faults)
	}
}

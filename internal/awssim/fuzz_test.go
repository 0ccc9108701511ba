package awssim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// aNiceCloud has one account with a volume and its snapshot, and no limits.
func aNiceCloud(tb testing.TB) (*awssim.Cloud, aws.Config) {
	cloud := awssim.New(awssim.Options{Latency: -1, Limits: core.Limits{Off: true}})
	cfg := cloud.Config(cloud.User("111111111111", "admin", awssim.Admin()), "eu-west-1")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	client := ec2.NewFromConfig(cfg)
	v, err := client.CreateVolume(context.Background(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
	require.NoError(tb, err)
	cloud.EC2().Settle(ec2sim.Site{Account: "111111111111", Region: "eu-west-1"})
	_, err = client.CreateSnapshot(context.Background(), &ec2.CreateSnapshotInput{VolumeId: v.VolumeId})
	require.NoError(tb, err)
	return cloud, cfg
}

// shaped says whether an error is one that AWS could have answered: it has a
// code, and is no fault of the service. What the client refuses by itself is
// none of ours.
func shaped(t *testing.T, err error) {
	t.Helper()
	var answered smithy.APIError
	if err == nil || !errors.As(err, &answered) {
		return
	}
	require.NotEmpty(t, answered.ErrorCode())
	require.False(t, strings.Contains(answered.ErrorCode(), "Internal"), "%v", err)
}

// FuzzFilters lists with any filter: there is an answer, or an error that says
// what is wrong with it.
func FuzzFilters(f *testing.F) {
	f.Add("status", "comp*", "snap-0123456789abcdef0", int32(5), "")
	f.Add("tag:a", `\*?`, "", int32(0), "AAAA")
	f.Add("start-time", "2000-01-01T*", "vol-1", int32(-1), "x")
	f.Add("no-such", "", "snap-", int32(1001), "\x00")
	_, cfg := aNiceCloud(f)
	client := ec2.NewFromConfig(cfg)
	f.Fuzz(func(t *testing.T, name, value, id string, size int32, token string) {
		filters := []types.Filter{{Name: &name, Values: []string{value}}}
		var ids []string
		if id != "" {
			ids = []string{id}
		}
		_, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{Filters: filters, SnapshotIds: ids})
		shaped(t, err)
		_, err = client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: filters, MaxResults: &size, NextToken: &token})
		shaped(t, err)
		_, err = client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: filters, ImageIds: ids})
		shaped(t, err)
		_, err = client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filters, InstanceIds: ids})
		shaped(t, err)
	})
}

// FuzzARNs names resources by any text where an id or an ARN belongs.
func FuzzARNs(f *testing.F) {
	f.Add("arn:aws:iam::111111111111:role/a")
	f.Add("arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000")
	f.Add("alias/x")
	f.Add("arn:::::")
	f.Add("arn:aws-cn:iam::1:role//")
	f.Add(strings.Repeat("a", 3000))
	_, cfg := aNiceCloud(f)
	f.Fuzz(func(t *testing.T, arn string) {
		if !utf8.ValidString(arn) {
			return // a client can send no such thing
		}
		ctx := t.Context()
		_, err := sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("s1")})
		shaped(t, err)
		_, err = kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
		shaped(t, err)
		_, err = kms.NewFromConfig(cfg).ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn})
		shaped(t, err)
		_, err = iam.NewFromConfig(cfg).GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
		shaped(t, err)
		_, err = iam.NewFromConfig(cfg).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &arn, ActionNames: []string{"ec2:DeleteSnapshot"}, ResourceArns: []string{arn},
		})
		shaped(t, err)
		_, err = ec2.NewFromConfig(cfg).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &arn})
		shaped(t, err)
		_, err = ebs.NewFromConfig(cfg).ListSnapshotBlocks(ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &arn})
		shaped(t, err)
	})
}

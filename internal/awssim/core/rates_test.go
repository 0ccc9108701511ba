package core_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// asks is a call that only the limits are asked about.
func (w *world) asks(service, operation, region string) *core.Call {
	return &core.Call{Cloud: w.Cloud, Account: w.Account(account), Region: region, Service: service, Operation: operation, Now: time.Now()}
}

// drain counts the calls that pass at once, and in the second after.
func drain(w *world, service, operation, region string, in any) (burst, perSecond int, refusal *core.Error) {
	take := func() (n int) {
		for refusal = nil; refusal == nil; {
			if refusal = w.Admit(w.asks(service, operation, region), in); refusal == nil {
				n++
			}
		}
		return n
	}
	burst = take()
	time.Sleep(time.Second)
	return burst, take(), refusal
}

func TestTheTableOfRates(t *testing.T) {
	snapshot := &ebs.GetSnapshotBlockInput{SnapshotId: aws.String("snap-1")}
	tests := []struct {
		service, operation, region string
		in                         any
		burst, perSecond           int
		code                       string
		status                     int
	}{
		{"ec2", "CopySnapshot", "eu-west-1", &ec2.CopySnapshotInput{}, 50, 5, "RequestLimitExceeded", 503},
		{"ec2", "CreateSnapshots", "eu-west-1", &ec2.CreateSnapshotsInput{}, 100, 5, "RequestLimitExceeded", 503},
		{"ec2", "CreateTags", "eu-west-1", &ec2.CreateTagsInput{}, 100, 10, "RequestLimitExceeded", 503},
		{"ec2", "CopyImage", "eu-west-1", &ec2.CopyImageInput{}, 100, 1, "RequestLimitExceeded", 503},
		{"ec2", "EnableSnapshotBlockPublicAccess", "eu-west-1", &ec2.EnableSnapshotBlockPublicAccessInput{}, 1, 0, "RequestLimitExceeded", 503},
		{"ec2", "DescribeInstances", "eu-west-1", &ec2.DescribeInstancesInput{}, 50, 10, "RequestLimitExceeded", 503},
		{"ec2", "DescribeInstances", "eu-west-1", &ec2.DescribeInstancesInput{InstanceIds: []string{"i-1"}}, 100, 20, "RequestLimitExceeded", 503},
		{"ec2", "DescribeVolumes", "eu-west-1", &ec2.DescribeVolumesInput{Filters: []types.Filter{{}}}, 100, 20, "RequestLimitExceeded", 503},
		{"ec2", "DescribeTags", "eu-west-1", &ec2.DescribeTagsInput{}, 100, 20, "RequestLimitExceeded", 503},
		{"ec2", "StartInstances", "eu-west-1", &ec2.StartInstancesInput{InstanceIds: []string{"i-1"}}, 5, 2, "RequestLimitExceeded", 503},
		{"ec2", "StopInstances", "eu-west-1", &ec2.StopInstancesInput{InstanceIds: make([]string, 100)}, 10, 0, "RequestLimitExceeded", 503},
		{"ebs", "StartSnapshot", "eu-west-1", &ebs.StartSnapshotInput{}, 10, 10, "ThrottlingException", 400},
		{"ebs", "ListChangedBlocks", "eu-west-1", &ebs.ListChangedBlocksInput{}, 50, 50, "ThrottlingException", 400},
		{"ebs", "GetSnapshotBlock", "eu-west-1", snapshot, 1000, 1000, "RequestThrottledException", 400},
		{"ebs", "GetSnapshotBlock", "eu-central-1", snapshot, 1000, 1000, "ThrottlingException", 400},
		{"sts", "AssumeRole", "eu-west-1", &sts.AssumeRoleInput{}, 600, 600, "Throttling", 400},
		{"kms", "CreateGrant", "eu-west-1", &kms.CreateGrantInput{}, 50, 50, "ThrottlingException", 400},
		{"kms", "CreateAlias", "eu-west-1", &kms.CreateAliasInput{}, 5, 5, "ThrottlingException", 400},
		{"kms", "Decrypt", "eu-west-1", &kms.DecryptInput{}, 100_000, 100_000, "ThrottlingException", 400},
		{"kms", "Decrypt", "eu-central-1", &kms.DecryptInput{}, 20_000, 20_000, "ThrottlingException", 400},
		{"kms", "Decrypt", "eu-north-1", &kms.DecryptInput{}, 10_000, 10_000, "ThrottlingException", 400},
		{"organizations", "DescribeAccount", "us-east-1", &organizations.DescribeAccountInput{}, 30, 20, "", 0},
		{"organizations", "ListParents", "us-east-1", &organizations.ListParentsInput{}, 8, 5, "", 0},
		{"s3", "PutObject", "eu-west-1", &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("a/b")}, 3500, 3500, "SlowDown", 503},
		{"s3", "HeadObject", "eu-west-1", &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("c")}, 5500, 5500, "SlowDown", 503},
		{"iam", "GetRole", "us-east-1", &iam.GetRoleInput{}, 100, 20, "Throttling", 400},
		{"ssm", "SendCommand", "eu-west-1", &ssm.SendCommandInput{}, 40, 10, "", 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.service, " ", tt.operation, " ", tt.region, " ", tt.burst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, core.Options{})
				burst, perSecond, refusal := drain(w, tt.service, tt.operation, tt.region, tt.in)
				require.Equal(t, []int{tt.burst, tt.perSecond}, []int{burst, perSecond})
				if tt.code != "" { // else it is for the service to word
					require.Equal(t, tt.code, refusal.Code)
					require.Equal(t, tt.status, refusal.Status)
				}
				// The table may be replaced at any time, line by line.
				w.SetLimits(core.Limits{Off: true})
				require.Nil(t, w.Admit(w.asks(tt.service, tt.operation, tt.region), tt.in))
				name := tt.service + ":" + tt.operation
				w.SetLimits(core.Limits{Buckets: map[string]core.Bucket{
					name: {3, 1}, name + " unfiltered": {3, 1}, name + " instances": {3, 1}, name + " snapshot": {3, 1},
					"sts": {3, 1}, "kms:cryptography": {3, 1}, "s3:reading": {3, 1}, "s3:changing": {3, 1}, "iam": {3, 1},
				}})
				time.Sleep(time.Hour)
				burst, _, _ = drain(w, tt.service, tt.operation, tt.region, tt.in)
				require.LessOrEqual(t, burst, 3)
			})
		})
	}
}

// What is in a bucket is shared by those of whom the table says so.
func TestWhoSharesABucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{})
		left := func(service, operation, region string, in any) bool {
			return w.Admit(w.asks(service, operation, region), in) == nil
		}
		drain(w, "sts", "AssumeRole", "eu-west-1", &sts.AssumeRoleInput{})
		require.False(t, left("sts", "GetCallerIdentity", "eu-west-1", &sts.GetCallerIdentityInput{}))
		require.True(t, left("sts", "GetCallerIdentity", "us-east-1", &sts.GetCallerIdentityInput{}))
		global := w.asks("sts", "GetCallerIdentity", "eu-west-1")
		global.Host = "sts.amazonaws.com"
		require.Nil(t, w.Admit(global, &sts.GetCallerIdentityInput{}))

		of := func(id string) any { return &ebs.PutSnapshotBlockInput{SnapshotId: &id} }
		drain(w, "ebs", "PutSnapshotBlock", "eu-west-1", of("snap-1"))
		require.False(t, left("ebs", "PutSnapshotBlock", "eu-west-1", of("snap-1")))
		require.True(t, left("ebs", "PutSnapshotBlock", "eu-west-1", of("snap-2")))
		require.True(t, left("ebs", "GetSnapshotBlock", "eu-west-1", of("snap-1")))

		object := func(key string) any { return &s3.PutObjectInput{Bucket: aws.String("b"), Key: &key} }
		drain(w, "s3", "PutObject", "eu-west-1", object("x/1"))
		require.False(t, left("s3", "DeleteObject", "eu-west-1", object("x/2")))
		require.True(t, left("s3", "PutObject", "eu-west-1", object("y/1")))

		drain(w, "ec2", "DescribeSnapshots", "eu-west-1", &ec2.DescribeSnapshotsInput{})
		require.True(t, left("ec2", "DescribeSnapshots", "eu-west-1", &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)}))
		require.True(t, left("ec2", "DescribeVolumes", "eu-west-1", &ec2.DescribeVolumesInput{}))
	})
}

// A call refused by one of its buckets takes nothing from the other.
func TestARefusedCallTakesNothing(t *testing.T) {
	w := newWorld(t, core.Options{})
	for range 50 {
		require.NotNil(t, w.Admit(w.asks("ec2", "StopInstances", "eu-west-1"), &ec2.StopInstancesInput{InstanceIds: make([]string, 1001)}))
	}
	burst := 0
	for w.Admit(w.asks("ec2", "StopInstances", "eu-west-1"), &ec2.StopInstancesInput{InstanceIds: make([]string, 1)}) == nil {
		burst++
	}
	require.Equal(t, 50, burst)
}

// Buckets of single snapshots are not kept for ever.
func TestFullBucketsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{})
		for i := range 20_000 {
			in := &ebs.GetSnapshotBlockInput{SnapshotId: aws.String(fmt.Sprint("snap-", i))}
			require.Nil(t, w.Admit(w.asks("ebs", "GetSnapshotBlock", "eu-west-1"), in))
			time.Sleep(time.Millisecond)
		}
		require.Less(t, w.Buckets(), 2100)
	})
}

// Every operation in the table is one of the service's.
func TestTheTableOfRatesNamesOperations(t *testing.T) {
	clients := map[string]any{
		"ec2": &ec2.Client{}, "ebs": &ebs.Client{}, "sts": &sts.Client{}, "kms": &kms.Client{},
		"organizations": &organizations.Client{}, "s3": &s3.Client{}, "iam": &iam.Client{}, "ssm": &ssm.Client{},
	}
	named := core.RatedOperations()
	require.NotEmpty(t, named["ec2"])
	for service, operations := range named {
		for _, name := range operations {
			_, ok := reflect.TypeOf(clients[service]).MethodByName(name)
			require.True(t, ok, "%s has no %s", service, name)
		}
	}
}

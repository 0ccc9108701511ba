package core_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

const account = "111111111111"

// A world is a cloud whose services do as the test says.
type world struct {
	*core.Cloud
	// describe, copySnapshot and delete are what EC2 does; describeKey KMS; identity STS.
	describe     func(*core.Call, *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error)
	copySnapshot func(*core.Call, *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error)
	deletions    int
}

func newWorld(t testing.TB, opts core.Options) *world {
	t.Helper()
	w := &world{Cloud: core.New(opts)}
	w.describe = func(*core.Call, *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
		return &ec2.DescribeSnapshotsOutput{}, nil
	}
	w.copySnapshot = func(*core.Call, *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error) {
		return &ec2.CopySnapshotOutput{}, nil
	}
	w.Register(&core.Service{Name: "ec2", Protocol: wire.EC2(), Signing: sigv4.Rules{Skew: sigv4.MaxSkew}, Operations: map[string]core.Operation{
		"DescribeSnapshots": core.Op(func(c *core.Call, in *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
			return w.describe(c, in)
		}),
		"CopySnapshot": core.Op(func(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error) {
			return w.copySnapshot(c, in)
		}),
		"DeleteSnapshot": core.Op(func(c *core.Call, in *ec2.DeleteSnapshotInput) (*ec2.DeleteSnapshotOutput, error) {
			if err := c.DryRun(in.DryRun); err != nil {
				return nil, err
			}
			w.deletions++
			return &ec2.DeleteSnapshotOutput{}, nil
		}),
		"RunInstances": core.Op(func(*core.Call, *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
			return &ec2.RunInstancesOutput{}, nil
		}),
	}})
	w.Register(&core.Service{Name: "kms", Protocol: wire.KMS(), Operations: map[string]core.Operation{
		"DescribeKey": core.Op(func(*core.Call, *kms.DescribeKeyInput) (*kms.DescribeKeyOutput, error) {
			return &kms.DescribeKeyOutput{}, nil
		}),
	}})
	w.Register(&core.Service{Name: "sts", Protocol: wire.STS(), Signing: sigv4.Rules{Skew: sigv4.MaxSkew}, Operations: map[string]core.Operation{
		"GetCallerIdentity": core.Op(func(c *core.Call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
			return &sts.GetCallerIdentityOutput{Arn: aws.String(c.Caller.ARN)}, nil
		}),
	}})
	return w
}

// user puts a user into the account and returns its key.
func (w *world) user(policies ...*iampolicy.Document) core.Key {
	w.Lock()
	defer w.Unlock()
	return w.Account(account).PutUser(core.User{Name: "alice", Policies: policies}).Key()
}

// session opens a session without asking anybody.
func (w *world) session(s core.Session) core.Credentials {
	w.Lock()
	defer w.Unlock()
	cred, _ := w.NewSession(&s)
	return cred
}

// config reaches the world with a key, without retries.
func (w *world) config(k core.Key, token string) aws.Config {
	return aws.Config{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider(k.ID, k.Secret, token),
		HTTPClient:  w.Client(),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func (w *world) ec2(k core.Key) *ec2.Client { return ec2.NewFromConfig(w.config(k, "")) }

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
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

// calls of one cheap operation of each service.
func calls(ctx context.Context, cfg aws.Config) map[string]func() error {
	return map[string]func() error{
		"ec2": func() error {
			_, err := ec2.NewFromConfig(cfg).DescribeSnapshots(ctx, nil)
			return err
		},
		"sts": func() error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
			return err
		},
		"kms": func() error {
			_, err := kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("k")})
			return err
		},
	}
}

// A doer is an HTTP client in one function.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func read(t testing.TB, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(body)
}

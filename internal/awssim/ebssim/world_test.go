package ebssim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const (
	owner   = "111111111111"
	friend  = "222222222222"
	ireland = "eu-west-1"
	oregon  = "us-west-2"
)

var home = ec2sim.Site{Account: owner, Region: ireland}

// A world is a cloud under test. SDK clients reach it without limits on
// requests and without retries, so that a test sees every answer.
type world struct {
	*awssim.Cloud
	t testing.TB
}

// inWorld runs a test in a bubble in which time is simulated.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, core.Limits{Off: true})) })
}

func newWorld(t testing.TB, limits core.Limits) *world {
	t.Helper()
	w := &world{t: t, Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: limits})}
	w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1})
	t.Cleanup(func() { require.Empty(t, w.Misuse()) })
	return w
}

func (w *world) config(at ec2sim.Site, name string, policies ...*iampolicy.Document) aws.Config {
	cfg := w.Config(w.User(at.Account, name, policies...), at.Region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func (w *world) as(at ec2sim.Site, name string, policies ...*iampolicy.Document) *ebs.Client {
	return ebs.NewFromConfig(w.config(at, name, policies...))
}

// ebs is a client that may do everything in its account.
func (w *world) ebs(at ec2sim.Site) *ebs.Client { return w.as(at, "admin", awssim.Admin()) }

func (w *world) ec2(at ec2sim.Site) *ec2.Client {
	return ec2.NewFromConfig(w.config(at, "admin", awssim.Admin()))
}

// volume makes a volume; key may be empty.
func (w *world) volume(gib int32, key string) ec2sim.Ref {
	w.t.Helper()
	in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String(ireland + "a"), Size: &gib}
	if key != "" {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
	}
	w.EC2().SetDurations(ec2sim.Durations{Volume: -1, Snapshot: -1, SnapshotBlock: -1, Copy: -1, CopyBlock: -1})
	out, err := w.ec2(home).CreateVolume(w.t.Context(), in)
	require.NoError(w.t, err)
	return ec2sim.Ref{Site: home, ID: *out.VolumeId}
}

func (w *world) write(volume ec2sim.Ref, text string, blocks ...int64) {
	w.t.Helper()
	for _, b := range blocks {
		require.NoError(w.t, w.EC2().WriteVolume(volume, b, []byte(text)))
	}
}

// snapshot takes one, which is completed at once.
func (w *world) snapshot(volume ec2sim.Ref) string {
	w.t.Helper()
	out, err := w.ec2(volume.Site).CreateSnapshot(w.t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume.ID})
	require.NoError(w.t, err)
	return *out.SnapshotId
}

func (w *world) ref(id string) ec2sim.Ref { return ec2sim.Ref{Site: home, ID: id} }

// list gives all blocks of a snapshot, page by page until there is no token.
func (w *world) list(c *ebs.Client, id string, maxResults int32) iter.Seq[types.Block] {
	return func(yield func(types.Block) bool) {
		in := &ebs.ListSnapshotBlocksInput{SnapshotId: &id, MaxResults: &maxResults}
		for {
			out, err := c.ListSnapshotBlocks(w.t.Context(), in)
			require.NoError(w.t, err)
			require.LessOrEqual(w.t, len(out.Blocks), int(maxResults))
			for _, b := range out.Blocks {
				if !yield(b) {
					return
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return
			}
		}
	}
}

// token returns a block token of a snapshot.
func (w *world) token(id string, block int32) *string {
	w.t.Helper()
	for b := range w.list(w.ebs(home), id, 10_000) {
		if *b.BlockIndex == block {
			return b.BlockToken
		}
	}
	w.t.Fatalf("%s has no block %d", id, block)
	return nil
}

// get reads a block and checks what the answer says of it.
func get(t testing.TB, c *ebs.Client, id string, block int32, token *string) []byte {
	t.Helper()
	out, err := c.GetSnapshotBlock(context.Background(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: &block, BlockToken: token})
	require.NoError(t, err)
	data, err := io.ReadAll(out.BlockData)
	require.NoError(t, err)
	require.Len(t, data, ec2sim.BlockSize)
	require.EqualValues(t, ec2sim.BlockSize, *out.DataLength)
	require.Equal(t, types.ChecksumAlgorithmChecksumAlgorithmSha256, out.ChecksumAlgorithm)
	require.Equal(t, sum(data), *out.Checksum)
	return data
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(h[:])
}

func put(id string, block int32, text string) *ebs.PutSnapshotBlockInput {
	data := make([]byte, ec2sim.BlockSize)
	copy(data, text)
	return &ebs.PutSnapshotBlockInput{
		SnapshotId: &id, BlockIndex: &block, BlockData: bytes.NewReader(data), DataLength: aws.Int32(ec2sim.BlockSize),
		Checksum: aws.String(sum(data)), ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256,
	}
}

// describe returns a snapshot as EC2 tells of it.
func (w *world) describe(id string) ec2types.Snapshot {
	w.t.Helper()
	out, err := w.ec2(home).DescribeSnapshots(w.t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	require.NoError(w.t, err)
	return out.Snapshots[0]
}

// refused checks the code, the reason and the status of an error.
func refused(t testing.TB, err error, code, reason string, status int) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode(), "%v", err)
	require.Equal(t, reason, reasonOf(err), "%v", err)
	var answered interface{ HTTPStatusCode() int }
	require.ErrorAs(t, err, &answered)
	require.Equal(t, status, answered.HTTPStatusCode(), "%v", err)
}

func reasonOf(err error) string {
	var denied *types.AccessDeniedException
	var validation *types.ValidationException
	var missing *types.ResourceNotFoundException
	var quota *types.ServiceQuotaExceededException
	switch {
	case errors.As(err, &denied):
		return string(denied.Reason)
	case errors.As(err, &validation):
		return string(validation.Reason)
	case errors.As(err, &missing):
		return string(missing.Reason)
	case errors.As(err, &quota):
		return string(quota.Reason)
	}
	return ""
}

func invalid(t testing.TB, err error, reason types.ValidationExceptionReason) {
	t.Helper()
	refused(t, err, "ValidationException", string(reason), 400)
}

func plain() ebssim.Rules { return ebssim.Rules{Short: -1} }

func wait(d time.Duration) { time.Sleep(d) }

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

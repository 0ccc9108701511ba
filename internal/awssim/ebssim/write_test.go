package ebssim_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// start begins a snapshot of 1 GiB.
func (w *world) start(change func(*ebs.StartSnapshotInput)) *ebs.StartSnapshotOutput {
	w.t.Helper()
	in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)}
	if change != nil {
		change(in)
	}
	out, err := w.ebs(home).StartSnapshot(w.t.Context(), in)
	require.NoError(w.t, err)
	return out
}

func (w *world) put(id string, block int32, text string) {
	w.t.Helper()
	_, err := w.ebs(home).PutSnapshotBlock(w.t.Context(), put(id, block, text))
	require.NoError(w.t, err)
}

func (w *world) complete(id string, blocks int32) {
	w.t.Helper()
	_, err := w.ebs(home).CompleteSnapshot(w.t.Context(), &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: &blocks})
	require.NoError(w.t, err)
}

func TestAnUploadBecomesASnapshot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.ebs(home)
		out, err := c.StartSnapshot(t.Context(), &ebs.StartSnapshotInput{
			VolumeSize: aws.Int64(2), Description: aws.String("from afar"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		})
		require.NoError(t, err)
		require.Equal(t, types.StatusPending, out.Status)
		require.Equal(t, owner, *out.OwnerId)
		require.EqualValues(t, 524_288, *out.BlockSize)
		require.EqualValues(t, 2, *out.VolumeSize)
		require.Nil(t, out.KmsKeyArn)
		require.Len(t, out.Tags, 1)
		id := *out.SnapshotId

		first := put(id, 7, "first")
		first.Progress = aws.Int32(40)
		answer, err := c.PutSnapshotBlock(t.Context(), first)
		require.NoError(t, err)
		require.Equal(t, *first.Checksum, *answer.Checksum)
		w.put(id, 4095, "last")
		w.put(id, 7, "again")
		pending := w.describe(id)
		require.Equal(t, ec2types.SnapshotStatePending, pending.State)
		require.Equal(t, "40%", *pending.Progress)
		require.Equal(t, "vol-ffffffff", *pending.VolumeId)
		require.Equal(t, "from afar", *pending.Description)
		require.Equal(t, "v", *pending.Tags[0].Value)
		_, err = c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id})
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)

		_, err = c.CompleteSnapshot(t.Context(), &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(3)})
		invalid(t, err, types.ValidationExceptionReasonInvalidParameterValue)
		done, err := c.CompleteSnapshot(t.Context(), &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(2)})
		require.NoError(t, err)
		require.Equal(t, types.StatusPending, done.Status, "EC2 takes its time")
		_, err = c.PutSnapshotBlock(t.Context(), put(id, 8, "late"))
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
		wait(5 * time.Minute)
		completed := w.describe(id)
		require.Equal(t, ec2types.SnapshotStateCompleted, completed.State)
		require.Equal(t, "100%", *completed.Progress)
		require.EqualValues(t, 2*ec2sim.BlockSize, *completed.FullSnapshotSizeInBytes)

		volume, err := w.ec2(home).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(ireland + "b"), SnapshotId: &id})
		require.NoError(t, err)
		got, err := w.EC2().ReadVolume(ec2sim.Ref{Site: home, ID: *volume.VolumeId})
		require.NoError(t, err)
		require.Equal(t, map[int64][]byte{7: []byte("again"), 4095: []byte("last")}, got.Blocks)
	})
}

func TestBlocksThatAreRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := *w.start(nil).SnapshotId
		for _, tt := range []struct {
			name   string
			change func(*ebs.PutSnapshotBlockInput)
			reason types.ValidationExceptionReason
			text   string
		}{
			{"length", func(in *ebs.PutSnapshotBlockInput) { in.DataLength = aws.Int32(4096) }, "INVALID_PARAMETER_VALUE", "524288"},
			{"cut off", func(in *ebs.PutSnapshotBlockInput) { in.BlockData = strings.NewReader("short") }, "INVALID_PARAMETER_VALUE", "Failed to read block data"},
			{"checksum", func(in *ebs.PutSnapshotBlockInput) { in.Checksum = aws.String(sum([]byte("other"))) }, "INVALID_BLOCK", "checksum"},
			{"algorithm", func(in *ebs.PutSnapshotBlockInput) { in.ChecksumAlgorithm = "MD5" }, "INVALID_PARAMETER_VALUE", "MD5"},
			{"progress", func(in *ebs.PutSnapshotBlockInput) { in.Progress = aws.Int32(101) }, "INVALID_PARAMETER_VALUE", "Progress"},
			{"index", func(in *ebs.PutSnapshotBlockInput) { in.BlockIndex = aws.Int32(2048) }, "INVALID_BLOCK", "2048"},
			{"negative index", func(in *ebs.PutSnapshotBlockInput) { in.BlockIndex = aws.Int32(-1) }, "INVALID_BLOCK", "-1"},
		} {
			in := put(id, 1, "text")
			tt.change(in)
			_, err := w.ebs(home).PutSnapshotBlock(t.Context(), in)
			invalid(t, err, tt.reason)
			require.ErrorContains(t, err, tt.text, tt.name)
		}
		vol := w.volume(1, "")
		_, err := w.ebs(home).PutSnapshotBlock(t.Context(), put(w.snapshot(vol), 1, "text"))
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
		w.complete(id, 0)
	})
}

func TestTheAggregateIsVerified(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := *w.start(nil).SnapshotId
		h := sha256.New()
		for _, block := range []int32{9, 100, 2047} { // put in another order
			data := make([]byte, ec2sim.BlockSize)
			data[0] = byte(block)
			digest := sha256.Sum256(data)
			h.Write(digest[:])
		}
		for _, block := range []int32{2047, 9, 100} {
			w.put(id, block, string([]byte{byte(block)}))
		}
		in := &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(3), Checksum: aws.String(sum(nil))}
		refuse := func() {
			_, err := w.ebs(home).CompleteSnapshot(t.Context(), in)
			invalid(t, err, types.ValidationExceptionReasonInvalidParameterValue)
		}
		refuse() // no algorithm
		in.ChecksumAlgorithm = types.ChecksumAlgorithmChecksumAlgorithmSha256
		refuse() // no method
		in.ChecksumAggregationMethod = "TREE"
		refuse()
		in.ChecksumAggregationMethod = types.ChecksumAggregationMethodChecksumAggregationLinear
		refuse() // another checksum
		in.Checksum = aws.String(base64.StdEncoding.EncodeToString(h.Sum(nil)))
		_, err := w.ebs(home).CompleteSnapshot(t.Context(), in)
		require.NoError(t, err)
	})
}

func TestAChildHasItsParentsBlocks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(2, "")
		w.write(vol, "old", 1, 2)
		parent := w.snapshot(vol)
		c := w.ebs(home)
		in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ParentSnapshotId: &parent}
		_, err := c.StartSnapshot(t.Context(), in)
		invalid(t, err, types.ValidationExceptionReasonInvalidVolumeSize)
		in.VolumeSize = aws.Int64(2)
		in.Encrypted = aws.Bool(false)
		_, err = c.StartSnapshot(t.Context(), in)
		invalid(t, err, types.ValidationExceptionReasonInvalidParameterValue)
		in.Encrypted = nil
		out, err := c.StartSnapshot(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, parent, *out.ParentSnapshotId)
		child := *out.SnapshotId
		w.put(child, 2, "new")
		w.put(child, 3, "new")
		w.complete(child, 2)
		wait(time.Hour)
		got, err := w.EC2().ReadSnapshot(w.ref(child))
		require.NoError(t, err)
		require.Equal(t, map[int64][]byte{1: []byte("old"), 2: []byte("new"), 3: []byte("new")}, got.Blocks)
		changed := w.changes(parent, child)
		require.Len(t, changed, 2)
		require.Nil(t, changed[3].FirstBlockToken)

		grandchild := w.start(func(in *ebs.StartSnapshotInput) { in.VolumeSize, in.ParentSnapshotId = aws.Int64(2), &child })
		w.complete(*grandchild.SnapshotId, 0)
		wait(time.Hour)
		require.Len(t, w.changes(parent, *grandchild.SnapshotId), 2, "a lineage goes through any number of steps")

		nobody := "snap-00000000000000001"
		_, err = c.StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ParentSnapshotId: &nobody})
		refused(t, err, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404)
		pending := w.start(nil)
		_, err = c.StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ParentSnapshotId: pending.SnapshotId})
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
	})
}

func TestAnUploadThatIsAbandonedFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		standard := *w.start(nil).SnapshotId
		id := *w.start(func(in *ebs.StartSnapshotInput) { in.Timeout = aws.Int32(10) }).SnapshotId
		wait(9 * time.Minute)
		w.put(id, 1, "text") // starts it anew
		wait(9 * time.Minute)
		require.Equal(t, ec2types.SnapshotStatePending, w.describe(id).State)
		wait(time.Minute)
		require.Equal(t, ec2types.SnapshotStateError, w.describe(id).State)
		require.NotEmpty(t, *w.describe(id).StateMessage)
		_, err := w.ebs(home).PutSnapshotBlock(t.Context(), put(id, 1, "text"))
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
		_, err = w.ebs(home).CompleteSnapshot(t.Context(), &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(1)})
		invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
		require.Equal(t, ec2types.SnapshotStatePending, w.describe(standard).State)
		wait(41 * time.Minute)
		require.Equal(t, ec2types.SnapshotStateError, w.describe(standard).State)
	})
}

func TestStartIsIdempotent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		same := func(in *ebs.StartSnapshotInput) {
			in.ClientToken, in.Description = aws.String("token-1"), aws.String("one")
		}
		first := w.start(same)
		wait(time.Minute)
		require.Equal(t, *first.SnapshotId, *w.start(same).SnapshotId)
		_, err := w.ebs(home).StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ClientToken: aws.String("token-1")})
		refused(t, err, "ConflictException", "", 409)
		require.NotEqual(t, *first.SnapshotId, *w.start(nil).SnapshotId)
		far := ec2sim.Site{Account: owner, Region: oregon}
		elsewhere, err := w.ebs(far).StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ClientToken: aws.String("token-1")})
		require.NoError(t, err)
		require.NotEqual(t, *first.SnapshotId, *elsewhere.SnapshotId)
		require.Len(t, w.EC2().Snapshots(), 3)
	})
}

// The SDK writes the token that it makes up into the caller's input, so an
// input that is used twice is one request, sent again.
func TestAnInputUsedTwiceIsOneRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)}
		first, err := w.ebs(home).StartSnapshot(t.Context(), in)
		require.NoError(t, err)
		second, err := w.ebs(home).StartSnapshot(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, *first.SnapshotId, *second.SnapshotId)
	})
}

func TestStartsThatAreRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		tag := func(k, v string) []types.Tag { return []types.Tag{{Key: &k, Value: &v}} }
		var many []types.Tag
		for i := range 51 {
			many = append(many, tag(string(rune('A'+i)), "")...)
		}
		for _, tt := range []struct {
			in     ebs.StartSnapshotInput
			reason types.ValidationExceptionReason
		}{
			{ebs.StartSnapshotInput{VolumeSize: aws.Int64(0)}, types.ValidationExceptionReasonInvalidVolumeSize},
			{ebs.StartSnapshotInput{VolumeSize: aws.Int64(65_537)}, types.ValidationExceptionReasonInvalidVolumeSize},
			{ebs.StartSnapshotInput{Timeout: aws.Int32(9)}, types.ValidationExceptionReasonInvalidParameterValue},
			{ebs.StartSnapshotInput{Timeout: aws.Int32(4321)}, types.ValidationExceptionReasonInvalidParameterValue},
			{ebs.StartSnapshotInput{Description: aws.String(strings.Repeat("x", 256))}, types.ValidationExceptionReasonInvalidParameterValue},
			{ebs.StartSnapshotInput{ClientToken: aws.String(strings.Repeat("x", 65))}, types.ValidationExceptionReasonInvalidParameterValue},
			{ebs.StartSnapshotInput{ClientToken: aws.String("a b")}, types.ValidationExceptionReasonInvalidParameterValue},
			{ebs.StartSnapshotInput{Tags: tag("aws:x", "")}, types.ValidationExceptionReasonInvalidTag},
			{ebs.StartSnapshotInput{Tags: tag("", "")}, types.ValidationExceptionReasonInvalidTag},
			{ebs.StartSnapshotInput{Tags: tag(strings.Repeat("k", 128), "")}, types.ValidationExceptionReasonInvalidTag},
			{ebs.StartSnapshotInput{Tags: tag("k", strings.Repeat("v", 256))}, types.ValidationExceptionReasonInvalidTag},
			{ebs.StartSnapshotInput{Tags: append(tag("k", "1"), tag("k", "2")...)}, types.ValidationExceptionReasonInvalidTag},
			{ebs.StartSnapshotInput{Tags: many}, types.ValidationExceptionReasonInvalidTag},
			{ebs.StartSnapshotInput{KmsKeyArn: aws.String("alias/mine")}, types.ValidationExceptionReasonInvalidCustomerKey},
			{ebs.StartSnapshotInput{ParentSnapshotId: aws.String("vol-1")}, types.ValidationExceptionReasonInvalidSnapshotId},
		} {
			if tt.in.VolumeSize == nil {
				tt.in.VolumeSize = aws.Int64(1)
			}
			_, err := w.ebs(home).StartSnapshot(t.Context(), &tt.in)
			invalid(t, err, tt.reason)
		}
		require.Empty(t, w.EC2().Snapshots())
	})
}

func TestPendingUploadsHaveALimit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.start(nil)
		for range 99 {
			w.start(nil)
		}
		start := func() error {
			_, err := w.ebs(home).StartSnapshot(t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)})
			return err
		}
		refused(t, start(), "ConcurrentLimitExceededException", "", 400)
		w.complete(*first.SnapshotId, 0)
		wait(5 * time.Minute)
		require.NoError(t, start())
		w.EBS().SetRules(ebssim.Rules{Pending: -1})
		require.NoError(t, start())
		w.EC2().SetLimits(ec2sim.Limits{SnapshotsPerSite: 102})
		refused(t, start(), "ServiceQuotaExceededException", "DEPENDENCY_SERVICE_QUOTA_EXCEEDED", 402)
	})
}

func TestADeletedUploadTakesNoBlocks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := w.start(nil).SnapshotId
		w.put(*id, 1, "text")
		_, err := w.ec2(home).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: id})
		require.NoError(t, err)
		_, err = w.ebs(home).PutSnapshotBlock(t.Context(), put(*id, 2, "text"))
		require.Error(t, err)
	})
}

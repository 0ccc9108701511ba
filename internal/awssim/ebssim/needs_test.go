package ebssim_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// What each call demands, with the condition keys that are not global.
// Source: Service Authorization Reference, "Amazon Elastic Block Store".
func TestWhatEachCallDemands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}, RecordAuthorizations: true})}
		vol := w.volume(1, "")
		w.write(vol, "text", 0)
		a := w.snapshot(vol)
		wait(20e9)
		b := w.snapshot(vol)
		_, err := w.ec2(home).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{a}, Tags: []ec2types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		require.NoError(t, err)
		c := w.ebs(home)
		token := w.token(a, 0)
		seen := len(w.Authorizations())
		demands := func() []string {
			var out []string
			for _, d := range w.Authorizations()[seen:] {
				keys := slices.DeleteFunc(slices.Sorted(maps.Keys(d.Keys)), func(k string) bool {
					return strings.HasPrefix(k, "aws:") && !strings.Contains(k, "/") && k != "aws:TagKeys"
				})
				out = append(out, strings.Join(append([]string{d.Action, d.Resource[strings.LastIndex(d.Resource, ":")+1:]}, keys...), " "))
			}
			seen = len(w.Authorizations())
			return out
		}
		_, err = c.ListSnapshotBlocks(t.Context(), listing(a))
		require.NoError(t, err)
		require.Equal(t, []string{"ebs:ListSnapshotBlocks snapshot/" + a + " aws:ResourceTag/k"}, demands())
		get(t, c, a, 0, token)
		require.Equal(t, []string{"ebs:GetSnapshotBlock snapshot/" + a + " aws:ResourceTag/k"}, demands())
		_, err = c.ListChangedBlocks(t.Context(), &ebs.ListChangedBlocksInput{FirstSnapshotId: &a, SecondSnapshotId: &b})
		require.NoError(t, err)
		require.Equal(t, []string{"ebs:ListChangedBlocks snapshot/" + b, "ebs:ListChangedBlocks snapshot/" + a + " aws:ResourceTag/k"}, demands())
		out := w.start(func(in *ebs.StartSnapshotInput) {
			in.ParentSnapshotId, in.Description, in.Tags = &a, aws.String("d"), []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
		})
		require.Equal(t, []string{
			"ebs:StartSnapshot snapshot/* aws:RequestTag/k aws:TagKeys ebs:Description ebs:ParentSnapshot ebs:VolumeSize",
			"ec2:CreateTags snapshot/* aws:RequestTag/k aws:TagKeys ec2:CreateAction ec2:Region",
		}, demands())
		w.put(*out.SnapshotId, 1, "text")
		require.Equal(t, []string{"ebs:PutSnapshotBlock snapshot/" + *out.SnapshotId + " aws:ResourceTag/k"}, demands())
		w.complete(*out.SnapshotId, 1)
		require.Equal(t, []string{"ebs:CompleteSnapshot snapshot/" + *out.SnapshotId + " aws:ResourceTag/k"}, demands())
	})
}

// Reading too fast is refused for the snapshot, and the SDK tries again.
func TestReadsOfOneSnapshotAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Limits{})
		vol := w.volume(1, "")
		w.write(vol, "text", 0)
		id := w.snapshot(vol)
		token := w.token(id, 0)
		c := w.ebs(home)
		for range 1000 {
			get(t, c, id, 0, token)
		}
		in := &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: token}
		_, err := c.GetSnapshotBlock(t.Context(), in)
		var throttled *types.RequestThrottledException
		require.ErrorAs(t, err, &throttled)
		require.Equal(t, types.RequestThrottledExceptionReasonResourceLevelThrottle, throttled.Reason)
		patient := ebs.NewFromConfig(w.Config(w.User(owner, "admin", awssim.Admin()), ireland))
		_, err = patient.GetSnapshotBlock(t.Context(), in)
		require.NoError(t, err)
	})
}

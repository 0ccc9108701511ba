package ec2sim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// regions returns the opt-in status by the name of the Region.
func (w *world) regions(c *ec2.Client, in *ec2.DescribeRegionsInput) map[string]string {
	w.t.Helper()
	out, err := c.DescribeRegions(w.t.Context(), in)
	require.NoError(w.t, err)
	found := map[string]string{}
	for _, r := range out.Regions {
		found[*r.RegionName] = *r.OptInStatus
	}
	return found
}

func TestRegionsOfAnAccount(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.EnableRegion(target, "eu-south-1"))
	c := w.admin(site(target, ireland))
	europe := filter("region-name", "eu-south-*")
	all := func(filters ...types.Filter) *ec2.DescribeRegionsInput {
		return &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true), Filters: filters}
	}
	require.Len(t, w.regions(c, nil), 18)
	require.Len(t, w.regions(c, all()), 34)
	require.Equal(t, map[string]string{"eu-south-1": core.OptedIn}, w.regions(c, &ec2.DescribeRegionsInput{Filters: []types.Filter{europe}}))
	require.Equal(t, map[string]string{"eu-south-1": core.OptedIn, "eu-south-2": core.NotOptedIn}, w.regions(c, all(europe)))
	require.Equal(t, map[string]string{"eu-south-1": core.OptedIn}, w.regions(c, all(filter("opt-in-status", core.OptedIn))))
	require.Len(t, w.regions(c, all(filter("opt-in-status", core.OptInNotRequired))), 17)
	require.Equal(t, map[string]string{"eu-south-2": core.NotOptedIn, ireland: core.OptInNotRequired},
		w.regions(c, &ec2.DescribeRegionsInput{RegionNames: []string{"eu-south-2", ireland}}), "named ones are told of, enabled or not")
	require.Len(t, w.regions(w.admin(site(vault, ireland)), nil), 17, "another account has enabled none")
	_, err := c.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{RegionNames: []string{"cn-north-1"}})
	require.Equal(t, "InvalidParameterValue", code(t, err))

	require.NoError(t, w.SetPartition(second, "aws-cn"))
	require.Equal(t, map[string]string{"cn-north-1": core.OptInNotRequired, "cn-northwest-1": core.OptInNotRequired},
		w.regions(w.admin(site(second, "cn-north-1")), all()))
}

func TestARegionThatIsNotEnabled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		milan := site(target, "eu-south-1")
		_, err := w.admin(milan).DescribeSnapshots(t.Context(), nil)
		require.Equal(t, "AuthFailure", code(t, err))

		original := w.snapshot(w.volume(site(target, ireland), ""))
		require.NoError(t, w.EnableRegion(target, milan.Region))
		copied := w.copy(original, milan, "")
		w.settled(copied)

		require.NoError(t, w.DisableRegion(target, milan.Region))
		_, err = w.admin(milan).DescribeSnapshots(t.Context(), nil)
		require.Equal(t, "AuthFailure", code(t, err))
		_, err = w.admin(original.Site).CopySnapshot(t.Context(), copyInput(copied, ""))
		require.Equal(t, "InvalidParameterValue", code(t, err))
	})
}

// The story of a copy under a customer key, in a partition with names of its own.
func TestSnapshotsInChina(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.NoError(t, w.SetPartition(target, "aws-cn"))
		beijing, ningxia := site(target, "cn-north-1"), site(target, "cn-northwest-1")
		sealed := w.snapshot(w.volume(beijing, "alias/aws/ebs"))
		require.Contains(t, w.find(sealed).KeyARN, "arn:aws-cn:kms:cn-north-1:"+target+":key/")
		copied := w.copy(sealed, ningxia, "alias/aws/ebs")
		require.Equal(t, types.SnapshotStateCompleted, w.settled(copied).State)
		for _, a := range w.Authorizations() {
			require.NotContains(t, a.Resource, "arn:aws:")
			require.NotContains(t, a.Caller, "arn:aws:")
			if via := a.Keys["kms:ViaService"]; via != nil {
				require.Regexp(t, `^ec2\.cn-north(west)?-1\.amazonaws\.com\.cn$`, via[0])
			}
		}
	})
}

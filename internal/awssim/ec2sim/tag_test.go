package ec2sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
)

func TestTagRules(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		put := func(pairs ...string) string {
			_, err := w.admin(at).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{vol.ID}, Tags: tags(pairs...)})
			return code(t, err)
		}
		for _, tt := range []struct {
			name string
			tags []string
			want string
		}{
			{"plain", []string{"a", "b"}, ""},
			{"empty value", []string{"a", ""}, ""},
			{"reserved", []string{"aws:a", "b"}, "InvalidParameterValue"},
			{"reserved, shouted", []string{"AWS:a", "b"}, "InvalidParameterValue"},
			{"empty key", []string{"", "b"}, "InvalidParameterValue"},
			{"key of 128", []string{strings.Repeat("ü", 128), "b"}, ""},
			{"key of 129", []string{strings.Repeat("ü", 129), "b"}, "InvalidParameterValue"},
			{"value of 256", []string{"a", strings.Repeat("ü", 256)}, ""},
			{"value of 257", []string{"a", strings.Repeat("ü", 257)}, "InvalidParameterValue"},
			{"one key twice", []string{"a", "b", "a", "c"}, "InvalidParameterValue"},
		} {
			require.Equal(t, tt.want, put(tt.tags...), tt.name)
		}
		_, err := w.admin(at).DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{vol.ID}})
		require.NoError(t, err)
		for i := range 50 {
			require.Empty(t, put(fmt.Sprint("k", i), "v"))
		}
		require.Equal(t, "TagLimitExceeded", put("one more", "v"))
		require.Empty(t, put("k7", "another value"))

		empty := w.volume(at, "")
		_, err = w.admin(at).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{empty.ID, vol.ID}, Tags: tags("one more", "v")})
		require.Equal(t, "TagLimitExceeded", code(t, err))
		out, err := w.admin(at).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{empty.ID}})
		require.NoError(t, err)
		require.Empty(t, out.Volumes[0].Tags, "all are tagged or none is")
	})
}

// Source: EC2 API Reference, CreateTags: up to 1,000 resources.
func TestAThousandResourcesAreTaggedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.manySnapshots(at, 1001)
		ids := w.listed(at, ec2.DescribeSnapshotsInput{})
		put := func(ids []string) string {
			_, err := w.admin(at).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids, Tags: tags("a", "b", "c", "d")})
			return code(t, err)
		}
		require.Equal(t, "InvalidParameterValue", put(ids))
		require.Empty(t, put(ids[:1000]))
		before := w.EC2().Looked()
		lines := map[string]int{}
		for p := ec2.NewDescribeTagsPaginator(w.admin(at), &ec2.DescribeTagsInput{MaxResults: aws.Int32(100)}); p.HasMorePages(); {
			out, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, tag := range out.Tags {
				lines[*tag.ResourceId+" "+*tag.Key]++
			}
		}
		const fifth = 201 // have a tag of their own
		require.Len(t, lines, 2000+fifth)
		require.NotContains(t, lines, ids[1000]+" a")
		require.Equal(t, 2000+fifth, w.EC2().Looked()-before, "listing tags in pages costs one walk")
	})
}

func TestTagsOfSeveralResources(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		inst, volumes := w.instance(at, 0)
		sn := w.snapshot(w.volume(at, ""))
		theirs := w.volume(site(second, ireland), "")
		ids := []string{inst, volumes[0], sn.ID}
		_, err := c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: append(ids, theirs.ID), Tags: tags("x", "1")})
		require.Equal(t, "InvalidVolume.NotFound", code(t, err))
		_, err = c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: append(ids, "eni-1"), Tags: tags("x", "1")})
		require.Equal(t, "InvalidID", code(t, err))
		list := func(filters ...types.Filter) []string {
			var got []string
			for p := ec2.NewDescribeTagsPaginator(c, &ec2.DescribeTagsInput{Filters: filters, MaxResults: aws.Int32(5)}); p.HasMorePages(); {
				out, err := p.NextPage(t.Context())
				require.NoError(t, err)
				for _, tag := range out.Tags {
					got = append(got, string(tag.ResourceType)+" "+*tag.Key+"="+*tag.Value)
				}
			}
			return got
		}
		require.Equal(t, []string{"instance Name=web", "volume Of=web"}, list(), "all or none were tagged")
		_, err = c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids, Tags: tags("x", "1", "y", "2")})
		require.NoError(t, err)
		require.Len(t, list(), 8)
		require.Equal(t, []string{"instance x=1", "volume x=1", "snapshot x=1"}, list(filter("key", "x")))
		require.Equal(t, []string{"snapshot x=1", "snapshot y=2"}, list(filter("resource-id", sn.ID)))
		require.Equal(t, []string{"snapshot y=2"}, list(filter("resource-type", "snapshot"), filter("value", "2")))
		require.Equal(t, []string{"instance Name=web"}, list(filter("tag:Name", "w*")))

		_, err = c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: ids, Tags: []types.Tag{
			{Key: aws.String("x")}, {Key: aws.String("y"), Value: aws.String("3")},
		}})
		require.NoError(t, err)
		require.Equal(t, []string{"instance y=2", "volume y=2", "snapshot y=2"}, list(filter("key", "x", "y")))
		_, err = c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: ids})
		require.NoError(t, err)
		require.Empty(t, list())
	})
}

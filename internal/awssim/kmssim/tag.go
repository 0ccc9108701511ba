package kmssim

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxTags of a key.
// Source: AWS KMS Developer Guide, "Tags in AWS KMS".
const maxTags = 50

// TagResource adds tags to a key, or gives those it has other values.
func (s *Service) TagResource(c *core.Call, in *kms.TagResourceInput) (*kms.TagResourceOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, core.WithRequestTags(map[string][]string{}, tags)); err != nil {
		return nil, err
	}
	if err := k.settled(c.Now); err != nil {
		return nil, err
	}
	all := maps.Clone(k.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return nil, core.Errorf("LimitExceededException", "a key has at most %d tags", maxTags)
	}
	k.tags = all
	return &kms.TagResourceOutput{}, nil
}

// UntagResource removes tags from a key. Tags it does not have are no error.
func (s *Service) UntagResource(c *core.Call, in *kms.UntagResourceInput) (*kms.UntagResourceOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(slices.Values(in.TagKeys))
	if err := s.own(c, k, map[string][]string{"aws:TagKeys": names}); err != nil {
		return nil, err
	}
	if err := k.settled(c.Now); err != nil {
		return nil, err
	}
	k.tags = maps.Clone(k.tags)
	for _, name := range names {
		delete(k.tags, name)
	}
	return &kms.UntagResourceOutput{}, nil
}

// ListResourceTags lists the tags of a key by name.
func (s *Service) ListResourceTags(c *core.Call, in *kms.ListResourceTagsInput) (*kms.ListResourceTagsOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	// Source: AWS KMS API Reference, ListResourceTags, Limit.
	page, next, err := cut(apiTags(k.tags), sizes{usual: 50, most: 50}, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListResourceTagsOutput{Tags: page, NextMarker: next, Truncated: next != nil}, nil
}

func tagMap(tags []types.Tag) (map[string]string, error) {
	m := map[string]string{}
	for _, t := range tags {
		name := aws.ToString(t.TagKey)
		if _, twice := m[name]; twice || name == "" || len(name) > 128 || len(aws.ToString(t.TagValue)) > 256 {
			return nil, core.Errorf("TagException", "the tag key '%s' is empty or given twice, or the tag is too long", name)
		}
		if strings.HasPrefix(strings.ToLower(name), "aws:") {
			return nil, core.Errorf("TagException", "the tag key '%s' begins with aws:", name)
		}
		m[name] = aws.ToString(t.TagValue)
	}
	if len(m) > maxTags {
		return nil, core.Errorf("LimitExceededException", "a key has at most %d tags", maxTags)
	}
	return m, nil
}

func apiTags(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{TagKey: aws.String(name), TagValue: aws.String(tags[name])})
	}
	return out
}

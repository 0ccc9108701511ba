package orgsim

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

var (
	tagKey   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$`)
	tagValue = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`)
)

// readTags reads the tags of a request.
// Source: AWS Organizations User Guide, "Tagging AWS Organizations resources".
func readTags(tags []types.Tag) (map[string]string, error) {
	all := map[string]string{}
	for _, t := range tags {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		if !tagKey.MatchString(k) || !tagValue.MatchString(v) {
			return nil, invalid("INVALID_PATTERN", "The tag %q is not valid.", k)
		}
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return nil, invalid("INVALID_SYSTEM_TAGS_PARAMETER", "You can't add, edit, or delete system tag keys because they're reserved for AWS use.")
		}
		if _, twice := all[k]; twice {
			return nil, invalid("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached to the same entity.")
		}
		all[k] = v
	}
	if len(all) > maxTags {
		return nil, violates("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
	}
	return all, nil
}

func requestTags(tags map[string]string) map[string][]string {
	return core.WithRequestTags(map[string][]string{}, tags)
}

// tagged finds the tags of what an id names.
func (o *organization) tagged(id *string) (*map[string]string, error) {
	if n := o.nodes[aws.ToString(id)]; n != nil {
		return &n.tags, nil
	}
	if p := o.policies[aws.ToString(id)]; p != nil && !p.managed {
		return &p.tags, nil
	}
	return nil, core.Errorf("TargetNotFoundException", "We can't find a root, OU, account, or policy with the TargetId that you specified.")
}

// onTagged is the need for a call on whatever has tags.
func onTagged(id *string, extra ...map[string][]string) func(*organization) core.Need {
	if strings.HasPrefix(aws.ToString(id), "p-") {
		return onPolicy(id, extra...)
	}
	return onNode(id, extra...)
}

// TagResource adds tags or replaces their values.
func (s *Service) TagResource(c *core.Call, in *organizations.TagResourceInput) (*organizations.TagResourceOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(c, manager, onTagged(in.ResourceId, requestTags(tags)))
	if err != nil {
		return nil, err
	}
	have, err := o.tagged(in.ResourceId)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(*have)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return nil, violates("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
	}
	*have = all
	return &organizations.TagResourceOutput{}, nil
}

// UntagResource takes tags away. Unknown keys are no error.
func (s *Service) UntagResource(c *core.Call, in *organizations.UntagResourceInput) (*organizations.UntagResourceOutput, error) {
	o, err := s.enter(c, manager, onTagged(in.ResourceId, map[string][]string{"aws:TagKeys": in.TagKeys}))
	if err != nil {
		return nil, err
	}
	have, err := o.tagged(in.ResourceId)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(*have, k)
	}
	return &organizations.UntagResourceOutput{}, nil
}

// ListTagsForResource lists tags by key.
func (s *Service) ListTagsForResource(c *core.Call, in *organizations.ListTagsForResourceInput) (*organizations.ListTagsForResourceOutput, error) {
	o, err := s.enter(c, delegates, onTagged(in.ResourceId))
	if err != nil {
		return nil, err
	}
	have, err := o.tagged(in.ResourceId)
	if err != nil {
		return nil, err
	}
	var all []types.Tag
	for _, k := range slices.Sorted(maps.Keys(*have)) {
		all = append(all, types.Tag{Key: aws.String(k), Value: aws.String((*have)[k])})
	}
	list, next, err := cut(s, all, func(t types.Tag) string { return *t.Key }, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListTagsForResourceOutput{Tags: list, NextToken: next}, nil
}

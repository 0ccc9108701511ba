package ec2sim

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Source of the numbers: EC2 User Guide, "Tag your Amazon EC2 resources",
// tag restrictions.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// tagSets holds the tags of a resource by the account that put them: tags on
// a shared snapshot or image are seen by the account that put them alone.
// Source: EC2 User Guide, "Tag your Amazon EC2 resources": "You can tag
// public or shared resources, but the tags you assign are available only to
// your AWS account and not to the other accounts sharing the resource."
type tagSets map[string]map[string]string

func ownTags(account string, tags map[string]string) tagSets {
	if len(tags) == 0 {
		return tagSets{}
	}
	return tagSets{account: maps.Clone(tags)}
}

// put adds tags for an account, or changes nothing if they are too many.
func (t tagSets) put(account string, tags map[string]string) error {
	merged := maps.Clone(t[account])
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, tags)
	if err := countTags(merged); err != nil {
		return err
	}
	t[account] = merged
	return nil
}

// mark puts a tag of AWS's, which no account can put.
func (t tagSets) mark(account, key, value string) {
	if t[account] == nil {
		t[account] = map[string]string{}
	}
	t[account][key] = value
}

func countTags(tags map[string]string) error {
	n := 0
	for k := range tags {
		// Tags that AWS puts do not count.
		if !strings.HasPrefix(k, "aws:") {
			n++
		}
	}
	if n > maxTags {
		return core.Errorf("TagLimitExceeded", "You have reached the maximum number of tags on the resource: %d", maxTags)
	}
	return nil
}

func apiTags(tags map[string]string) []types.Tag {
	if len(tags) == 0 {
		return nil
	}
	out := make([]types.Tag, 0, len(tags))
	for k, v := range tags {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	slices.SortFunc(out, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return out
}

// readTags checks the tags of a request.
func readTags(tags []types.Tag) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range tags {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "":
			return nil, core.Errorf("InvalidParameterValue", "Tag key cannot be null or empty")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, core.Errorf("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(k) > maxTagKey:
			return nil, core.Errorf("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return nil, core.Errorf("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", maxTagValue)
		}
		if _, twice := out[k]; twice {
			return nil, core.Errorf("InvalidParameterValue", "Duplicate tag key '%s' specified.", k)
		}
		out[k] = v
	}
	return out, countTags(out)
}

// createTags reads the tags that a create call gives to each kind of resource
// it makes. kinds are those that the call can tag.
func createTags(specs []types.TagSpecification, kinds ...string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for _, spec := range specs {
		kind := string(spec.ResourceType)
		if !slices.Contains(kinds, kind) {
			return nil, core.Errorf("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", kind)
		}
		if _, twice := out[kind]; twice {
			return nil, core.Errorf("InvalidParameterValue", "Tag specification resource type '%s' is duplicated.", kind)
		}
		tags, err := readTags(spec.Tags)
		if err != nil {
			return nil, err
		}
		out[kind] = tags
	}
	return out, nil
}

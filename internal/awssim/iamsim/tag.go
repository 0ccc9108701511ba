package iamsim

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// readTags reads the tags of a request. Keys that differ in case only are one
// key to IAM.
// Source: IAM User Guide, "Tags for IAM resources".
func readTags(tags []types.Tag) (map[string]string, error) {
	all := map[string]string{}
	for _, t := range tags {
		if err := valid(member{"tags.member.key", t.Key, tagKey, true}, member{"tags.member.value", t.Value, tagValue, true}); err != nil {
			return nil, err
		}
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, core.Errorf("InvalidInput", "Tag keys may not start with \"aws:\".")
		}
		if folded(all, *t.Key) != "" {
			return nil, core.Errorf("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		all[*t.Key] = *t.Value
	}
	if len(all) > maxTags {
		return nil, core.Errorf("ValidationError",
			"1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to %d", maxTags)
	}
	return all, nil
}

// folded returns the key among the tags that is the given one in whatever
// case, or the empty string.
func folded(tags map[string]string, key string) string {
	for k := range tags {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return ""
}

// withTags returns tags with others added or put in their place.
func withTags(have, more map[string]string) (map[string]string, error) {
	all := maps.Clone(have)
	if all == nil {
		all = map[string]string{}
	}
	for _, k := range slices.Sorted(maps.Keys(more)) {
		delete(all, folded(all, k))
		all[k] = more[k]
	}
	if len(all) > maxTags {
		return nil, conflict("LimitExceeded", "The number of tags has reached the maximum limit.")
	}
	return all, nil
}

// withoutTags returns tags without some keys. Unknown keys are no error.
func withoutTags(have map[string]string, keys []string) map[string]string {
	all := maps.Clone(have)
	for _, k := range keys {
		delete(all, folded(all, k))
	}
	return all
}

// tagList returns tags by key; nil for none.
func tagList(tags map[string]string) (list []types.Tag) {
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return list
}

func tagPage(tags map[string]string, p page) ([]types.Tag, *string, error) {
	list, marker, err := cut(tagList(tags), func(t types.Tag) string { return *t.Key }, p)
	if list == nil {
		list = []types.Tag{}
	}
	return list, marker, err
}

// requestTags makes the condition keys of tags in a request.
func requestTags(tags map[string]string) map[string][]string {
	return core.WithRequestTags(map[string][]string{}, tags)
}

// tagKeys makes the condition key of tag keys in a request.
func tagKeys(keys []string) map[string][]string {
	return map[string][]string{"aws:TagKeys": keys}
}

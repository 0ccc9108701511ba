package ebs

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

// maxFilterValues is how many values one filter may have (EC2 User Guide,
// "List and filter your resources").
const maxFilterValues = 200

// A picker decides what a selector chooses. The filters it makes only spare
// AWS the work of listing more; the decision is always taken here.
type picker struct{ backup.Selector }

// chooses says whether the selector chooses what has the id and the tags.
func (p picker) chooses(id string, tags map[string]string) bool {
	if p.excludes(id, tags) {
		return false
	}
	return p.All || slices.Contains(p.IDs, id) || len(p.Tags) > 0 && carries(tags, p.Tags)
}

// excludes says whether one of the exclusions names it.
func (p picker) excludes(id string, tags map[string]string) bool {
	if slices.Contains(p.ExcludeIDs, id) {
		return true
	}
	for key, want := range p.ExcludeTags {
		if got, ok := tags[key]; ok && (want == "" || got == want) {
			return true
		}
	}
	return false
}

// idsOf returns the selector's ids that begin with the prefix.
func (p picker) idsOf(prefix string) []string {
	var ids []string
	for _, id := range p.IDs {
		if strings.HasPrefix(id, prefix) {
			ids = append(ids, id)
		}
	}
	return ids
}

// carries says whether all of want are among tags; "" matches any value.
func carries(tags, want map[string]string) bool {
	for key, value := range want {
		if got, ok := tags[key]; !ok || value != "" && got != value {
			return false
		}
	}
	return true
}

// tagFilters returns the filters for what carries all the tags, in the order
// of the keys. Filters are joined by AND, wildcards in a value are escaped by
// a backslash (EC2 User Guide, "List and filter your resources").
func tagFilters(tags map[string]string) []types.Filter {
	var filters []types.Filter
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if tags[key] == "" {
			filters = append(filters, filter("tag-key", literal(key)))
			continue
		}
		filters = append(filters, filter("tag:"+key, literal(tags[key])))
	}
	return filters
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// literal escapes what a filter would take for a wildcard.
func literal(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
}

// tagMap returns EC2's list of tags as a map; nil if there are none.
func tagMap(tags []types.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

// tagList returns a map as EC2's list of tags, in the order of the keys.
func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}

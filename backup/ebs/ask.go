package ebs

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

const (
	// maxFilters is how many filters a call may have, maxFilterValues how many
	// values one filter (EC2 User Guide, "List and filter your resources").
	maxFilters, maxFilterValues = 50, 200
	// maxAsks is how many filtered listings are made before everything is listed
	// instead: a page of that has 1,000 instances or 500 volumes.
	maxAsks = 32
)

// An ask is one filtered listing.
type ask struct {
	volumes bool // else of instances
	filters []types.Filter
}

// asks returns the listings that find whatever the selector can choose by
// itself, or false if only a listing of everything does. Each finds at least
// what fits the criteria it is made of: what EC2 has no filter for is left to
// the selector.
func (p picker) asks() (list []ask, enough bool) {
	ids := slices.Clone(p.IDs)
	matches := []backup.Match{{Tags: simple(p.Tags)}}
	if len(p.Tags) == 0 {
		matches = nil
	}
	for _, m := range p.Any {
		if len(m.IDs) > 0 { // few, whatever else they must be
			ids = append(ids, m.IDs...)
			continue
		}
		matches = append(matches, m)
	}
	if p.All || 2*len(matches) > maxAsks {
		return nil, false
	}
	list = idAsks(ids)
	for _, m := range matches {
		for _, a := range matchAsks(m) {
			if len(a.filters) == 0 {
				return nil, false
			}
			list = append(list, a)
		}
	}
	return list, true
}

// idAsks asks for ids. They are sent as filters, not as ids: a filter finds
// nothing for an id of another Region, where the parameter fails the call, and
// it may be paged.
func idAsks(ids []string) (list []ask) {
	for _, kind := range []struct {
		prefix, filter string
		volumes        bool
	}{{"i-", "instance-id", false}, {"vol-", "volume-id", true}} {
		var some []string
		for _, id := range ids {
			if strings.HasPrefix(id, kind.prefix) && !slices.Contains(some, id) {
				some = append(some, id)
			}
		}
		for chunk := range slices.Chunk(some, maxFilterValues) {
			list = append(list, ask{kind.volumes, []types.Filter{filter(kind.filter, chunk...)}})
		}
	}
	return list
}

// matchAsks asks for what fulfils a Match without ids: instances first. EC2
// does not know which VPC a volume is in. Where no tag narrows more, the volumes
// come with the instances of the VPC, as all volumes of those that are listed do.
func matchAsks(m backup.Match) []ask {
	tags, vpc := matchTags(m), listFilter("vpc-id", m.VPCs)
	instances := ask{false, clip(slices.Concat(tags, vpc))}
	volumes := ask{true, clip(slices.Concat(tags, listFilter("volume-type", m.VolumeTypes)))}
	switch ofVolumes := len(m.VolumeTypes) > 0 || m.MinGiB > 0 || m.MaxGiB > 0; {
	case len(tags) == 0 && len(vpc) > 0:
		return []ask{instances}
	case ofVolumes:
		return []ask{volumes}
	}
	return []ask{instances, volumes}
}

// matchTags returns the filters for a Match's tags, in the order of the keys.
func matchTags(m backup.Match) []types.Filter {
	var filters []types.Filter
	// What AWS makes of two filters of one name is not documented: one is enough.
	if _, twice := m.Tags["Name"]; len(m.Names) > 0 && !twice {
		filters = tagFilter(filters, "Name", m.Names)
	}
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		filters = tagFilter(filters, key, m.Tags[key])
	}
	return filters
}

// tagFilter adds the filter for one tag. What a question mark stands for is told
// in two ways, one character or none too: it goes out as a *, which finds both.
func tagFilter(filters []types.Filter, key string, patterns []string) []types.Filter {
	if slices.Contains(patterns, "*") || slices.Contains(patterns, "") || len(patterns) > maxFilterValues {
		return append(filters, filter("tag-key", literal(key)))
	}
	values := make([]string, len(patterns))
	for i, p := range patterns {
		values[i] = widen(p)
	}
	return append(filters, filter("tag:"+key, values...))
}

// listFilter returns a filter, if it has as many values as one may have.
func listFilter(name string, values []string) []types.Filter {
	if len(values) == 0 || len(values) > maxFilterValues {
		return nil
	}
	return []types.Filter{filter(name, values...)}
}

// clip leaves out the filters that are too many for one call, and leaves room
// for the state's.
func clip(filters []types.Filter) []types.Filter {
	return filters[:min(len(filters), maxFilters-1)]
}

// tagFilters returns the filters for what carries exactly these tags, in the
// order of the keys; "" stands for any value.
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

// simple returns the simple form of tags as a Match has it.
func simple(tags map[string]string) map[string][]string {
	m := make(map[string][]string, len(tags))
	for key, value := range tags {
		m[key] = []string{value}
	}
	return m
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// literal escapes what a filter would take for a wildcard (EC2 API Reference,
// Filter).
func literal(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
}

// widen replaces each ? of a pattern by a *, but for those that are escaped, and
// escapes nothing but what has a meaning.
func widen(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '?':
			b.WriteByte('*')
		case c == '\\':
			i = min(i+1, len(pattern)-1)
			b.WriteString(literal(pattern[i : i+1]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

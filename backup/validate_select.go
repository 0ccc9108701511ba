package backup

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxDepth is how deep a Not may lie in another.
	maxDepth = 8
	// maxMatches is how many Matches a selector may have in all.
	maxMatches = 1000
)

// volumeTypes are those that EBS has (EC2 API Reference, CreateVolume,
// VolumeType). A misspelt one would choose, or exclude, nothing.
var volumeTypes = []string{"standard", "gp2", "gp3", "io1", "io2", "st1", "sc1"}

func (c *planCheck) selector(field string, s Selector) {
	if !s.All && len(s.IDs) == 0 && len(s.Tags) == 0 && len(s.Any) == 0 {
		c.wrong(field, "chooses nothing: want all, ids, tags or any")
	}
	c.ids(field+".ids", s.IDs)
	c.ids(field+".excludeIds", s.ExcludeIDs)
	c.simpleTags(field+".tags", s.Tags)
	c.simpleTags(field+".excludeTags", s.ExcludeTags)
	left := maxMatches
	c.matches(field+".any", s.Any, maxDepth, &left)
	c.matches(field+".except", s.Except, maxDepth, &left)
	if left < 0 {
		c.wrong(field, "has more than %d matches", maxMatches)
	}
}

func (c *planCheck) ids(field string, ids []string) {
	for i, id := range ids {
		if id == "" || strings.ContainsFunc(id, isOutsideID) {
			c.wrong(fmt.Sprintf("%s[%d]", field, i), "%q is not an id", id)
		}
	}
}

func (c *planCheck) simpleTags(field string, tags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if key == "" {
			c.wrong(field, "has an empty key")
			continue
		}
		if value := tags[key]; value != "" {
			c.pattern(fmt.Sprintf("%s[%s]", field, key), value)
		}
	}
}

// matches checks a list of Matches; left counts down how many there may be.
func (c *planCheck) matches(field string, list []Match, depth int, left *int) {
	if len(list) > 0 && depth == 0 {
		c.wrong(field, "lies deeper than %d not", maxDepth-1)
		return
	}
	for i, m := range list {
		if *left--; *left < 0 {
			return
		}
		at := fmt.Sprintf("%s[%d]", field, i)
		c.match(at, m)
		c.matches(at+".not", m.Not, depth-1, left)
	}
}

func (c *planCheck) match(field string, m Match) {
	if len(m.IDs)+len(m.Names)+len(m.Tags)+len(m.VPCs)+len(m.VolumeTypes)+len(m.Not) == 0 && m.MinGiB == 0 && m.MaxGiB == 0 {
		c.wrong(field, "has no criterion: it would match everything")
	}
	c.ids(field+".ids", m.IDs)
	for i, name := range m.Names {
		c.pattern(fmt.Sprintf("%s.names[%d]", field, i), name)
	}
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		if key == "" {
			c.wrong(field+".tags", "has an empty key")
			continue
		}
		at := fmt.Sprintf("%s.tags[%s]", field, key)
		if len(m.Tags[key]) == 0 {
			c.wrong(at, `has no value; want "*" for any value`)
		}
		for i, value := range m.Tags[key] {
			c.pattern(fmt.Sprintf("%s[%d]", at, i), value)
		}
	}
	for i, id := range m.VPCs {
		if !strings.HasPrefix(id, "vpc-") || strings.ContainsFunc(id, isOutsideID) {
			c.wrong(fmt.Sprintf("%s.vpcs[%d]", field, i), "%q is not the id of a VPC: want vpc-…", id)
		}
	}
	c.volume(field, m)
}

// volume checks the criteria of volumes.
func (c *planCheck) volume(field string, m Match) {
	for i, t := range m.VolumeTypes {
		if !slices.Contains(volumeTypes, t) {
			c.wrong(fmt.Sprintf("%s.volumeTypes[%d]", field, i), "%q is not one of %s", t, strings.Join(volumeTypes, ", "))
		}
	}
	if m.MinGiB < 0 {
		c.wrong(field+".minGiB", "%d is negative", m.MinGiB)
	}
	switch {
	case m.MaxGiB < 0:
		c.wrong(field+".maxGiB", "%d is negative", m.MaxGiB)
	case m.MaxGiB > 0 && m.MaxGiB < m.MinGiB:
		c.wrong(field+".maxGiB", "%d is less than minGiB, %d: no volume is like that", m.MaxGiB, m.MinGiB)
	}
}

func (c *planCheck) pattern(field, p string) {
	if err := checkPattern(p); err != nil {
		c.wrong(field, "%v", err)
	}
}

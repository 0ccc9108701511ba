package backup

import "slices"

// A Selector chooses resources. A resource is chosen if All is set, or its id
// is in IDs, or it has every tag in Tags, or it fulfils one of Any; and if it is
// in none of the exclusions, which always win. The zero Selector chooses nothing
// and is refused by Validate.
//
// IDs, Tags, ExcludeIDs and ExcludeTags are for the simple case: whatever they
// say, Any and Except can say too, and much besides.
//
// A value of a tag is a pattern, here and in a Match: see Match.Tags.
type Selector struct {
	All  bool              `json:"all,omitempty"`  // every instance, and every volume that is attached to none
	IDs  []string          `json:"ids,omitempty"`  // instance and volume ids
	Tags map[string]string `json:"tags,omitempty"` // all must match; "" matches any value
	Any  []Match           `json:"any,omitempty"`  // one of them is enough
	// ExcludeIDs, ExcludeTags (any one match) and Except (any one match) win
	// over what chooses. An excluded volume of a chosen instance is left out of
	// its recovery points; an excluded instance is left out with its volumes.
	ExcludeIDs  []string          `json:"excludeIds,omitempty"`
	ExcludeTags map[string]string `json:"excludeTags,omitempty"` // "" matches any value
	Except      []Match           `json:"except,omitempty"`      // one of them is enough
}

// A Match is a list of criteria, all of which must be fulfilled; a criterion
// that is left out is. Matches side by side are joined by "or", and Not turns
// them round, so that every combination can be said.
//
// Instances and volumes are judged one by one, each by its own id, name and
// tags. VPCs is a criterion of instances, and of volumes through the instances
// that they are attached to. VolumeTypes, MinGiB and MaxGiB are criteria of
// volumes: a Match that has one of them, be it in Not, fits no instance.
type Match struct {
	IDs []string `json:"ids,omitempty"` // is one of these ids
	// Names are patterns for the Name tag, one of which fits: "web-*".
	Names []string `json:"names,omitempty"`
	// Tags maps keys to patterns: every key is there, and one of its patterns
	// fits the value. In a pattern, * stands for any characters, also none, and ?
	// for exactly one; a backslash takes their meaning away. Case matters.
	// {"stage": ["*"]} asks for the key alone.
	Tags        map[string][]string `json:"tags,omitempty"`
	VPCs        []string            `json:"vpcs,omitempty"`        // is in one of these VPCs: "vpc-…"
	VolumeTypes []string            `json:"volumeTypes,omitempty"` // is a volume of one of these types: "gp3", "io2"
	MinGiB      int32               `json:"minGiB,omitempty"`      // is a volume of at least this size; zero does not bound
	MaxGiB      int32               `json:"maxGiB,omitempty"`      // is a volume of at most this size; zero does not bound
	// Not rules out what fulfils one of these. A volume is ruled out, too, where
	// all instances that it is attached to are: what is said of an instance, "not
	// one in production", is meant of its volumes.
	Not []Match `json:"not,omitempty"`
}

// A Subject is what a Selector judges: an instance or a volume.
type Subject struct {
	ID   string            // "i-…" or "vol-…"
	Tags map[string]string // its own
	VPC  string            // of an instance, "vpc-…"; empty for a volume
	// Volume says that it is a volume, not an instance.
	Volume     bool
	VolumeType string    // of a volume: "gp3"
	SizeGiB    int32     // of a volume
	On         []Subject // instances that a volume is attached to
}

// Chooses says whether the selector chooses a subject. It is pure, and what it
// says is all that counts: drivers may ask AWS for less than everything, but
// never decide in another way.
func (s Selector) Chooses(x Subject) bool {
	if s.Excludes(x) {
		return false
	}
	return s.All || slices.Contains(s.IDs, x.ID) || len(s.Tags) > 0 && carriesAll(x.Tags, s.Tags) || fitsAny(s.Any, x)
}

// Excludes says whether one of the exclusions names the subject. That the
// instances of a volume are excluded does not count: it may be attached to
// another one.
func (s Selector) Excludes(x Subject) bool {
	if slices.Contains(s.ExcludeIDs, x.ID) || fitsAny(s.Except, x) {
		return true
	}
	for key, want := range s.ExcludeTags {
		if carries(x.Tags, key, want) {
			return true
		}
	}
	return false
}

func fitsAny(list []Match, x Subject) bool {
	return slices.ContainsFunc(list, func(m Match) bool { return m.fits(x) })
}

// fits says whether a subject fulfils all criteria.
func (m Match) fits(x Subject) bool {
	if !x.Volume && m.ofVolumes() {
		return false
	}
	return (len(m.IDs) == 0 || slices.Contains(m.IDs, x.ID)) &&
		m.fitsTags(x.Tags) && m.fitsVPC(x) && m.fitsVolume(x) && !m.rulesOut(x)
}

// ofVolumes says whether a criterion is one that only volumes have.
func (m Match) ofVolumes() bool {
	return len(m.VolumeTypes) > 0 || m.MinGiB > 0 || m.MaxGiB > 0 || slices.ContainsFunc(m.Not, Match.ofVolumes)
}

func (m Match) fitsTags(tags map[string]string) bool {
	if len(m.Names) > 0 && !carries(tags, "Name", m.Names...) {
		return false
	}
	for key, want := range m.Tags {
		if !carries(tags, key, want...) {
			return false
		}
	}
	return true
}

func (m Match) fitsVPC(x Subject) bool {
	if len(m.VPCs) == 0 || !x.Volume {
		return len(m.VPCs) == 0 || slices.Contains(m.VPCs, x.VPC)
	}
	return slices.ContainsFunc(x.On, func(i Subject) bool { return slices.Contains(m.VPCs, i.VPC) })
}

func (m Match) fitsVolume(x Subject) bool {
	return (len(m.VolumeTypes) == 0 || slices.Contains(m.VolumeTypes, x.VolumeType)) &&
		(m.MinGiB == 0 || x.SizeGiB >= m.MinGiB) && (m.MaxGiB == 0 || x.SizeGiB <= m.MaxGiB)
}

// rulesOut says whether Not rules out a subject, or all that it is attached to.
func (m Match) rulesOut(x Subject) bool {
	return len(m.Not) > 0 && (fitsAny(m.Not, x) ||
		len(x.On) > 0 && !slices.ContainsFunc(x.On, func(i Subject) bool { return !fitsAny(m.Not, i) }))
}

// carriesAll says whether all tags are among those that there are.
func carriesAll(tags, want map[string]string) bool {
	for key, value := range want {
		if !carries(tags, key, value) {
			return false
		}
	}
	return true
}

// carries says whether a tag is there whose value one of the patterns fits. The
// empty pattern, which Validate lets pass only in the simple forms, fits all.
func carries(tags map[string]string, key string, patterns ...string) bool {
	value, ok := tags[key]
	return ok && slices.ContainsFunc(patterns, func(p string) bool { return p == "" || fitsPattern(p, value) })
}

// onlyIDs says whether a Match has no criterion but ids.
func (m Match) onlyIDs() bool {
	return len(m.IDs) > 0 && len(m.Names)+len(m.Tags)+len(m.VPCs)+len(m.VolumeTypes)+len(m.Not) == 0 && m.MinGiB == 0 && m.MaxGiB == 0
}

// namedIDs returns the ids that are chosen whatever else is true of them.
func (s Selector) namedIDs() []string {
	ids := slices.Clone(s.IDs)
	for _, m := range s.Any {
		if m.onlyIDs() {
			ids = append(ids, slices.DeleteFunc(slices.Clone(m.IDs), func(id string) bool { return slices.Contains(ids, id) })...)
		}
	}
	return ids
}

// excludesID says whether an id is excluded whatever else is true of it.
func (s Selector) excludesID(id string) bool {
	return slices.Contains(s.ExcludeIDs, id) ||
		slices.ContainsFunc(s.Except, func(m Match) bool { return m.onlyIDs() && slices.Contains(m.IDs, id) })
}

// couldChoose says whether something of which only the id is known may be chosen.
func (s Selector) couldChoose(id string) bool {
	if s.excludesID(id) {
		return false
	}
	return s.All || len(s.Tags) > 0 || slices.Contains(s.IDs, id) ||
		slices.ContainsFunc(s.Any, func(m Match) bool { return len(m.IDs) == 0 || slices.Contains(m.IDs, id) })
}

package backup

import (
	"errors"
	"slices"
)

// Volumes says which volumes of an instance are left out of its recovery
// points, beside those that the Selector excludes by id or by their tags. It
// does not concern volumes that are attached to no instance. What is left out
// is in Resource.Excluded.
type Volumes struct {
	ExcludeRoot bool `json:"excludeRoot,omitempty"` // the volume that the instance boots from
	// ExcludeData leaves all others out. EC2 takes 40 of them at most (EC2 API
	// Reference, InstanceSpecification); an instance with more fails.
	ExcludeData bool `json:"excludeData,omitempty"`
}

// narrow moves members that are left out to the excluded. A resource of which
// nothing is left is an error: it was chosen, and nothing would protect it.
func (v Volumes) narrow(r Resource) (Resource, error) {
	if r.Machine == (Machine{}) || v == (Volumes{}) {
		return r, nil
	}
	kept := make([]Member, 0, len(r.Members))
	excluded := slices.Clone(r.Excluded)
	for _, m := range r.Members {
		if v.leaves(m) {
			excluded = append(excluded, m)
			continue
		}
		kept = append(kept, m)
	}
	if len(kept) == 0 && len(r.Members) > 0 {
		return r, errors.New("has no volumes to protect but those that the plan's volumes leave out")
	}
	r.Members, r.Excluded = kept, excluded
	return r, nil
}

func (v Volumes) leaves(m Member) bool { return m.Root && v.ExcludeRoot || !m.Root && v.ExcludeData }

// of returns which of a resource's volumes are not left out.
func (v Volumes) of(r Resource, ids []string) []string {
	if r.Machine == (Machine{}) || v == (Volumes{}) {
		return ids
	}
	var kept []string
	for _, m := range r.Members {
		if slices.Contains(ids, m.Volume) && !v.leaves(m) {
			kept = append(kept, m.Volume)
		}
	}
	return kept
}

func (c *planCheck) volumes(field string, v Volumes) {
	if v.ExcludeRoot && v.ExcludeData {
		c.wrong(field, "excludes the root volume and all others: nothing would be protected")
	}
}

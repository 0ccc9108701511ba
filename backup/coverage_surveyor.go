package backup

import (
	"cmp"
	"context"
	"iter"
	"slices"
)

// A Surveyor is a Client that judges one listing of its site by many selectors.
// Without it a coverage costs a discovery for each selector.
type Surveyor interface {
	// Survey lists all resources of the site, whether a selector chooses them or
	// not, sorted by ARN, with what each selector would protect of them: what
	// Discover would yield. An instance that has nothing to protect is listed
	// without members. Keys are not looked at. An error ends the listing.
	Survey(ctx context.Context, selectors []Selector) iter.Seq2[Surveyed, error]
}

// A Surveyed is a resource with what selectors would protect of it.
type Surveyed struct {
	// Resource with all volumes it has as its members.
	Resource Resource
	// Chosen holds the ids of the members that each selector protects, by the
	// selector's index; nil if it protects none.
	Chosen [][]string
}

// survey lists a site as a Surveyor does, by its own means if it is none.
func survey(ctx context.Context, c Client, selectors []Selector) ([]Surveyed, error) {
	var all []Surveyed
	if s, ok := c.(Surveyor); ok {
		for r, err := range s.Survey(ctx, selectors) {
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		return all, nil
	}
	at := map[string]int{}
	for n, sel := range append([]Selector{{All: true}}, selectors...) {
		for r, err := range c.Discover(ctx, sel) {
			if err != nil && r.ARN == "" {
				return nil, err
			}
			i, known := at[r.ARN]
			if !known {
				i = len(all)
				at[r.ARN] = i
				all = append(all, Surveyed{Resource: r, Chosen: make([][]string, len(selectors))})
			}
			if n > 0 {
				all[i].Chosen[n-1] = volumeIDs(r)
			}
		}
	}
	slices.SortFunc(all, func(a, b Surveyed) int { return cmp.Compare(a.Resource.ARN, b.Resource.ARN) })
	return all, nil
}

func volumeIDs(r Resource) (ids []string) {
	for _, m := range r.Members {
		ids = append(ids, m.Volume)
	}
	return ids
}

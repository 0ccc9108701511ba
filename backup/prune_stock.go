package backup

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
)

// A place is a site as the originals, or as the copies, that are there. The
// two are read and deleted by different roles, and judged by themselves.
type place struct {
	site Site
	copy bool
}

// pruner returns as what snapshots are deleted at the place.
func (at place) pruner() accounts.Purpose {
	if at.copy {
		return accounts.VaultPruner
	}
	return accounts.Pruner
}

// viewOfPlace names the listing of a place, the same that Points reads.
func (e *Engine) viewOfPlace(at place, driver int) viewID {
	id := viewID{site: at.site, purpose: accounts.Backup, driver: driver}
	if at.copy || at.site.Account == e.opts.Vault {
		id.purpose = accounts.VaultWriter
	}
	return id
}

// A groupID names what a policy is applied to.
type groupID struct {
	place
	resource string
}

func (g PruneGroup) id() groupID { return groupID{place{g.Site, g.Copy}, g.Resource} }

// A stock is what the catalog has of a plan: at its sources the originals, at
// its destinations the copies. What claims to be a copy anywhere else is
// nobody's business, since the plan does not say who may delete it.
type stock struct {
	groups map[groupID][]Point
	order  []groupID
	unread map[place]error // *Error
	held   map[place]holdings
}

// notes returns what could not be found out, in the order of the groups.
func (s stock) notes() []PruneNote {
	var notes []PruneNote
	told := map[place]bool{}
	for _, id := range s.order {
		if !told[id.place] {
			notes = append(notes, s.held[id.place].notes...)
		}
		told[id.place] = true
	}
	return notes
}

// places returns where a plan has originals and copies.
func (p Plan) places() (places []place) {
	for _, s := range p.Sources {
		for _, region := range s.Regions {
			places = append(places, place{Site{s.Account, region}, false})
		}
	}
	for _, c := range p.Copies {
		places = append(places, place{c.Site(), true})
	}
	return places
}

// takeStock reads all places of a plan, several at a time. The error joins
// those of the places that could not be read.
func (e *Engine) takeStock(ctx context.Context, p Plan) (stock, error) {
	places := p.places()
	read, held, errs := make([][]Point, len(places)), make([]holdings, len(places)), make([]error, len(places))
	var g errgroup.Group
	g.SetLimit(e.opts.Concurrency)
	for i, at := range places {
		g.Go(func() error {
			if read[i], errs[i] = e.readPlace(ctx, at, p.Name); errs[i] == nil {
				held[i], errs[i] = e.readHolds(ctx, at, read[i])
			}
			return nil
		})
	}
	_ = g.Wait() // each place keeps its own error
	s := stock{groups: map[groupID][]Point{}, unread: map[place]error{}, held: map[place]holdings{}}
	for i, at := range places {
		if errs[i] != nil {
			s.unread[at] = errs[i]
			continue
		}
		s.held[at] = held[i]
		for _, pt := range read[i] {
			id := groupID{at, pt.Resource}
			if s.groups[id] == nil {
				s.order = append(s.order, id)
			}
			s.groups[id] = append(s.groups[id], pt)
		}
	}
	slices.SortFunc(s.order, func(a, b groupID) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), falseFirst(a.copy, b.copy), cmp.Compare(a.site.String(), b.site.String()))
	})
	return s, errors.Join(errs...)
}

// readPlace reads the plan's points at a place.
func (e *Engine) readPlace(ctx context.Context, at place, plan string) ([]Point, error) {
	var points []Point
	for driver := range e.drivers {
		r := reading{id: e.viewOfPlace(at, driver), originals: !at.copy, copies: at.copy}
		list, err := r.read(ctx, e)
		if err != nil {
			return nil, &Error{Account: at.site.Account, Region: at.site.Region, Err: err}
		}
		for _, pt := range list {
			if pt.Copy == at.copy && pt.Plan == plan {
				points = append(points, pt)
			}
		}
	}
	return points, nil
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// inDeletionOrder returns the ids of a point's snapshots and how many of them
// are extra. These go first: once its members are gone, nothing tells any more
// what an intermediate belonged to. Of the members the root goes first, since
// an image that is registered with the point uses that one.
func (pt Point) inDeletionOrder() (ids []string, extra int) {
	for _, s := range pt.Extra {
		ids = append(ids, s.ID)
	}
	members := slices.Clone(pt.Members)
	slices.SortStableFunc(members, func(a, b PointMember) int { return falseFirst(!a.Root, !b.Root) })
	for _, m := range members {
		ids = append(ids, m.Snapshot.ID)
	}
	return ids, len(pt.Extra)
}

// snapshots returns all snapshots of a point.
func (pt Point) snapshots() []Snapshot {
	list := slices.Clone(pt.Extra)
	for _, m := range pt.Members {
		list = append(list, m.Snapshot)
	}
	return list
}

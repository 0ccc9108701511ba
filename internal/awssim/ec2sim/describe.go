package ec2sim

import (
	"iter"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A search is what one Describe operation looks for: resources of the kind T,
// which its filters see as V. A Describe operation is a search and what makes
// answers of the resources found:
//
//	func (s *Service) DescribeThings(c *core.Call, in *ec2.DescribeThingsInput) (*ec2.DescribeThingsOutput, error) {
//		found, next, err := describe(s, c, in, search[*thing, thingView]{
//			shelf:   func(st *site) *shelf[*thing] { return &st.things },
//			ids:     in.ThingIds,
//			exists:  func(id string) error { return failure(s.ownThing(c, &id)) },
//			id:      func(t *thing) string { return t.id },
//			fits:    func(t *thing) bool { return !t.gone(c.Now) },
//			view:    func(t *thing) thingView { return thingView{t, c.Now} },
//			filters: thingFilters,
//			tags:    func(v thingView) map[string]string { return v.tags[c.Account.ID] },
//		})
//		out := &ec2.DescribeThingsOutput{NextToken: next}
//		for _, t := range found {
//			out.Things = append(out.Things, t.api(c.Now))
//		}
//		return out, err
//	}
//
// What is nil in a search is not asked: a listing without ids leaves ids,
// exists and id out, one without filters filters and tags.
type search[T resource, V any] struct {
	// shelf holds the resources; one made for the call will do, if the places
	// on it stay the same from page to page. What is on no shelf is listed by
	// walk instead, from after a place on.
	shelf func(*site) *shelf[T]
	walk  func(st *site, after uint64) iter.Seq[T]
	// ids that the request names: exists returns the error for one that names
	// nothing, id reads that of a resource.
	ids    []string
	exists func(id string) error
	id     func(T) string
	// told returns a resource as this call is told of it, or nil if it is told
	// of none; see package core, Consistency. The other functions then get that.
	told func(T) T
	// fits tells whether a resource is one that is asked for, whatever its filters say.
	fits func(T) bool
	// view, filters and tags are for Filters: see newMatcher.
	view    func(T) V
	filters attributes[V]
	tags    func(V) map[string]string
	// least is the least that MaxResults may be. Zero means 5, negative that any will do.
	least int32
	// limit is the most that MaxResults is worth. Zero means 1,000.
	limit int32
}

// describe does what all Describe operations have in common: it checks the
// Region, authorizes, ends a dry run, checks pages, filters and ids in this
// order, and collects one page. in is the pointer to the request; the members
// DryRun, Filters, MaxResults and NextToken are read from it by their names.
func describe[T resource, V any](s *Service, c *core.Call, in any, q search[T, V]) (found []T, next *string, err error) {
	st, err := s.here(c)
	if err != nil {
		return nil, nil, err
	}
	asked := reflect.ValueOf(in).Elem()
	if err := allowed(c, member[*bool](asked, "DryRun"), onEverything(c.Operation)); err != nil {
		return nil, nil, err
	}
	page, err := s.pageOf(c, asked, window{ids: len(q.ids), least: q.least, limit: q.limit})
	if err != nil {
		return nil, nil, err
	}
	filters, err := newMatcher(member[[]types.Filter](asked, "Filters"), q.filters, q.tags)
	if err != nil {
		return nil, nil, err
	}
	named := make(map[string]bool, len(q.ids))
	for _, id := range q.ids {
		if err := q.exists(id); err != nil {
			return nil, nil, err
		}
		named[id] = true
	}
	rest := q.walk
	if rest == nil {
		rest = func(st *site, after uint64) iter.Seq[T] { return slices.Values(q.shelf(st).after(after)) }
	}
	found, next = collect(rest(st, page.after), page, s.limits.ScannedPerPage, func(x T) bool {
		x = q.toldOf(x)
		var none T
		return x != none && (len(named) == 0 || named[q.id(x)]) && (q.fits == nil || q.fits(x)) &&
			(len(filters) == 0 || filters.match(q.view(x)))
	})
	for i, x := range found {
		found[i] = q.toldOf(x)
	}
	return found, next, nil
}

func (q search[T, V]) toldOf(x T) T {
	if q.told == nil {
		return x
	}
	return q.told(x)
}

// pageOf reads the paging of a request.
func (s *Service) pageOf(c *core.Call, asked reflect.Value, w window) (listing, error) {
	if w.least == 0 {
		w.least = 5
	}
	if w.limit == 0 {
		w.limit = 1000
	}
	w.max, w.token = member[*int32](asked, "MaxResults"), member[*string](asked, "NextToken")
	return s.listing(c, w, func() any { return unpaged(asked) })
}

// unpaged returns a copy of a request that says nothing of pages.
func unpaged(request reflect.Value) any {
	question := reflect.New(request.Type()).Elem()
	question.Set(request)
	for _, name := range []string{"MaxResults", "NextToken"} {
		if f := question.FieldByName(name); f.IsValid() {
			f.SetZero()
		}
	}
	return question.Interface()
}

// member reads a member of a request that not every request has.
func member[T any](request reflect.Value, name string) T {
	var value T
	if f := request.FieldByName(name); f.IsValid() {
		value = f.Interface().(T)
	}
	return value
}

// allowed checks that the caller may do what a call demands, and ends a dry run.
func allowed(c *core.Call, dryRun *bool, demanded ...core.Need) error {
	if err := c.Authorize(demanded...); err != nil {
		return err
	}
	return c.DryRun(dryRun)
}

// failure is the error of a function whose result does not matter.
func failure[T any](_ T, err error) error { return err }

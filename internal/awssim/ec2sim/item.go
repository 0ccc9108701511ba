package ec2sim

import "github.com/snapkeep/snapkeep/internal/awssim/core"

// An item is what the resources have in common that belong to one site and
// have nothing else to them that time changes.
type item struct {
	id   string
	seq  uint64
	site Site
	tags tagSets
}

func (i *item) order() uint64 { return i.seq }

func (i *item) ident() string { return i.id }

func (i *item) labels() tagSets { return i.tags }

func (i *item) ownTags() map[string]string { return i.tags[i.site.Account] }

// newItem gives a new resource of the caller's its id. Without a prefix it
// keeps the one that it was given.
func (s *Service) newItem(at Site, prefix string, tags map[string]string) item {
	return item{id: s.cloud.NewID(prefix), seq: s.next(), site: at, tags: ownTags(at.Account, tags)}
}

// subject describes an item as one that an action touches.
func (i *item) subject(kind string, keys map[string][]string) subject {
	return subject{kind: kind, arn: arn(i.site, kind, i.id), owner: i.site.Account, keys: core.WithResourceTags(keys, "ec2", i.ownTags())}
}

// planned describes an item about to be made.
func planned(at Site, kind string, keys map[string][]string, tags map[string]string) subject {
	return subject{kind: kind, arn: arn(at, kind, "*"), owner: at.Account, keys: core.WithRequestTags(keys, tags)}
}

// A labelled is an item that can be tagged.
type labelled interface {
	order() uint64
	ident() string
	labels() tagSets
	existing() subject
}

// item returns the item of a site with an id, or nil.
func (st *site) item(id string) labelled {
	for _, find := range []func() labelled{
		func() labelled { return found(&st.vpcs, id) }, func() labelled { return found(&st.subnets, id) },
		func() labelled { return found(&st.groups, id) }, func() labelled { return found(&st.interfaces, id) },
		func() labelled { return found(&st.keyPairs, id) }, func() labelled { return found(&st.addresses, id) },
		func() labelled { return found(&st.templates, id) }, func() labelled { return found(&st.tasks, id) },
	} {
		if x := find(); x != nil {
			return x
		}
	}
	return nil
}

// found is lookup for any kind of item.
func found[T interface {
	resource
	labelled
}](sh *shelf[T], id string) labelled {
	var none T
	if x := lookup(sh, id); x != none {
		return x
	}
	return nil
}

// lookup returns the resource with an id, or nil.
func lookup[T interface {
	resource
	ident() string
}](sh *shelf[T], id string) T {
	for _, x := range sh.items {
		if x.ident() == id {
			return x
		}
	}
	var none T
	return none
}

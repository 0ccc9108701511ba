package ec2sim

import (
	"iter"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A tagLine is one tag of one resource, at its place in the list of all.
type tagLine struct {
	place    uint64
	key      string
	value    string
	resource string
	kind     string
}

func (t *tagLine) order() uint64 { return t.place }

var tagFilters = attributes[*tagLine]{
	"key":           func(t *tagLine) []string { return one(t.key) },
	"resource-id":   func(t *tagLine) []string { return one(t.resource) },
	"resource-type": func(t *tagLine) []string { return one(t.kind) },
	"value":         func(t *tagLine) []string { return []string{t.value} },
}

// DescribeTags lists the tags that the caller's account has put.
func (s *Service) DescribeTags(c *core.Call, in *ec2.DescribeTagsInput) (*ec2.DescribeTagsOutput, error) {
	found, next, err := describe(s, c, in, search[*tagLine, *tagLine]{
		walk:    func(st *site, after uint64) iter.Seq[*tagLine] { return s.tagLines(c, st, after) },
		view:    func(t *tagLine) *tagLine { return t },
		filters: tagFilters,
		tags:    func(t *tagLine) map[string]string { return map[string]string{t.key: t.value} },
	})
	out := &ec2.DescribeTagsOutput{NextToken: next}
	for _, t := range found {
		out.Tags = append(out.Tags, types.TagDescription{
			Key: aws.String(t.key), ResourceId: aws.String(t.resource), ResourceType: types.ResourceType(t.kind), Value: aws.String(t.value),
		})
	}
	return out, err
}

// tagLines lists the tags of a site after a place. A line's place is made of
// its resource's and its own among the resource's, of which there are at most
// 50 and a few of AWS's.
func (s *Service) tagLines(c *core.Call, st *site, after uint64) iter.Seq[*tagLine] {
	return func(yield func(*tagLine) bool) {
		for h := range s.tagHolders(c, st, after>>8) {
			for i, k := range slices.Sorted(maps.Keys(h.tags)) {
				line := &tagLine{place: h.seq<<8 | uint64(i+1), key: k, value: h.tags[k], resource: h.id, kind: h.kind}
				if line.place > after && !yield(line) {
					return
				}
			}
		}
	}
}

// A tagHolder is a resource with the tags that an account has put on it.
type tagHolder struct {
	kind string
	id   string
	seq  uint64
	tags map[string]string // none: the account is not told of it, or has put none
}

// tagHolders lists the resources that an account has tagged in the order of
// their making, from a place on.
func (s *Service) tagHolders(c *core.Call, st *site, from uint64) iter.Seq[*tagHolder] {
	r := s.region(st.Region)
	own := func(kind idKind, id string, seq uint64, tags tagSets) tagHolder {
		return tagHolder{kind.kind, id, seq, tags[st.Account]}
	}
	queues := []func() *tagHolder{
		holdersFrom(&r.snapshots, from, func(sn *snapshot) (h tagHolder) {
			if sn = s.toldSnapshot(c, sn); sn != nil && (!sn.gone(c.Now) || sn.inBin(c.Now)) {
				h = own(snapshotID, sn.id, sn.seq, sn.tags)
			}
			return h
		}),
		holdersFrom(&st.volumes, from, func(v *volume) (h tagHolder) {
			if v = s.toldVolume(c, v); v != nil && !v.gone(c.Now) {
				h = own(volumeID, v.id, v.seq, v.tags)
			}
			return h
		}),
		holdersFrom(&st.instances, from, func(in *instance) (h tagHolder) {
			if in = s.toldInstance(c, in); in != nil && !in.gone(c.Now) {
				h = own(instanceID, in.id, in.seq, in.tags)
			}
			return h
		}),
		holdersFrom(&r.images, from, func(im *image) (h tagHolder) {
			if im = s.toldImage(c, im); im != nil {
				h = own(imageID, im.id, im.seq, im.tags)
			}
			return h
		}),
		itemsFrom(s, c, &st.vpcs, from), itemsFrom(s, c, &st.subnets, from), itemsFrom(s, c, &st.groups, from),
		itemsFrom(s, c, &st.interfaces, from), itemsFrom(s, c, &st.keyPairs, from), itemsFrom(s, c, &st.addresses, from),
		itemsFrom(s, c, &st.templates, from), itemsFrom(s, c, &st.tasks, from),
	}
	return func(yield func(*tagHolder) bool) { merge(queues, yield) }
}

// holdersFrom reads a shelf from a place on, without what has no tags.
func holdersFrom[T resource](sh *shelf[T], from uint64, hold func(T) tagHolder) func() *tagHolder {
	rest := sh.items
	if from > 0 {
		rest = sh.after(from - 1)
	}
	return func() *tagHolder {
		for len(rest) > 0 {
			h := hold(rest[0])
			rest = rest[1:]
			if len(h.tags) > 0 {
				return &h
			}
		}
		return nil
	}
}

// itemsFrom reads a shelf of items from a place on, as holdersFrom.
func itemsFrom[T interface {
	resource
	labelled
}](s *Service, c *core.Call, sh *shelf[T], from uint64) func() *tagHolder {
	return holdersFrom(sh, from, func(x T) tagHolder {
		tags := s.was.toldTags(c, x.ident(), x.labels())
		return tagHolder{x.existing().kind, x.ident(), x.order(), tags[c.Account.ID]}
	})
}

// merge yields what comes out of queues, each in its order, in the order of all.
func merge(queues []func() *tagHolder, yield func(*tagHolder) bool) {
	heads := make([]*tagHolder, len(queues))
	for i, next := range queues {
		heads[i] = next()
	}
	for {
		first := -1
		for i, h := range heads {
			if h != nil && (first < 0 || h.seq < heads[first].seq) {
				first = i
			}
		}
		if first < 0 || !yield(heads[first]) {
			return
		}
		heads[first] = queues[first]()
	}
}

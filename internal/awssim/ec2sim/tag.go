package ec2sim

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxTagged is how many resources one CreateTags call may name.
// Source: EC2 API Reference, CreateTags.
const maxTagged = 1000

// A tagged is a resource that a request to tag names.
type tagged struct {
	id      string
	subject subject
	tags    tagSets
}

// CreateTags puts tags on existing resources: all or none.
func (s *Service) CreateTags(c *core.Call, in *ec2.CreateTagsInput) (*ec2.CreateTagsOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter tags")
	}
	all, err := s.taggedResources(c, in.Resources)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		sub := r.subject.with(core.WithRequestTags(map[string][]string{}, tags))
		if err := c.Authorize(needs("CreateTags", sub)...); err != nil {
			return nil, err
		}
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	for _, r := range all {
		trial := tagSets{c.Account.ID: r.tags[c.Account.ID]}
		if err := trial.put(c.Account.ID, tags); err != nil {
			return nil, err
		}
	}
	for _, r := range all {
		s.was.noteTags(c, r)
		if err := r.tags.put(c.Account.ID, tags); err != nil {
			return nil, err
		}
	}
	return &ec2.CreateTagsOutput{}, nil
}

// DeleteTags takes tags off: those named, whatever their value unless one is
// given, or without any named all that are not AWS's.
// Source: EC2 API Reference, DeleteTags, Tag.N.
func (s *Service) DeleteTags(c *core.Call, in *ec2.DeleteTagsInput) (*ec2.DeleteTagsOutput, error) {
	all, err := s.taggedResources(c, in.Resources)
	if err != nil {
		return nil, err
	}
	named := map[string]string{}
	for _, t := range in.Tags {
		if strings.HasPrefix(strings.ToLower(aws.ToString(t.Key)), "aws:") {
			return nil, core.Errorf("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
		named[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for _, r := range all {
		sub := r.subject.with(core.WithRequestTags(map[string][]string{}, named))
		if err := c.Authorize(needs("DeleteTags", sub)...); err != nil {
			return nil, err
		}
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	for _, r := range all {
		s.was.noteTags(c, r)
		left := maps.Clone(r.tags[c.Account.ID]) // the old ones may yet be told
		maps.DeleteFunc(left, func(k, v string) bool { return deletes(in.Tags, k, v) })
		r.tags[c.Account.ID] = left
	}
	return &ec2.DeleteTagsOutput{}, nil
}

func deletes(named []types.Tag, k, v string) bool {
	if len(named) == 0 {
		return !strings.HasPrefix(k, "aws:")
	}
	for _, t := range named {
		if aws.ToString(t.Key) == k && (t.Value == nil || *t.Value == v) {
			return true
		}
	}
	return false
}

func (s *Service) taggedResources(c *core.Call, ids []string) ([]tagged, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(ids) > maxTagged {
		return nil, core.Errorf("InvalidParameterValue", "A request names between 1 and %d resources, not %d", maxTagged, len(ids))
	}
	var all []tagged
	for _, id := range ids {
		r, err := s.taggedResource(c, id)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (s *Service) taggedResource(c *core.Call, id string) (tagged, error) {
	switch {
	case strings.HasPrefix(id, snapshotID.prefix):
		sn, err := s.visibleSnapshot(c, c.Region, &id)
		if err != nil {
			// What is in the Recycle Bin can be tagged.
			// Source: EC2 User Guide, "Considerations for Recycle Bin".
			if sn, _ = s.binned(c, &id); sn == nil {
				return tagged{}, err
			}
		}
		return tagged{id, sn.existing("snapshot", c.Account.ID), sn.tags}, nil
	case strings.HasPrefix(id, volumeID.prefix):
		v, err := s.ownVolume(c, &id)
		if err != nil {
			return tagged{}, err
		}
		return tagged{id, v.existing(), v.tags}, nil
	case strings.HasPrefix(id, instanceID.prefix):
		in, err := s.ownInstance(c, &id)
		if err != nil {
			return tagged{}, err
		}
		return tagged{id, in.existing(), in.tags}, nil
	case strings.HasPrefix(id, imageID.prefix):
		im, err := s.visibleImage(c, &id)
		if err != nil {
			return tagged{}, err
		}
		if im.tags == nil {
			im.tags = tagSets{}
		}
		return tagged{id, im.existing(c.Account.ID), im.tags}, nil
	}
	// Source: EC2 API Reference, "Error codes".
	return tagged{}, core.Errorf("InvalidID", "The ID '%s' is not valid", id)
}

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
		shelf:   func(st *site) *shelf[*tagLine] { return s.tagLines(c, st) },
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

// tagLines lists every tag of a site that the call is told of. A line's place is made of its
// resource's and its own among the resource's, of which there are at most
// 50 and a few of AWS's.
func (s *Service) tagLines(c *core.Call, st *site) *shelf[*tagLine] {
	lines := &shelf[*tagLine]{}
	add := func(r idKind, id string, seq uint64, tags map[string]string) {
		for i, k := range slices.Sorted(maps.Keys(tags)) {
			lines.add(&tagLine{place: seq<<8 | uint64(i+1), key: k, value: tags[k], resource: id, kind: r.kind})
		}
	}
	r := s.region(st.Region)
	for _, sn := range r.snapshots.items {
		if sn = s.toldSnapshot(c, sn); sn != nil && (!sn.gone(c.Now) || sn.inBin(c.Now)) {
			add(snapshotID, sn.id, sn.seq, sn.tags[st.Account])
		}
	}
	for _, v := range st.volumes.items {
		if v = s.toldVolume(c, v); v != nil && !v.gone(c.Now) {
			add(volumeID, v.id, v.seq, v.tags[st.Account])
		}
	}
	for _, in := range st.instances.items {
		if in = s.toldInstance(c, in); in != nil && !in.gone(c.Now) {
			add(instanceID, in.id, in.seq, in.tags[st.Account])
		}
	}
	for _, im := range r.images.items {
		if im = s.toldImage(c, im); im != nil {
			add(imageID, im.id, im.seq, im.tags[st.Account])
		}
	}
	slices.SortFunc(lines.items, func(a, b *tagLine) int { return cmp.Compare(a.place, b.place) })
	return lines
}

package ec2sim

import (
	"maps"
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
	if x := s.siteOf(c).item(id); x != nil {
		return tagged{id, x.existing(), x.labels()}, nil
	}
	// Source: EC2 API Reference, "Error codes".
	return tagged{}, core.Errorf("InvalidID", "The ID '%s' is not valid", id)
}

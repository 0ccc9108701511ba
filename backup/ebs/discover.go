package ebs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// Discover lists the instances and the detached volumes that the selector
// chooses, sorted by ARN. It reads the site once when the iteration begins; an
// error of a listing ends the iteration, an error about one resource's key is
// told beside the resource and the others follow.
//
// Instances are those that are pending, running, stopping or stopped; volumes
// those that are available. A volume that is attached to an instance is never
// a resource of its own, since all volumes of an instance are snapshotted at
// one moment: an instance is protected with all its volumes but for excluded
// ones if the selector chooses the instance, and with the chosen volumes only
// if it chooses some of them and not the instance. What is attached and left
// out is in the resource's Excluded. Excluding an instance excludes its volumes.
func (c *client) Discover(ctx context.Context, sel backup.Selector) iter.Seq2[backup.Resource, error] {
	return func(yield func(backup.Resource, error) bool) {
		s, err := c.survey(ctx, picker{sel})
		if err != nil {
			yield(backup.Resource{}, err)
			return
		}
		for _, r := range s.resources(c.site) {
			err := c.markManaged(ctx, r.Members)
			if !yield(r, err) {
				return
			}
		}
	}
}

// A survey is what of a site is needed to decide on its resources.
type survey struct {
	pick      picker
	instances map[string]types.Instance
	volumes   map[string]types.Volume
}

// survey lists a site: everything for a selector of everything, else only
// what its ids and tags can choose and what is attached together with that.
func (c *client) survey(ctx context.Context, pick picker) (*survey, error) {
	s := &survey{pick: pick, instances: map[string]types.Instance{}, volumes: map[string]types.Volume{}}
	if pick.All {
		if err := c.listInstances(ctx, s, nil); err != nil {
			return nil, err
		}
		return s, c.listVolumes(ctx, s, nil)
	}
	if err := c.listChosen(ctx, s); err != nil {
		return nil, err
	}
	if err := inChunks(s.unknownOwners(), func(ids []string) error {
		return c.listInstances(ctx, s, []types.Filter{filter("instance-id", ids...)})
	}); err != nil {
		return nil, err
	}
	return s, inChunks(slices.Sorted(maps.Keys(s.instances)), func(ids []string) error {
		return c.listVolumes(ctx, s, []types.Filter{filter("attachment.instance-id", ids...)})
	})
}

// listChosen lists what the selector's ids and tags choose by themselves. Ids
// are sent as filters, not as ids: a filter finds nothing for an id of another
// Region, where the parameter fails the call, and it may be paged.
func (c *client) listChosen(ctx context.Context, s *survey) error {
	if err := inChunks(s.pick.idsOf("i-"), func(ids []string) error {
		return c.listInstances(ctx, s, []types.Filter{filter("instance-id", ids...)})
	}); err != nil {
		return err
	}
	if err := inChunks(s.pick.idsOf("vol-"), func(ids []string) error {
		return c.listVolumes(ctx, s, []types.Filter{filter("volume-id", ids...)})
	}); err != nil {
		return err
	}
	if len(s.pick.Tags) == 0 {
		return nil
	}
	if err := c.listInstances(ctx, s, tagFilters(s.pick.Tags)); err != nil {
		return err
	}
	return c.listVolumes(ctx, s, tagFilters(s.pick.Tags))
}

// listInstances adds the instances that pass the filters to the survey.
func (c *client) listInstances(ctx context.Context, s *survey, filters []types.Filter) error {
	pages := ec2.NewDescribeInstancesPaginator(c.ec2, &ec2.DescribeInstancesInput{
		Filters: append(filters, filter("instance-state-name", "pending", "running", "stopping", "stopped")),
		// EC2 returns at most 1,000 a page (EC2 API Reference, DescribeInstances).
		MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list instances: %w", awscall.Wrap("DescribeInstances", err))
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				s.instances[aws.ToString(i.InstanceId)] = i
			}
		}
	}
	return nil
}

// listVolumes adds the volumes that pass the filters to the survey. A volume
// that is being created holds nothing yet, one that is being deleted or in
// error cannot be snapshotted: all are left out.
func (c *client) listVolumes(ctx context.Context, s *survey, filters []types.Filter) error {
	pages := ec2.NewDescribeVolumesPaginator(c.ec2, &ec2.DescribeVolumesInput{
		Filters: append(filters, filter("status", "available", "in-use")),
		// EC2 returns at most 500 a page (EC2 API Reference, DescribeVolumes).
		MaxResults: aws.Int32(500),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list volumes: %w", awscall.Wrap("DescribeVolumes", err))
		}
		for _, v := range page.Volumes {
			s.volumes[aws.ToString(v.VolumeId)] = v
		}
	}
	return nil
}

// inChunks calls f with as many ids at a time as a filter takes.
func inChunks(ids []string, f func([]string) error) error {
	for chunk := range slices.Chunk(ids, maxFilterValues) {
		if err := f(chunk); err != nil {
			return err
		}
	}
	return nil
}

// unknownOwners returns the instances that chosen volumes are attached to and
// that were not listed for their own sake, sorted.
func (s *survey) unknownOwners() []string {
	unknown := map[string]bool{}
	for id, v := range s.volumes {
		if !s.pick.chooses(id, tagMap(v.Tags)) {
			continue
		}
		for _, owner := range owners(v) {
			if _, known := s.instances[owner]; !known {
				unknown[owner] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(unknown))
}

// owners returns the instances that a volume is attached to, sorted: none,
// one, or several for a Multi-Attach volume.
func owners(v types.Volume) []string {
	var ids []string
	for _, a := range v.Attachments {
		if a.State != types.VolumeAttachmentStateDetached && a.InstanceId != nil {
			ids = append(ids, *a.InstanceId)
		}
	}
	slices.Sort(ids)
	return ids
}

// resources returns what the selector chooses, sorted by ARN.
func (s *survey) resources(site backup.Site) []backup.Resource {
	var all []backup.Resource
	for id, i := range s.instances {
		if r, ok := s.instance(site, id, i); ok {
			all = append(all, r)
		}
	}
	for id, v := range s.volumes {
		tags := tagMap(v.Tags)
		if v.State == types.VolumeStateAvailable && len(owners(v)) == 0 && s.pick.chooses(id, tags) {
			all = append(all, backup.Resource{
				ARN: arn(site, KindVolume, id), Kind: KindVolume, Site: site,
				Name: tags["Name"], Tags: tags, Members: []backup.Member{member(v)},
			})
		}
	}
	slices.SortFunc(all, func(a, b backup.Resource) int { return strings.Compare(a.ARN, b.ARN) })
	return all
}

// instance returns an instance as a resource, or false if neither it nor a
// volume of it is chosen, or no volume is left. Which volumes it has is taken
// from the listing of volumes alone, the later of the two: instance-store
// volumes are not in it, and no volume can be attached in one and not in the other.
func (s *survey) instance(site backup.Site, id string, i types.Instance) (backup.Resource, bool) {
	tags := tagMap(i.Tags)
	if s.pick.excludes(id, tags) {
		return backup.Resource{}, false
	}
	r := backup.Resource{
		ARN: arn(site, KindInstance, id), Kind: KindInstance, Site: site,
		Name: tags["Name"], Tags: tags, Machine: machine(i),
	}
	whole := s.pick.chooses(id, tags)
	for volume, v := range s.volumes {
		device, attached := deviceOf(v, id)
		if !attached {
			continue
		}
		m := member(v)
		m.Device, m.Root = device, device != "" && device == r.Machine.RootDevice
		vtags := tagMap(v.Tags)
		if whole && !s.pick.excludes(volume, vtags) || !whole && s.pick.chooses(volume, vtags) && s.keeper(v) == id {
			r.Members = append(r.Members, m)
		} else {
			r.Excluded = append(r.Excluded, m)
		}
	}
	slices.SortFunc(r.Members, byDevice)
	slices.SortFunc(r.Excluded, byDevice)
	return r, len(r.Members) > 0
}

// keeper returns the instance that a chosen volume is protected with when no
// instance it is attached to is chosen itself: the first of them, so that a
// Multi-Attach volume is snapshotted once. Where one is chosen, it is that one
// which protects the volume, and keeper returns "".
func (s *survey) keeper(v types.Volume) string {
	first := ""
	for _, id := range owners(v) {
		i, listed := s.instances[id]
		switch tags := tagMap(i.Tags); {
		case !listed || s.pick.excludes(id, tags):
		case s.pick.chooses(id, tags):
			return ""
		case first == "":
			first = id
		}
	}
	return first
}

// deviceOf returns where a volume is attached to an instance, and whether.
func deviceOf(v types.Volume, instance string) (string, bool) {
	for _, a := range v.Attachments {
		if aws.ToString(a.InstanceId) == instance && a.State != types.VolumeAttachmentStateDetached {
			return aws.ToString(a.Device), true
		}
	}
	return "", false
}

// byDevice orders the root volume first, then by device, then by id.
func byDevice(a, b backup.Member) int {
	if a.Root != b.Root {
		if a.Root {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(a.Device, b.Device), strings.Compare(a.Volume, b.Volume))
}

func member(v types.Volume) backup.Member {
	return backup.Member{
		Volume: aws.ToString(v.VolumeId), Type: string(v.VolumeType), SizeGiB: aws.ToInt32(v.Size),
		IOPS: aws.ToInt32(v.Iops), Throughput: aws.ToInt32(v.Throughput),
		Encrypted: aws.ToBool(v.Encrypted), KMSKey: aws.ToString(v.KmsKeyId),
	}
}

func machine(i types.Instance) backup.Machine {
	m := backup.Machine{
		InstanceType: string(i.InstanceType), Architecture: string(i.Architecture),
		BootMode: string(i.BootMode), ENA: aws.ToBool(i.EnaSupport), RootDevice: aws.ToString(i.RootDeviceName),
	}
	if i.Placement != nil {
		m.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	return m
}

package ebs

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

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
// those that are available. What is chosen and cannot be snapshotted is told: a
// volume in state error in the instance's Unprotected, and what has nothing else
// as an error about that resource. A volume that is attached to an instance is never
// a resource of its own, since all volumes of an instance are snapshotted at
// one moment: an instance is protected with all its volumes but for excluded
// ones if the selector chooses the instance, and with the chosen volumes only
// if it chooses some of them and not the instance. What is attached and left
// out is in the resource's Excluded. Excluding an instance excludes its volumes.
func (c *client) Discover(ctx context.Context, sel backup.Selector) iter.Seq2[backup.Resource, error] {
	return func(yield func(backup.Resource, error) bool) {
		s, err := c.survey(ctx, newPicker(sel))
		if err != nil {
			yield(backup.Resource{}, err)
			return
		}
		all := s.resources(c.site, sel)
		c.nameStores(ctx, all)
		for _, r := range all {
			if err := c.markKeys(ctx, r.Members); !yield(r, err) {
				return
			}
		}
		for _, r := range s.unsupported(c.site, sel) {
			if !yield(r.Resource, fmt.Errorf("%s: %w", r.why, backup.ErrUnsupported)) {
				return
			}
		}
	}
}

// survey lists a site: everything, or only what the selector can choose and
// what is attached together with that.
func (c *client) survey(ctx context.Context, pick picker) (*survey, error) {
	s := newSurvey(pick)
	asks, enough := pick.asks()
	if !enough {
		asks = []ask{{}, {volumes: true}}
	}
	for _, a := range asks {
		list := c.listInstances
		if a.volumes {
			list = c.listVolumes
		}
		if err := list(ctx, s, a.filters); err != nil {
			return nil, err
		}
	}
	if enough {
		if err := c.complete(ctx, s); err != nil {
			return nil, err
		}
	}
	s.connect()
	return s, nil
}

// complete lists the instances of volumes that may be chosen, and all volumes of
// all instances, until no new ones turn up. A volume of several instances may
// bring in another; else it is one round.
func (c *client) complete(ctx context.Context, s *survey) error {
	asked, listed := map[string]bool{}, map[string]bool{}
	for {
		if err := inChunks(fresh(s.unknownOwners(), asked), func(ids []string) error {
			return c.listInstances(ctx, s, []types.Filter{filter("instance-id", ids...)})
		}); err != nil {
			return err
		}
		next := fresh(slices.Sorted(maps.Keys(s.instances)), listed)
		if len(next) == 0 {
			return nil
		}
		if err := inChunks(next, func(ids []string) error {
			return c.listVolumes(ctx, s, []types.Filter{filter("attachment.instance-id", ids...)})
		}); err != nil {
			return err
		}
	}
}

// fresh returns those ids that are not in the set, and adds them.
func fresh(ids []string, set map[string]bool) []string {
	ids = slices.DeleteFunc(ids, func(id string) bool { return set[id] })
	for _, id := range ids {
		set[id] = true
	}
	return ids
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
// that is being created holds nothing yet, and one that is being deleted is
// wanted no more: both are left out.
func (c *client) listVolumes(ctx context.Context, s *survey, filters []types.Filter) error {
	pages := ec2.NewDescribeVolumesPaginator(c.ec2, &ec2.DescribeVolumesInput{
		Filters: append(filters, filter("status", "available", "in-use", "error")),
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

package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// EC2 returns at most 1,000 snapshots, images or instances a page and 500
// volumes (EC2 API Reference).
const (
	pageSize       = 1000
	volumePageSize = 500
)

// absent makes a success of the error that something is not there.
// InvalidAMIID.Unavailable is what EC2 says of an image that was deregistered
// (EC2 API Reference, "Error codes").
func absent(err error) error {
	if errors.Is(err, backup.ErrNotFound) || awserr.Code(err) == "InvalidAMIID.Unavailable" {
		return nil
	}
	return err
}

// marked is the filter for what a restore has made.
func marked(id string) []types.Filter {
	return []types.Filter{{Name: aws.String("tag:" + tagRestore), Values: []string{id}}}
}

// copies lists the restore's snapshots by their keys.
func (p *place) copies(ctx context.Context, id string) (map[string][]types.Snapshot, error) {
	found := map[string][]types.Snapshot{}
	pages := ec2.NewDescribeSnapshotsPaginator(p.ec2, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: marked(id), MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awscall.Wrap("list snapshots", err)
		}
		for _, s := range page.Snapshots {
			found[keyOf(s.Tags)] = append(found[keyOf(s.Tags)], s)
		}
	}
	return found, nil
}

// volumes lists the restore's volumes by their keys, but for those on their way out.
func (p *place) volumes(ctx context.Context, id string) (map[string][]types.Volume, error) {
	found := map[string][]types.Volume{}
	pages := ec2.NewDescribeVolumesPaginator(p.ec2, &ec2.DescribeVolumesInput{
		Filters: marked(id), MaxResults: aws.Int32(volumePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awscall.Wrap("list volumes", err)
		}
		for _, v := range page.Volumes {
			if v.State == types.VolumeStateDeleting || v.State == types.VolumeStateDeleted {
				continue
			}
			found[keyOf(v.Tags)] = append(found[keyOf(v.Tags)], v)
		}
	}
	return found, nil
}

// images lists the restore's images by their keys.
func (p *place) images(ctx context.Context, id string) (map[string][]types.Image, error) {
	found := map[string][]types.Image{}
	pages := ec2.NewDescribeImagesPaginator(p.ec2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, Filters: marked(id), MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awscall.Wrap("list images", err)
		}
		for _, i := range page.Images {
			found[keyOf(i.Tags)] = append(found[keyOf(i.Tags)], i)
		}
	}
	return found, nil
}

// instances lists the restore's instances by their keys, terminated ones included.
func (p *place) instances(ctx context.Context, id string) (map[string][]types.Instance, error) {
	found := map[string][]types.Instance{}
	pages := ec2.NewDescribeInstancesPaginator(p.ec2, &ec2.DescribeInstancesInput{
		Filters: marked(id), MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awscall.Wrap("list instances", err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				found[keyOf(i.Tags)] = append(found[keyOf(i.Tags)], i)
			}
		}
	}
	return found, nil
}

// A view is what is there of a restore when a Plan or Run begins.
type view struct {
	copies    map[string][]types.Snapshot
	volumes   map[string][]types.Volume
	images    map[string][]types.Image
	instances map[string][]types.Instance
}

// look reads what is there, in at most four listings.
func (p *place) look(ctx context.Context, q Request) (view, error) {
	var v view
	var err error
	if v.copies, err = p.copies(ctx, q.ID); err != nil {
		return v, err
	}
	if v.volumes, err = p.volumes(ctx, q.ID); err != nil {
		return v, err
	}
	if v.images, err = p.images(ctx, q.ID); err != nil {
		return v, err
	}
	v.instances, err = p.instances(ctx, q.ID)
	return v, err
}

// check refuses a request whose ID marks something that another request has
// made: a Run would mistake that for its own, or delete it.
func (v view) check(q Request) error {
	copies, volumes := map[string]bool{}, map[string]bool{}
	for _, m := range q.Point.Members {
		copies[q.copyKey(m)] = true
		volumes[q.volumeKey(m)] = q.As == Volumes
	}
	volumes[q.instanceKey()] = q.As == Instance
	for _, key := range slices.Sorted(maps.Keys(v.copies)) {
		if !copies[key] {
			return taken(q, "snapshot", aws.ToString(v.copies[key][0].SnapshotId))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.volumes)) {
		if !volumes[key] {
			return taken(q, "volume", aws.ToString(v.volumes[key][0].VolumeId))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.images)) {
		if q.As != Instance || key != q.imageKey() {
			return taken(q, "image", aws.ToString(v.images[key][0].ImageId))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.instances)) {
		if live, _ := alive(v.instances[key]); live != nil && (q.As != Instance || key != q.instanceKey()) {
			return taken(q, "instance", aws.ToString(live.InstanceId))
		}
	}
	return nil
}

func taken(q Request, kind, id string) error {
	return &RequestError{"id", fmt.Sprintf("%q is in use: %s %s in %s is of another restore of that name", q.ID, kind, id, q.site())}
}

// alive returns an instance that is there to stay, or nil, and the ids of
// those that came to nothing, sorted.
func alive(instances []types.Instance) (live *types.Instance, dead []string) {
	for n, i := range instances {
		switch stateOf(i) {
		case types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
			dead = append(dead, aws.ToString(i.InstanceId))
		default:
			live = &instances[n]
		}
	}
	slices.Sort(dead)
	return live, dead
}

func stateOf(i types.Instance) types.InstanceStateName {
	if i.State == nil {
		return ""
	}
	return i.State.Name
}

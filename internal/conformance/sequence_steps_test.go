package conformance_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (r *run) makeVolume() {
	th := &thing{kind: "volume", site: r.rng.IntN(len(sites))}
	size, tags := int32(1+r.rng.IntN(3)), r.someTags()
	if r.call(fmt.Sprintf("make a volume of %d GiB in %s %s", size, sites[th.site], show(tags)), func(side int) error {
		out, err := r.clients[side][th.site].CreateVolume(r.t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String(sites[th.site] + "a"), Size: &size, VolumeType: types.VolumeTypeGp3, TagSpecifications: spec("volume", tags),
		})
		if err == nil {
			th.ids[side] = *out.VolumeId
		}
		return err
	}) {
		r.made(th)
	}
}

func (r *run) makeSnapshot() {
	volume := r.pick("volume")
	if volume == nil {
		r.makeVolume()
		return
	}
	th := &thing{kind: "snapshot", site: volume.site}
	tags, text := r.someTags(), fmt.Sprint("text ", r.rng.IntN(3))
	if r.call(fmt.Sprintf("make a snapshot of %s %q %s", r.name(volume), text, show(tags)), func(side int) error {
		out, err := r.clients[side][th.site].CreateSnapshot(r.t.Context(), &ec2.CreateSnapshotInput{
			VolumeId: &volume.ids[side], Description: &text, TagSpecifications: spec("snapshot", tags),
		})
		if err == nil {
			th.ids[side] = *out.SnapshotId
		}
		return err
	}) {
		r.made(th)
	}
}

func (r *run) makeCopy() {
	source := r.pick("snapshot")
	if source == nil {
		return
	}
	th := &thing{kind: "snapshot", site: r.rng.IntN(len(sites)), copy: true}
	tags := r.someTags()
	if r.call(fmt.Sprintf("copy %s to %s %s", r.name(source), sites[th.site], show(tags)), func(side int) error {
		out, err := r.clients[side][th.site].CopySnapshot(r.t.Context(), &ec2.CopySnapshotInput{
			SourceSnapshotId: &source.ids[side], SourceRegion: &sites[source.site], Description: aws.String("copy"), TagSpecifications: spec("snapshot", tags),
		})
		if err == nil {
			th.ids[side] = *out.SnapshotId
		}
		return err
	}) {
		r.made(th)
	}
}

func (r *run) makeImage() {
	snapshot := r.pick("snapshot")
	if snapshot == nil || snapshot.gone {
		return
	}
	th := &thing{kind: "image", site: snapshot.site, holds: slices.Index(r.things, snapshot)}
	name := fmt.Sprint("image ", len(r.things))
	if r.call(fmt.Sprintf("register %q of %s", name, r.name(snapshot)), func(side int) error {
		out, err := r.clients[side][th.site].RegisterImage(r.t.Context(), &ec2.RegisterImageInput{
			Name: &name, Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"), RootDeviceName: aws.String("/dev/sda1"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot.ids[side]}}},
		})
		if err == nil {
			th.ids[side] = *out.ImageId
		}
		return err
	}) {
		snapshot.held = true
		r.made(th)
	}
}

// anything draws a thing of any kind.
func (r *run) anything() *thing {
	return r.pick([]string{"volume", "snapshot", "snapshot", "image"}[r.rng.IntN(4)])
}

func (r *run) tag() {
	th, tags := r.anything(), r.someTags()
	if th == nil || len(tags) == 0 {
		return
	}
	r.call(fmt.Sprintf("tag %s %s", r.name(th), show(tags)), func(side int) error {
		_, err := r.clients[side][th.site].CreateTags(r.t.Context(), &ec2.CreateTagsInput{Resources: []string{th.ids[side]}, Tags: tags})
		return err
	})
}

func (r *run) untag() {
	th, tags := r.anything(), r.someTags()
	if th == nil || len(tags) == 0 || th.gone && gaps["untag what is gone"] != "" {
		return
	}
	if r.rng.IntN(2) == 0 {
		tags[0].Value = nil // whatever its value
	}
	r.call(fmt.Sprintf("untag %s %s", r.name(th), show(tags)), func(side int) error {
		_, err := r.clients[side][th.site].DeleteTags(r.t.Context(), &ec2.DeleteTagsInput{Resources: []string{th.ids[side]}, Tags: tags})
		return err
	})
}

func (r *run) dropSnapshot() {
	th := r.pick("snapshot")
	if th == nil || th.held && gaps["snapshot in use"] != "" {
		return
	}
	if r.call("delete "+r.name(th), func(side int) error {
		_, err := r.clients[side][th.site].DeleteSnapshot(r.t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &th.ids[side]})
		return err
	}) {
		th.gone = true
	}
}

func (r *run) dropVolume() {
	th := r.pick("volume")
	if th == nil {
		return
	}
	if r.call("delete "+r.name(th), func(side int) error {
		_, err := r.clients[side][th.site].DeleteVolume(r.t.Context(), &ec2.DeleteVolumeInput{VolumeId: &th.ids[side]})
		return err
	}) {
		th.gone = true
	}
}

func (r *run) dropImage() {
	th := r.pick("image")
	if th == nil || th.gone && gaps["deregistered image"] != "" {
		return
	}
	if r.call("deregister "+r.name(th), func(side int) error {
		_, err := r.clients[side][th.site].DeregisterImage(r.t.Context(), &ec2.DeregisterImageInput{ImageId: &th.ids[side]})
		return err
	}) {
		th.gone = true
		r.things[th.holds].held = slices.ContainsFunc(r.things, func(other *thing) bool {
			return other.kind == "image" && !other.gone && other.holds == th.holds
		})
	}
}

// list describes snapshots or volumes by one or two filters.
func (r *run) list() {
	site := r.rng.IntN(len(sites))
	drawn := []types.Filter{
		{Name: aws.String("tag:plan"), Values: []string{"v0", "v1"}},
		{Name: aws.String("tag:Owner"), Values: []string{"v?"}},
		{Name: aws.String("tag:run"), Values: []string{"*2"}},
		{Name: aws.String("tag-key"), Values: []string{"run", "none"}},
		{Name: aws.String("status"), Values: []string{[]string{"completed", "pending"}[r.rng.IntN(2)]}},
		{Name: aws.String("volume-size"), Values: []string{"1", "3"}},
		{Name: aws.String("description"), Values: []string{"text 1"}},
		{Name: aws.String("description"), Values: []string{"*py"}},
	}
	if gaps["several tag keys"] != "" {
		drawn[3].Values = drawn[3].Values[:1]
	}
	r.rng.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	filters := drawn[:1+r.rng.IntN(2)]
	if *filters[0].Name == *filters[len(filters)-1].Name {
		filters = filters[:1]
	}
	var text []string
	for _, f := range filters {
		text = append(text, *f.Name+"="+strings.Join(f.Values, "|"))
	}
	r.log = append(r.log, "list snapshots in "+sites[site]+" by "+strings.Join(text, " and "))
	r.compare("the list", func(side int) string {
		out, err := r.clients[side][site].DescribeSnapshots(r.t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: filters})
		if err != nil {
			return errorCode(err)
		}
		return r.snapshots(side, out.Snapshots)
	})
}

// snapshots are what there is to say of some.
func (r *run) snapshots(side int, list []types.Snapshot) string {
	if gaps["snapshot of an image"] != "" {
		list = slices.DeleteFunc(list, func(sn types.Snapshot) bool {
			return strings.HasPrefix(aws.ToString(sn.Description), "Auto-created snapshot for AMI")
		})
	}
	return lines(r, side, list, func(sn types.Snapshot) string { return *sn.SnapshotId }, func(sn types.Snapshot) string {
		volume := r.named(side, aws.ToString(sn.VolumeId))
		if r.isCopy(side, *sn.SnapshotId) && gaps["volume of a copy"] != "" {
			volume = "-"
		}
		return fmt.Sprintf("%s, of %s, %d GiB, encrypted %v, %q, of %s, %s %s", sn.State, volume, aws.ToInt32(sn.VolumeSize),
			aws.ToBool(sn.Encrypted), aws.ToString(sn.Description), aws.ToString(sn.OwnerId), aws.ToString(sn.Progress), show(sn.Tags))
	})
}

func (r *run) isCopy(side int, id string) bool {
	return slices.ContainsFunc(r.things, func(th *thing) bool { return th.ids[side] == id && th.copy })
}

// state is all that there is in both sites.
func (r *run) state(side int) string {
	var b strings.Builder
	for site, region := range sites {
		client := r.clients[side][site]
		volumes, err := client.DescribeVolumes(r.t.Context(), nil)
		fmt.Fprintln(&b, region, "volumes", errorCode(err))
		if err == nil {
			b.WriteString(lines(r, side, volumes.Volumes, func(v types.Volume) string { return *v.VolumeId }, func(v types.Volume) string {
				return fmt.Sprintf("%s, %d GiB, %s in %s, from %q, encrypted %v %s", v.State, aws.ToInt32(v.Size), v.VolumeType,
					aws.ToString(v.AvailabilityZone), aws.ToString(v.SnapshotId), aws.ToBool(v.Encrypted), show(v.Tags))
			}))
		}
		snapshots, err := client.DescribeSnapshots(r.t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		fmt.Fprintln(&b, region, "snapshots", errorCode(err))
		if err == nil {
			b.WriteString(r.snapshots(side, snapshots.Snapshots))
		}
		images, err := client.DescribeImages(r.t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
		fmt.Fprintln(&b, region, "images", errorCode(err))
		if err == nil {
			b.WriteString(lines(r, side, images.Images, func(im types.Image) string { return *im.ImageId }, func(im types.Image) string {
				if gaps["architecture"] != "" {
					im.Architecture = "-"
				}
				return fmt.Sprintf("%s, %q, %s, %s %s", im.State, aws.ToString(im.Name), im.Architecture, aws.ToString(im.RootDeviceName), show(im.Tags))
			}))
		}
	}
	return b.String()
}

// lines writes one line for each item, sorted by name.
func lines[T any](r *run, side int, list []T, id, text func(T) string) string {
	var all []string
	for _, item := range list {
		all = append(all, r.named(side, id(item))+": "+text(item))
	}
	slices.Sort(all)
	return strings.Join(all, "\n") + "\n"
}

package ebs

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

var _ backup.Surveyor = (*client)(nil)

// Survey lists all instances and detached volumes, by one listing of each, and
// tells what every selector would protect of them. Types of instances are asked
// about as Discover does; KMS is not asked.
func (c *client) Survey(ctx context.Context, selectors []backup.Selector) iter.Seq2[backup.Surveyed, error] {
	return func(yield func(backup.Surveyed, error) bool) {
		s, err := c.survey(ctx, newPicker(backup.Selector{All: true}))
		if err != nil {
			yield(backup.Surveyed{}, err)
			return
		}
		chosen := make([]map[string][]string, len(selectors))
		for n, sel := range selectors {
			chosen[n] = map[string][]string{}
			for _, r := range s.resources(c.site, sel) {
				for _, m := range r.Members {
					chosen[n][r.ARN] = append(chosen[n][r.ARN], m.Volume)
				}
			}
		}
		all := s.all(c.site)
		c.nameStores(ctx, all)
		for _, r := range all {
			out := backup.Surveyed{Resource: r, Chosen: make([][]string, len(selectors))}
			for n := range selectors {
				out.Chosen[n] = chosen[n][r.ARN]
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// all returns everything there is, sorted by ARN; also instances without volumes
// that could be snapshotted.
func (s *survey) all(site backup.Site) []backup.Resource {
	all := s.resources(site, backup.Selector{All: true})
	for _, i := range s.instances {
		if r, ok := s.instance(site, backup.Selector{All: true}, i); !ok {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, byARN)
	return all
}

// A survey is what of a site is needed to decide on its resources.
type survey struct {
	pick      picker
	instances map[string]types.Instance
	volumes   map[string]types.Volume
	// Made by connect, when all is listed: what selectors judge, by id, and the
	// volumes of each instance.
	subjects map[string]backup.Subject
	attached map[string][]string
}

func newSurvey(pick picker) *survey {
	return &survey{pick: pick, instances: map[string]types.Instance{}, volumes: map[string]types.Volume{}}
}

// connect joins what was listed. Of a volume's instances only those are joined
// that were listed: the others are going.
func (s *survey) connect() {
	s.subjects = make(map[string]backup.Subject, len(s.instances)+len(s.volumes))
	s.attached = map[string][]string{}
	for id, i := range s.instances {
		s.subjects[id] = instanceSubject(i)
	}
	for id, v := range s.volumes {
		disk := volumeSubject(v)
		for _, owner := range owners(v) {
			s.attached[owner] = append(s.attached[owner], id)
			if i, listed := s.subjects[owner]; listed {
				disk.On = append(disk.On, i)
			}
		}
		s.subjects[id] = disk
	}
}

// unknownOwners returns the instances that were not listed for their own sake
// and that volumes are attached to which may be chosen, sorted.
func (s *survey) unknownOwners() []string {
	unknown := map[string]bool{}
	for _, v := range s.volumes {
		if !s.pick.mayChoose(v) {
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

// resources returns what a selector chooses, sorted by ARN.
func (s *survey) resources(site backup.Site, pick backup.Selector) []backup.Resource {
	var all []backup.Resource
	for _, i := range s.instances {
		if r, ok := s.instance(site, pick, i); ok {
			all = append(all, r)
		}
	}
	for id, v := range s.volumes {
		if v.State == types.VolumeStateAvailable && len(owners(v)) == 0 && pick.Chooses(s.subjects[id]) {
			tags := s.subjects[id].Tags
			all = append(all, backup.Resource{
				ARN: arn(site, KindVolume, id), Kind: KindVolume, Site: site,
				Name: tags["Name"], Tags: tags, Members: []backup.Member{member(v)},
			})
		}
	}
	slices.SortFunc(all, byARN)
	return all
}

func byARN(a, b backup.Resource) int { return strings.Compare(a.ARN, b.ARN) }

// instance returns an instance as a resource, or false if neither it nor a
// volume of it is chosen, or no volume is left. Which volumes it has is taken
// from the listing of volumes alone, the later of the two: instance-store
// volumes are not in it, and no volume can be attached in one and not in the other.
func (s *survey) instance(site backup.Site, pick backup.Selector, i types.Instance) (backup.Resource, bool) {
	self := s.subjects[aws.ToString(i.InstanceId)]
	if pick.Excludes(self) {
		return backup.Resource{}, false
	}
	id, tags := self.ID, self.Tags
	r := backup.Resource{
		ARN: arn(site, KindInstance, id), Kind: KindInstance, Site: site,
		Name: tags["Name"], Tags: tags, Machine: machine(i),
		Stopped: i.State != nil && i.State.Name == types.InstanceStateNameStopped,
	}
	whole := pick.Chooses(self)
	for _, volume := range s.attached[id] {
		v, disk := s.volumes[volume], s.subjects[volume]
		device := deviceOf(v, id)
		m := member(v)
		m.Device, m.Root = device, device != "" && device == r.Machine.RootDevice
		wanted := whole && !pick.Excludes(disk) || !whole && pick.Chooses(disk) && s.keeper(pick, disk) == id
		if wanted && broken(v) {
			r.Unprotected = append(r.Unprotected, "volume "+volume+", which is in state error")
		}
		if wanted && !broken(v) {
			r.Members = append(r.Members, m)
		} else {
			r.Excluded = append(r.Excluded, m)
		}
	}
	slices.Sort(r.Unprotected)
	slices.SortFunc(r.Members, byDevice)
	slices.SortFunc(r.Excluded, byDevice)
	return r, len(r.Members) > 0
}

// broken says whether a volume cannot be snapshotted: the hardware below it has
// failed (EBS User Guide, "Amazon EBS volume lifecycle").
func broken(v types.Volume) bool { return v.State == types.VolumeStateError }

// An unsupported is a resource that is chosen, and no snapshot can be made of it.
type unsupported struct {
	backup.Resource
	why string
}

// unsupported returns the chosen instances that have nothing but instance stores
// or broken volumes, and the chosen broken volumes, sorted by ARN.
func (s *survey) unsupported(site backup.Site, pick backup.Selector) []unsupported {
	var all []unsupported
	for id, i := range s.instances {
		r, ok := s.instance(site, pick, i)
		switch {
		case ok:
		case len(r.Unprotected) > 0:
			all = append(all, unsupported{r, strings.Join(r.Unprotected, ", ")})
		case i.RootDeviceType == types.DeviceTypeInstanceStore && len(s.attached[id]) == 0 && pick.Chooses(s.subjects[id]):
			all = append(all, unsupported{r, "boots from an instance store and has no EBS volume"})
		}
	}
	for id, v := range s.volumes {
		if broken(v) && len(owners(v)) == 0 && pick.Chooses(s.subjects[id]) {
			all = append(all, unsupported{backup.Resource{ARN: arn(site, KindVolume, id), Kind: KindVolume, Site: site}, "is in state error"})
		}
	}
	slices.SortFunc(all, func(a, b unsupported) int { return byARN(a.Resource, b.Resource) })
	return all
}

// keeper returns the instance that a chosen volume is protected with when no
// instance it is attached to is chosen itself: the first of them, so that a
// Multi-Attach volume is snapshotted once. Where one is chosen, it is that one
// which protects the volume, and keeper returns "".
func (s *survey) keeper(pick backup.Selector, disk backup.Subject) string {
	first := ""
	for _, i := range disk.On {
		switch {
		case pick.Excludes(i):
		case pick.Chooses(i):
			return ""
		case first == "":
			first = i.ID
		}
	}
	return first
}

// deviceOf returns where a volume is attached to an instance.
func deviceOf(v types.Volume, instance string) string {
	for _, a := range v.Attachments {
		if aws.ToString(a.InstanceId) == instance && a.State != types.VolumeAttachmentStateDetached {
			return aws.ToString(a.Device)
		}
	}
	return ""
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
		PlatformDetails: aws.ToString(i.PlatformDetails), UsageOperation: aws.ToString(i.UsageOperation),
		ProductCodes: productCodes(i.ProductCodes), SRIOV: aws.ToString(i.SriovNetSupport), TPM: aws.ToString(i.TpmSupport),
		IMDSv2: i.MetadataOptions != nil && i.MetadataOptions.HttpTokens == types.HttpTokensStateRequired,
	}
	if i.Placement != nil {
		m.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	return m
}

package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An image is a registered machine image.
type image struct {
	id             string
	seq            uint64
	site           Site // of the owner
	name           string
	description    string
	arch           types.ArchitectureValues
	virtualization types.VirtualizationType
	ena            bool
	boot           types.BootModeValues
	tpm            types.TpmSupportValues
	imds           types.ImdsSupportValues
	sriov          string
	uefiData       string
	public         bool
	rootDevice     string
	mappings       []mapping
	created        time.Time
	ready          time.Time
	tags           tagSets
}

// A mapping is a volume that an image gives to its instances.
type mapping struct {
	device              string
	snapshot            string // empty: the volume begins empty
	size                int32
	kind                types.VolumeType
	iops                int32
	throughput          int32
	encrypted           bool
	deleteOnTermination bool
}

func (im *image) order() uint64 { return im.seq }

func (im *image) state(now time.Time) types.ImageState {
	if now.Before(im.ready) {
		return types.ImageStatePending
	}
	return types.ImageStateAvailable
}

// ownerName is the owner as the condition key ec2:Owner has it: an account, or
// the alias of Amazon's.
func (im *image) ownerName() string {
	if im.site.Account == amazon {
		return "amazon"
	}
	return im.site.Account
}

func (im *image) visible(account string) bool { return im.public || im.site.Account == account }

// visibleImage returns the image that a caller means by an id.
func (s *Service) visibleImage(c *core.Call, id *string) (*image, error) {
	if err := checkID(aws.ToString(id), imageID); err != nil {
		return nil, err
	}
	s.region(c.Region) // which publishes the base images
	im := s.images[*id]
	if s.toldImage(c, im) == nil || im.site.Region != c.Region || !im.visible(c.Account.ID) {
		return nil, core.Errorf("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", *id)
	}
	return im, nil
}

func (im *image) api(now time.Time, viewer string) types.Image {
	out := types.Image{
		Architecture:       im.arch,
		BootMode:           im.boot,
		CreationDate:       aws.String(timestamp(im.created)),
		Description:        aws.String(im.description),
		EnaSupport:         aws.Bool(im.ena),
		Hypervisor:         types.HypervisorTypeXen,
		ImageId:            aws.String(im.id),
		ImageLocation:      aws.String(im.ownerName() + "/" + im.name),
		ImageType:          types.ImageTypeValuesMachine,
		ImdsSupport:        im.imds,
		Name:               aws.String(im.name),
		OwnerId:            aws.String(im.site.Account),
		PlatformDetails:    aws.String("Linux/UNIX"),
		Public:             aws.Bool(im.public),
		RootDeviceName:     aws.String(im.rootDevice),
		RootDeviceType:     types.DeviceTypeEbs,
		State:              im.state(now),
		Tags:               apiTags(im.tags[viewer]),
		TpmSupport:         im.tpm,
		VirtualizationType: im.virtualization,
	}
	if im.site.Account == amazon {
		out.ImageOwnerAlias = aws.String("amazon")
	}
	if im.sriov != "" {
		out.SriovNetSupport = aws.String(im.sriov)
	}
	for _, m := range im.mappings {
		out.BlockDeviceMappings = append(out.BlockDeviceMappings, m.api())
	}
	return out
}

func (m mapping) api() types.BlockDeviceMapping {
	ebs := &types.EbsBlockDevice{
		DeleteOnTermination: aws.Bool(m.deleteOnTermination), Encrypted: aws.Bool(m.encrypted),
		VolumeSize: aws.Int32(m.size), VolumeType: m.kind,
	}
	if m.snapshot != "" {
		ebs.SnapshotId = aws.String(m.snapshot)
	}
	if m.iops > 0 {
		ebs.Iops = aws.Int32(m.iops)
	}
	if m.throughput > 0 {
		ebs.Throughput = aws.Int32(m.throughput)
	}
	return types.BlockDeviceMapping{DeviceName: aws.String(m.device), Ebs: ebs}
}

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
	platform       platform
	products       []string // codes of the AWS Marketplace
	rootDevice     string
	mappings       []mapping
	created        time.Time
	ready          time.Time
	made           []*snapshot // made with the image: it is available once they are completed
	failure        string      // why it fails once ready; empty: it does not
	sourceImage    string      // what it was made of, as far as it is known
	sourceRegion   string
	sourceInstance string
	launched       time.Time // last; zero: never
	access         imageAccess
	disabled       bool
	deprecated     time.Time // zero: never
	protection     protection
	tags           tagSets
}

// A mapping is a volume that an image gives to its instances: one of EBS or,
// with a virtual name, one of the computer the instance runs on.
type mapping struct {
	device              string
	virtual             string // "ephemeral0"
	snapshot            string // empty: the volume begins empty
	size                int32
	kind                types.VolumeType
	iops                int32
	throughput          int32
	encrypted           bool
	deleteOnTermination bool
}

func (im *image) order() uint64 { return im.seq }

// state of an image follows that of the snapshots made with it.
func (im *image) state(now time.Time) types.ImageState {
	state := types.ImageStateAvailable
	switch {
	case now.Before(im.ready):
		return types.ImageStatePending
	case im.failure != "":
		return types.ImageStateFailed
	case im.disabled:
		state = types.ImageStateDisabled
	}
	for _, sn := range im.made {
		switch sn.state(now) {
		case types.SnapshotStateError:
			return types.ImageStateFailed
		case types.SnapshotStatePending:
			state = types.ImageStatePending
		}
	}
	return state
}

// reason of a failed image.
func (im *image) reason(now time.Time) *types.StateReason {
	if im.state(now) != types.ImageStateFailed {
		return nil
	}
	text := im.failure
	for _, sn := range im.made {
		if text == "" && sn.state(now) == types.SnapshotStateError {
			text = "Snapshot " + sn.id + " failed: " + sn.failure
		}
	}
	// Which code it has is not documented; Server.… stands for what is not the
	// caller's fault, Client.… for what is.
	return &types.StateReason{Code: aws.String("Client.InternalError"), Message: aws.String(text)}
}

// ownerName is the owner as the condition key ec2:Owner has it: an account, or
// the alias of Amazon's.
func (im *image) ownerName() string {
	if im.site.Account == amazon {
		return "amazon"
	}
	return im.site.Account
}

// visibleImage returns the image that a caller means by an id.
func (s *Service) visibleImage(c *core.Call, id *string) (*image, error) {
	return s.visibleImageIn(c, c.Region, id)
}

func (s *Service) visibleImageIn(c *core.Call, region string, id *string) (*image, error) {
	if err := checkID(aws.ToString(id), imageID); err != nil {
		return nil, err
	}
	s.region(region) // which publishes the base images
	im := s.images[*id]
	as := s.toldImage(c, im)
	if as == nil || im.site.Region != region || !as.visible(c.Account) {
		return nil, core.Errorf("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", *id)
	}
	return im, nil
}

// imageFor returns the caller's own image once the call is allowed on it.
// keys are those of this request, beside the image's own.
func (s *Service) imageFor(c *core.Call, id *string, dryRun *bool, keys map[string][]string) (*image, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	im, err := s.visibleImage(c, id)
	if err != nil {
		return nil, err
	}
	if im.site.Account != c.Account.ID {
		return nil, &core.Error{Code: "AuthFailure", Message: "Not authorized for image:" + im.id, Status: 403}
	}
	return im, allowed(c, dryRun, needs(c.Operation, im.existing(c.Account.ID).with(keys))...)
}

// add publishes an image among those of its Region.
func (s *Service) addImage(im *image) {
	im.seq = s.next()
	s.images[im.id] = im
	s.region(im.site.Region).images.add(im)
}

func (im *image) existing(viewer string) subject {
	keys := core.Keys(
		"ec2:ImageID", im.id,
		"ec2:ImageType", "machine",
		"ec2:Owner", im.ownerName(),
		"ec2:Public", flag(im.access.public),
		"ec2:RootDeviceType", "ebs",
	)
	return subject{
		kind: "image", arn: sharedARN(im.site.Region, "image", im.id), owner: im.site.Account,
		keys: core.WithResourceTags(keys, "ec2", im.tags[viewer]),
	}
}

func newImage(at Site, tags map[string]string) subject {
	return subject{
		kind: "image", arn: sharedARN(at.Region, "image", "*"), owner: at.Account,
		keys: core.WithRequestTags(core.Keys("ec2:Owner", at.Account), tags),
	}
}

func (im *image) api(now time.Time, viewer string) types.Image {
	out := types.Image{
		Architecture:             im.arch,
		BlockDeviceMappings:      apiMappings(im.mappings),
		BootMode:                 im.boot,
		CreationDate:             aws.String(timestamp(im.created)),
		DeregistrationProtection: aws.String(im.protection.name(now)),
		Description:              aws.String(im.description),
		EnaSupport:               aws.Bool(im.ena),
		Hypervisor:               types.HypervisorTypeXen,
		ImageId:                  aws.String(im.id),
		ImageLocation:            aws.String(im.ownerName() + "/" + im.name),
		ImageType:                types.ImageTypeValuesMachine,
		ImdsSupport:              im.imds,
		Name:                     aws.String(im.name),
		OwnerId:                  aws.String(im.site.Account),
		Platform:                 im.platform.kind(),
		PlatformDetails:          aws.String(im.platform.details),
		ProductCodes:             apiProducts(im.products),
		Public:                   aws.Bool(im.access.public),
		RootDeviceName:           aws.String(im.rootDevice),
		RootDeviceType:           types.DeviceTypeEbs,
		State:                    im.state(now),
		StateReason:              im.reason(now),
		Tags:                     apiTags(im.tags[viewer]),
		TpmSupport:               im.tpm,
		UsageOperation:           aws.String(im.platform.operation),
		VirtualizationType:       im.virtualization,
	}
	if im.site.Account == amazon {
		out.ImageOwnerAlias = aws.String("amazon")
	}
	for _, member := range []struct {
		to    **string
		value string
	}{
		{&out.SriovNetSupport, im.sriov},
		{&out.SourceImageId, im.sourceImage},
		{&out.SourceImageRegion, im.sourceRegion},
		{&out.SourceInstanceId, im.sourceInstance},
		{&out.DeprecationTime, im.deprecationTime()},
		{&out.LastLaunchedTime, im.lastLaunched(now)},
	} {
		if member.value != "" {
			*member.to = aws.String(member.value)
		}
	}
	return out
}

func apiMappings(mappings []mapping) (list []types.BlockDeviceMapping) {
	for _, m := range mappings {
		list = append(list, m.api())
	}
	return list
}

// lastLaunched is reported a day late.
// Source: EC2 API Reference, Image, LastLaunchedTime: "there is a 24-hour
// delay before that usage is reported".
func (im *image) lastLaunched(now time.Time) string {
	if im.launched.IsZero() || now.Before(im.launched.Add(24*time.Hour)) {
		return ""
	}
	return timestamp(im.launched)
}

func (m mapping) api() types.BlockDeviceMapping {
	if m.virtual != "" {
		return types.BlockDeviceMapping{DeviceName: aws.String(m.device), VirtualName: aws.String(m.virtual)}
	}
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

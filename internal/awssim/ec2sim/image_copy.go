package ec2sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// copyFailed is the reason of a copied image whose key cannot be used.
// Source: hashicorp/packer#6599, #6737.
const copyFailed = "Copy image failed with an internal error"

// CopyImage copies an image, the caller's own or one shared with it, with its
// snapshots from the Region it names to the Region it calls. As with
// CopySnapshot, keys that cannot be used show later, by the state of the copy.
func (s *Service) CopyImage(c *core.Call, in *ec2.CopyImageInput) (*ec2.CopyImageOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := checkImageCopy(c, in); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "image", "snapshot")
	if err != nil {
		return nil, err
	}
	source, err := s.visibleImageIn(c, *in.SourceRegion, in.SourceImageId)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.CopyImageTags) {
		if tags["image"], err = withCopied(tags["image"], source.tags[c.Account.ID]); err != nil {
			return nil, err
		}
	}
	if err := allowed(c, in.DryRun, imageCopyNeeds(c, st, source, tags)...); err != nil {
		return nil, err
	}
	if earlier, err := s.repeated(c, in.ClientToken, in); earlier != nil || err != nil {
		return repeatedImage(earlier), err
	}
	if err := s.freeName(c, aws.ToString(in.Name)); err != nil {
		return nil, err
	}
	if err := s.canCopyImage(c, st, source, in.SnapshotCopyCompletionDurationMinutes != nil); err != nil {
		return nil, err
	}
	im := source.twin(st.Site, in)
	s.publish(c, im, tags["image"])
	s.copyMappings(c, st, im, in, tags["snapshot"])
	st.imageCopies.add(im, noLongerPending(c.Now))
	s.remember(c, in.ClientToken, in, im.id)
	return &ec2.CopyImageOutput{ImageId: aws.String(im.id)}, nil
}

func repeatedImage(earlier *answer) *ec2.CopyImageOutput {
	if earlier == nil {
		return nil
	}
	return &ec2.CopyImageOutput{ImageId: aws.String(earlier.id)}
}

// checkImageCopy checks what can be said of a request by itself.
func checkImageCopy(c *core.Call, in *ec2.CopyImageInput) error {
	switch {
	case in.DestinationOutpostArn != nil:
		return c.Unsupported("DestinationOutpostArn")
	case in.DestinationAvailabilityZone != nil, in.DestinationAvailabilityZoneId != nil:
		return c.Unsupported("DestinationAvailabilityZone")
	case in.SourceRegion == nil || *in.SourceRegion == "":
		return core.Errorf("MissingParameter", "The request must contain the parameter SourceRegion")
	case !core.IsRegion(*in.SourceRegion):
		return core.Errorf("InvalidParameterValue", "Value (%s) for parameter SourceRegion is invalid.", *in.SourceRegion)
	case core.Partition(*in.SourceRegion) != core.Partition(c.Region):
		return core.Errorf("InvalidRequest", "Images cannot be copied from %s to another partition", *in.SourceRegion)
	case in.KmsKeyId != nil && !aws.ToBool(in.Encrypted):
		return core.Errorf("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	if m := in.SnapshotCopyCompletionDurationMinutes; m != nil && (*m < 15 || *m > 2880 || *m%15 != 0) {
		return core.Errorf("InvalidParameterValue", "Value (%d) for parameter SnapshotCopyCompletionDurationMinutes is invalid.", *m)
	}
	return nil
}

// withCopied adds the caller's own tags of the source to those of the
// request, which win; the tags that AWS put are not copied.
func withCopied(given, own map[string]string) (map[string]string, error) {
	tags := map[string]string{}
	for k, v := range own {
		if !strings.HasPrefix(k, "aws:") {
			tags[k] = v
		}
	}
	maps.Copy(tags, given)
	return tags, countTags(tags)
}

// imageCopyNeeds names the source, the copy and its snapshots.
// Source: EC2 User Guide, "Grant permissions to copy Amazon EC2 AMIs":
// ec2:CopyImage on images and snapshots, also on the source since October 2024.
func imageCopyNeeds(c *core.Call, st *site, source *image, tags map[string]map[string]string) []core.Need {
	made := newImage(st.Site, tags["image"])
	out := append(needs("CopyImage", source.existing(c.Account.ID), made), tagging("CopyImage", made, tags["image"])...)
	for _, m := range source.mappings {
		if m.snapshot != "" {
			sn := newCopy(st.Site, false, tags["snapshot"])
			sn.kind = "snapshot"
			out = append(out, needs("CopyImage", sn)...)
			return append(out, tagging("CopyImage", sn, tags["snapshot"])...)
		}
	}
	return out
}

// canCopyImage checks the source and the limits of the destination.
// Source: EC2 User Guide, "Copy an Amazon EC2 AMI" (what may be copied); the
// texts are from awslabs/amazon-eks-ami#52 and of the same kind.
func (s *Service) canCopyImage(c *core.Call, st *site, source *image, timed bool) error {
	own := source.site.Account == c.Account.ID
	switch {
	case source.state(c.Now) != types.ImageStateAvailable:
		return unavailable(source)
	case !own && len(source.products) > 0:
		return core.Errorf("InvalidRequest", "Images from AWS Marketplace cannot be copied to another AWS account")
	case !own && source.platform.billed():
		return core.Errorf("InvalidRequest", "Images with EC2 BillingProduct codes cannot be copied to another AWS account")
	}
	for _, m := range source.mappings {
		sn := s.snapshotByID(c.Now, m.snapshot)
		if sn != nil && !sn.visible(c.Account.ID) && source.site.Account != amazon {
			return core.Errorf("InvalidRequest", "You do not have permission to access the storage of this ami")
		}
		if sn != nil && sn.tier.inArchive(c.Now) {
			return sn.usable(c.Now)
		}
	}
	if st.imageCopies.full(s.limits.ImageCopiesPerRegion, 0, noLongerPending(c.Now)) {
		return core.Errorf("ResourceLimitExceeded",
			"Too many image copies in progress. The limit is %d for this destination region.", s.limits.ImageCopiesPerRegion)
	}
	if timed {
		if err := s.canHurry(c.Now, st, source.site.Region); err != nil {
			return err
		}
	}
	return s.roomFor(st, len(source.mappings))
}

// twin is the copy of an image: everything but whom it is shared with, its
// deprecation and its protection.
func (im *image) twin(at Site, in *ec2.CopyImageInput) *image {
	return &image{
		site: at, name: *in.Name, description: aws.ToString(in.Description), arch: im.arch, virtualization: im.virtualization,
		ena: im.ena, boot: im.boot, tpm: im.tpm, imds: im.imds, sriov: im.sriov, uefiData: im.uefiData,
		platform: im.platform, products: im.products, rootDevice: im.rootDevice, mappings: slices.Clone(im.mappings),
		sourceImage: im.id, sourceRegion: im.site.Region,
	}
}

// copyMappings copies the snapshot behind each mapping.
func (s *Service) copyMappings(c *core.Call, st *site, im *image, in *ec2.CopyImageInput, tags map[string]string) {
	for i := range im.mappings {
		m := &im.mappings[i]
		source := s.snapshotByID(c.Now, m.snapshot)
		if source == nil {
			continue
		}
		order := copyOrder{source: source, tags: tags, encrypted: source.encrypted() || aws.ToBool(in.Encrypted) || st.encrypts}
		switch {
		case order.encrypted && in.KmsKeyId == nil:
			order.key = s.defaultKey(st)
		case order.encrypted:
			key, ok := s.kms.Resolve(st.Site, *in.KmsKeyId)
			if !ok {
				order.unknownKey, key = true, kmssim.ARN(*in.KmsKeyId)
			}
			order.key = key
		}
		sn := s.copy(c, st, order)
		sn.minutes = int32(aws.ToInt64(in.SnapshotCopyCompletionDurationMinutes))
		sn.description = copiedFor(im, source, c.Now)
		s.finishCopy(c, st, sn, order)
		if sn.failure != "" {
			im.failure, im.ready = copyFailed, sn.done
		}
		m.snapshot, m.encrypted = sn.id, order.encrypted
		im.made = append(im.made, sn)
	}
}

// copiedFor is the description of a snapshot that CopyImage makes.
// Source: EC2 User Guide, "How Amazon EC2 AMI copy works", in the words that
// DescribeSnapshots shows.
func copiedFor(im *image, source *snapshot, now time.Time) string {
	return fmt.Sprintf("Copied for DestinationAmi %s from SourceAmi %s for SourceSnapshot %s. Task created on %s.",
		im.id, im.sourceImage, source.id, grouped(now.UnixMilli()))
}

// grouped writes a number with commas between its thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// noLongerPending tells whether an image has been made, or has failed.
func noLongerPending(now time.Time) func(*image) bool {
	return func(im *image) bool { return im.state(now) != types.ImageStatePending }
}

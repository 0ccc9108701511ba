package ebs

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

var _ backup.Imager = (*client)(nil)

// duplicateName is what EC2 answers to the name of an image that there is (EC2
// API Reference, "Error codes").
const duplicateName = "InvalidAMIName.Duplicate"

// Images lists the site's own images that carry the tags, disabled ones too.
func (c *client) Images(ctx context.Context, tags map[string]string) iter.Seq2[backup.Image, error] {
	return func(yield func(backup.Image, error) bool) {
		pages := ec2.NewDescribeImagesPaginator(c.ec2, &ec2.DescribeImagesInput{
			Owners: []string{"self"}, Filters: tagFilters(tags), IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(backup.Image{}, fmt.Errorf("list images: %w", awscall.Wrap("DescribeImages", err)))
				return
			}
			for _, i := range page.Images {
				if is := image(i); carries(is.Tags, tags) && i.State != types.ImageStateDeregistered && !yield(is, nil) {
					return
				}
			}
		}
	}
}

func image(i types.Image) backup.Image {
	is := backup.Image{
		ID: aws.ToString(i.ImageId), Name: aws.ToString(i.Name), Owner: accounts.ID(aws.ToString(i.OwnerId)),
		State: backup.ImageState(i.State), Tags: tagMap(i.Tags), PlatformDetails: aws.ToString(i.PlatformDetails),
		UsageOperation: aws.ToString(i.UsageOperation), ProductCodes: productCodes(i.ProductCodes),
	}
	if i.StateReason != nil {
		is.Message = strings.TrimSpace(aws.ToString(i.StateReason.Code) + " " + aws.ToString(i.StateReason.Message))
	}
	// A creation date that cannot be read is none: nothing depends on it.
	is.Created, _ = time.Parse(time.RFC3339, aws.ToString(i.CreationDate))
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && m.Ebs.SnapshotId != nil {
			is.Snapshots = append(is.Snapshots, *m.Ebs.SnapshotId)
		}
	}
	return is
}

// productCodes returns codes as backup.Machine has them.
func productCodes(codes []types.ProductCode) string {
	var list []string
	for _, code := range codes {
		list = append(list, aws.ToString(code.ProductCodeId))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// registerImage makes an image of copies. What RegisterImage would default to
// is of another age: i386, paravirtual, no ENA. The call has no client token,
// but names are unique: one that is taken means that an earlier call may have
// had its effect. What the image is billed as cannot be said; EC2 derives it.
func (c *client) registerImage(ctx context.Context, s backup.Step) ([]backup.Snapshot, error) {
	what, m := "RegisterImage of "+s.Resource.ID(), s.Resource.Machine
	if s.Resource.Kind != KindInstance || len(s.Snapshots) != len(s.Resource.Members) {
		return nil, fmt.Errorf("%s: %d snapshots of a %s of %d volumes: %w",
			what, len(s.Snapshots), s.Resource.Kind, len(s.Resource.Members), backup.ErrUnsupported)
	}
	in := &ec2.RegisterImageInput{
		Name: aws.String(s.Name), Description: optional(s.Description), VirtualizationType: aws.String("hvm"),
		Architecture: types.ArchitectureValues(m.Architecture), BootMode: types.BootModeValues(m.BootMode),
		EnaSupport: aws.Bool(m.ENA), SriovNetSupport: optional(m.SRIOV), TpmSupport: types.TpmSupportValues(m.TPM),
		RootDeviceName:    aws.String(m.RootDevice),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tagList(s.Tags)}},
	}
	if m.IMDSv2 {
		in.ImdsSupport = types.ImdsSupportValuesV20
	}
	for i, member := range s.Resource.Members {
		d := device(member)
		d.SnapshotId = aws.String(s.Snapshots[i])
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: aws.String(member.Device), Ebs: &d})
	}
	out, err := c.ec2.RegisterImage(ctx, in, once)
	if err != nil {
		if err = awscall.WrapCreate(what, err); awserr.Code(err) == duplicateName {
			err = fmt.Errorf("%w: %w", backup.ErrUnknownOutcome, err)
		}
		return nil, err
	}
	return []backup.Snapshot{{ID: aws.ToString(out.ImageId)}}, nil
}

// device says how an image has a member. IOPS are a setting of gp3, io1 and io2
// and throughput one of gp3; for other types AWS tells figures that it does not
// take back (EC2 API Reference, EbsBlockDevice). What is started from a backup
// shall outlive its instance.
func device(m backup.Member) types.EbsBlockDevice {
	d := types.EbsBlockDevice{
		VolumeType: types.VolumeType(m.Type), VolumeSize: aws.Int32(m.SizeGiB), DeleteOnTermination: aws.Bool(false),
	}
	switch d.VolumeType {
	case types.VolumeTypeGp3:
		d.Iops, d.Throughput = positive(m.IOPS), positive(m.Throughput)
	case types.VolumeTypeIo1, types.VolumeTypeIo2:
		d.Iops = positive(m.IOPS)
	}
	return d
}

func positive(n int32) *int32 {
	if n <= 0 {
		return nil
	}
	return &n
}

// deregisterImage leaves the snapshots where they are. That the image is not
// there is no error; InvalidAMIID.Unavailable is what EC2 says of one that was
// deregistered (EC2 API Reference, "Error codes").
func (c *client) deregisterImage(ctx context.Context, id string) error {
	_, err := c.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: aws.String(id)})
	if code := awserr.Code(err); code == "InvalidAMIID.Unavailable" || code == "InvalidAMIID.NotFound" {
		return nil
	}
	return awscall.Wrap("DeregisterImage "+id, err)
}

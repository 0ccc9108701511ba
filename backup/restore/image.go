package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

// fromImage says whether the instance is started from the point's own image:
// where the image is, in its account and Region. Elsewhere one is registered of
// copies. EC2 copies no image with billing codes into another account (EC2 User
// Guide, "Copy an Amazon EC2 AMI"), and could share it only with rights that no
// condition key holds down to one account.
func (q Request) fromImage() bool {
	return q.As == Instance && q.Point.Image != nil && !q.shares() && q.Region == q.Point.Site.Region
}

// image checks that a licensed instance has an image, and the right one: that
// is the proof that its copies still tell what is billed.
func (c *check) image(q Request) {
	m, is := q.Point.Machine, q.Point.Image
	switch {
	case is == nil && m.Licensed():
		c.wrong("point.image", "is missing: AWS bills the instance as %q (%s), and starts one only from an image with the same codes; "+
			"let the plan register images (copies[].image), or restore it as volumes", m.PlatformDetails, m.UsageOperation)
	case is == nil:
	case !imageShape.MatchString(is.ID):
		c.wrong("point.image.id", "%q: want an image's id", is.ID)
	default:
		if why := m.Mismatch(*is); why != "" {
			c.wrong("point.image", "%s is not one of the instance: %s", is.ID, why)
		}
	}
}

// judge compares an image that was registered of copies with the instance.
// RegisterImage derives what is billed from metadata of the snapshots, which
// need not be there, and asks to discard an image that is wrong (EC2 API
// Reference, RegisterImage).
func (w *run) judge(ctx context.Context, i types.Image) error {
	is := backup.Image{
		ID: aws.ToString(i.ImageId), PlatformDetails: aws.ToString(i.PlatformDetails), UsageOperation: aws.ToString(i.UsageOperation),
	}
	var codes []string
	for _, code := range i.ProductCodes {
		codes = append(codes, aws.ToString(code.ProductCodeId))
	}
	slices.Sort(codes)
	is.ProductCodes = strings.Join(codes, " ")
	why := w.req.Point.Machine.Mismatch(is)
	if why == "" {
		return nil
	}
	err := fmt.Errorf("%w: %s is not one of the instance: %s; it was deregistered. Restore the point as volumes", backup.ErrImage, is.ID, why)
	if failed := w.dest.deregisterImage(ctx, is.ID); failed != nil {
		return fmt.Errorf("%w: %s is not one of the instance: %s: %w", backup.ErrImage, is.ID, why, failed)
	}
	w.dropped[is.ID] = true
	return err
}

// mappings put the volumes of an image under the key of the request: EC2 takes a
// key for a volume of an image when it starts the instance (EC2 API Reference,
// EbsBlockDevice; EC2 User Guide, "Use encryption with EBS-backed AMIs").
func (q Request) mappings() (list []types.BlockDeviceMapping) {
	if !q.fromImage() {
		return nil
	}
	for _, m := range q.Point.Members {
		d := deviceOf(m)
		d.Encrypted, d.KmsKeyId, d.DeleteOnTermination = aws.Bool(true), aws.String(q.KMSKey), aws.Bool(false)
		list = append(list, types.BlockDeviceMapping{DeviceName: aws.String(m.Device), Ebs: &d})
	}
	return list
}

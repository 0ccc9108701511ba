package ec2sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An imageView is an image as one account sees it at one time.
type imageView struct {
	*image
	now    time.Time
	viewer string
}

// eachMapping reads from every mapping of an image.
func eachMapping(read func(mapping) string) func(imageView) []string {
	return func(v imageView) []string {
		var out []string
		for _, m := range v.mappings {
			if value := read(m); value != "" {
				out = append(out, value)
			}
		}
		return out
	}
}

// imageFilters are those of DescribeImages that speak of what the simulation
// has, but for tags.
// Source: EC2 API Reference, DescribeImages.
var imageFilters = attributes[imageView]{
	"architecture": func(v imageView) []string { return one(string(v.arch)) },
	"block-device-mapping.delete-on-termination": eachMapping(func(m mapping) string { return flag(m.deleteOnTermination) }),
	"block-device-mapping.device-name":           eachMapping(func(m mapping) string { return m.device }),
	"block-device-mapping.encrypted":             eachMapping(func(m mapping) string { return flag(m.encrypted) }),
	"block-device-mapping.snapshot-id":           eachMapping(func(m mapping) string { return m.snapshot }),
	"block-device-mapping.volume-size":           eachMapping(func(m mapping) string { return strconv.Itoa(int(m.size)) }),
	"block-device-mapping.volume-type":           eachMapping(func(m mapping) string { return string(m.kind) }),
	"boot-mode":                                  func(v imageView) []string { return one(string(v.boot)) },
	"creation-date":                              func(v imageView) []string { return one(timestamp(v.created)) },
	"description":                                func(v imageView) []string { return []string{v.description} },
	"ena-support":                                func(v imageView) []string { return one(flag(v.ena)) },
	"hypervisor":                                 func(imageView) []string { return one(string(types.HypervisorTypeXen)) },
	"image-id":                                   func(v imageView) []string { return one(v.id) },
	"image-type":                                 func(imageView) []string { return one(string(types.ImageTypeValuesMachine)) },
	"is-public":                                  func(v imageView) []string { return one(flag(v.access.public)) },
	"name":                                       func(v imageView) []string { return one(v.name) },
	"owner-alias": func(v imageView) []string {
		if v.site.Account == amazon {
			return one("amazon")
		}
		return nil
	},
	"platform":     func(v imageView) []string { return one(strings.ToLower(string(v.platform.kind()))) },
	"product-code": func(v imageView) []string { return v.products },
	"product-code.type": func(v imageView) []string {
		if len(v.products) == 0 {
			return nil
		}
		return one(string(types.ProductCodeValuesMarketplace))
	},
	"manifest-location":   func(v imageView) []string { return one(v.ownerName() + "/" + v.name) },
	"kernel-id":           func(imageView) []string { return nil },
	"ramdisk-id":          func(imageView) []string { return nil },
	"source-image-id":     func(v imageView) []string { return one(v.sourceImage) },
	"source-image-region": func(v imageView) []string { return one(v.sourceRegion) },
	"source-instance-id":  func(v imageView) []string { return one(v.sourceInstance) },
	"sriov-net-support":   func(v imageView) []string { return one(v.sriov) },
	"state-reason-code":   func(v imageView) []string { return ofReason(v, func(r *types.StateReason) *string { return r.Code }) },
	"state-reason-message": func(v imageView) []string {
		return ofReason(v, func(r *types.StateReason) *string { return r.Message })
	},
	"owner-id":            func(v imageView) []string { return one(v.site.Account) },
	"root-device-name":    func(v imageView) []string { return one(v.rootDevice) },
	"root-device-type":    func(imageView) []string { return one(string(types.DeviceTypeEbs)) },
	"state":               func(v imageView) []string { return one(string(v.state(v.now))) },
	"virtualization-type": func(v imageView) []string { return one(string(v.virtualization)) },
}.lacking(
	"free-tier-eligible", "image-allowed", "image-watermark.source-image-creation-time", "image-watermark.source-image-id",
	"image-watermark.source-image-region", "image-watermark.watermark-creation-time", "image-watermark.watermark-key", "instance-type-specification.supported-instance-type",
	"instance-type-specification.unsupported-instance-type", "public-ssm-parameter-name", "scan-result.critical-fix-available-since", "scan-result.finding-scan-date",
	"scan-result.high-fix-available-since", "scan-result.highest-finding-severity-label", "scan-result.informational-fix-available-since", "scan-result.low-fix-available-since",
	"scan-result.medium-fix-available-since",
)

func ofReason(v imageView, read func(*types.StateReason) *string) []string {
	if r := v.reason(v.now); r != nil {
		return one(aws.ToString(read(r)))
	}
	return nil
}

// DescribeImages lists the images that the caller may see: its own and the
// public ones.
func (s *Service) DescribeImages(c *core.Call, in *ec2.DescribeImagesInput) (*ec2.DescribeImagesOutput, error) {
	viewer := c.Account.ID
	found, next, err := describe(s, c, in, search[*image, imageView]{
		shelf:  func(*site) *shelf[*image] { return &s.region(c.Region).images },
		ids:    in.ImageIds,
		exists: func(id string) error { return failure(s.visibleImage(c, &id)) },
		id:     func(im *image) string { return im.id },
		told:   func(im *image) *image { return s.toldImage(c, im) },
		fits: func(im *image) bool {
			return im.visible(c.Account) && im.shown(in, c.Now, viewer) && im.ownedBy(in.Owners, viewer) && im.executableBy(in.ExecutableUsers, c.Account)
		},
		view:    func(im *image) imageView { return imageView{im, c.Now, viewer} },
		filters: imageFilters,
		tags:    func(v imageView) map[string]string { return v.tags[viewer] },
		least:   1,
	})
	out := &ec2.DescribeImagesOutput{NextToken: next}
	for _, im := range found {
		out.Images = append(out.Images, im.api(c.Now, viewer))
	}
	return out, err
}

func (im *image) ownedBy(owners []string, viewer string) bool {
	if len(owners) == 0 {
		return true
	}
	for _, o := range owners {
		if o == im.site.Account || o == im.ownerName() || o == "self" && im.site.Account == viewer {
			return true
		}
	}
	return false
}

// executableBy looks at explicit launch permissions, of which an owner has
// none on its own images.
// Source: EC2 API Reference, DescribeImages, ExecutableUsers: shares with the
// organization count for the caller alone.
func (im *image) executableBy(users []string, caller *core.Account) bool {
	if len(users) == 0 {
		return true
	}
	return slices.ContainsFunc(users, func(user string) bool {
		switch user {
		case "all":
			return im.access.public
		case "self", caller.ID:
			return im.access.grants(caller)
		}
		return slices.Contains(im.access.users, user)
	})
}

// shown tells whether a listing has an image that is deprecated or disabled.
// The reference names no exception for images asked for by their ids.
func (im *image) shown(in *ec2.DescribeImagesInput, now time.Time, viewer string) bool {
	if im.disabled && !aws.ToBool(in.IncludeDisabled) {
		return false
	}
	return !im.isDeprecated(now) || im.site.Account == viewer || aws.ToBool(in.IncludeDeprecated)
}

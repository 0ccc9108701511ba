package ec2sim

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A PublicImage is an image that Amazon publishes beside the base images, so
// that restores can be tested with what costs more than Linux does.
type PublicImage struct {
	Name string
	// Arch of the image. Empty means x86_64.
	Arch types.ArchitectureValues
	// Platform as PlatformDetails has it: "Windows", "Red Hat Enterprise
	// Linux" and the others that AWS bills apart. Empty means "Linux/UNIX".
	Platform string
	// Products are codes of the AWS Marketplace.
	Products []string
	// Stores are the devices that it gives to volumes of the computer that an
	// instance runs on, in the order ephemeral0, ephemeral1 and so on.
	Stores []string
}

// PublishImage publishes an image in a Region and returns its id.
func (s *Service) PublishImage(region string, p PublicImage) (id string, err error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	if p.Arch == "" {
		p.Arch = types.ArchitectureValuesX8664
	}
	if p.Platform == "" {
		p.Platform = linux.details
	}
	runs, ok := platforms[p.Platform]
	if !ok {
		return "", fmt.Errorf("ec2sim: image %s: there is no platform %q", p.Name, p.Platform)
	}
	s.region(region)
	im := s.newPublicImage(region, baseImage{name: p.Name, rootDevice: "/dev/sda1", arch: p.Arch})
	im.platform, im.products = runs, slices.Clone(p.Products)
	im.created, im.ready = stamp(s.cloud.Now()), stamp(s.cloud.Now())
	for i, device := range p.Stores {
		im.mappings = append(im.mappings, mapping{device: device, virtual: fmt.Sprintf("ephemeral%d", i)})
	}
	s.addImage(im)
	return im.id, nil
}

package ec2sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// amazon is the account that owns the public base images.
const amazon = "137112412989"

// baseImagesFrom is when the public base images were published: before any
// clock of a simulation starts.
var baseImagesFrom = time.Date(1999, time.October, 1, 0, 0, 0, 0, time.UTC)

// A site holds what one account has in one Region.
type site struct {
	Site
	snapshots shelf[*snapshot]
	volumes   shelf[*volume]
	instances shelf[*instance]
	pending   queue[*snapshot] // of volumes
	copies    queue[*snapshot]
	uploads   []*snapshot // may hold some that are done
	// imageCopies are under way.
	imageCopies queue[*image]
	lineages    map[string]*lineage
	vpcs        shelf[*vpc]
	subnets     shelf[*subnet]
	groups      shelf[*securityGroup]
	interfaces  shelf[*nic]
	unplugging  []*nic // of instances that are being terminated
	keyPairs    shelf[*keyPair]
	addresses   shelf[*address]
	templates   shelf[*template]
	tasks       shelf[*rootTask]
	profiles    shelf[*profileUse]
	// publicImages tells whether images may be made public. Accounts begin
	// without.
	// Source: EC2 User Guide, "Block public access to your AMIs", default
	// settings of accounts made since July 2023.
	publicImages bool

	tiered       []*snapshot // may hold some that left the archive long ago
	transfers    []transfer  // time-based copies; may hold some that are done
	fastRestores shelf[*fastRestore]
	blocked      types.SnapshotBlockPublicAccessState // empty: unblocked
	declared     bool                                 // blocked is what a declarative policy says
	encrypts     bool                                 // everything that is made
	defaultKey   kmssim.ARN                           // empty: the key that AWS manages
}

// A region holds what accounts can see across sites.
type region struct {
	name      string
	snapshots shelf[*snapshot] // of every account
	images    shelf[*image]    // likewise, and the public ones
}

func (s *Service) site(at Site) *site {
	if st := s.sites[at]; st != nil {
		return st
	}
	st := &site{Site: at, lineages: map[string]*lineage{}}
	s.addDefaultNetwork(st)
	s.sites[at] = st
	return st
}

func (s *Service) region(name string) *region {
	r := s.regions[name]
	if r == nil {
		r = &region{name: name}
		s.regions[name] = r
		s.addBaseImages(r)
	}
	return r
}

// derivedID makes an id that depends on its parts only, for what is there
// before anybody asks.
func derivedID(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range append(parts, prefix) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return prefix + "-0" + hex.EncodeToString(h.Sum(nil))[:16]
}

// A baseImage is a public image with a root volume of 8 GiB, hvm, ENA.
type baseImage struct {
	name, rootDevice string
	arch             types.ArchitectureValues
}

// baseImages are the public images of every Region. Their root devices are
// called as those of the public Ubuntu and the public Amazon Linux images are.
var baseImages = []baseImage{
	{"base-server-x86_64", "/dev/sda1", types.ArchitectureValuesX8664},
	{baseName(types.ArchitectureValuesX8664), "/dev/xvda", types.ArchitectureValuesX8664},
	{baseName(types.ArchitectureValuesArm64), "/dev/xvda", types.ArchitectureValuesArm64},
}

// addBaseImages publishes the base images.
func (s *Service) addBaseImages(r *region) {
	for _, base := range baseImages {
		s.addImage(s.newPublicImage(r.name, base))
	}
}

// newPublicImage makes an image of Amazon's and the snapshot behind it, which
// is not public, and on no shelf.
func (s *Service) newPublicImage(region string, base baseImage) *image {
	owner := Site{Account: amazon, Region: region}
	data := disk{}
	for i, text := range []string{"boot", "kernel", "files"} {
		data.write(int64(i*7), []byte(base.name+" "+text))
	}
	root := &snapshot{
		id: derivedID("snap", region, base.name), seq: s.next(), site: owner, volume: "vol-ffffffff",
		size: 8, data: data.freeze(), lineage: base.name,
	}
	root.context = root.id
	s.snapshots[root.id] = root
	im := &image{
		id: derivedID("ami", region, base.name), site: owner, name: base.name,
		description: "Base image, " + string(base.arch), arch: base.arch, virtualization: types.VirtualizationTypeHvm, ena: true,
		boot: types.BootModeValuesUefiPreferred, access: imageAccess{public: true}, platform: linux, rootDevice: base.rootDevice,
		created: baseImagesFrom, ready: baseImagesFrom,
		mappings: []mapping{{
			device: base.rootDevice, snapshot: root.id, size: 8, kind: types.VolumeTypeGp3,
			iops: 3000, throughput: 125, deleteOnTermination: true,
		}},
	}
	if base.arch == types.ArchitectureValuesArm64 {
		im.boot = types.BootModeValuesUefi
	}
	return im
}

func baseName(arch types.ArchitectureValues) string { return "base-linux-" + string(arch) }

package ec2sim

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// instanceType takes a type apart: family letters, generation, attributes and
// size, as in "m6gd.large".
// Source: EC2 Instance Types, "Naming conventions".
var instanceType = regexp.MustCompile(`^([a-z]+(?:-[0-9a-z]+)?)([0-9]+)([a-z-]*)\.([0-9a-z-]+)$`)

// withoutENA are the families that run without enhanced networking by ENA.
// Source: EC2 Instance Types, "Amazon EC2 instance types by hypervisor", Xen.
var withoutENA = []string{"t1", "t2", "m1", "m2", "m3", "m4", "c1", "c3", "c4", "r3", "i2", "d2", "g2", "hs1", "cr1", "cc2", "cg1"}

// xenWithENA are the families on Xen that have it all the same.
var xenWithENA = []string{"r4", "i3", "x1", "x1e", "p2", "p3", "g3", "f1", "h1"}

// onNitro tells whether instances of a type run on Nitro, whose volumes are
// NVMe devices and which can boot with UEFI.
func onNitro(kind types.InstanceType) bool {
	part := instanceType.FindStringSubmatch(string(kind))
	return part != nil && !slices.Contains(withoutENA, part[1]+part[2]+part[3]) && !slices.Contains(withoutENA, part[1]+part[2]) &&
		!slices.Contains(xenWithENA, part[1]+part[2]+part[3])
}

// paravirtual are the families that run images of that kind.
// Source: EC2 User Guide, "AMI virtualization types".
var paravirtual = []string{"t1", "m1", "m2", "m3", "c1", "c3", "hs1"}

// canRun checks that an image runs on a type of instance. An image registered
// without architecture, virtualization type or ENA support has the defaults
// of RegisterImage, which hardly any type runs.
func (im *image) canRun(kind types.InstanceType) error {
	part := instanceType.FindStringSubmatch(string(kind))
	if part == nil {
		return core.Errorf("InvalidParameterValue", "Invalid value '%s' for InstanceType.", kind)
	}
	family := part[1] + part[2]
	arch := types.ArchitectureValuesX8664
	if family == "a1" || strings.Contains(part[3], "g") {
		arch = types.ArchitectureValuesArm64
	}
	old := slices.Contains(paravirtual, family) || family == "t2"
	if im.arch != arch && !(im.arch == types.ArchitectureValuesI386 && old) {
		return core.Errorf("InvalidParameterValue",
			"The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI."+
				" Specify an instance type and an AMI that have matching architectures, and try again.", arch, im.arch)
	}
	if im.virtualization != types.VirtualizationTypeHvm && !slices.Contains(paravirtual, family) {
		return core.Errorf("InvalidParameterCombination",
			"Virtualization type '%s' is not supported for instances of type '%s'.", im.virtualization, kind)
	}
	if !im.ena && !slices.Contains(withoutENA, family) {
		return core.Errorf("InvalidParameterCombination",
			"Enhanced networking with the Elastic Network Adapter (ENA) is required for the '%s' instance type."+
				" Ensure that you are using an AMI that is enabled for ENA.", kind)
	}
	if im.boot == types.BootModeValuesUefi && !onNitro(kind) {
		return core.Errorf("InvalidParameterCombination",
			"Boot mode 'uefi' of the specified AMI is not supported by the instance type '%s'.", kind)
	}
	return nil
}

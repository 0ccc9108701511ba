package ec2sim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A catalogued type of instance: what DescribeInstanceTypes tells of it.
// Instances run on other types as well; see canRun.
type catalogued struct {
	kind  types.InstanceType
	vcpus int32
	mib   int64
	disks int32 // of the computer, on NVMe
	gb    int64 // each
}

// catalog of types.
// Source: EC2 Instance Types, "Specifications for Amazon EC2 general purpose
// instances" and the pages beside it.
var catalog = []catalogued{
	{kind: "t2.micro", vcpus: 1, mib: 1 << 10},
	{kind: "t2.small", vcpus: 1, mib: 2 << 10},
	{kind: "t2.medium", vcpus: 2, mib: 4 << 10},
	{kind: "t3.nano", vcpus: 2, mib: 512},
	{kind: "t3.micro", vcpus: 2, mib: 1 << 10},
	{kind: "t3.small", vcpus: 2, mib: 2 << 10},
	{kind: "t3.medium", vcpus: 2, mib: 4 << 10},
	{kind: "t3.large", vcpus: 2, mib: 8 << 10},
	{kind: "t3.xlarge", vcpus: 4, mib: 16 << 10},
	{kind: "t4g.nano", vcpus: 2, mib: 512},
	{kind: "t4g.micro", vcpus: 2, mib: 1 << 10},
	{kind: "t4g.small", vcpus: 2, mib: 2 << 10},
	{kind: "t4g.medium", vcpus: 2, mib: 4 << 10},
	{kind: "t4g.large", vcpus: 2, mib: 8 << 10},
	{kind: "m4.large", vcpus: 2, mib: 8 << 10},
	{kind: "m5.large", vcpus: 2, mib: 8 << 10},
	{kind: "m5.xlarge", vcpus: 4, mib: 16 << 10},
	{kind: "m5.2xlarge", vcpus: 8, mib: 32 << 10},
	{kind: "m5d.large", vcpus: 2, mib: 8 << 10, disks: 1, gb: 75},
	{kind: "m5d.4xlarge", vcpus: 16, mib: 64 << 10, disks: 2, gb: 300},
	{kind: "m6i.large", vcpus: 2, mib: 8 << 10},
	{kind: "m6g.large", vcpus: 2, mib: 8 << 10},
	{kind: "m6gd.large", vcpus: 2, mib: 8 << 10, disks: 1, gb: 118},
	{kind: "m7g.large", vcpus: 2, mib: 8 << 10},
	{kind: "m7i.large", vcpus: 2, mib: 8 << 10},
	{kind: "c5.large", vcpus: 2, mib: 4 << 10},
	{kind: "c5d.large", vcpus: 2, mib: 4 << 10, disks: 1, gb: 50},
	{kind: "c6g.large", vcpus: 2, mib: 4 << 10},
	{kind: "r5.large", vcpus: 2, mib: 16 << 10},
	{kind: "r5.xlarge", vcpus: 4, mib: 32 << 10},
	{kind: "r6g.large", vcpus: 2, mib: 16 << 10},
	{kind: "i3.large", vcpus: 2, mib: 15616, disks: 1, gb: 475},
	{kind: "i3en.large", vcpus: 2, mib: 16 << 10, disks: 1, gb: 1250},
}

// A typeLine is a catalogued type at its place in the catalog.
type typeLine struct {
	*catalogued
	place uint64
}

func (t *typeLine) order() uint64 { return t.place }

func typeLines() *shelf[*typeLine] {
	sh := &shelf[*typeLine]{}
	for i := range catalog {
		sh.add(&typeLine{&catalog[i], uint64(i) + 1})
	}
	return sh
}

// arch of a type: Graviton processors have a g after the generation.
func (t *catalogued) arch() types.ArchitectureType {
	if part := instanceType.FindStringSubmatch(string(t.kind)); part != nil && strings.Contains(part[3], "g") {
		return types.ArchitectureTypeArm64
	}
	return types.ArchitectureTypeX8664
}

func (t *catalogued) hypervisor() types.InstanceTypeHypervisor {
	if onNitro(t.kind) {
		return types.InstanceTypeHypervisorNitro
	}
	return types.InstanceTypeHypervisorXen
}

func (t *catalogued) bootModes() []types.BootModeType {
	switch {
	case t.arch() == types.ArchitectureTypeArm64:
		return []types.BootModeType{types.BootModeTypeUefi}
	case onNitro(t.kind):
		return []types.BootModeType{types.BootModeTypeLegacyBios, types.BootModeTypeUefi}
	}
	return []types.BootModeType{types.BootModeTypeLegacyBios}
}

func (t *catalogued) ena() types.EnaSupport {
	if onNitro(t.kind) {
		return types.EnaSupportRequired
	}
	part := instanceType.FindStringSubmatch(string(t.kind))
	if slices.Contains(withoutENA, part[1]+part[2]) {
		return types.EnaSupportUnsupported
	}
	return types.EnaSupportSupported
}

func (t *catalogued) burstable() bool { return strings.HasPrefix(string(t.kind), "t") }

// typeFilters are those of DescribeInstanceTypes that speak of what the
// catalog has.
// Source: EC2 API Reference, DescribeInstanceTypes.
var typeFilters = attributes[*typeLine]{
	"bare-metal":                       func(*typeLine) []string { return one(flag(false)) },
	"burstable-performance-supported":  func(t *typeLine) []string { return one(flag(t.burstable())) },
	"hypervisor":                       func(t *typeLine) []string { return one(string(t.hypervisor())) },
	"instance-storage-supported":       func(t *typeLine) []string { return one(flag(t.disks > 0)) },
	"instance-storage-info.disk.count": func(t *typeLine) []string { return one(strconv.Itoa(int(t.disks))) },
	"instance-type":                    func(t *typeLine) []string { return one(string(t.kind)) },
	"memory-info.size-in-mib":          func(t *typeLine) []string { return one(strconv.FormatInt(t.mib, 10)) },
	"network-info.ena-support":         func(t *typeLine) []string { return one(string(t.ena())) },
	"processor-info.supported-architecture": func(t *typeLine) []string {
		return one(string(t.arch()))
	},
	"supported-boot-mode": func(t *typeLine) []string {
		var out []string
		for _, m := range t.bootModes() {
			out = append(out, string(m))
		}
		return out
	},
	"supported-root-device-type":    func(*typeLine) []string { return one(string(types.RootDeviceTypeEbs)) },
	"supported-virtualization-type": func(*typeLine) []string { return one(string(types.VirtualizationTypeHvm)) },
	"vcpu-info.default-vcpus":       func(t *typeLine) []string { return one(strconv.Itoa(int(t.vcpus))) },
}

// DescribeInstanceTypes lists the types of the catalog, which are a few of
// those that AWS has.
func (s *Service) DescribeInstanceTypes(c *core.Call, in *ec2.DescribeInstanceTypesInput) (*ec2.DescribeInstanceTypesOutput, error) {
	var names []string
	for _, t := range in.InstanceTypes {
		names = append(names, string(t))
	}
	found, next, err := describe(s, c, in, search[*typeLine, *typeLine]{
		shelf: func(*site) *shelf[*typeLine] { return typeLines() },
		ids:   names,
		exists: func(name string) error {
			if !slices.ContainsFunc(catalog, func(t catalogued) bool { return string(t.kind) == name }) {
				return core.Errorf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name)
			}
			return nil
		},
		id:      func(t *typeLine) string { return string(t.kind) },
		view:    same[*typeLine],
		filters: typeFilters,
	})
	out := &ec2.DescribeInstanceTypesOutput{NextToken: next}
	for _, t := range found {
		out.InstanceTypes = append(out.InstanceTypes, t.api())
	}
	return out, err
}

func (t *catalogued) api() types.InstanceTypeInfo {
	out := types.InstanceTypeInfo{
		BareMetal: aws.Bool(false), BurstablePerformanceSupported: aws.Bool(t.burstable()), Hypervisor: t.hypervisor(),
		InstanceStorageSupported: aws.Bool(t.disks > 0), InstanceType: t.kind, MemoryInfo: &types.MemoryInfo{SizeInMiB: aws.Int64(t.mib)},
		NetworkInfo: &types.NetworkInfo{EnaSupport: t.ena()}, SupportedBootModes: t.bootModes(),
		ProcessorInfo:                &types.ProcessorInfo{SupportedArchitectures: []types.ArchitectureType{t.arch()}},
		SupportedRootDeviceTypes:     []types.RootDeviceType{types.RootDeviceTypeEbs},
		SupportedUsageClasses:        []types.UsageClassType{types.UsageClassTypeOnDemand},
		SupportedVirtualizationTypes: []types.VirtualizationType{types.VirtualizationTypeHvm},
		VCpuInfo:                     &types.VCpuInfo{DefaultVCpus: aws.Int32(t.vcpus)},
		EbsInfo:                      &types.EbsInfo{EncryptionSupport: types.EbsEncryptionSupportSupported, NvmeSupport: types.EbsNvmeSupportUnsupported},
	}
	if onNitro(t.kind) {
		out.EbsInfo.NvmeSupport = types.EbsNvmeSupportRequired
	}
	if t.disks > 0 {
		out.InstanceStorageInfo = &types.InstanceStorageInfo{
			Disks:             []types.DiskInfo{{Count: aws.Int32(t.disks), SizeInGB: aws.Int64(t.gb), Type: types.DiskTypeSsd}},
			EncryptionSupport: types.InstanceStorageEncryptionSupportRequired, NvmeSupport: types.EphemeralNvmeSupportRequired,
			TotalSizeInGB: aws.Int64(int64(t.disks) * t.gb),
		}
	}
	return out
}

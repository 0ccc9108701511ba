package ec2sim

import (
	"maps"
	"strconv"
	"strings"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// demands is the table of what EC2 evaluates: for each action and each kind of
// resource it touches, the condition keys that there are. A name that ends in
// a slash stands for all keys with that beginning. What is not listed here is
// not in the request context, and a policy that asks for it gets no answer.
//
// Source: Service Authorization Reference, "Actions, resources, and condition
// keys for Amazon EC2", except where a line says otherwise. Of the keys listed
// there, those that speak of what the simulation lacks are left out.
var demands = map[string]string{
	"CreateSnapshot volume":   ownTag + "ec2:AvailabilityZoneId ec2:Encrypted ec2:VolumeID ec2:VolumeIops ec2:VolumeSize ec2:VolumeThroughput ec2:VolumeType",
	"CreateSnapshot snapshot": newTag + "ec2:ParentVolume ec2:SnapshotID ec2:VolumeSize ec2:SourceAvailabilityZone",

	"CreateSnapshots instance": ownTag + "ec2:AvailabilityZone ec2:EbsOptimized ec2:InstanceID ec2:InstanceProfile ec2:InstanceType ec2:RootDeviceType ec2:Tenancy",
	"CreateSnapshots volume":   ownTag + "ec2:Encrypted ec2:VolumeID ec2:VolumeIops ec2:VolumeSize ec2:VolumeThroughput ec2:VolumeType",
	"CreateSnapshots snapshot": newTag + "ec2:ParentVolume ec2:SnapshotID ec2:VolumeSize ec2:SourceAvailabilityZone",

	// The action is evaluated twice, for the source and for the copy. AWS's
	// own sample policies tell the two apart by their ARNs and put
	// aws:RequestTag on the copy only (Amazon EBS User Guide, "Identity-based
	// policy examples for Amazon EBS", copying snapshots); no aws:ResourceTag
	// is listed for either.
	"CopySnapshot source": "ec2:Owner ec2:ParentSnapshot ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"CopySnapshot copy":   newTag + "ec2:Encrypted ec2:SnapshotID",

	"DeleteSnapshot snapshot":            ownTag + "ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"DescribeSnapshotAttribute snapshot": ownTag + "ec2:Encrypted ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"ModifySnapshotAttribute snapshot": ownTag + "ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize " +
		"ec2:Add/userId ec2:Add/group ec2:Remove/userId ec2:Remove/group ec2:Attribute",

	"ResetSnapshotAttribute snapshot": ownTag + "ec2:Attribute ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"LockSnapshot snapshot":           ownTag + snapshotKeys + "ec2:SnapshotCoolOffPeriod ec2:SnapshotLockDuration",
	"UnlockSnapshot snapshot":         ownTag + snapshotKeys + "ec2:SnapshotCoolOffPeriod ec2:SnapshotLockDuration",
	"ModifySnapshotTier snapshot":     ownTag + snapshotKeys,
	"RestoreSnapshotTier snapshot":    ownTag + snapshotKeys,

	"RestoreSnapshotFromRecycleBin snapshot": ownTag + snapshotKeys,
	"EnableFastSnapshotRestores snapshot":    ownTag + snapshotKeys + "ec2:AvailabilityZone",
	"DisableFastSnapshotRestores snapshot":   ownTag + snapshotKeys + "ec2:AvailabilityZone",

	// The source snapshot is authorised as well (AWS Storage Blog, "Enhancing
	// resource-level permission for creating an Amazon EBS volume from a snapshot").
	"CreateVolume snapshot": ownTag + "ec2:Encrypted ec2:Owner ec2:ParentVolume ec2:SnapshotTime ec2:VolumeSize",
	"CreateVolume volume": newTag + "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:Encrypted ec2:KmsKeyId ec2:ParentSnapshot " +
		"ec2:VolumeID ec2:VolumeIops ec2:VolumeSize ec2:VolumeThroughput ec2:VolumeType",
	"DeleteVolume volume":   ownTag + volumeKeys,
	"AttachVolume volume":   ownTag + volumeKeys,
	"AttachVolume instance": ownTag + instanceKeys,
	"DetachVolume volume":   ownTag + volumeKeys,
	"DetachVolume instance": ownTag + instanceKeys,

	"RunInstances image":             ownTag + imageKeys,
	"RunInstances instance":          newTag + instanceKeys + " ec2:ProductCode ec2:InstanceMetadataTags",
	"RunInstances volume":            newTag + "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:Encrypted ec2:ParentSnapshot ec2:VolumeID ec2:VolumeIops ec2:VolumeSize ec2:VolumeThroughput ec2:VolumeType",
	"RunInstances network-interface": newTag + "ec2:AvailabilityZone ec2:NetworkInterfaceID ec2:Subnet ec2:Vpc",
	"RunInstances subnet":            ownTag + "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:SubnetID ec2:Vpc",
	"RunInstances security-group":    ownTag + "ec2:SecurityGroupID ec2:Vpc",
	"RunInstances key-pair":          ownTag + "ec2:KeyPairName ec2:KeyPairType",
	"RunInstances snapshot":          ownTag + "ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"StartInstances instance":        ownTag + instanceKeys,
	"StopInstances instance":         ownTag + instanceKeys,
	"TerminateInstances instance":    ownTag + instanceKeys,

	"RebootInstances instance":                             anInstance,
	"DescribeInstanceAttribute instance":                   anInstance,
	"ModifyInstanceAttribute instance":                     anInstance + " ec2:Attribute",
	"ModifyInstanceAttribute security-group":               ownTag + groupKeys,
	"AssociateIamInstanceProfile instance":                 anInstance + " ec2:NewInstanceProfile",
	"ReplaceIamInstanceProfileAssociation instance":        anInstance + " ec2:NewInstanceProfile",
	"DisassociateIamInstanceProfile instance":              anInstance,
	"CreateReplaceRootVolumeTask instance":                 anInstance,
	"CreateReplaceRootVolumeTask image":                    ownTag + imageKeys,
	"CreateReplaceRootVolumeTask snapshot":                 ownTag + "ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"CreateReplaceRootVolumeTask volume":                   newTag + "ec2:VolumeID",
	"CreateReplaceRootVolumeTask replace-root-volume-task": newTag,

	"ModifyVolume volume":            ownTag + volumeKeys,
	"DescribeVolumeAttribute volume": ownTag + volumeKeys,
	"ModifyVolumeAttribute volume":   ownTag + volumeKeys,
	// The reference lists one kind of resource and the keys of the source and
	// of the copy together.
	"CopyVolumes volume": newTag + "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:Encrypted ec2:ParentSnapshot ec2:ParentVolume ec2:VolumeIops ec2:VolumeSize ec2:VolumeThroughput ec2:VolumeType",

	"RegisterImage image":    newTag + "ec2:ImageID ec2:Owner",
	"RegisterImage snapshot": ownTag + "ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"DeregisterImage image":  ownTag + imageKeys,
	"CreateImage image":      newTag + "ec2:ImageID ec2:Owner",
	"CreateImage instance":   ownTag + instanceKeys,
	"CreateImage snapshot":   newTag + "ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"CopyImage image":        newTag + "ec2:ImageID ec2:Owner",
	"CopyImage snapshot":     newTag,

	"DescribeImageAttribute image":               ownTag + imageKeys,
	"ModifyImageAttribute image":                 ownTag + imageKeys + " ec2:Attribute",
	"ResetImageAttribute image":                  ownTag + imageKeys + " ec2:Attribute",
	"EnableImage image":                          ownTag + imageKeys,
	"DisableImage image":                         ownTag + imageKeys,
	"EnableImageDeprecation image":               ownTag + imageKeys,
	"DisableImageDeprecation image":              ownTag + imageKeys,
	"EnableImageDeregistrationProtection image":  ownTag + imageKeys,
	"DisableImageDeregistrationProtection image": ownTag + imageKeys,

	"CreateVpc vpc":                                     newTag,
	"DeleteVpc vpc":                                     ownTag + vpcKeys,
	"CreateSubnet subnet":                               newTag,
	"CreateSubnet vpc":                                  ownTag + vpcKeys,
	"DeleteSubnet subnet":                               ownTag + subnetKeys,
	"CreateSecurityGroup security-group":                newTag,
	"CreateSecurityGroup vpc":                           ownTag + vpcKeys,
	"DeleteSecurityGroup security-group":                ownTag + groupKeys,
	"AuthorizeSecurityGroupIngress security-group":      ownTag + groupKeys,
	"AuthorizeSecurityGroupIngress security-group-rule": newTag,
	"AuthorizeSecurityGroupEgress security-group":       ownTag + groupKeys,
	"AuthorizeSecurityGroupEgress security-group-rule":  newTag,
	"CreateNetworkInterface network-interface":          newTag,
	"CreateNetworkInterface subnet":                     ownTag + subnetKeys,
	"CreateNetworkInterface security-group":             ownTag + groupKeys,
	"DeleteNetworkInterface network-interface":          ownTag + nicKeys,
	"AttachNetworkInterface network-interface":          ownTag + nicKeys,
	"AttachNetworkInterface instance":                   anInstance,
	"DetachNetworkInterface network-interface":          ownTag + nicKeys,
	"DetachNetworkInterface instance":                   anInstance,
	"ImportKeyPair key-pair":                            newTag,
	"DeleteKeyPair key-pair":                            ownTag + "ec2:KeyPairName ec2:KeyPairType",
	"AllocateAddress elastic-ip":                        newTag,
	"ReleaseAddress elastic-ip":                         ownTag + "ec2:AllocationId ec2:Domain ec2:PublicIpAddress",
	"CreateLaunchTemplate launch-template":              newTag,
	"DeleteLaunchTemplate launch-template":              ownTag,

	"CreateTags vpc":                      anyTag + "ec2:CreateAction " + vpcKeys,
	"CreateTags subnet":                   anyTag + "ec2:CreateAction " + subnetKeys,
	"CreateTags security-group":           anyTag + "ec2:CreateAction " + groupKeys,
	"CreateTags network-interface":        anyTag + "ec2:CreateAction " + nicKeys,
	"CreateTags key-pair":                 anyTag + "ec2:CreateAction ec2:KeyPairName ec2:KeyPairType",
	"CreateTags elastic-ip":               anyTag + "ec2:CreateAction ec2:AllocationId ec2:Domain ec2:PublicIpAddress",
	"CreateTags launch-template":          anyTag + "ec2:CreateAction",
	"CreateTags replace-root-volume-task": anyTag + "ec2:CreateAction",
	"DeleteTags vpc":                      anyTag,
	"DeleteTags subnet":                   anyTag,
	"DeleteTags security-group":           anyTag,
	"DeleteTags network-interface":        anyTag,
	"DeleteTags key-pair":                 anyTag,
	"DeleteTags elastic-ip":               anyTag,
	"DeleteTags launch-template":          anyTag,
	"DeleteTags replace-root-volume-task": anyTag,
	"CreateTags snapshot":                 anyTag + "ec2:CreateAction ec2:Encrypted ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize",
	"CreateTags volume":                   anyTag + "ec2:CreateAction " + volumeKeys,
	"CreateTags instance":                 anyTag + "ec2:CreateAction " + instanceKeys,
	"CreateTags image":                    anyTag + "ec2:CreateAction ec2:ImageID ec2:ImageType ec2:Owner ec2:Public ec2:RootDeviceType",
	"DeleteTags snapshot":                 anyTag,
	"DeleteTags volume":                   anyTag,
	"DeleteTags instance":                 anyTag,
	"DeleteTags image":                    anyTag,
}

const (
	ownTag = "aws:ResourceTag/ ec2:ResourceTag/ "
	newTag = "aws:RequestTag/ aws:TagKeys "
	anyTag = ownTag + newTag

	anInstance = ownTag + instanceKeys + " ec2:ProductCode ec2:InstanceMetadataTags"

	imageKeys    = "ec2:ImageID ec2:ImageType ec2:Owner ec2:Public ec2:RootDeviceType"
	snapshotKeys = "ec2:Encrypted ec2:Owner ec2:ParentVolume ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize "
	volumeKeys   = "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:Encrypted ec2:ParentSnapshot ec2:ParentVolume " +
		"ec2:VolumeID ec2:VolumeIops ec2:VolumeSize ec2:VolumeThroughput ec2:VolumeType"
	instanceKeys = "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:EbsOptimized ec2:InstanceID ec2:InstanceMarketType ec2:InstanceProfile ec2:InstanceType " +
		"ec2:MetadataHttpEndpoint ec2:MetadataHttpPutResponseHopLimit ec2:MetadataHttpTokens ec2:RootDeviceType ec2:Tenancy"
	subnetKeys = "ec2:AvailabilityZone ec2:AvailabilityZoneId ec2:SubnetID ec2:Vpc"
	groupKeys  = "ec2:SecurityGroupID ec2:Vpc"
	nicKeys    = "ec2:AvailabilityZone ec2:NetworkInterfaceID ec2:Subnet ec2:Vpc"
	vpcKeys    = "ec2:Tenancy ec2:VpcID"
)

// A subject is a resource that an action touches: its ARN and all that could
// be asked about it.
type subject struct {
	kind  string // the second word of a line of demands
	arn   string
	owner string
	keys  map[string][]string
}

// needs returns what one action demands of the caller for its subjects.
func needs(action string, subjects ...subject) []core.Need {
	out := make([]core.Need, 0, len(subjects))
	for _, sub := range subjects {
		line, known := demands[action+" "+sub.kind]
		if !known {
			panic("ec2sim: no line for " + action + " on " + sub.kind)
		}
		out = append(out, core.Need{Action: "ec2:" + action, Resource: sub.arn, Owner: sub.owner, Keys: only(line, sub.keys)})
	}
	return out
}

// onEverything is the need of an action that has no resources: Describe….
func onEverything(action string) core.Need {
	return core.Need{Action: "ec2:" + action, Resource: "*"}
}

// only keeps the keys that a line lists.
func only(line string, keys map[string][]string) map[string][]string {
	out := map[string][]string{}
	for _, name := range strings.Fields(line) {
		if !strings.HasSuffix(name, "/") {
			if v, ok := keys[name]; ok {
				out[name] = v
			}
			continue
		}
		for k, v := range keys {
			if strings.HasPrefix(k, name) {
				out[k] = v
			}
		}
	}
	return out
}

// tagging returns the need that a create call has when it tags what it makes:
// ec2:CreateTags on the new resource, with the action that makes it in
// ec2:CreateAction. Without tags there is none.
// Source: EC2 User Guide, "Grant permission to tag EC2 resources during creation".
func tagging(action string, made subject, tags map[string]string) []core.Need {
	if len(tags) == 0 {
		return nil
	}
	sub := made
	sub.keys = core.WithRequestTags(core.Keys("ec2:CreateAction", action), tags)
	if sub.kind == "copy" {
		sub.kind = "snapshot"
	}
	return needs("CreateTags", sub)
}

// existing describes a snapshot as a subject to one who sees certain tags of it.
func (sn *snapshot) existing(kind, viewer string) subject {
	keys := core.Keys(
		"ec2:Encrypted", flag(sn.encrypted()),
		"ec2:Owner", sn.site.Account,
		"ec2:ParentVolume", sn.volumeARN(),
		"ec2:SnapshotID", sn.id,
		"ec2:SnapshotTime", timestamp(sn.start),
		"ec2:VolumeSize", strconv.Itoa(int(sn.size)),
	)
	if sn.copied {
		keys["ec2:ParentSnapshot"] = []string{sharedARN(sn.source.Region, "snapshot", sn.sourceID)}
	}
	return subject{
		kind: kind, arn: sharedARN(sn.site.Region, "snapshot", sn.id), owner: sn.site.Account,
		keys: core.WithResourceTags(keys, "ec2", sn.tags[viewer]),
	}
}

func (sn *snapshot) volumeARN() string { return arn(sn.site, "volume", sn.volume) }

// newSnapshotOf describes the snapshot about to be made of a volume. What is
// not made yet has no id: its ARN ends in a literal asterisk.
func newSnapshotOf(v *volume, tags map[string]string) subject {
	keys := core.Keys(
		"ec2:ParentVolume", arn(v.site, "volume", v.id),
		"ec2:SourceAvailabilityZone", v.zone,
		"ec2:VolumeSize", strconv.Itoa(int(v.size)),
	)
	return subject{
		kind: "snapshot", arn: sharedARN(v.site.Region, "snapshot", "*"), owner: v.site.Account,
		keys: core.WithRequestTags(keys, tags),
	}
}

// newCopy describes the snapshot about to be made by copying.
func newCopy(at Site, encrypted bool, tags map[string]string) subject {
	return subject{
		kind: "copy", arn: sharedARN(at.Region, "snapshot", "*"), owner: at.Account,
		keys: core.WithRequestTags(core.Keys("ec2:Encrypted", flag(encrypted)), tags),
	}
}

func (v *volume) keys() map[string][]string {
	keys := core.Keys(
		"ec2:AvailabilityZone", v.zone,
		"ec2:AvailabilityZoneId", zoneID(v.zone),
		"ec2:Encrypted", flag(v.encrypted()),
		"ec2:VolumeID", v.id,
		"ec2:VolumeSize", strconv.Itoa(int(v.size)),
		"ec2:VolumeType", string(v.kind),
	)
	if v.iops > 0 {
		keys["ec2:VolumeIops"] = []string{strconv.Itoa(int(v.iops))}
	}
	if v.throughput > 0 {
		keys["ec2:VolumeThroughput"] = []string{strconv.Itoa(int(v.throughput))}
	}
	if v.snapshot != "" {
		keys["ec2:ParentSnapshot"] = []string{sharedARN(v.site.Region, "snapshot", v.snapshot)}
	}
	return keys
}

func (v *volume) existing() subject {
	return subject{
		kind: "volume", arn: arn(v.site, "volume", v.id), owner: v.site.Account,
		keys: core.WithResourceTags(v.keys(), "ec2", v.tags[v.site.Account]),
	}
}

// planned describes a volume about to be made.
func (v *volume) planned(tags map[string]string) subject {
	keys := v.keys()
	delete(keys, "ec2:VolumeID")
	if v.encrypted() {
		keys["ec2:KmsKeyId"] = []string{string(v.key)}
	}
	return subject{
		kind: "volume", arn: arn(v.site, "volume", "*"), owner: v.site.Account,
		keys: core.WithRequestTags(keys, tags),
	}
}

// with adds keys to a subject.
func (sub subject) with(keys map[string][]string) subject {
	all := maps.Clone(sub.keys)
	maps.Copy(all, keys)
	sub.keys = all
	return sub
}

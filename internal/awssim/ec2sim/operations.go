package ec2sim

import (
	"maps"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of EC2.
func (s *Service) Registration() *core.Service {
	// RequestExpired comes after 15 minutes (EC2 API Reference, "Error codes").
	signing := sigv4.Rules{Skew: sigv4.MaxSkew}
	operations := map[string]core.Operation{}
	for _, some := range []map[string]core.Operation{
		s.snapshotOperations(), s.volumeOperations(), s.imageOperations(), s.instanceOperations(), s.networkOperations(), s.placeOperations(),
	} {
		maps.Copy(operations, some)
	}
	return &core.Service{Name: "ec2", Protocol: wire.EC2(), Signing: signing, Operations: operations}
}

// snapshotOperations are those on snapshots and on the encryption by default.
func (s *Service) snapshotOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"CopySnapshot":                      core.Op(s.CopySnapshot),
		"CreateSnapshot":                    core.Op(s.CreateSnapshot),
		"CreateSnapshots":                   core.Op(s.CreateSnapshots),
		"DeleteSnapshot":                    core.Op(s.DeleteSnapshot),
		"DescribeFastSnapshotRestores":      core.Op(s.DescribeFastSnapshotRestores),
		"DescribeLockedSnapshots":           core.Op(s.DescribeLockedSnapshots),
		"DescribeSnapshotAttribute":         core.Op(s.DescribeSnapshotAttribute),
		"DescribeSnapshotTierStatus":        core.Op(s.DescribeSnapshotTierStatus),
		"DescribeSnapshots":                 core.Op(s.DescribeSnapshots),
		"DisableEbsEncryptionByDefault":     core.Op(s.DisableEbsEncryptionByDefault),
		"DisableFastSnapshotRestores":       core.Op(s.DisableFastSnapshotRestores),
		"DisableSnapshotBlockPublicAccess":  core.Op(s.DisableSnapshotBlockPublicAccess),
		"EnableEbsEncryptionByDefault":      core.Op(s.EnableEbsEncryptionByDefault),
		"EnableFastSnapshotRestores":        core.Op(s.EnableFastSnapshotRestores),
		"EnableSnapshotBlockPublicAccess":   core.Op(s.EnableSnapshotBlockPublicAccess),
		"GetEbsDefaultKmsKeyId":             core.Op(s.GetEbsDefaultKmsKeyId),
		"GetEbsEncryptionByDefault":         core.Op(s.GetEbsEncryptionByDefault),
		"GetSnapshotBlockPublicAccessState": core.Op(s.GetSnapshotBlockPublicAccessState),
		"ListSnapshotsInRecycleBin":         core.Op(s.ListSnapshotsInRecycleBin),
		"LockSnapshot":                      core.Op(s.LockSnapshot),
		"ModifyEbsDefaultKmsKeyId":          core.Op(s.ModifyEbsDefaultKmsKeyId),
		"ModifySnapshotAttribute":           core.Op(s.ModifySnapshotAttribute),
		"ModifySnapshotTier":                core.Op(s.ModifySnapshotTier),
		"ResetEbsDefaultKmsKeyId":           core.Op(s.ResetEbsDefaultKmsKeyId),
		"ResetSnapshotAttribute":            core.Op(s.ResetSnapshotAttribute),
		"RestoreSnapshotFromRecycleBin":     core.Op(s.RestoreSnapshotFromRecycleBin),
		"RestoreSnapshotTier":               core.Op(s.RestoreSnapshotTier),
		"UnlockSnapshot":                    core.Op(s.UnlockSnapshot),
	}
}

// imageOperations are those on images.
func (s *Service) imageOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"CopyImage":                            core.Op(s.CopyImage),
		"CreateImage":                          core.Op(s.CreateImage),
		"DeregisterImage":                      core.Op(s.DeregisterImage),
		"DescribeImageAttribute":               core.Op(s.DescribeImageAttribute),
		"DescribeImages":                       core.Op(s.DescribeImages),
		"DisableImage":                         core.Op(s.DisableImage),
		"DisableImageBlockPublicAccess":        core.Op(s.DisableImageBlockPublicAccess),
		"DisableImageDeprecation":              core.Op(s.DisableImageDeprecation),
		"DisableImageDeregistrationProtection": core.Op(s.DisableImageDeregistrationProtection),
		"EnableImage":                          core.Op(s.EnableImage),
		"EnableImageBlockPublicAccess":         core.Op(s.EnableImageBlockPublicAccess),
		"EnableImageDeprecation":               core.Op(s.EnableImageDeprecation),
		"EnableImageDeregistrationProtection":  core.Op(s.EnableImageDeregistrationProtection),
		"GetImageBlockPublicAccessState":       core.Op(s.GetImageBlockPublicAccessState),
		"ModifyImageAttribute":                 core.Op(s.ModifyImageAttribute),
		"RegisterImage":                        core.Op(s.RegisterImage),
		"ResetImageAttribute":                  core.Op(s.ResetImageAttribute),
	}
}

// volumeOperations are those on volumes.
func (s *Service) volumeOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"AttachVolume":                 core.Op(s.AttachVolume),
		"CopyVolumes":                  core.Op(s.CopyVolumes),
		"CreateVolume":                 core.Op(s.CreateVolume),
		"DeleteVolume":                 core.Op(s.DeleteVolume),
		"DescribeVolumeAttribute":      core.Op(s.DescribeVolumeAttribute),
		"DescribeVolumeStatus":         core.Op(s.DescribeVolumeStatus),
		"DescribeVolumes":              core.Op(s.DescribeVolumes),
		"DescribeVolumesModifications": core.Op(s.DescribeVolumesModifications),
		"DetachVolume":                 core.Op(s.DetachVolume),
		"ModifyVolume":                 core.Op(s.ModifyVolume),
		"ModifyVolumeAttribute":        core.Op(s.ModifyVolumeAttribute),
	}
}

// instanceOperations are those on instances.
func (s *Service) instanceOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"AssociateIamInstanceProfile":            core.Op(s.AssociateIamInstanceProfile),
		"CreateLaunchTemplate":                   core.Op(s.CreateLaunchTemplate),
		"CreateReplaceRootVolumeTask":            core.Op(s.CreateReplaceRootVolumeTask),
		"DeleteLaunchTemplate":                   core.Op(s.DeleteLaunchTemplate),
		"DescribeIamInstanceProfileAssociations": core.Op(s.DescribeIamInstanceProfileAssociations),
		"DescribeInstanceAttribute":              core.Op(s.DescribeInstanceAttribute),
		"DescribeInstanceStatus":                 core.Op(s.DescribeInstanceStatus),
		"DescribeInstanceTypes":                  core.Op(s.DescribeInstanceTypes),
		"DescribeInstances":                      core.Op(s.DescribeInstances),
		"DescribeLaunchTemplates":                core.Op(s.DescribeLaunchTemplates),
		"DescribeReplaceRootVolumeTasks":         core.Op(s.DescribeReplaceRootVolumeTasks),
		"DisassociateIamInstanceProfile":         core.Op(s.DisassociateIamInstanceProfile),
		"ModifyInstanceAttribute":                core.Op(s.ModifyInstanceAttribute),
		"RebootInstances":                        core.Op(s.RebootInstances),
		"ReplaceIamInstanceProfileAssociation":   core.Op(s.ReplaceIamInstanceProfileAssociation),
		"RunInstances":                           core.Op(s.RunInstances),
		"StartInstances":                         core.Op(s.StartInstances),
		"StopInstances":                          core.Op(s.StopInstances),
		"TerminateInstances":                     core.Op(s.TerminateInstances),
	}
}

// networkOperations are those on what instances are connected with.
func (s *Service) networkOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"AllocateAddress":               core.Op(s.AllocateAddress),
		"AttachNetworkInterface":        core.Op(s.AttachNetworkInterface),
		"AuthorizeSecurityGroupEgress":  core.Op(s.AuthorizeSecurityGroupEgress),
		"AuthorizeSecurityGroupIngress": core.Op(s.AuthorizeSecurityGroupIngress),
		"CreateNetworkInterface":        core.Op(s.CreateNetworkInterface),
		"CreateSecurityGroup":           core.Op(s.CreateSecurityGroup),
		"CreateSubnet":                  core.Op(s.CreateSubnet),
		"CreateVpc":                     core.Op(s.CreateVpc),
		"DeleteKeyPair":                 core.Op(s.DeleteKeyPair),
		"DeleteNetworkInterface":        core.Op(s.DeleteNetworkInterface),
		"DeleteSecurityGroup":           core.Op(s.DeleteSecurityGroup),
		"DeleteSubnet":                  core.Op(s.DeleteSubnet),
		"DeleteVpc":                     core.Op(s.DeleteVpc),
		"DescribeAddresses":             core.Op(s.DescribeAddresses),
		"DescribeKeyPairs":              core.Op(s.DescribeKeyPairs),
		"DescribeNetworkInterfaces":     core.Op(s.DescribeNetworkInterfaces),
		"DescribeSecurityGroups":        core.Op(s.DescribeSecurityGroups),
		"DescribeSubnets":               core.Op(s.DescribeSubnets),
		"DescribeVpcs":                  core.Op(s.DescribeVpcs),
		"DetachNetworkInterface":        core.Op(s.DetachNetworkInterface),
		"ImportKeyPair":                 core.Op(s.ImportKeyPair),
		"ReleaseAddress":                core.Op(s.ReleaseAddress),
	}
}

// placeOperations are those on tags, Regions and the account.
func (s *Service) placeOperations() map[string]core.Operation {
	return map[string]core.Operation{
		"CreateTags":                core.Op(s.CreateTags),
		"DeleteTags":                core.Op(s.DeleteTags),
		"DescribeAccountAttributes": core.Op(s.DescribeAccountAttributes),
		"DescribeAvailabilityZones": core.Op(s.DescribeAvailabilityZones),
		"DescribeRegions":           core.Op(s.DescribeRegions),
		"DescribeTags":              core.Op(s.DescribeTags),
	}
}

package ec2sim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of EC2.
func (s *Service) Registration() *core.Service {
	// RequestExpired comes after 15 minutes (EC2 API Reference, "Error codes").
	signing := sigv4.Rules{Skew: sigv4.MaxSkew}
	return &core.Service{Name: "ec2", Protocol: wire.EC2(), Signing: signing, Operations: map[string]core.Operation{
		"AttachVolume":                         core.Op(s.AttachVolume),
		"CopyImage":                            core.Op(s.CopyImage),
		"CopySnapshot":                         core.Op(s.CopySnapshot),
		"CreateImage":                          core.Op(s.CreateImage),
		"CreateSnapshot":                       core.Op(s.CreateSnapshot),
		"CreateSnapshots":                      core.Op(s.CreateSnapshots),
		"CreateTags":                           core.Op(s.CreateTags),
		"CreateVolume":                         core.Op(s.CreateVolume),
		"DeleteSnapshot":                       core.Op(s.DeleteSnapshot),
		"DeleteTags":                           core.Op(s.DeleteTags),
		"DeleteVolume":                         core.Op(s.DeleteVolume),
		"DeregisterImage":                      core.Op(s.DeregisterImage),
		"DescribeAvailabilityZones":            core.Op(s.DescribeAvailabilityZones),
		"DescribeFastSnapshotRestores":         core.Op(s.DescribeFastSnapshotRestores),
		"DescribeImageAttribute":               core.Op(s.DescribeImageAttribute),
		"DescribeImages":                       core.Op(s.DescribeImages),
		"DescribeInstances":                    core.Op(s.DescribeInstances),
		"DescribeLockedSnapshots":              core.Op(s.DescribeLockedSnapshots),
		"DescribeRegions":                      core.Op(s.DescribeRegions),
		"DescribeSnapshotAttribute":            core.Op(s.DescribeSnapshotAttribute),
		"DescribeSnapshotTierStatus":           core.Op(s.DescribeSnapshotTierStatus),
		"DescribeSnapshots":                    core.Op(s.DescribeSnapshots),
		"DescribeTags":                         core.Op(s.DescribeTags),
		"DescribeVolumes":                      core.Op(s.DescribeVolumes),
		"DetachVolume":                         core.Op(s.DetachVolume),
		"DisableEbsEncryptionByDefault":        core.Op(s.DisableEbsEncryptionByDefault),
		"DisableFastSnapshotRestores":          core.Op(s.DisableFastSnapshotRestores),
		"DisableImage":                         core.Op(s.DisableImage),
		"DisableImageBlockPublicAccess":        core.Op(s.DisableImageBlockPublicAccess),
		"DisableImageDeprecation":              core.Op(s.DisableImageDeprecation),
		"DisableImageDeregistrationProtection": core.Op(s.DisableImageDeregistrationProtection),
		"DisableSnapshotBlockPublicAccess":     core.Op(s.DisableSnapshotBlockPublicAccess),
		"EnableEbsEncryptionByDefault":         core.Op(s.EnableEbsEncryptionByDefault),
		"EnableFastSnapshotRestores":           core.Op(s.EnableFastSnapshotRestores),
		"EnableImage":                          core.Op(s.EnableImage),
		"EnableImageBlockPublicAccess":         core.Op(s.EnableImageBlockPublicAccess),
		"EnableImageDeprecation":               core.Op(s.EnableImageDeprecation),
		"EnableImageDeregistrationProtection":  core.Op(s.EnableImageDeregistrationProtection),
		"EnableSnapshotBlockPublicAccess":      core.Op(s.EnableSnapshotBlockPublicAccess),
		"GetEbsDefaultKmsKeyId":                core.Op(s.GetEbsDefaultKmsKeyId),
		"GetEbsEncryptionByDefault":            core.Op(s.GetEbsEncryptionByDefault),
		"GetImageBlockPublicAccessState":       core.Op(s.GetImageBlockPublicAccessState),
		"GetSnapshotBlockPublicAccessState":    core.Op(s.GetSnapshotBlockPublicAccessState),
		"ListSnapshotsInRecycleBin":            core.Op(s.ListSnapshotsInRecycleBin),
		"LockSnapshot":                         core.Op(s.LockSnapshot),
		"ModifyEbsDefaultKmsKeyId":             core.Op(s.ModifyEbsDefaultKmsKeyId),
		"ModifyImageAttribute":                 core.Op(s.ModifyImageAttribute),
		"ModifySnapshotAttribute":              core.Op(s.ModifySnapshotAttribute),
		"ModifySnapshotTier":                   core.Op(s.ModifySnapshotTier),
		"RegisterImage":                        core.Op(s.RegisterImage),
		"ResetEbsDefaultKmsKeyId":              core.Op(s.ResetEbsDefaultKmsKeyId),
		"ResetImageAttribute":                  core.Op(s.ResetImageAttribute),
		"ResetSnapshotAttribute":               core.Op(s.ResetSnapshotAttribute),
		"RestoreSnapshotFromRecycleBin":        core.Op(s.RestoreSnapshotFromRecycleBin),
		"RestoreSnapshotTier":                  core.Op(s.RestoreSnapshotTier),
		"RunInstances":                         core.Op(s.RunInstances),
		"StartInstances":                       core.Op(s.StartInstances),
		"StopInstances":                        core.Op(s.StopInstances),
		"TerminateInstances":                   core.Op(s.TerminateInstances),
		"UnlockSnapshot":                       core.Op(s.UnlockSnapshot),
	}}
}

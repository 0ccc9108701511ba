package awssim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

func ec2Registration(s *ec2sim.Service) *core.Service {
	return &core.Service{Name: "ec2", Protocol: wire.EC2(), Operations: map[string]core.Operation{
		"AttachVolume":              core.Op(s.AttachVolume),
		"CopySnapshot":              core.Op(s.CopySnapshot),
		"CreateSnapshot":            core.Op(s.CreateSnapshot),
		"CreateSnapshots":           core.Op(s.CreateSnapshots),
		"CreateTags":                core.Op(s.CreateTags),
		"CreateVolume":              core.Op(s.CreateVolume),
		"DeleteSnapshot":            core.Op(s.DeleteSnapshot),
		"DeleteTags":                core.Op(s.DeleteTags),
		"DeleteVolume":              core.Op(s.DeleteVolume),
		"DeregisterImage":           core.Op(s.DeregisterImage),
		"DescribeAvailabilityZones": core.Op(s.DescribeAvailabilityZones),
		"DescribeImages":            core.Op(s.DescribeImages),
		"DescribeInstances":         core.Op(s.DescribeInstances),
		"DescribeRegions":           core.Op(s.DescribeRegions),
		"DescribeSnapshotAttribute": core.Op(s.DescribeSnapshotAttribute),
		"DescribeSnapshots":         core.Op(s.DescribeSnapshots),
		"DescribeTags":              core.Op(s.DescribeTags),
		"DescribeVolumes":           core.Op(s.DescribeVolumes),
		"DetachVolume":              core.Op(s.DetachVolume),
		"ModifySnapshotAttribute":   core.Op(s.ModifySnapshotAttribute),
		"RegisterImage":             core.Op(s.RegisterImage),
		"RunInstances":              core.Op(s.RunInstances),
		"StartInstances":            core.Op(s.StartInstances),
		"StopInstances":             core.Op(s.StopInstances),
		"TerminateInstances":        core.Op(s.TerminateInstances),
	}}
}

func kmsRegistration(s *kmssim.Service) *core.Service {
	return &core.Service{Name: "kms", Protocol: wire.KMS(), Operations: map[string]core.Operation{
		"CancelKeyDeletion":   core.Op(s.CancelKeyDeletion),
		"CreateAlias":         core.Op(s.CreateAlias),
		"CreateGrant":         core.Op(s.CreateGrant),
		"CreateKey":           core.Op(s.CreateKey),
		"Decrypt":             core.Op(s.Decrypt),
		"DescribeKey":         core.Op(s.DescribeKey),
		"DisableKey":          core.Op(s.DisableKey),
		"EnableKey":           core.Op(s.EnableKey),
		"Encrypt":             core.Op(s.Encrypt),
		"GenerateDataKey":     core.Op(s.GenerateDataKey),
		"GetKeyPolicy":        core.Op(s.GetKeyPolicy),
		"ListAliases":         core.Op(s.ListAliases),
		"ListGrants":          core.Op(s.ListGrants),
		"PutKeyPolicy":        core.Op(s.PutKeyPolicy),
		"RevokeGrant":         core.Op(s.RevokeGrant),
		"ScheduleKeyDeletion": core.Op(s.ScheduleKeyDeletion),
	}}
}

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

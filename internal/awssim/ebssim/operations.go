package ebssim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of the service. The
// data of PutSnapshotBlock is not signed.
func (s *Service) Registration() *core.Service {
	return &core.Service{Name: "ebs", Protocol: wire.EBS(), Signing: sigv4.Rules{UnsignedPayload: true}, Operations: map[string]core.Operation{
		"CompleteSnapshot":   core.Op(s.CompleteSnapshot),
		"GetSnapshotBlock":   core.Op(s.GetSnapshotBlock),
		"ListChangedBlocks":  core.Op(s.ListChangedBlocks),
		"ListSnapshotBlocks": core.Op(s.ListSnapshotBlocks),
		"PutSnapshotBlock":   core.Op(s.PutSnapshotBlock),
		"StartSnapshot":      core.Op(s.StartSnapshot),
	}}
}

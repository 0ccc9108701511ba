package kmssim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of KMS.
func (s *Service) Registration() *core.Service {
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

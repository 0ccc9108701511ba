package kmssim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of KMS.
func (s *Service) Registration() *core.Service {
	return &core.Service{Name: "kms", Protocol: wire.KMS(), Operations: map[string]core.Operation{
		"CancelKeyDeletion":               core.Op(s.CancelKeyDeletion),
		"CreateAlias":                     core.Op(s.CreateAlias),
		"CreateGrant":                     core.Op(s.CreateGrant),
		"CreateKey":                       core.Op(s.CreateKey),
		"Decrypt":                         core.Op(s.Decrypt),
		"DeleteAlias":                     core.Op(s.DeleteAlias),
		"DescribeKey":                     core.Op(s.DescribeKey),
		"DisableKey":                      core.Op(s.DisableKey),
		"DisableKeyRotation":              core.Op(s.DisableKeyRotation),
		"EnableKey":                       core.Op(s.EnableKey),
		"EnableKeyRotation":               core.Op(s.EnableKeyRotation),
		"Encrypt":                         core.Op(s.Encrypt),
		"GenerateDataKey":                 core.Op(s.GenerateDataKey),
		"GenerateDataKeyPair":             core.Op(s.GenerateDataKeyPair),
		"GenerateDataKeyWithoutPlaintext": core.Op(s.GenerateDataKeyWithoutPlaintext),
		"GetKeyPolicy":                    core.Op(s.GetKeyPolicy),
		"GetKeyRotationStatus":            core.Op(s.GetKeyRotationStatus),
		"ListAliases":                     core.Op(s.ListAliases),
		"ListGrants":                      core.Op(s.ListGrants),
		"ListKeyPolicies":                 core.Op(s.ListKeyPolicies),
		"ListKeys":                        core.Op(s.ListKeys),
		"ListResourceTags":                core.Op(s.ListResourceTags),
		"ListRetirableGrants":             core.Op(s.ListRetirableGrants),
		"PutKeyPolicy":                    core.Op(s.PutKeyPolicy),
		"ReEncrypt":                       core.Op(s.ReEncrypt),
		"ReplicateKey":                    core.Op(s.ReplicateKey),
		"RetireGrant":                     core.Op(s.RetireGrant),
		"RevokeGrant":                     core.Op(s.RevokeGrant),
		"ScheduleKeyDeletion":             core.Op(s.ScheduleKeyDeletion),
		"TagResource":                     core.Op(s.TagResource),
		"UntagResource":                   core.Op(s.UntagResource),
		"UpdateAlias":                     core.Op(s.UpdateAlias),
	}}
}

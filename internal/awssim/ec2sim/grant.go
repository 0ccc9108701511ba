package ec2sim

import (
	"time"

	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// grantAttachment records the grant by which the instance that a volume is
// attached to decrypts the volume's data key. It is retired as the volume is
// detached or goes. A running instance has the data key in its hardware, so
// revoking the grant breaks nothing before the volume is attached anew, which
// makes another grant.
// Sources: AWS KMS Developer Guide, "Examining grants" (its shape) and "How
// unusable KMS keys affect data keys".
func (s *Service) grantAttachment(c *core.Call, v *volume) {
	if !v.encrypted() {
		return
	}
	a := v.attachment
	session := "assumed-role/aws:ec2-infrastructure/" + a.instance.id
	s.kms.Grant(c, kmssim.ServiceGrant{
		Key: v.key, Grantee: c.Account.GlobalARN("sts", session), Context: map[string]string{"aws:ebs:id": v.id},
		Operations: []kmstypes.GrantOperation{kmstypes.GrantOperationDecrypt},
		Live: func(now time.Time) bool {
			return v.attachment == a && a.active(now) && !v.gone(now)
		},
	})
}

// grantCopy records the grants by which EBS reads the source and writes the
// copy while it is under way. One that is revoked before the copy is done
// makes it fail. That copies make grants is documented, since they demand
// kms:CreateGrant; neither the grantee nor the operations are.
func (s *Service) grantCopy(c *core.Call, sn *snapshot, keys ...keyed) {
	for _, k := range keys {
		if k.key == "" {
			continue
		}
		s.kms.Grant(c, kmssim.ServiceGrant{
			Key: k.key, Grantee: core.Endpoint("ec2", k.key.Region()), Context: map[string]string{"aws:ebs:id": k.id},
			Operations: []kmstypes.GrantOperation{kmstypes.GrantOperationDecrypt},
			Live:       func(now time.Time) bool { return now.Before(sn.done) && !sn.gone(now) },
			Revoked: func(at time.Time) {
				if at.Before(sn.done) {
					sn.fail(stamp(at), inaccessibleKey)
				}
			},
		})
	}
}

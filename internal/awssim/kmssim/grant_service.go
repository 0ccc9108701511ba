package kmssim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A ServiceGrant is a grant that another service makes for its caller, such as
// the one by which EC2 decrypts the data key of an attached volume.
type ServiceGrant struct {
	Key        ARN
	Grantee    string
	Operations []types.GrantOperation
	// Context must be part of the encryption context.
	Context map[string]string
	// Live tells whether the service still needs the grant; it is retired as
	// soon as it does not. Nil means that it always does.
	Live func(now time.Time) bool
	// Revoked is called if somebody takes the grant away, with the time from
	// which it does not count any more. Nil means that nobody cares.
	Revoked func(at time.Time)
}

// Grant makes a grant for a service. Whether the caller may make it has been
// looked at already: see Permits.
func (s *Service) Grant(c *core.Call, want ServiceGrant) {
	k := s.live(s.keys[want.Key])
	if k == nil {
		return
	}
	// The name is a UUID in the example of the AWS KMS Developer Guide,
	// "Examining grants". The retiring principal there is an account of AWS.
	s.addGrant(k, &grant{
		id: strings.ReplaceAll(s.cloud.NewUUID()+s.cloud.NewUUID(), "-", ""), name: s.cloud.NewUUID(),
		grantee: want.Grantee, issuer: c.Account.GlobalARN("iam", "root"), created: c.Now,
		ops: slices.Clone(want.Operations), subset: maps.Clone(want.Context), service: &want,
	})
}

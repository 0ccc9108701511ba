package kmssim

import (
	"encoding/binary"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A key is a symmetric KMS key.
type key struct {
	site        Site
	id          string
	arn         ARN
	managed     bool // by AWS
	description string
	tags        map[string]string
	created     time.Time
	disabled    bool
	deletion    time.Time // zero unless scheduled
	policy      *iampolicy.Document
	policyText  string
	bound       map[string]string // unique ids of the policy's principals
	grants      []*grant          // oldest first
	secret      [32]byte
}

func (s *Service) newKey(at Site) *key {
	k := &key{site: at, id: s.cloud.NewUUID(), created: s.cloud.Now()}
	k.arn = keyARN(at, k.id)
	copy(k.secret[:], s.random(len(k.secret)))
	return k
}

// random returns n bytes of the cloud's chance: like everything else in the
// simulation, keys are a function of its seed.
func (s *Service) random(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, s.cloud.Rand().Uint64())
	}
	return b[:n]
}

// gone tells whether the waiting period of a scheduled deletion is over.
func (k *key) gone(now time.Time) bool { return !k.deletion.IsZero() && !now.Before(k.deletion) }

func (k *key) pendingDeletion() bool { return !k.deletion.IsZero() }

func (k *key) state() types.KeyState {
	switch {
	case k.pendingDeletion():
		return types.KeyStatePendingDeletion
	case k.disabled:
		return types.KeyStateDisabled
	}
	return types.KeyStateEnabled
}

// usable returns the error of a cryptographic operation, or of CreateGrant,
// in the key's state.
// Source: AWS KMS Developer Guide, "Key states of AWS KMS keys".
func (k *key) usable() error {
	switch {
	case k.pendingDeletion():
		return k.invalidState("pending deletion")
	case k.disabled:
		return core.Errorf("DisabledException", "%s is disabled.", k.arn)
	}
	return nil
}

func (k *key) invalidState(is string) error {
	return core.Errorf("KMSInvalidStateException", "%s is %s.", k.arn, is)
}

func (k *key) metadata() *types.KeyMetadata {
	m := &types.KeyMetadata{
		AWSAccountId:         aws.String(k.site.Account),
		Arn:                  aws.String(string(k.arn)),
		CreationDate:         aws.Time(k.created),
		Description:          aws.String(k.description),
		Enabled:              k.state() == types.KeyStateEnabled,
		EncryptionAlgorithms: []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecSymmetricDefault},
		KeyId:                aws.String(k.id),
		KeyManager:           types.KeyManagerTypeCustomer,
		KeySpec:              types.KeySpecSymmetricDefault,
		KeyState:             k.state(),
		KeyUsage:             types.KeyUsageTypeEncryptDecrypt,
		MultiRegion:          aws.Bool(false),
		Origin:               types.OriginTypeAwsKms,
	}
	if k.managed {
		m.KeyManager = types.KeyManagerTypeAws
	}
	if k.pendingDeletion() {
		m.DeletionDate = aws.Time(k.deletion)
	}
	return m
}

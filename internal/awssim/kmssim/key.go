package kmssim

import (
	"encoding/binary"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const day = 24 * time.Hour

// A key is a symmetric KMS key.
type key struct {
	site        Site
	id          string
	arn         ARN
	managed     bool // by AWS
	description string
	tags        map[string]string
	created     time.Time
	ready       time.Time // a replica is being made until then
	disabled    bool
	deletion    time.Time // zero unless scheduled
	// window is the waiting period of a primary key that is to be deleted
	// after its replicas; zero unless it waits for them.
	window     time.Duration
	rotation   *rotation // nil: off; replicas have that of their primary
	policy     *iampolicy.Document
	policyText string
	bound      map[string]string // unique ids of the policy's principals
	grants     []*grant          // oldest first
	material   material
	family     *family // nil: a single-Region key
}

// A material is what encrypts. Related multi-Region keys share one.
type material struct{ secret [32]byte }

func (s *Service) newKey(at Site) *key {
	k := &key{site: at, id: s.cloud.NewUUID(), created: s.cloud.Now()}
	k.arn = keyARN(at, k.id)
	copy(k.material.secret[:], s.random(len(k.material.secret)))
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
func (k *key) gone(now time.Time) bool {
	at := k.deletionAt(now)
	return !at.IsZero() && !now.Before(at)
}

func (k *key) pendingDeletion() bool { return !k.deletion.IsZero() || k.window > 0 }

// deletionAt is when the key goes; zero if it does not, or if it waits for
// its replicas to go first.
func (k *key) deletionAt(now time.Time) time.Time {
	if k.window == 0 {
		return k.deletion
	}
	last, waiting := k.family.lastReplica(now)
	if waiting {
		return time.Time{}
	}
	return last.Add(k.window)
}

func (k *key) state(now time.Time) types.KeyState {
	switch {
	case k.pendingDeletion() && k.deletionAt(now).IsZero():
		return types.KeyStatePendingReplicaDeletion
	case k.pendingDeletion():
		return types.KeyStatePendingDeletion
	case now.Before(k.ready):
		return types.KeyStateCreating
	case k.disabled:
		return types.KeyStateDisabled
	}
	return types.KeyStateEnabled
}

// usable returns the error of a cryptographic operation, or of CreateGrant,
// in the key's state.
// Source: AWS KMS Developer Guide, "Key states of AWS KMS keys".
func (k *key) usable(now time.Time) error {
	if err := k.settled(now); err != nil {
		return err
	}
	if k.disabled {
		return core.Errorf("DisabledException", "%s is disabled.", k.arn)
	}
	return nil
}

// settled returns the error of an operation that a key being made or deleted
// refuses.
func (k *key) settled(now time.Time) error {
	switch k.state(now) {
	case types.KeyStatePendingDeletion:
		return k.invalidState("pending deletion")
	case types.KeyStatePendingReplicaDeletion:
		return k.invalidState("pending replica deletion")
	case types.KeyStateCreating:
		return k.invalidState("creating")
	}
	return nil
}

func (k *key) invalidState(is string) error {
	return core.Errorf("KMSInvalidStateException", "%s is %s.", k.arn, is)
}

func (k *key) metadata(now time.Time) *types.KeyMetadata {
	m := &types.KeyMetadata{
		AWSAccountId: aws.String(k.site.Account),
		Arn:          aws.String(string(k.arn)),
		CreationDate: aws.Time(k.created),
		//lint:ignore SA1019 clients still read it
		CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault,
		Description:           aws.String(k.description),
		Enabled:               k.state(now) == types.KeyStateEnabled,
		EncryptionAlgorithms:  []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecSymmetricDefault},
		KeyId:                 aws.String(k.id),
		KeyManager:            types.KeyManagerTypeCustomer,
		KeySpec:               types.KeySpecSymmetricDefault,
		KeyState:              k.state(now),
		KeyUsage:              types.KeyUsageTypeEncryptDecrypt,
		MultiRegion:           aws.Bool(k.family != nil),
		Origin:                types.OriginTypeAwsKms,
	}
	if k.managed {
		m.KeyManager = types.KeyManagerTypeAws
	}
	if k.family != nil {
		m.MultiRegionConfiguration = k.family.configuration(k, now)
	}
	switch m.KeyState {
	case types.KeyStatePendingDeletion:
		m.DeletionDate = aws.Time(k.deletionAt(now))
	case types.KeyStatePendingReplicaDeletion:
		m.PendingDeletionWindowInDays = aws.Int32(int32(k.window / day))
	}
	return m
}

package backup

import (
	"context"
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/accounts"
)

// A KeyDescriber is a Client that can look at a KMS key before it is used.
// Without it a bad key shows on the copy only, in its state.
type KeyDescriber interface {
	// DescribeKey tells what KMS says of a key of the client's Region. A key that
	// does not exist is one in the state KeyMissing, and no error. Errors wrap
	// ErrDenied where the role may not look; the engine goes on then, as it does
	// after any other error: what is wrong with the key shows on the copy.
	DescribeKey(ctx context.Context, arn string) (Key, error)
}

// KeyMissing is the Key.State of a key that does not exist.
const KeyMissing = "Missing"

// The states in which a key cannot be used and does not become usable by
// waiting (KMS Developer Guide, "Key states of AWS KMS keys").
const (
	keyDisabled        = "Disabled"
	keyPendingDeletion = "PendingDeletion"
	keyPendingReplicas = "PendingReplicaDeletion"
	keyPendingImport   = "PendingImport"
)

// A Key is what KMS tells of a key. The zero Key is one of which nothing is known.
type Key struct {
	// State as KMS names it, "Enabled" for instance, or KeyMissing.
	State string
	// Managed by AWS, as `aws/ebs` is: nobody can let another account use it.
	Managed bool
	// Spec and Usage as KMS names them. EBS takes "SYMMETRIC_DEFAULT" and
	// "ENCRYPT_DECRYPT" alone (KMS Developer Guide, "How Amazon EBS uses AWS KMS").
	Spec, Usage string
}

// Usable says that nothing is known that keeps EBS from using the key now or
// soon. A key that is being made, or whose key store is out of reach, may be
// usable once it is needed.
func (k Key) Usable() bool {
	return k.unusableState() == "" && !k.asymmetric()
}

// unusableState returns the state if it is one of those that do not pass.
func (k Key) unusableState() string {
	switch k.State {
	case KeyMissing, keyDisabled, keyPendingDeletion, keyPendingReplicas, keyPendingImport:
		return k.State
	}
	return ""
}

func (k Key) asymmetric() bool {
	return k.Spec != "" && k.Spec != "SYMMETRIC_DEFAULT" || k.Usage != "" && k.Usage != "ENCRYPT_DECRYPT"
}

// A KeyPart is what a plan uses a key for.
type KeyPart string

// The parts that keys play.
const (
	// SourceKey encrypts a protected volume, and so its snapshots.
	SourceKey KeyPart = "source key"
	// RekeyKey is the protected account's key for copies of what `aws/ebs` encrypts.
	RekeyKey KeyPart = "rekey key"
	// DestinationKey encrypts the copies at a destination.
	DestinationKey KeyPart = "destination key"
)

// A KeyError says why a key cannot play its part, and what helps. It wraps ErrKey.
type KeyError struct {
	Key     string      // ARN
	Account accounts.ID // whose key it is; empty if the ARN is none
	Part    KeyPart     // what the plan uses it for
	Reason  string      // "is disabled"
	Remedy  string      // what to do about it, as an order
}

// Error names the key, its account, what is wrong, and the remedy.
func (e *KeyError) Error() string {
	return fmt.Sprintf("%v: the %s %s of account %s %s; %s", ErrKey, e.Part, e.Key, e.Account, e.Reason, e.Remedy)
}

// Unwrap returns ErrKey.
func (e *KeyError) Unwrap() error { return ErrKey }

// inPart returns why a key cannot play its part; nil if nothing is known
// against it.
func (k Key) inPart(part KeyPart, key string) error {
	reason, remedy := "", ""
	switch state := k.unusableState(); {
	case state == KeyMissing:
		reason, remedy = missingReason(part, key)
	case state != "":
		reason, remedy = stateReason(state)
		remedy += ", or " + part.other()
	case k.asymmetric():
		reason = fmt.Sprintf("is of kind %s for %s, and EBS takes symmetric keys for encryption only", k.Spec, k.Usage)
		remedy = part.other()
	case k.Managed && part != SourceKey:
		reason = "is managed by AWS: what is encrypted under it can never be shared with another account"
		remedy = "make a customer key, and " + part.other()
	default:
		return nil
	}
	return &KeyError{Key: key, Account: ownerOfKey(key), Part: part, Reason: reason, Remedy: remedy}
}

// stateReason says what a state means, and how it is ended.
func stateReason(state string) (reason, remedy string) {
	switch state {
	case keyDisabled:
		return "is disabled", "enable it (kms:EnableKey)"
	case keyPendingImport:
		return "has no key material", "import it (kms:ImportKeyMaterial)"
	}
	return "is scheduled for deletion, after which nothing under it can ever be read again",
		"cancel the deletion (kms:CancelKeyDeletion) and enable it (kms:EnableKey)"
}

// missingReason says the same of a key that is not there.
func missingReason(part KeyPart, key string) (reason, remedy string) {
	switch {
	case part == SourceKey:
		return "does not exist any more", "move the data to a volume under another key while an instance still has it attached"
	case isMultiRegion(key):
		return "does not exist: a multi-Region key is in those Regions only into which it was replicated",
			"replicate it into this Region (kms:ReplicateKey), or " + part.other()
	}
	return "does not exist", "make a customer key, and " + part.other()
}

// other returns how another key takes the part.
func (p KeyPart) other() string {
	switch p {
	case RekeyKey:
		return "name another in the plan's rekeyKeys"
	case DestinationKey:
		return "name another as the kmsKey of the plan's copies"
	}
	return "move the data to a volume under another key"
}

// multiRegionPrefix begins the ids of multi-Region keys, and of no others (KMS
// Developer Guide, "Multi-Region keys in AWS KMS").
const multiRegionPrefix = "mrk-"

func isMultiRegion(key string) bool {
	a, err := parseARN(key)
	return err == nil && strings.HasPrefix(a.id, multiRegionPrefix)
}

func ownerOfKey(key string) accounts.ID {
	a, err := parseARN(key)
	if err != nil {
		return ""
	}
	return a.site.Account
}

package iampolicy

import (
	"errors"
	"fmt"
)

// How many characters AWS stores of each kind of document at most. For
// policies of IAM white space between tokens does not count, which is how
// Document.Size counts; for the others it does, so they are to be sent as
// MarshalCompact writes them.
//
// Sources: IAM User Guide, "IAM and AWS STS quotas"; KMS API Reference,
// PutKeyPolicy; S3 User Guide, "Bucket policies"; Organizations User Guide,
// "Quotas and service limits".
const (
	// ManagedLimit is for a managed policy.
	ManagedLimit = 6_144
	// ManagedPerRole is how many managed policies a role may have, unless AWS
	// was asked for more.
	ManagedPerRole = 10
	// InlineLimit is for all inline policies of a role together.
	InlineLimit = 10_240
	// TrustLimit is for a trust policy, unless AWS was asked for more.
	TrustLimit = 2_048
	// SessionLimit is for a session policy, as text. STS packs it with the
	// session's tags and has a limit for that too, which it alone can tell.
	SessionLimit = 2_048
	// SCPLimit is for a service control policy. AWS has raised it for many
	// organizations; this is what each of them has.
	SCPLimit = 5_120
	// KeyPolicyLimit is for the policy of a KMS key.
	KeyPolicyLimit = 32_768
	// BucketPolicyLimit is for the policy of an S3 bucket.
	BucketPolicyLimit = 20_480
)

// ErrTooLarge is what a *TooLargeError is, for errors.Is.
var ErrTooLarge = errors.New("document too large")

// A TooLargeError is about a document that AWS would not store.
type TooLargeError struct {
	// What document, in words.
	What string
	// Size and Limit in characters, as AWS counts them for such a document.
	Size, Limit int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("iampolicy: %s: %v: %d characters of %d, %d too many", e.What, ErrTooLarge, e.Size, e.Limit, e.Over())
}

// Is reports whether target is ErrTooLarge.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// Over is by how many characters the document is too large.
func (e *TooLargeError) Over() int { return e.Size - e.Limit }

// fits refuses a document that AWS would not store.
func fits(doc *Document, limit int, what string) error {
	if size := doc.Size(); size > limit {
		return &TooLargeError{What: what, Size: size, Limit: limit}
	}
	return nil
}

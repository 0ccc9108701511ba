package accounts

import (
	"errors"
	"fmt"
	"strings"
)

// What callers branch on, by errors.Is. All but ErrUnknownAccount, ErrNoRole
// and ErrRegion come wrapped in an [*AssumeError]; ErrSessionPolicy does when
// AWS refused the policy, and comes from [Sessions.Narrow] when it cannot be sent.
var (
	// ErrUnknownAccount: the account was not given to New.
	ErrUnknownAccount = errors.New("account was not declared")
	// ErrNoRole: the account has no role for the purpose, and no other may stand in.
	ErrNoRole = errors.New("no role for this purpose")
	// ErrRegion: the text is no Region's name, or the Region is in another
	// partition than the roles.
	ErrRegion = errors.New("not a Region these accounts can be reached in")
	// ErrWrongAccount: the identity reached is not the account named.
	ErrWrongAccount = errors.New("reached another account")
	// ErrAccessDenied: AWS refused; it does not say whether the role is
	// missing, the caller untrusted or the external id wrong.
	ErrAccessDenied = errors.New("access denied")
	// ErrExpired: the credentials that sign the call have expired.
	ErrExpired = errors.New("credentials have expired")
	// ErrCredentials: the base credentials cannot be had, or AWS does not
	// know the credentials that sign the call.
	ErrCredentials = errors.New("credentials are not usable")
	// ErrSessionTooLong: the role does not allow a session of this duration.
	ErrSessionTooLong = errors.New("session too long")
	// ErrSessionPolicy: the session policy is too long or malformed.
	ErrSessionPolicy = errors.New("session policy is not usable")
	// ErrRegionDisabled: STS is switched off in the Region it is called in.
	ErrRegionDisabled = errors.New("region is disabled")
)

// A FieldError is one thing wrong with what was given to [New], [Load], [Save]
// or [Organization], which return all of them joined by [errors.Join].
type FieldError struct {
	// Line in the accounts file, from 1; 0 elsewhere, and where the file as a
	// whole is at fault.
	Line int
	// Account as it was written; empty when an option is at fault.
	Account ID
	// Purpose whose chain is at fault; empty for the account's Chain, the
	// account itself or an option.
	Purpose Purpose
	// Hop counts from 1 along the chain; 0 when no hop is at fault.
	Hop int
	// Field as it is called in Role, Account or Options; of an accounts file,
	// as it is written there, or "file" for the file itself.
	Field string
	// Reason in words. It never repeats an external id or a tag's value.
	Reason string
}

// Error says where, what and why in one line.
func (e *FieldError) Error() string {
	var b strings.Builder
	b.WriteString("accounts: ")
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Account != "" {
		fmt.Fprintf(&b, "account %s: ", e.Account)
	}
	if e.Purpose != "" {
		fmt.Fprintf(&b, "purpose %s: ", e.Purpose)
	}
	if e.Hop > 0 {
		fmt.Fprintf(&b, "hop %d: ", e.Hop)
	}
	fmt.Fprintf(&b, "%s: %s", e.Field, e.Reason)
	return b.String()
}

package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// nothing is the session policy of sessions that are opened to see whether
// they open: they may do nothing.
const nothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// AssumeWith tries the last role of a chain once, with another external id in
// place of the declared one; empty sends none. It answers whether the role
// really demands its external id: nil means that AWS opened a session, which is
// thrown away and could have done nothing. A refusal is an [*AssumeError], of
// an earlier hop too, for [ErrAccessDenied] as it should be. Sessions in use
// are not touched.
//
// Errors before any call: ctx's, [ErrUnknownAccount], [ErrNoRole] (also where the
// base credentials are used as they are), and a [*FieldError] for an external
// id that AWS would not take. No error repeats the id.
func (s *Sessions) AssumeWith(ctx context.Context, id ID, p Purpose, externalID string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	w, err := s.way(id, p)
	if err != nil {
		return err
	}
	if w.last == nil {
		return fmt.Errorf("accounts: account %s: purpose %q: no role is assumed: %w", id, string(p), ErrNoRole)
	}
	if reason := wordReason(externalID, 1224, "+=,.@:/-"); reason != "" {
		return &FieldError{Account: id, Purpose: p, Hop: w.last.attempt.number, Field: "ExternalID", Reason: reason}
	}
	return w.named(w.last.try(ctx, externalID))
}

// try assumes the role once and forgets the session.
func (h *hop) try(ctx context.Context, externalID string) error {
	caller, err := h.from.Retrieve(ctx)
	if err != nil {
		return err
	}
	input := h.input
	input.ExternalId, input.Policy = nil, aws.String(nothing)
	if externalID != "" {
		input.ExternalId = aws.String(externalID)
	}
	input.DurationSeconds = aws.Int32(int32(minDuration / time.Second))
	if _, err = h.call(ctx, &input, signedWith(caller)); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &aws.RequestCanceledError{Err: ctx.Err()}
	}
	sent := h.attempt
	sent.role.ExternalID, sent.policy = externalID, true
	return sent.failure(ctx, err)
}

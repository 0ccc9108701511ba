package accounts

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/singleflight"
)

const (
	defaultRefreshBefore = 5 * time.Minute
	defaultJitter        = time.Minute

	// refreshTimeout bounds a refresh, which no caller's context does.
	refreshTimeout = time.Minute
	// refreshPause lies between two attempts to refresh a session that still serves.
	refreshPause = 30 * time.Second
	// lastMinute is when callers begin to wait for the refresh: a request
	// signed later might reach AWS too late.
	lastMinute = time.Minute
)

// A hop is one assumed role: a credentials provider that keeps its session
// fresh, shared by all that came the same way.
type hop struct {
	from    aws.CredentialsProvider // *hop or *baseCredentials: who assumes the role
	attempt attempt
	arn     roleARN
	input   sts.AssumeRoleInput // copied for each call
	call    assumeFunc
	refresh refreshRule

	flight  singleflight.Group
	current atomic.Pointer[session]
}

// An assumeFunc is sts.Client.AssumeRole.
type assumeFunc func(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)

// A refreshRule says how long before its end a session is renewed: before,
// and up to jitter more.
type refreshRule struct{ before, jitter time.Duration }

// A session is one answer of AssumeRole. It is never written after it is published.
type session struct {
	credentials aws.Credentials // Expires by this machine's clock
	refreshAt   time.Time
}

// serves says whether the credentials are valid at t.
func (s *session) serves(t time.Time) bool { return s != nil && t.Before(s.credentials.Expires) }

// fresh says whether nothing needs to be done about the session at t.
func (s *session) fresh(t time.Time) bool { return s.serves(t) && t.Before(s.refreshAt) }

// postponed returns the same session with the next refresh put off.
func (s *session) postponed(now time.Time) *session {
	return &session{credentials: s.credentials, refreshAt: now.Add(refreshPause)}
}

// wallClock is the time without its monotonic part, which stands still while
// a machine sleeps; sessions do not.
func wallClock() time.Time { return time.Now().Round(0) }

// Retrieve returns valid credentials. It waits for STS only when there are none
// or their last minute has begun; before that the refresh goes on behind it.
func (h *hop) Retrieve(ctx context.Context) (aws.Credentials, error) {
	now := wallClock()
	s := h.current.Load()
	if s.fresh(now) {
		return s.credentials, nil
	}
	if s.serves(now.Add(lastMinute)) {
		// Who puts the refresh off for the others is the one to start it.
		if claimed := s.postponed(now); h.current.CompareAndSwap(s, claimed) {
			h.renew(ctx, claimed)
		}
		return s.credentials, nil
	}
	if ctx.Err() != nil {
		return aws.Credentials{}, &aws.RequestCanceledError{Err: ctx.Err()}
	}
	select {
	case r := <-h.renew(ctx, s):
		if r.Err != nil {
			return aws.Credentials{}, r.Err
		}
		return r.Val.(*session).credentials, nil
	case <-ctx.Done():
		return aws.Credentials{}, &aws.RequestCanceledError{Err: ctx.Err()}
	}
}

// renew starts the refresh of the session seen, or joins the one under way. It
// goes on when ctx ends, for the others who wait and for the next caller.
func (h *hop) renew(ctx context.Context, seen *session) <-chan singleflight.Result {
	return h.flight.DoChan("", func() (any, error) {
		if s := h.current.Load(); s != seen && s.serves(wallClock()) {
			return s, nil // renewed between the caller's look and now
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
		defer cancel()
		next, err := h.assume(ctx)
		if err == nil {
			h.current.Store(next)
			return next, nil
		}
		if now := wallClock(); seen.serves(now) {
			kept := seen.postponed(now)
			h.current.Store(kept)
			return kept, nil
		}
		return nil, err
	})
}

// assume calls STS with the credentials of the hop before.
func (h *hop) assume(ctx context.Context) (*session, error) {
	caller, err := h.from.Retrieve(ctx)
	if err != nil {
		var failed *AssumeError // of an earlier hop, or of the base credentials
		if errors.As(err, &failed) {
			return nil, failed
		}
		return nil, h.attempt.failure(ctx, fmt.Errorf("credentials of %s: %w", h.attempt.caller, err))
	}
	sent := wallClock()
	input := h.input
	out, err := h.call(ctx, &input, signedWith(caller))
	if err != nil {
		return nil, h.attempt.failure(ctx, err)
	}
	return h.accept(sent, out)
}

// signedWith makes one call of a shared client use the credentials at hand.
func signedWith(c aws.Credentials) func(*sts.Options) {
	return func(o *sts.Options) { o.Credentials = credentials.StaticCredentialsProvider{Value: c} }
}

// accept checks that the answer is whole and for the account named.
func (h *hop) accept(sent time.Time, out *sts.AssumeRoleOutput) (*session, error) {
	refused := AssumeError{Hop: h.attempt.number, RoleARN: h.attempt.role.ARN}
	c, user := out.Credentials, out.AssumedRoleUser
	if c == nil || user == nil || c.Expiration == nil ||
		aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" || aws.ToString(c.SessionToken) == "" {
		refused.Err = errors.New("the answer lacks credentials, their expiration or the assumed role")
		refused.remedy = "check what answers in place of STS"
		return nil, &refused
	}
	if reached := accountOf(aws.ToString(user.Arn)); reached != h.arn.account {
		refused.Err = fmt.Errorf("the session belongs to account %q, not %s", reached, h.arn.account)
		refused.kind, refused.remedy = ErrWrongAccount, "check what answers in place of STS: AWS opens a session in the role's own account"
		return nil, &refused
	}
	lifetime := h.lifetime(sent, out)
	if lifetime <= 0 {
		refused.Err = errors.New("the session had expired when it was answered")
		refused.kind, refused.remedy = ErrExpired, "check this machine's clock and what answers in place of STS"
		return nil, &refused
	}
	expires := sent.Add(lifetime)
	ahead := h.refresh.before
	if h.refresh.jitter > 0 {
		ahead += rand.N(h.refresh.jitter)
	}
	return &session{
		credentials: aws.Credentials{
			AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
			Source: "snapkeep/accounts", CanExpire: true, Expires: expires, AccountID: string(h.arn.account),
		},
		// A session far shorter than asked for is not renewed on every call.
		refreshAt: expires.Add(-min(ahead, lifetime/2)),
	}, nil
}

// lifetime returns how long the session lasts from the moment the call was
// sent. Both ends are read from AWS's clock where its answer is dated, so that
// a wrong clock here neither outlives the session nor renews it on every call;
// and no session is trusted to last longer than was asked for.
func (h *hop) lifetime(sent time.Time, out *sts.AssumeRoleOutput) time.Duration {
	answered, dated := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !dated {
		answered = sent
	}
	return min(out.Credentials.Expiration.Sub(answered), h.attempt.role.Duration)
}

// accountOf returns the account an ARN belongs to, or "".
func accountOf(arn string) ID {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return ID(parts[4])
}

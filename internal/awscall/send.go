package awscall

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

const (
	// attempts that a call which may be repeated is sent at most.
	attempts = 5
	// maxBackoff between two of them. The delay before retry n is drawn from 0
	// to min(2^n, 20) seconds, the SDK's default of today. It is written down
	// here since the environment can change that default (AWS_NEW_RETRIES_2026).
	maxBackoff = 20 * time.Second
	// attemptTime is how long one attempt may take. The SDK's HTTP client waits for
	// an answer for ever; EC2's own answer within seconds.
	attemptTime = time.Minute
)

// Repeat returns the retryer for calls that may be sent again: reads, and
// changes that are the same when made twice. It has no retry quota: the
// SDK's, 500 tokens shared by all calls of a client, would let the failures
// of one API end the retries of all. A call that was refused since this machine's
// clock is wrong is sent again with the right time, which the SDK has by then
// but does not do for EC2's code.
func Repeat() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if outOfTime(err) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}))
		o.MaxAttempts = attempts
		o.MaxBackoff = maxBackoff
		o.Backoff = retry.NewExponentialJitterBackoff(maxBackoff)
		o.RateLimiter = ratelimit.None
	})
}

// Once returns the retryer for calls that make something and have no client
// token: it never sends again.
func Once() aws.Retryer { return aws.NopRetryer{} }

// Paced returns a retryer that does what another does, but leaves what was
// throttled to the caller: who paces calls must know of each that was refused,
// and repeats it when his pace allows. Retries behind his back would make him
// believe that his pace is right.
func Paced(r aws.Retryer) aws.Retryer { return paced{r} }

type paced struct{ aws.Retryer }

func (p paced) IsErrorRetryable(err error) bool {
	return awserr.Classify(err) != awserr.Throttled && p.Retryer.IsErrorRetryable(err)
}

// BoundAttempts is an API option that ends an attempt after a minute, so that
// a connection on which nothing comes is given up and, where the retryer
// agrees, tried again. The caller's own deadline still ends the whole call.
func BoundAttempts(stack *middleware.Stack) error {
	attempt := (*retry.Attempt)(nil).ID()
	if _, sends := stack.Finalize.Get(attempt); !sends {
		return nil // a URL is presigned, as for CopySnapshot
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("snapkeep:BoundAttempts", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		bounded, cancel := context.WithTimeout(ctx, attemptTime)
		defer cancel()
		out, meta, err := next.HandleFinalize(bounded, in)
		if err != nil && bounded.Err() != nil && ctx.Err() == nil {
			// Not wrapped: the error inside says that the call was cancelled,
			// which the retryer would take for the caller's wish.
			err = silence{}
		}
		return out, meta, err
	}), attempt, middleware.After)
}

// A silence is an attempt that was not answered in time. It is a net.Error.
type silence struct{}

func (silence) Error() string   { return fmt.Sprintf("no answer within %v", attemptTime) }
func (silence) Timeout() bool   { return true }
func (silence) Temporary() bool { return true }

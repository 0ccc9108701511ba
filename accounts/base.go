package accounts

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/singleflight"
)

// baseCredentials are the host's own. They are handed on as they come: their
// provider caches and renews them.
type baseCredentials struct{ provider aws.CredentialsProvider }

// Retrieve returns the host's credentials, or an *AssumeError of hop 0.
func (b *baseCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := b.provider.Retrieve(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return aws.Credentials{}, &aws.RequestCanceledError{Err: ctx.Err()}
	case err != nil:
		return aws.Credentials{}, &AssumeError{
			Err: err, kind: ErrCredentials,
			remedy: "sign in again, or check the source of the credentials in the aws.Config given to New",
		}
	case c.Expired():
		return aws.Credentials{}, &AssumeError{
			Err: fmt.Errorf("expired at %s", c.Expires.UTC().Format(time.RFC3339)), kind: ErrExpired,
			remedy: "sign in again, or give New an aws.Config whose provider renews its credentials",
		}
	}
	return c, nil
}

// A baseIdentity tells which account the base credentials belong to.
type baseIdentity struct {
	from    *baseCredentials
	call    identifyFunc
	attempt attempt

	flight singleflight.Group
	known  atomic.Pointer[identity]
}

// An identifyFunc is sts.Client.GetCallerIdentity.
type identifyFunc func(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)

// An identity is the account behind one access key.
type identity struct {
	accessKey string
	account   ID
}

// retrieve returns the base credentials if they belong to the account wanted.
// STS is asked once for each access key: never again while the host's
// credentials are the same, once more when they are renewed.
func (b *baseIdentity) retrieve(ctx context.Context, wanted ID) (aws.Credentials, error) {
	c, err := b.from.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	who := b.known.Load()
	if who == nil || who.accessKey != c.AccessKeyID {
		if who, err = b.identify(ctx, c); err != nil {
			return aws.Credentials{}, err
		}
	}
	if who.account != wanted {
		return aws.Credentials{}, &AssumeError{
			Err:  fmt.Errorf("they belong to account %s, not %s", who.account, wanted),
			kind: ErrWrongAccount,
			remedy: "an account without a role chain is entered with the base credentials: declare a chain, " +
				"or give New the credentials of that account",
		}
	}
	return c, nil
}

// identify asks STS, once for all who wait; a caller whose ctx ends leaves.
func (b *baseIdentity) identify(ctx context.Context, c aws.Credentials) (*identity, error) {
	if ctx.Err() != nil {
		return nil, &aws.RequestCanceledError{Err: ctx.Err()}
	}
	asked := b.flight.DoChan(c.AccessKeyID, func() (any, error) {
		if who := b.known.Load(); who != nil && who.accessKey == c.AccessKeyID {
			return who, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
		defer cancel()
		out, err := b.call(ctx, &sts.GetCallerIdentityInput{}, signedWith(c))
		if err != nil {
			return nil, b.attempt.failure(ctx, err)
		}
		account, err := ParseID(aws.ToString(out.Account))
		if err != nil {
			return nil, &AssumeError{Err: errors.New("the answer names no account"), remedy: "check what answers in place of STS"}
		}
		who := &identity{accessKey: c.AccessKeyID, account: account}
		b.known.Store(who)
		return who, nil
	})
	select {
	case r := <-asked:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*identity), nil
	case <-ctx.Done():
		return nil, &aws.RequestCanceledError{Err: ctx.Err()}
	}
}

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// vault of the manifests that Check stores.
const vault accounts.ID = "999999999999"

// Check puts manifests into an empty store and gets them back. Its error joins
// all that is wrong with the store.
func Check(ctx context.Context, store backup.Manifests) error {
	c := &checker{ctx: ctx, store: store}
	c.missing()
	c.roundTrip()
	c.twice()
	c.apart()
	c.refuses()
	c.together()
	return errors.Join(c.errs...)
}

// Body returns the n-th body that Check stores, and the reference to it. Bodies
// need not be manifests: a store does not look into them.
func Body(n int) (backup.ManifestRef, []byte) {
	body := fmt.Appendf(nil, `{"n":%d,"text":"\u0000 %% é"}`, n)
	return backup.ManifestRef{
		Vault: vault, Plan: "nightly", Point: fmt.Sprintf("sk-%017x", n), Digest: backup.ManifestDigest(body),
	}, body
}

type checker struct {
	ctx   context.Context
	store backup.Manifests
	errs  []error
}

func (c *checker) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// put and get must work.
func (c *checker) put(ref backup.ManifestRef, body []byte) {
	if err := c.store.Put(c.ctx, ref, body); err != nil {
		c.wrong("put %s: %w", ref.Key(), err)
	}
}

func (c *checker) want(ref backup.ManifestRef, body []byte) {
	got, err := c.store.Get(c.ctx, ref)
	if err != nil {
		c.wrong("get %s: %w", ref.Key(), err)
	} else if !bytes.Equal(got, body) {
		c.wrong("get %s: %d bytes that are not the %d that were put", ref.Key(), len(got), len(body))
	}
}

func (c *checker) missing() {
	ref, _ := Body(1)
	if _, err := c.store.Get(c.ctx, ref); !errors.Is(err, backup.ErrNotFound) {
		c.wrong("get of what is not there: %v, want one that wraps ErrNotFound", err)
	}
}

func (c *checker) roundTrip() {
	ref, body := Body(1)
	c.put(ref, body)
	c.want(ref, body)
	large := bytes.Repeat([]byte("x"), backup.MaxManifest)
	ref.Digest = backup.ManifestDigest(large)
	c.put(ref, large)
	c.want(ref, large)
}

// twice puts what is there.
func (c *checker) twice() {
	ref, body := Body(2)
	c.put(ref, body)
	c.put(ref, body)
	c.want(ref, body)
}

// apart gets by each part of a reference.
func (c *checker) apart() {
	ref, body := Body(3)
	c.put(ref, body)
	for _, change := range []func(*backup.ManifestRef){
		func(r *backup.ManifestRef) { r.Vault = "888888888888" },
		func(r *backup.ManifestRef) { r.Plan = "weekly" },
		func(r *backup.ManifestRef) { r.Point = "sk-ffffffffffffffff0" },
		func(r *backup.ManifestRef) { r.Digest = backup.ManifestDigest(nil) },
	} {
		other := ref
		change(&other)
		if _, err := c.store.Get(c.ctx, other); !errors.Is(err, backup.ErrNotFound) {
			c.wrong("get of %s when %s was put: %v, want one that wraps ErrNotFound", other.Key(), ref.Key(), err)
		}
	}
}

// refuses gives the store what no engine does.
func (c *checker) refuses() {
	good, body := Body(4)
	for _, change := range []func(*backup.ManifestRef){
		func(r *backup.ManifestRef) { r.Plan = "../nightly" },
		func(r *backup.ManifestRef) { r.Vault = ".." },
		func(r *backup.ManifestRef) { r.Point = "sk-../../../../../../etc" },
		func(r *backup.ManifestRef) { r.Digest = "" },
	} {
		ref := good
		change(&ref)
		if err := c.store.Put(c.ctx, ref, body); err == nil {
			c.wrong("put takes the reference %q", ref.Key())
		}
		if _, err := c.store.Get(c.ctx, ref); err == nil {
			c.wrong("get takes the reference %q", ref.Key())
		}
	}
	if err := c.store.Put(c.ctx, good, append(body, ' ')); !errors.Is(err, backup.ErrManifest) {
		c.wrong("put of a body of another digest: %v, want one that wraps ErrManifest", err)
	}
	large := make([]byte, backup.MaxManifest+1)
	good.Digest = backup.ManifestDigest(large)
	if err := c.store.Put(c.ctx, good, large); !errors.Is(err, backup.ErrManifest) {
		c.wrong("put of more than MaxManifest: %v, want one that wraps ErrManifest", err)
	}
	ctx, stop := context.WithCancel(c.ctx)
	stop()
	good.Digest = backup.ManifestDigest(body)
	if err := c.store.Put(ctx, good, body); !errors.Is(err, context.Canceled) {
		c.wrong("put under a context that is done: %v, want context.Canceled", err)
	}
}

// together puts one manifest many times at once.
func (c *checker) together() {
	ref, body := Body(5)
	errs := make([]error, 8)
	var g sync.WaitGroup
	for i := range errs {
		g.Go(func() { errs[i] = c.store.Put(c.ctx, ref, body) })
	}
	g.Wait()
	if err := errors.Join(errs...); err != nil {
		c.wrong("put of one manifest many times at once: %w", err)
	}
	c.want(ref, body)
}

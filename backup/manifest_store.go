package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/accounts"
)

// Manifests keeps encoded manifests, by point and digest. A store must be where
// no protected account can write: what is in it under a point counts as what an
// engine put there. Implementations are safe for concurrent use.
type Manifests interface {
	// Put stores body, whose digest ref names. When it returns nil, body is
	// durable and Get finds it, from whatever process. Putting what is there is
	// a success and changes nothing. Nothing that is there is ever replaced.
	Put(ctx context.Context, ref ManifestRef, body []byte) error
	// Get returns what was put. If there is nothing, the error wraps
	// ErrNotFound. More than MaxManifest bytes need not be returned whole. What
	// is returned is not believed: its digest is compared by who asked.
	Get(ctx context.Context, ref ManifestRef) ([]byte, error)
}

// A ManifestRef names one stored manifest.
type ManifestRef struct {
	Vault  accounts.ID `json:"vault"`  // 12 digits
	Plan   string      `json:"plan"`   // Plan.Name
	Point  string      `json:"point"`  // Point.ID
	Digest string      `json:"digest"` // SHA-256, in lower-case hex
}

// Key returns "VAULT/plan-PLAN/POINT/DIGEST.json", which stores use as path or
// key. None of its parts is "." or "..", or has a slash, if Validate returns nil.
func (r ManifestRef) Key() string {
	return string(r.Vault) + "/plan-" + r.Plan + "/" + r.Point + "/" + r.Digest + ".json"
}

// Validate says what is wrong with a reference: a store takes none that is.
func (r ManifestRef) Validate() error {
	_, err := accounts.ParseID(string(r.Vault))
	point, found := strings.CutPrefix(r.Point, "sk-")
	switch {
	case err != nil:
		return fmt.Errorf("manifest: vault %q is not an account id of 12 digits", string(r.Vault))
	case !isPlanName(r.Plan):
		return fmt.Errorf("manifest: %q is not the name of a plan", r.Plan)
	case !found || !isHex(point, 17):
		return fmt.Errorf("manifest: %q is not the id of a recovery point", r.Point)
	case !isHex(r.Digest, hex.EncodedLen(32)):
		return fmt.Errorf("manifest: %q is not a SHA-256 in lower-case hex", r.Digest)
	}
	return nil
}

// ParseManifestKey is the inverse of ManifestRef.Key. It accepts nothing that
// Key would write differently.
func ParseManifestKey(key string) (ManifestRef, error) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return ManifestRef{}, fmt.Errorf("manifest: %q is not the key of one", key)
	}
	r := ManifestRef{
		Vault: accounts.ID(parts[0]), Plan: strings.TrimPrefix(parts[1], "plan-"),
		Point: parts[2], Digest: strings.TrimSuffix(parts[3], ".json"),
	}
	if err := r.Validate(); err != nil {
		return ManifestRef{}, err
	}
	if r.Key() != key {
		return ManifestRef{}, fmt.Errorf("manifest: %q is not the key of one", key)
	}
	return r, nil
}

// isHex says whether s is so many lower-case hexadecimal digits.
func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// ReadManifest gets a manifest from a store and verifies it: its digest must be
// that of the reference, and it must name the reference's vault, plan and point;
// else the error wraps ErrManifest. That the store has none is an error that
// wraps ErrNotFound.
func ReadManifest(ctx context.Context, store Manifests, ref ManifestRef) (Manifest, error) {
	if err := ref.Validate(); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	body, err := store.Get(ctx, ref)
	if err != nil {
		return Manifest{}, fmt.Errorf("get manifest %s: %w", ref.Key(), err)
	}
	if len(body) > MaxManifest {
		return Manifest{}, fmt.Errorf("manifest %s: %w: more than %d bytes", ref.Key(), ErrManifest, MaxManifest)
	}
	if got := ManifestDigest(body); got != ref.Digest {
		return Manifest{}, fmt.Errorf("manifest %s: %w: what is stored has the digest %s", ref.Key(), ErrManifest, got)
	}
	m, err := ParseManifest(body)
	if err == nil && (m.Vault != ref.Vault || m.Plan != ref.Plan || m.Point != ref.Point) {
		err = fmt.Errorf("%w: it is that of another point", ErrManifest)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest %s: %w", ref.Key(), err)
	}
	return m, nil
}

// Manifest returns the manifest of a point that Points has read, from
// Options.Manifests, verified as ReadManifest does. A point that has none is an
// error that wraps ErrNotFound.
//
// The digest of originals is read from tags that their account can change: it
// may be missing, or name another manifest that an engine stored for the same
// point; it cannot make anything else be taken for the point's manifest.
func (e *Engine) Manifest(ctx context.Context, p Point) (Manifest, error) {
	if e.opts.Manifests == nil {
		return Manifest{}, errors.New("backup: the engine has no store of manifests")
	}
	if p.Manifest == "" {
		return Manifest{}, fmt.Errorf("a manifest of point %s at %s: %w", p.ID, p.Site, ErrNotFound)
	}
	m, err := ReadManifest(ctx, e.opts.Manifests, ManifestRef{e.opts.Vault, p.Plan, p.ID, p.Manifest})
	if err == nil && m.Resource != p.Resource {
		err = fmt.Errorf("manifest of point %s: %w: it is that of another resource", p.ID, ErrManifest)
	}
	if err != nil {
		return Manifest{}, err
	}
	return m, nil
}

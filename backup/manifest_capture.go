package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// Manifests: tags are set in the call that makes a snapshot and never later, so
// what they say of a manifest must be known before. The order is: describe the
// resource, store the manifest, make the originals with its digest in their
// tags, make the copies with the digest in theirs. What a crash leaves:
//
//   - after the manifest was stored: the next process captures it anew. If the
//     resource has not changed it is the same one, and storing it again changes
//     nothing; else the first one is left in the store and no point names it.
//   - after the originals were made: they are adopted with the digest that
//     their tags name, and no other manifest is captured, since it would be
//     that of a later moment.
//
// Tags in the protected account are not believed. A copy gets a digest only if
// this job has stored the manifest itself, or if the store has it under the
// job's own point, and it verifies. So who writes tags there can choose among
// the manifests that engines have stored for that very point, or have the copy
// marked with none; nothing else.
//
// A point without a manifest is better than none. So where describing or
// storing fails again and again, the job goes on without, and tells.

// manifestTries is how often capturing or proving a manifest is tried: over a
// bit more than half a minute, since the originals, or the copies, wait.
const manifestTries = 4

// storeWait is how long a store is waited for: one that hangs must not hold up
// all jobs.
const storeWait = time.Minute

// A JobManifest is how far a job is with the manifest of its point.
type JobManifest struct {
	// Digest of the manifest that is stored and belongs to the point; in the
	// tags of what is made from now on. Empty while there is none.
	Digest string `json:"digest,omitempty"`
	// Claim is the digest that tags of originals, or of copies, name and that
	// was not looked up yet.
	Claim string `json:"claim,omitempty"`
	// Trial is of describing, storing and looking up. Given up, the point has
	// no manifest, or its copies do not say which.
	Trial Trial `json:"trial,omitzero"`
}

// A keeping is what is to be done about a manifest.
type keeping int

const (
	capture keeping = iota + 1 // describe the resource and store that
	prove                      // look up what tags claim
)

// captured says whether originals may be made as far as the manifest goes: it
// is stored, given up or not wanted. Else it returns what is to be done first,
// or neither if that has to wait.
func (d *decision) captured() (bool, *verdict) {
	m := d.j.Manifest
	if !d.w.rules.manifests || m.Digest != "" || m.Trial.Fault != nil {
		return true, nil
	}
	return d.keep(capture)
}

// proven says whether copies may be made as far as the manifest goes, like captured.
func (d *decision) proven() (bool, *verdict) {
	m := d.j.Manifest
	if !d.w.rules.manifests || m.Digest != "" || m.Claim == "" || m.Trial.Fault != nil {
		return true, nil
	}
	return d.keep(prove)
}

func (d *decision) keep(what keeping) (bool, *verdict) {
	s := scope{kind: scopeManifest}
	if d.paused(s) {
		return false, nil
	}
	return false, &verdict{keep: what, scope: s}
}

// claimManifest notes what the tags of a snapshot that was adopted say.
func (j *Job) claimManifest(tags map[string]string) {
	if m := &j.Manifest; m.Digest == "" && m.Claim == "" {
		m.Claim = manifestTag(tags)
	}
}

// manifestTag returns the digest in a snapshot's tags, empty if there is none
// that could be one.
func manifestTag(tags map[string]string) string {
	if digest := tags[tagManifest]; isHex(digest, hex.EncodedLen(32)) {
		return digest
	}
	return ""
}

// keep captures or proves a manifest, and folds the result into the job.
func (a *advance) keep(ctx context.Context, v *verdict) (Outcome, error) {
	var err error
	if v.keep == capture {
		err = a.capture(ctx)
	} else {
		err = a.prove(ctx)
	}
	m := &a.j.Manifest
	switch {
	case errors.Is(err, errDescribing):
		return Outcome{NotBefore: time.Now().Add(time.Second), Waiting: errDescribing.Error()}, nil
	case ctx.Err() != nil:
		return Outcome{}, ctx.Err()
	case err == nil:
		m.Trial.forgive()
		return Outcome{}, nil
	}
	m.Trial.Tries++
	m.Trial.NotBefore = time.Now().Add(backoff(m.Trial.Tries))
	if m.Trial.Tries >= manifestTries || hopeless(err) {
		m.Trial.Fault, m.Trial.NotBefore = newFault(err), time.Time{}
	}
	site := a.j.Resource.Site
	a.tell(Event{Step: StepManifest, Account: site.Account, Region: site.Region, Err: err})
	return Outcome{NotBefore: m.Trial.NotBefore, Waiting: afterCapture(m.Trial)}, nil
}

// hopeless says that it is no use to try again. A store's errors are anybody's,
// so all others may pass.
func hopeless(err error) bool {
	if errors.Is(err, ErrManifest) {
		return true
	}
	switch classOf(err) {
	case awserr.Denied, awserr.NotFound, awserr.Unsupported:
		return true
	}
	return false
}

func afterCapture(t Trial) string {
	if t.Fault != nil {
		return ""
	}
	return "another attempt"
}

// capture describes the job's resource and stores the manifest.
func (a *advance) capture(ctx context.Context) error {
	m, err := a.e.describe(ctx, a.driver, a.j.Resource)
	if err != nil {
		return err
	}
	m.Version, m.Vault, m.Plan, m.Run, m.Point = ManifestVersion, a.j.Vault, a.j.Plan, a.j.Run(), a.j.Point
	body, digest, err := m.Encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if err := a.e.opts.Manifests.Put(ctx, a.j.manifestRef(digest), body); err != nil {
		return fmt.Errorf("store the manifest: %w", err)
	}
	a.j.Manifest.Digest = digest
	site := a.j.Resource.Site
	a.tell(Event{Step: StepManifest, Account: site.Account, Region: site.Region})
	return nil
}

// prove looks up the manifest that tags claim. If it is not the point's, there
// is no use in asking again.
func (a *advance) prove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	m, err := ReadManifest(ctx, a.e.opts.Manifests, a.j.manifestRef(a.j.Manifest.Claim))
	if err == nil && m.Resource != a.j.Resource.ARN {
		err = fmt.Errorf("%w: it is that of another resource", ErrManifest)
	}
	if err != nil {
		return fmt.Errorf("the manifest that the tags name: %w", err)
	}
	a.j.Manifest.Digest, a.j.Manifest.Claim = a.j.Manifest.Claim, ""
	return nil
}

func (j *Job) manifestRef(digest string) ManifestRef {
	return ManifestRef{j.Vault, j.Plan, j.Point, digest}
}

// expectManifest has the resource of a job described together with others, if
// the job will make originals.
func (c *census) expectManifest(driver int, j Job) {
	if c.e.opts.Manifests == nil || j.Settle || traced(j.Originals) {
		return
	}
	id := viewID{site: j.Resource.Site, purpose: accounts.Backup, driver: driver}
	c.e.describer.expect(id, j.Resource.ARN, c.now)
}

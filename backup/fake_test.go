package backup_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A cloud is EC2 as the engine needs it, in memory: several accounts, their
// volumes and snapshots over time, shares, limits and lag. It fails the test
// on what an engine must never do.
type cloud struct {
	t *testing.T

	latency  time.Duration // of every call
	lag      time.Duration // until listings show what was made
	shareLag time.Duration // until the other account finds what was shared
	// ahead is how far AWS's clock is ahead of the engine's.
	ahead time.Duration
	// volumeRate says that two processes may be too fast for a volume; else an
	// engine that is fails the test.
	volumeRate bool
	slots      int                    // copies into a site at a time
	stale      func(backup.Site) bool // whether a listing shows nothing
	takes      func(giB int32) time.Duration
	takesOf    func(s backup.Snapshot) time.Duration // instead of takes, if set

	asking    sync.Mutex // held while after is asked
	mu        sync.Mutex // guards all below
	resources map[backup.Site][]backup.Resource
	snaps     map[string]*fakeSnap
	order     []string // ids, as made
	last      map[string]time.Time
	keys      map[string]backup.Key // what KMS says of keys, by ARN
	keyErrs   map[string]error      // what it says instead
	badKeys   map[string]bool
	denied    map[accounts.ID]error
	breaks    map[string]string    // volume: StateMessage its snapshots end with
	locks     map[string]time.Time // snapshot: when its lock ends
	lockOf    map[string]fakeLock  // and what else there is to it, if the engine made it
	maxDays   int                  // that a role may lock for; zero: any number
	images    map[string][]string  // image: its snapshots
	cold      map[string]time.Time // snapshot: when it was archived
	warm      map[string]time.Time // snapshot: when it was sent for, to come back for a while
	imaged    []*fakeImage         // made by the engine
	billed    string               // what images are billed as; empty: as the instance
	binned    map[string]time.Time // snapshot: when it leaves the Recycle Bin
	bin       time.Duration        // how long what is deleted stays there
	// before and after are asked about every call; an error is returned before
	// or after the effect.
	before, after func(c call) error
	calls         []call
	shown         map[string]bool // ids that a listing has returned
	dryRun        bool            // fail the test on any mutating call
	agent         agent           // what runs scripts
	read          [2]int          // snapshots that listings of all and of a part returned
	// filters replaces what a listing asks for by StartTime, if set.
	filters func([]backup.Span) []backup.Span
}

type fakeSnap struct {
	backup.Snapshot
	site    backup.Site
	made    time.Time
	done    time.Time
	broken  string // StateMessage at done
	managed bool   // under aws/ebs
	shared  map[accounts.ID]bool
	since   time.Time // when it was last shared
	gone    bool
}

// A call is one call that the engine made.
type call struct {
	site    backup.Site
	purpose accounts.Purpose
	op      string // "discover", "list", "images", "locks", "bin", or a StepKind
	step    backup.Step
	query   backup.Query
}

func (c call) mutates() bool {
	return !slices.Contains([]string{"discover", "list", "images", "locks", "bin", "commands", "own images", "tiers"}, c.op)
}

// time is AWS's.
func (c *cloud) time() time.Time { return time.Now().Add(c.ahead) }

func newCloud(t *testing.T) *cloud {
	return &cloud{
		t: t, latency: 100 * time.Millisecond, lag: 10 * time.Second, slots: 20,
		takes:     func(giB int32) time.Duration { return time.Minute + time.Duration(giB)*time.Second },
		resources: map[backup.Site][]backup.Resource{}, snaps: map[string]*fakeSnap{}, last: map[string]time.Time{},
		badKeys: map[string]bool{}, denied: map[accounts.ID]error{}, breaks: map[string]string{},
		locks: map[string]time.Time{}, lockOf: map[string]fakeLock{}, images: map[string][]string{}, binned: map[string]time.Time{},
		shown: map[string]bool{}, cold: map[string]time.Time{}, warm: map[string]time.Time{},
	}
}

// Config and the driver's methods make the cloud its own Sessions and Driver.
// The purpose travels in the config's AppID.
func (c *cloud) Config(ctx context.Context, id accounts.ID, p accounts.Purpose, region string) (aws.Config, error) {
	return aws.Config{Region: region, AppID: string(p)}, ctx.Err()
}

func (c *cloud) Kinds() []string { return []string{"instance", "volume"} }

func (c *cloud) Open(cfg aws.Config, site backup.Site) backup.Client {
	return &fakeClient{c, site, accounts.Purpose(cfg.AppID)}
}

var (
	_ backup.Sessions = (*cloud)(nil)
	_ backup.Driver   = (*cloud)(nil)
)

type fakeClient struct {
	*cloud
	site    backup.Site
	purpose accounts.Purpose
}

// Ahead tells what the Date of an answer does.
func (f *fakeClient) Ahead() (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ahead, true
}

// enter notes a call and lets it take its time.
func (f *fakeClient) enter(ctx context.Context, c call) error {
	c.site, c.purpose = f.site, f.purpose
	if f.latency > 0 {
		select {
		case <-time.After(f.latency):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
	if f.dryRun && c.mutates() {
		f.t.Errorf("%s at %s, though nothing may change", c.op, f.site)
	}
	if err := f.denied[f.site.Account]; err != nil {
		return err
	}
	if !slices.Contains(mayDo[c.op], f.purpose) {
		return fmt.Errorf("%s as %s: %w", c.op, f.purpose, backup.ErrDenied)
	}
	if f.before != nil {
		return f.before(c)
	}
	return nil
}

// mayDo says which purposes' roles allow what.
var mayDo = map[string][]accounts.Purpose{
	"discover": {accounts.Backup}, "list": {accounts.Backup, accounts.VaultWriter},
	"snapshot": {accounts.Backup}, "copy": {accounts.Backup, accounts.VaultWriter},
	"share": {accounts.Backup}, "revoke": {accounts.Backup},
	"archive": {accounts.VaultPruner}, "thaw": {accounts.VaultSharer}, "tiers": {accounts.VaultWriter},
	"delete": {accounts.Pruner, accounts.VaultPruner}, "lock": {accounts.Backup, accounts.VaultWriter},
	"images": {accounts.Backup, accounts.VaultWriter}, "locks": {accounts.Backup, accounts.VaultWriter},
	"bin": {accounts.Backup, accounts.VaultWriter}, "commands": {accounts.Backup},
	"quiesce": {accounts.Backup}, "resume": {accounts.Backup}, "vss": {accounts.Backup},
	"own images": {accounts.VaultWriter},
	"register":   {accounts.VaultWriter}, "deregister": {accounts.VaultPruner},
}

func (f *fakeClient) Discover(ctx context.Context, sel backup.Selector) iter.Seq2[backup.Resource, error] {
	return func(yield func(backup.Resource, error) bool) {
		if err := f.enter(ctx, call{op: "discover"}); err != nil {
			yield(backup.Resource{}, err)
			return
		}
		f.mu.Lock()
		list := slices.Clone(f.resources[f.site])
		f.mu.Unlock()
		for _, r := range list {
			if sel.Chooses(backup.Subject{ID: r.ID(), Tags: r.Tags, Volume: r.Kind == "volume"}) {
				r.Members = slices.Clone(r.Members)
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func (f *fakeClient) List(ctx context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	return func(yield func(backup.Snapshot, error) bool) {
		if err := f.enter(ctx, call{op: "list", query: q}); err != nil {
			yield(backup.Snapshot{}, err)
			return
		}
		for _, s := range f.listed(q) {
			if !yield(s, nil) {
				return
			}
		}
		if err := f.ask(call{site: f.site, purpose: f.purpose, op: "list", query: q}); err != nil {
			yield(backup.Snapshot{}, err)
		}
	}
}

func (f *fakeClient) listed(q backup.Query) []backup.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stale != nil && f.stale(f.site) {
		return nil
	}
	part := min(len(q.Started), 1)
	if part > 0 && f.filters != nil {
		q.Started = f.filters(q.Started)
	}
	var list []backup.Snapshot
	for _, id := range f.order {
		s := f.snaps[id]
		if s.site != f.site || s.gone || f.time().Sub(s.made) < f.lag || q.SharedWith != "" && !s.shared[q.SharedWith] {
			continue
		}
		fits := len(q.Started) == 0 || slices.ContainsFunc(q.Started, func(p backup.Span) bool { return p.Holds(s.Started) })
		for k, v := range q.Tags {
			have, ok := s.Tags[k]
			fits = fits && ok && (v == "" || v == have)
		}
		if fits {
			f.shown[id] = true
			f.read[part]++
			list = append(list, f.now(s))
		}
	}
	return list
}

// now returns a snapshot as it is now.
func (c *cloud) now(s *fakeSnap) backup.Snapshot {
	snap := s.Snapshot
	snap.Tags, snap.Archived = maps.Clone(s.Tags), c.archived(s.ID)
	snap.State = backup.SnapshotPending
	if !c.time().Before(s.done) {
		snap.State, snap.Completed = backup.SnapshotCompleted, s.done
		if s.broken != "" {
			snap.State, snap.StateMessage = backup.SnapshotError, s.broken
		}
	}
	return snap
}

func (f *fakeClient) Do(ctx context.Context, step backup.Step) ([]backup.Snapshot, error) {
	c := call{op: string(step.Kind), step: step}
	if err := f.enter(ctx, c); err != nil {
		if ctx.Err() != nil {
			return nil, errors.Join(err, backup.ErrUnknownOutcome)
		}
		return nil, err
	}
	f.mu.Lock()
	snaps, err := f.effect(step)
	f.mu.Unlock()
	c.site, c.purpose = f.site, f.purpose
	if err == nil {
		err = f.ask(c)
	}
	if err != nil {
		return nil, err
	}
	return snaps, nil
}

// ask asks after about a call that had its effect.
func (c *cloud) ask(k call) error {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.after == nil {
		return nil
	}
	return c.after(k)
}

// effect does what the step says, or refuses as EC2 would.
func (f *fakeClient) effect(step backup.Step) ([]backup.Snapshot, error) {
	switch step.Kind {
	case backup.StepRegister:
		return f.register(step)
	case backup.StepDeregister:
		return nil, f.deregister(step)
	case backup.StepSnapshot:
		return f.snapshot(step)
	case backup.StepCopy:
		return f.copy(step)
	case backup.StepQuiesce, backup.StepResume, backup.StepVSS:
		return nil, f.script(step)
	}
	s := f.snaps[step.Snapshot]
	if s == nil || s.site != f.site || s.gone {
		if step.Kind == backup.StepDelete {
			return nil, nil
		}
		return nil, fmt.Errorf("InvalidSnapshot.NotFound %s: %w", step.Snapshot, backup.ErrNotFound)
	}
	switch step.Kind {
	case backup.StepShare:
		if f.now(s).State != backup.SnapshotCompleted {
			f.t.Errorf("shares %s before it is completed", s.ID)
		}
		if s.managed {
			return nil, errors.New("OperationNotPermitted: encrypted under aws/ebs")
		}
		s.shared[step.With], s.since = true, f.time()
	case backup.StepRevoke:
		delete(s.shared, step.With)
	case backup.StepLock:
		return nil, f.lock(s, *step.Lock)
	case backup.StepArchive:
		return nil, f.archive(s)
	case backup.StepThaw:
		return nil, f.thaw(s)
	case backup.StepDelete:
		if s.Tags["snapkeep:vault"] == "" {
			f.t.Errorf("deletes %s, which is not ours", s.ID)
		}
		if code := f.refuses(s.ID); code != "" {
			return nil, refusal(code)
		}
		s.gone = true
		if f.bin > 0 {
			f.binned[s.ID] = f.time().Add(f.bin)
		}
	}
	return nil, nil
}

func (f *fakeClient) snapshot(step backup.Step) ([]backup.Snapshot, error) {
	now := f.time()
	for _, m := range step.Resource.Members {
		if t, ok := f.last[m.Volume]; ok && now.Sub(t) < 15*time.Second {
			if !f.volumeRate {
				f.t.Errorf("snapshots of %s %v apart", m.Volume, now.Sub(t))
			}
			return nil, fmt.Errorf("SnapshotCreationPerVolumeRateExceeded: %w", backup.ErrThrottled)
		}
	}
	var made []backup.Snapshot
	for _, m := range step.Resource.Members {
		if f.breaks[m.Volume] == "detached" {
			continue
		}
		f.last[m.Volume] = now
		s := f.add(backup.Snapshot{Volume: m.Volume, SizeGiB: f.size(m), Encrypted: m.Encrypted, KMSKey: m.KMSKey, Description: step.Description}, step.Tags)
		s.managed, s.broken = m.ManagedKey, f.breaks[m.Volume]
		made = append(made, f.now(s))
	}
	return made, nil
}

func (f *fakeClient) copy(step backup.Step) ([]backup.Snapshot, error) {
	source := f.snaps[step.Snapshot]
	if source == nil || source.gone || source.site.Region != step.SourceRegion ||
		source.site.Account != f.site.Account && (!source.shared[f.site.Account] || f.time().Sub(source.since) < f.shareLag) {
		return nil, fmt.Errorf("InvalidSnapshot.NotFound %s: %w", step.Snapshot, backup.ErrNotFound)
	}
	if f.now(source).State != backup.SnapshotCompleted {
		f.t.Errorf("copies %s before it is completed", source.ID)
	}
	if f.underWay(f.site) >= f.slots {
		return nil, fmt.Errorf("ResourceLimitExceeded: %w", backup.ErrQuota)
	}
	s := f.add(backup.Snapshot{Volume: "vol-ffffffff", SizeGiB: source.SizeGiB, Encrypted: true, KMSKey: step.KMSKey, Description: step.Description, CompletionMinutes: step.CompletionMinutes}, step.Tags)
	if f.badKeys[step.KMSKey] {
		s.broken = "Given key ID is not accessible"
	}
	return []backup.Snapshot{{ID: s.ID}}, nil
}

// underWay counts the copies into a site that are pending. The caller holds mu.
func (c *cloud) underWay(site backup.Site) (n int) {
	for _, s := range c.snaps {
		if s.site == site && s.Volume == "vol-ffffffff" && !s.gone && c.time().Before(s.done) {
			n++
		}
	}
	return n
}

func (c *cloud) pendingCopies(site backup.Site) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.underWay(site)
}

// add makes a snapshot at the client's site.
func (f *fakeClient) add(s backup.Snapshot, tags map[string]string) *fakeSnap {
	if len(tags) == 0 {
		f.t.Error("makes a snapshot without tags")
	}
	return f.put(f.site, s, tags)
}

// put makes a snapshot. The caller holds mu, or is alone.
func (c *cloud) put(site backup.Site, s backup.Snapshot, tags map[string]string) *fakeSnap {
	if len(tags) > 50 {
		c.t.Errorf("%d tags", len(tags))
	}
	for k, v := range tags {
		if len(v) > 256 || len(k) > 128 {
			c.t.Errorf("tag %s: %d characters", k, len(v))
		}
	}
	s.ID = fmt.Sprintf("snap-%04d", len(c.order)+1)
	s.Owner, s.Tags = site.Account, maps.Clone(tags)
	if s.Started.IsZero() {
		s.Started = c.time()
	}
	takes := c.takes(s.SizeGiB)
	if c.takesOf != nil {
		takes = c.takesOf(s)
	}
	f := &fakeSnap{Snapshot: s, site: site, made: c.time(), done: c.time().Add(takes), shared: map[accounts.ID]bool{}}
	c.snaps[s.ID] = f
	c.order = append(c.order, s.ID)
	return f
}

// count returns how many calls of an operation there were.
func (c *cloud) count(op backup.StepKind) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, call := range c.calls {
		if call.op == string(op) {
			n++
		}
	}
	return n
}

// mutations returns how many calls there were that change something.
func (c *cloud) mutations() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, call := range c.calls {
		if call.mutates() {
			n++
		}
	}
	return n
}

// at returns the snapshots at a site that are there, oldest first.
func (c *cloud) at(site backup.Site) []*fakeSnap {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*fakeSnap
	for _, id := range c.order {
		if s := c.snaps[id]; s.site == site && !s.gone {
			list = append(list, s)
		}
	}
	return list
}

package backuptest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Rule is one thing that must be so, whatever fails while backups are made.
type Rule string

// The rules. Always: they hold at every moment. At rest: they hold when
// nothing is under way.
const (
	// Lost, always: once the copies of a resource were complete at a place in
	// the vault, that place has complete copies of it. At rest: what Want asks
	// for is there, and every set is whole.
	Lost Rule = "lost"
	// Doubled, always: no two good snapshots were made for one key.
	Doubled Rule = "doubled"
	// Shared, always: a protected account shares with the vault alone, the vault
	// with the restore accounts alone, nobody with all. At rest: nothing is shared.
	Shared Rule = "shared"
	// Untagged, at rest: whatever snapkeep's callers made carries its tags.
	Untagged Rule = "untagged"
	// Left, at rest: no intermediate of a rekey and no failed snapshot remains.
	Left Rule = "left"
	// Foreign, always: what was there before, and belongs to somebody else, is
	// still there and as it was.
	Foreign Rule = "foreign"
	// Changed, at rest: a copy holds the bytes of the snapshot it was made of.
	Changed Rule = "changed"
)

// A Violation is a rule that was broken.
type Violation struct {
	Rule     Rule   // that was broken
	Snapshot Ref    // that it is about; the zero Ref if about none
	Text     string // what was found, in words
}

// String returns the rule, the snapshot and what was found.
func (v Violation) String() string {
	if v.Snapshot == (Ref{}) {
		return fmt.Sprintf("%s: %s", v.Rule, v.Text)
	}
	return fmt.Sprintf("%s: %s of %s in %s: %s", v.Rule, v.Snapshot.ID, v.Snapshot.Account, v.Snapshot.Region, v.Text)
}

// Watching says whom a Watcher watches.
type Watching struct {
	// Vault is the account that the copies belong to: Options.Vault of the engine.
	Vault accounts.ID
	// Restore are the accounts that the vault may share copies with. None means
	// that it shares with nobody.
	Restore []accounts.ID
}

// A Watcher looks at all snapshots of a cloud after every call that changes
// something, and notes what must never be. It is safe for concurrent use.
type Watcher struct {
	cloud *Cloud
	of    Watching

	// The cloud's lock guards the fields below.
	want    []Wanted
	foreign map[string]Snapshot // that were there before, by id
	whole   map[place]bool      // where a resource has had complete copies
	seen    []Violation
	told    map[string]bool // texts of seen
}

// A Wanted names the snapshots of one resource in one run at one place.
type Wanted struct {
	Resource string      // ARN
	Run      string      // backup.RunID
	Account  accounts.ID // that owns the snapshots: the protected one, or the vault
	Region   string      // "eu-west-1"
}

// A place is where snapshots of a resource are kept.
type place struct {
	account accounts.ID
	region  string
	// resource is the ARN.
	resource string
}

// Watch begins to watch. What is in the cloud already and does not carry the
// vault's tag is foreign: nobody may touch it.
func (c *Cloud) Watch(of Watching) *Watcher {
	w := &Watcher{
		cloud: c, of: of,
		foreign: map[string]Snapshot{}, whole: map[place]bool{}, told: map[string]bool{},
	}
	c.sim.Lock()
	defer c.sim.Unlock()
	for _, s := range w.list() {
		if !w.ours(s) {
			w.foreign[s.ID] = s
		}
	}
	c.sim.Observe(w.look)
	return w
}

// Want adds snapshots that must be there whenever Check is called.
func (w *Watcher) Want(wanted ...Wanted) {
	w.cloud.sim.Lock()
	defer w.cloud.sim.Unlock()
	w.want = append(w.want, wanted...)
}

// Leave tells the watcher of snapshots that were made since Watch and belong to
// somebody else: from now on they are foreign. Those that are not there are
// passed over.
func (w *Watcher) Leave(snapshots ...Ref) {
	w.cloud.sim.Lock()
	defer w.cloud.sim.Unlock()
	for _, s := range w.list() {
		if slices.Contains(snapshots, s.Ref) {
			w.foreign[s.ID] = s
		}
	}
}

// list returns all snapshots. The caller holds the cloud's lock.
// What is in the Recycle Bin is deleted.
func (w *Watcher) list() []Snapshot {
	return slices.DeleteFunc(snapshotsOf(w.cloud.sim.EC2().SnapshotsLocked()), func(s Snapshot) bool {
		return s.State == types.SnapshotStateRecoverable
	})
}

// The tags by which snapshots are known; their meaning is package backup's.
const (
	tagVault    = "snapkeep:vault"
	tagKey      = "snapkeep:key"
	tagPoint    = "snapkeep:point"
	tagStep     = "snapkeep:step"
	tagRun      = "snapkeep:run"
	tagResource = "snapkeep:resource"
	tagMembers  = "snapkeep:members"
)

// ours says whether a snapshot claims to be the vault's.
func (w *Watcher) ours(s Snapshot) bool { return s.Tags[tagVault] == w.of.Vault.String() }

func (w *Watcher) note(rule Rule, about Ref, format string, args ...any) {
	v := Violation{rule, about, fmt.Sprintf(format, args...)}
	if text := v.String(); !w.told[text] {
		w.told[text] = true
		w.seen = append(w.seen, v)
	}
}

// look holds what must be so at every moment.
func (w *Watcher) look() {
	all := w.list()
	made := map[string]string{}
	for _, s := range all {
		w.lookAtShares(s)
		if key := s.Tags[tagKey]; key != "" && w.ours(s) && s.State != types.SnapshotStateError {
			what := strings.Join([]string{s.Account.String(), s.Region, s.Origin, key}, " ")
			if first := made[what]; first != "" {
				w.note(Doubled, s.Ref, "%s was made for the same key", first)
			}
			made[what] = s.ID
		}
	}
	w.lookAtForeign(all)
	whole := map[place]bool{}
	for key, set := range w.sets(all) {
		if key.account == w.of.Vault && complete(set) {
			whole[key.place] = true
		}
	}
	for where := range w.whole {
		if !whole[where] {
			w.note(Lost, Ref{}, "the last good copy of %s at %s in %s", where.resource, where.account, where.region)
		}
	}
	maps.Copy(w.whole, whole)
}

func (w *Watcher) lookAtShares(s Snapshot) {
	if w.foreign[s.ID].ID != "" {
		return
	}
	if s.Public {
		w.note(Shared, s.Ref, "it is shared with everybody")
	}
	for _, with := range s.Shares {
		if s.Account == w.of.Vault && !slices.Contains(w.of.Restore, with) || s.Account != w.of.Vault && with != w.of.Vault {
			w.note(Shared, s.Ref, "it is shared with %s", with)
		}
	}
}

func (w *Watcher) lookAtForeign(all []Snapshot) {
	there := map[string]bool{}
	for _, s := range all {
		there[s.ID] = true
		before, foreign := w.foreign[s.ID]
		if foreign && (!maps.Equal(before.Tags, s.Tags) || !slices.Equal(before.Shares, s.Shares) || before.Public != s.Public) {
			w.note(Foreign, s.Ref, "somebody else's snapshot was changed")
		}
	}
	for id, s := range w.foreign {
		if !there[id] {
			w.note(Foreign, s.Ref, "somebody else's snapshot is gone")
		}
	}
}

// A setKey names what one run has of one resource at one place.
type setKey struct {
	place
	run string
}

func (k setKey) compare(other setKey) int {
	return cmp.Or(
		cmp.Compare(k.account, other.account), cmp.Compare(k.region, other.region),
		cmp.Compare(k.resource, other.resource), cmp.Compare(k.run, other.run),
	)
}

// sets sorts what is tagged as the vault's, but for intermediates.
func (w *Watcher) sets(all []Snapshot) map[setKey][]Snapshot {
	sets := map[setKey][]Snapshot{}
	for _, s := range all {
		if !w.ours(s) || s.Tags[tagStep] != "" {
			continue
		}
		k := setKey{place{s.Account, s.Region, s.Tags[tagResource]}, s.Tags[tagRun]}
		sets[k] = append(sets[k], s)
	}
	return sets
}

// complete says whether a set has a completed snapshot of each member.
func complete(set []Snapshot) bool {
	origins := map[string]bool{}
	for _, s := range set {
		if s.State == types.SnapshotStateCompleted {
			origins[s.Origin] = true
		}
	}
	return len(set) > 0 && fmt.Sprint(len(origins)) == set[0].Tags[tagMembers]
}

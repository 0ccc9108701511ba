package ec2sim

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A Ref names a volume or a snapshot.
type Ref struct {
	Site
	ID string
}

// String returns the site and the id.
func (r Ref) String() string { return r.ID + " of " + r.Account + " in " + r.Region }

// ErrNotFound is returned for a Ref that names nothing.
var ErrNotFound = errors.New("ec2sim: no such resource")

// WriteVolume writes one block of a volume, as a program on its instance
// would. data may be shorter than BlockSize: the rest is zeros.
func (s *Service) WriteVolume(ref Ref, index int64, data []byte) error {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	v, err := s.refVolume(ref)
	if err != nil {
		return err
	}
	if index < 0 || index >= int64(v.size)*blocksPerGiB || len(data) > BlockSize {
		return fmt.Errorf("ec2sim: write %d bytes to block %d of %s, which has %d GiB: out of range", len(data), index, ref, v.size)
	}
	v.disk.write(index, data)
	return nil
}

// ReadVolume returns what is on a volume, or ErrTooLarge.
func (s *Service) ReadVolume(ref Ref) (Contents, error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	v, err := s.refVolume(ref)
	if err != nil {
		return Contents{}, err
	}
	return contentsOf(v.size, v.disk.frozen)
}

// ReadSnapshot returns what is in a snapshot, whatever its state, or
// ErrTooLarge.
func (s *Service) ReadSnapshot(ref Ref) (Contents, error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	sn, err := s.refSnapshot(ref)
	if err != nil {
		return Contents{}, err
	}
	return contentsOf(sn.size, sn.data)
}

// FlipBlock changes one bit of a block of one snapshot, as a fault of the
// storage would. Other snapshots that share the block keep theirs.
func (s *Service) FlipBlock(ref Ref, index int64) error {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	sn, err := s.refSnapshot(ref)
	if err != nil {
		return err
	}
	old := sn.data.at(index)
	if !old.written() {
		return fmt.Errorf("ec2sim: flip block %d of %s: %w", index, ref, ErrNotFound)
	}
	data := bytes.Clone(old.data(index))
	if len(data) == 0 {
		data = make([]byte, 1)
	}
	data[0] ^= 1
	sn.data = sn.data.with(index, data)
	return nil
}

// SetSnapshotError makes a pending snapshot fail now, with the others that
// the same CreateSnapshots call made.
func (s *Service) SetSnapshotError(ref Ref, message string) error {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	sn, err := s.refSnapshot(ref)
	if err != nil {
		return err
	}
	now := s.cloud.Now()
	if sn.state(now) != types.SnapshotStatePending {
		return fmt.Errorf("ec2sim: fail %s: it is %s", ref, sn.state(now))
	}
	sn.fail(stamp(now), message)
	return nil
}

func (s *Service) refVolume(ref Ref) (*volume, error) {
	v := s.volumeByID(s.cloud.Now(), ref.ID)
	if v == nil || v.site != ref.Site {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, ref)
	}
	return v, nil
}

func (s *Service) refSnapshot(ref Ref) (*snapshot, error) {
	sn := s.snapshotByID(s.cloud.Now(), ref.ID)
	if sn == nil || sn.site != ref.Site {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, ref)
	}
	return sn, nil
}

// A Snapshot is what there is to know of a snapshot, for checks.
type Snapshot struct {
	Ref
	State        types.SnapshotState
	StateMessage string
	Start        time.Time
	Done         time.Time // when it completes or fails
	// Volume it was made of; copies have vol-ffffffff.
	Volume string
	// Origin is the volume at the root: for a copy, that of the first snapshot.
	Origin      string
	Description string
	SizeGiB     int32
	Encrypted   bool
	KeyARN      string            // empty unless encrypted
	Tags        map[string]string // the owner's
	Shares      []string          // accounts it is shared with, sorted
	Public      bool
	Copy        bool
	// Full says that it stores all its blocks, not only those changed since an
	// earlier snapshot or copy: so do the first ones, and archived ones.
	Full bool
	// Written is how many blocks its making moved.
	Written int
	// Lock is the state of its lock; empty if it has none.
	Lock types.LockState
	// Tier is where it is stored.
	Tier types.StorageTier
	// Archived is when it was archived last; the zero time if never. AWS bills
	// at least 90 days of archive from then on.
	Archived time.Time
	// Source of a copy; the zero Ref otherwise.
	Source Ref
}

// Snapshots returns every snapshot of every account, in the order of their
// making. Those in the Recycle Bin are in the state recoverable.
func (s *Service) Snapshots() []Snapshot {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	return s.SnapshotsLocked()
}

// SnapshotsLocked is Snapshots for a caller who holds the cloud's lock.
func (s *Service) SnapshotsLocked() []Snapshot {
	now := s.cloud.Now()
	s.settle(now)
	var all []*snapshot
	for _, r := range s.regions {
		for _, sn := range r.snapshots.items {
			if !sn.lost(now) {
				all = append(all, sn)
			}
		}
	}
	slices.SortFunc(all, func(a, b *snapshot) int { return int(int64(a.seq) - int64(b.seq)) })
	out := make([]Snapshot, 0, len(all))
	for _, sn := range all {
		out = append(out, sn.plain(now))
	}
	return out
}

func (sn *snapshot) plain(now time.Time) Snapshot {
	out := Snapshot{
		Ref: Ref{Site: sn.site, ID: sn.id}, State: sn.state(now), Start: sn.start, Done: sn.done, Volume: sn.volume,
		Origin: sn.lineage, Description: sn.description, SizeGiB: sn.size, Encrypted: sn.encrypted(), KeyARN: string(sn.key),
		Tags: maps.Clone(sn.tags[sn.site.Account]), Shares: slices.Clone(sn.shares), Public: sn.public, Copy: sn.copied,
	}
	out.Full, out.Written, out.Lock, out.Tier = sn.full, int(sn.written), sn.lockState(now), sn.storageTier(now)
	if sn.tier != nil && !now.Before(sn.tier.archived) {
		out.Archived = sn.tier.archived
	}
	if out.State == types.SnapshotStateError {
		out.StateMessage = sn.failure
	}
	if sn.copied {
		out.Source = Ref{Site: sn.source, ID: sn.sourceID}
	}
	return out
}

// BaseImage returns the id of a Region's public image for an architecture:
// x86_64 or arm64.
func BaseImage(region string, arch types.ArchitectureValues) string {
	return derivedID("ami", region, baseName(arch))
}

// Boots returns when an instance was started or rebooted, oldest first.
func (s *Service) Boots(ref Ref) ([]time.Time, error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	in := s.instances[ref.ID]
	if in == nil || in.site != ref.Site {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, ref)
	}
	var past []time.Time
	for _, at := range in.boots {
		if !at.After(s.cloud.Now()) {
			past = append(past, at)
		}
	}
	return past, nil
}

// Settle ends the making of a site's volumes, attachments and instances: they
// are as they will be once all that is under way is done. Snapshots and images
// keep their time.
func (s *Service) Settle(at Site) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	now, st := stamp(s.cloud.Now()), s.site(at)
	for _, v := range st.volumes.items {
		if v.ready.After(now) {
			v.ready = now
		}
		if a := v.attachment; a.active(now) && a.attached.After(now) {
			a.attached = now
		}
	}
	for _, in := range st.instances.items {
		if in.at.After(now) {
			in.at = now
		}
	}
}

package ec2sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// copiedVolume is the volume id that copies carry.
// Source: EC2 API Reference, CopySnapshot: "Snapshots copies have an
// arbitrary source volume ID. Do not use this volume ID for any purpose."
const copiedVolume = "vol-ffffffff"

// A snapshot is owned by the account of its site. Its contents are there from
// the start; its state is a matter of time.
type snapshot struct {
	id          string
	seq         uint64
	site        Site
	volume      string
	size        int32 // GiB
	description string
	key         kmssim.ARN // empty: not encrypted
	start       time.Time
	started     string    // start, as a filter compares it
	done        time.Time // when it completes or fails
	failure     string    // why it fails; empty: it completes
	deleting    bool      // deleted while pending: gone once done
	removed     bool
	left        time.Time // when it was removed
	tags        tagSets
	shares      []string // accounts, sorted
	public      bool
	data        frozen
	set         *snapshotSet // made by one CreateSnapshots call, or nil
	copied      bool
	source      Site   // of a copy: where it was copied from
	sourceID    string // of a copy
	minutes     int32  // completion duration of a time-based copy
	lineage     string // the volume at the root of its history
	context     string // the value of aws:ebs:id in its encryption context
	written     int32  // how many blocks making it moved
	full        bool   // it stores all its blocks, not the changed ones alone
	home        *site
	billing     *billing // nil: none
	// What follows is nil for most snapshots.
	lock   *lock
	tier   *tiering // if it was ever archived
	bin    *binStay // if it is or was in the Recycle Bin
	upload *upload  // made by StartSnapshot of the EBS direct APIs
}

// A snapshotSet is what one CreateSnapshots call made: if one of it fails,
// all do.
type snapshotSet struct {
	members []*snapshot
}

func (sn *snapshot) order() uint64 { return sn.seq }

func (sn *snapshot) encrypted() bool { return sn.key != "" }

func (sn *snapshot) state(now time.Time) types.SnapshotState {
	switch {
	case sn.bin.holds(now):
		return types.SnapshotStateRecoverable
	case sn.bin != nil && now.Before(sn.bin.back):
		return types.SnapshotStateRecovering
	case now.Before(sn.done):
		return types.SnapshotStatePending
	case sn.failure != "":
		return types.SnapshotStateError
	}
	return types.SnapshotStateCompleted
}

// gone tells whether nobody can find the snapshot any more, but perhaps in
// the Recycle Bin.
func (sn *snapshot) gone(now time.Time) bool {
	return sn.removed || sn.deleting && !now.Before(sn.done) || sn.bin.holds(now)
}

// lost tells whether the snapshot is not in the Recycle Bin either.
func (sn *snapshot) lost(now time.Time) bool {
	if sn.bin.holds(now) {
		return sn.removed || !now.Before(sn.bin.exit)
	}
	return sn.gone(now)
}

func (sn *snapshot) progress(now time.Time) string {
	total := sn.done.Sub(sn.start)
	switch {
	case sn.upload.open():
		return strconv.Itoa(int(sn.upload.progress)) + "%"
	case !now.Before(sn.done) && sn.failure == "":
		return "100%"
	case !now.Before(sn.done), total <= 0, now.Before(sn.start):
		return "0%"
	}
	return strconv.Itoa(int(99*now.Sub(sn.start)/total)) + "%"
}

// visible tells whether an account may see the snapshot and create volumes
// from it.
func (sn *snapshot) visible(account string) bool {
	return sn.site.Account == account || sn.forAll() || sn.sharedWith(account)
}

func (sn *snapshot) sharedWith(account string) bool {
	_, ok := slices.BinarySearch(sn.shares, account)
	return ok
}

// fail makes a pending snapshot end in error now, and with it the set it
// belongs to.
// Source: Amazon EBS User Guide, "Create Amazon EBS snapshots", multi-volume:
// if one snapshot fails, all others are set to error.
func (sn *snapshot) fail(now time.Time, message string) {
	members := []*snapshot{sn}
	if sn.set != nil {
		members = sn.set.members
	}
	for _, m := range members {
		if m == sn || m.failure == "" {
			m.failure, m.done = message, now
		}
	}
}

// snapshotByID returns a snapshot that exists now, visible or not.
func (s *Service) snapshotByID(now time.Time, id string) *snapshot {
	sn := s.snapshots[id]
	if sn == nil || !sn.gone(now) {
		return sn
	}
	if sn.lost(now) {
		s.forget(sn)
	}
	return nil
}

// forget takes a snapshot from every list, once no call is told of it any more.
func (s *Service) forget(sn *snapshot) {
	if !sn.removed {
		sn.removed = true
		sn.left = s.cloud.Now()
		s.leaving = append(s.leaving, sn)
	}
	for len(s.leaving) > 0 && s.cloud.Settled(core.Deletion, s.leaving[0].left) {
		s.drop(s.leaving[0])
		s.leaving = s.leaving[1:]
	}
}

func (s *Service) drop(sn *snapshot) {
	delete(s.snapshots, sn.id)
	s.site(sn.site).snapshots.remove(sn)
	s.region(sn.site.Region).snapshots.remove(sn)
}

// keep puts a new snapshot on every list.
func (s *Service) keep(sn *snapshot) {
	sn.home, sn.started = s.site(sn.site), timestamp(sn.start)
	s.snapshots[sn.id] = sn
	sn.home.snapshots.add(sn)
	s.region(sn.site.Region).snapshots.add(sn)
}

// visibleSnapshot returns the snapshot that a caller means by an id in a
// Region: its own, or one shared with it or with all.
func (s *Service) visibleSnapshot(c *core.Call, region string, id *string) (*snapshot, error) {
	if err := checkID(aws.ToString(id), snapshotID); err != nil {
		return nil, err
	}
	sn := s.snapshotByID(c.Now, *id)
	told := s.toldSnapshot(c, sn)
	if told == nil || sn.site.Region != region || !told.visible(c.Account.ID) || !s.listed(sn) {
		return nil, noSnapshot(*id)
	}
	return sn, nil
}

// listed tells whether a snapshot is one that any account can see at all:
// those behind the public base images are not.
func (s *Service) listed(sn *snapshot) bool { return sn.site.Account != amazon }

// ownSnapshot is visibleSnapshot for operations that only the owner may do.
// AuthFailure is what AWS answers for images of others; for snapshots no
// public source tells.
func (s *Service) ownSnapshot(c *core.Call, id *string) (*snapshot, error) {
	sn, err := s.visibleSnapshot(c, c.Region, id)
	if err != nil {
		return nil, err
	}
	if sn.site.Account != c.Account.ID {
		return nil, &core.Error{Code: "AuthFailure", Message: "Not authorized for snapshot:" + sn.id, Status: 403}
	}
	return sn, nil
}

func noSnapshot(id string) error {
	return core.Errorf("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
}

// notCompleted is the answer to any use of a snapshot that is not completed.
func notCompleted(sn *snapshot) error {
	return core.Errorf("IncorrectState", "Snapshot '%s' is not 'completed'.", sn.id)
}

// api returns the snapshot as a caller of an account sees it: the owner's
// tags are the owner's alone.
func (sn *snapshot) api(now time.Time, viewer string) types.Snapshot {
	out := types.Snapshot{
		Description:             aws.String(sn.description),
		Encrypted:               aws.Bool(sn.encrypted()),
		FullSnapshotSizeInBytes: aws.Int64(sn.data.count * BlockSize),
		OwnerId:                 aws.String(sn.site.Account),
		Progress:                aws.String(sn.progress(now)),
		SnapshotId:              aws.String(sn.id),
		StartTime:               aws.Time(sn.start),
		State:                   sn.state(now),
		StorageTier:             sn.storageTier(now),
		Tags:                    apiTags(sn.tags[viewer]),
		VolumeId:                aws.String(sn.volume),
		VolumeSize:              aws.Int32(sn.size),
	}
	if sn.encrypted() {
		out.KmsKeyId = aws.String(string(sn.key))
		out.DataEncryptionKeyId = aws.String(derivedID("key", sn.context))
	}
	switch out.State {
	case types.SnapshotStateCompleted:
		out.CompletionTime = aws.Time(sn.done)
	case types.SnapshotStateError:
		out.StateMessage = aws.String(sn.failure)
	}
	if sn.tier.onLoan(now) {
		out.RestoreExpiryTime = aws.Time(sn.tier.expires)
	}
	out.TransferType = sn.transferType()
	if sn.minutes > 0 {
		out.CompletionDurationMinutes = aws.Int32(sn.minutes)
	}
	return out
}

// transferType is empty for what is no copy.
func (sn *snapshot) transferType() types.TransferType {
	switch {
	case !sn.copied:
		return ""
	case sn.minutes > 0:
		return types.TransferTypeTimeBased
	}
	return types.TransferTypeStandard
}

// copyDescription is what a copy is described as unless the caller says.
func copyDescription(source *snapshot) string {
	return fmt.Sprintf("[Copied %s from %s]", source.id, source.site.Region)
}

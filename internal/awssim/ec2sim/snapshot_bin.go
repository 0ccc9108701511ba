package ec2sim

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// binTag marks what is in the Recycle Bin.
// Source: EC2 User Guide, "Considerations for Recycle Bin".
const binTag = "aws:recycle-bin:resource-in-bin"

// maxBinDays is how long a rule may keep things.
// Source: Recycle Bin API Reference, RetentionPeriod: 1 to 3,650 days.
const maxBinDays = 3650

// A BinRule is a retention rule of the Recycle Bin for snapshots.
type BinRule struct {
	Site
	// Days is how long deleted snapshots are kept.
	Days int
	// Tags choose snapshots that have one of them. Nil chooses all but those
	// that have one of Except.
	Tags, Except []BinTag
	// From is when the rule begins to act: AWS takes up to 30 minutes for the
	// first rule of a Region. The zero time means at once.
	From time.Time
}

// A BinTag is a tag that a rule of the Recycle Bin looks for. An empty value
// is any value.
// Source: Recycle Bin API Reference, ResourceTag.
type BinTag struct{ Key, Value string }

// SetRecycleBin replaces all rules of the Recycle Bin. What is in it stays for
// as long as the rule said that put it there.
func (s *Service) SetRecycleBin(rules ...BinRule) error {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	for _, r := range rules {
		if r.Days < 1 || r.Days > maxBinDays {
			return fmt.Errorf("ec2sim: a rule of the Recycle Bin for %d days: want 1 to %d", r.Days, maxBinDays)
		}
	}
	s.binRules = append([]BinRule(nil), rules...)
	return nil
}

// keeps tells whether the rule keeps a snapshot that is deleted at that time.
func (r BinRule) keeps(sn *snapshot, now time.Time) bool {
	if r.Site != sn.site || now.Before(r.From) {
		return false
	}
	has := func(tags []BinTag) bool {
		for _, t := range tags {
			if v, ok := sn.tags[sn.site.Account][t.Key]; ok && (t.Value == "" || t.Value == v) {
				return true
			}
		}
		return false
	}
	if len(r.Tags) > 0 {
		return has(r.Tags)
	}
	return !has(r.Except)
}

// A binStay is a snapshot's time in the Recycle Bin.
type binStay struct {
	enter, exit time.Time
	back        time.Time // when it can be used again; zero until it is restored
}

// holds tells whether the snapshot is in the bin, or has run out its time there.
func (b *binStay) holds(now time.Time) bool {
	return b != nil && b.back.IsZero() && !now.Before(b.enter)
}

// binStay returns the stay that the rules give a snapshot that is deleted now,
// or nil. The longest counts. A pending snapshot comes into the bin once it is done.
// Source: EC2 User Guide, "Considerations for Recycle Bin".
func (s *Service) binStay(now time.Time, sn *snapshot) *binStay {
	days := 0
	for _, r := range s.binRules {
		if r.keeps(sn, now) {
			days = max(days, r.Days)
		}
	}
	if days == 0 {
		return nil
	}
	enter := stamp(now)
	if now.Before(sn.done) {
		enter = sn.done
	}
	return &binStay{enter: enter, exit: enter.Add(time.Duration(days) * day)}
}

// binned returns the caller's snapshot with an id that is in the Recycle Bin.
func (s *Service) binned(c *core.Call, id *string) (*snapshot, error) {
	if err := checkID(aws.ToString(id), snapshotID); err != nil {
		return nil, err
	}
	sn := s.snapshots[*id]
	if sn == nil || sn.site != (Site{Account: c.Account.ID, Region: c.Region}) || !sn.inBin(c.Now) {
		return nil, noSnapshot(*id)
	}
	return sn, nil
}

// inBin tells whether the snapshot is in the Recycle Bin and can be restored.
func (sn *snapshot) inBin(now time.Time) bool { return sn.bin.holds(now) && !sn.lost(now) }

// ListSnapshotsInRecycleBin lists the caller's snapshots that are in the
// Recycle Bin.
func (s *Service) ListSnapshotsInRecycleBin(c *core.Call, in *ec2.ListSnapshotsInRecycleBinInput) (*ec2.ListSnapshotsInRecycleBinOutput, error) {
	found, next, err := describe(s, c, in, search[*snapshot, snapshotView]{
		shelf:  func(st *site) *shelf[*snapshot] { return s.namedOr(in.SnapshotIds, &st.snapshots) },
		ids:    in.SnapshotIds,
		exists: func(id string) error { return failure(s.binned(c, &id)) },
		id:     func(sn *snapshot) string { return sn.id },
		told:   func(sn *snapshot) *snapshot { return s.toldSnapshot(c, sn) },
		fits:   func(sn *snapshot) bool { return sn.inBin(c.Now) },
	})
	out := &ec2.ListSnapshotsInRecycleBinOutput{NextToken: next}
	for _, sn := range found {
		out.Snapshots = append(out.Snapshots, types.SnapshotRecycleBinInfo{
			Description: aws.String(sn.description), RecycleBinEnterTime: aws.Time(sn.bin.enter),
			RecycleBinExitTime: aws.Time(sn.bin.exit), SnapshotId: aws.String(sn.id), VolumeId: aws.String(sn.volume),
		})
	}
	return out, err
}

// RestoreSnapshotFromRecycleBin takes a snapshot out of the Recycle Bin. With
// whom it was shared is forgotten.
func (s *Service) RestoreSnapshotFromRecycleBin(c *core.Call, in *ec2.RestoreSnapshotFromRecycleBinInput) (*ec2.RestoreSnapshotFromRecycleBinOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	sn, err := s.binned(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("RestoreSnapshotFromRecycleBin", sn.existing("snapshot", c.Account.ID))...); err != nil {
		return nil, err
	}
	delete(sn.tags[sn.site.Account], binTag)
	sn.deleting = false
	sn.bin.back = stamp(c.Now).Add(s.pace.Recovery)
	now := sn.api(c.Now, c.Account.ID)
	return &ec2.RestoreSnapshotFromRecycleBinOutput{
		Description: now.Description, Encrypted: now.Encrypted, OwnerId: now.OwnerId, Progress: now.Progress, SnapshotId: now.SnapshotId,
		StartTime: now.StartTime, State: now.State, VolumeId: now.VolumeId, VolumeSize: now.VolumeSize,
	}, nil
}

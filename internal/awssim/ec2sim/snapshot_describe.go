package ec2sim

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A snapshotView is a snapshot as one account sees it at one time.
type snapshotView struct {
	*snapshot
	now    time.Time
	viewer string
}

// snapshotFilters are those of DescribeSnapshots, but for tags.
// Source: EC2 API Reference, DescribeSnapshots.
var snapshotFilters = attributes[snapshotView]{
	"description":   func(v snapshotView) []string { return []string{v.description} },
	"encrypted":     func(v snapshotView) []string { return one(flag(v.encrypted())) },
	"owner-alias":   func(snapshotView) []string { return nil },
	"owner-id":      func(v snapshotView) []string { return one(v.site.Account) },
	"progress":      func(v snapshotView) []string { return one(v.progress(v.now)) },
	"snapshot-id":   func(v snapshotView) []string { return one(v.id) },
	"start-time":    func(v snapshotView) []string { return one(v.started) },
	"status":        func(v snapshotView) []string { return one(string(v.state(v.now))) },
	"storage-tier":  func(v snapshotView) []string { return one(string(v.storageTier(v.now))) },
	"transfer-type": func(v snapshotView) []string { return one(string(v.transferType())) },
	"volume-id":     func(v snapshotView) []string { return one(v.volume) },
	"volume-size":   func(v snapshotView) []string { return one(strconv.Itoa(int(v.size))) },
}

// DescribeSnapshots lists the snapshots that the caller may see: its own,
// those shared with it and those shared with all.
func (s *Service) DescribeSnapshots(c *core.Call, in *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
	q := snapshotQuery{account: c.Account.ID, owners: in.OwnerIds, restorable: in.RestorableByUserIds}
	found, next, err := describe(s, c, in, search[*snapshot, snapshotView]{
		shelf:   func(st *site) *shelf[*snapshot] { return s.namedOr(in.SnapshotIds, s.snapshotShelf(st, q)) },
		ids:     in.SnapshotIds,
		exists:  func(id string) error { return s.snapshotExists(c, id) },
		id:      func(sn *snapshot) string { return sn.id },
		told:    func(sn *snapshot) *snapshot { return s.toldSnapshot(c, sn) },
		fits:    func(sn *snapshot) bool { return !sn.gone(c.Now) && q.match(sn) },
		view:    func(sn *snapshot) snapshotView { return snapshotView{sn, c.Now, c.Account.ID} },
		filters: snapshotFilters,
		tags:    func(v snapshotView) map[string]string { return v.tags[v.viewer] },
	})
	out := &ec2.DescribeSnapshotsOutput{NextToken: next}
	out.Snapshots = slices.Grow(out.Snapshots, len(found))
	for _, sn := range found {
		out.Snapshots = append(out.Snapshots, sn.api(c.Now, c.Account.ID))
	}
	return out, err
}

// snapshotExists returns the error for an id that names nothing. One that
// names a snapshot the caller has no access to is no error unless
// Limits.UnseenIsNotFound: the snapshot is just not in the answer.
// Source: EC2 API Reference, DescribeSnapshots.
func (s *Service) snapshotExists(c *core.Call, id string) error {
	if err := checkID(id, snapshotID); err != nil {
		return err
	}
	sn := s.toldSnapshot(c, s.snapshots[id])
	if sn == nil || sn.gone(c.Now) || sn.site.Region != c.Region || !s.listed(sn) {
		return noSnapshot(id)
	}
	if s.limits.UnseenIsNotFound && !sn.visible(c.Account.ID) {
		return noSnapshot(id)
	}
	return nil
}

// namedOr puts the snapshots with the ids on a shelf, so that a call which
// names some does not look at all. Without ids it returns the shelf of all.
func (s *Service) namedOr(ids []string, all *shelf[*snapshot]) *shelf[*snapshot] {
	if len(ids) == 0 {
		return all
	}
	sh := &shelf[*snapshot]{}
	for _, id := range ids {
		if sn := s.snapshots[id]; sn != nil {
			sh.add(sn)
		}
	}
	slices.SortFunc(sh.items, func(a, b *snapshot) int { return cmp.Compare(a.seq, b.seq) })
	sh.items = slices.Compact(sh.items)
	return sh
}

// A snapshotQuery is whose snapshots are asked for.
type snapshotQuery struct {
	account    string // the caller's
	owners     []string
	restorable []string
}

// snapshotShelf returns the shortest shelf that holds all answers.
func (s *Service) snapshotShelf(st *site, q snapshotQuery) *shelf[*snapshot] {
	own := len(q.owners) > 0
	for _, o := range q.owners {
		own = own && (o == "self" || o == q.account)
	}
	if own {
		return &st.snapshots
	}
	return &s.region(st.Region).snapshots
}

func (q snapshotQuery) match(sn *snapshot) bool {
	return sn.visible(q.account) && q.ownerFits(sn) && q.restorableFits(sn)
}

func (q snapshotQuery) ownerFits(sn *snapshot) bool {
	if len(q.owners) == 0 {
		return true
	}
	for _, o := range q.owners {
		if o == sn.site.Account || o == "self" && sn.site.Account == q.account {
			return true
		}
	}
	return false
}

// restorableFits looks at create volume permissions: "You can specify Amazon
// Web Services account IDs (if you own the snapshots), self for snapshots for
// which you own or have explicit permissions, or all for public snapshots."
// Source: EC2 API Reference, DescribeSnapshots.
func (q snapshotQuery) restorableFits(sn *snapshot) bool {
	if len(q.restorable) == 0 {
		return true
	}
	own := sn.site.Account == q.account
	for _, r := range q.restorable {
		switch {
		case r == "all":
			if sn.forAll() {
				return true
			}
		case r == "self" || r == q.account:
			if own || sn.sharedWith(q.account) {
				return true
			}
		case own && sn.sharedWith(r):
			return true
		}
	}
	return false
}

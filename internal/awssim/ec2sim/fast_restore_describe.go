package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Source: EC2 API Reference, DescribeFastSnapshotRestores.
var fastRestoreFilters = attributes[fastRestoreView]{
	"availability-zone":    func(v fastRestoreView) []string { return one(v.zone) },
	"availability-zone-id": func(v fastRestoreView) []string { return one(zoneID(v.zone)) },
	"owner-id":             func(v fastRestoreView) []string { return one(v.viewer) },
	"snapshot-id":          func(v fastRestoreView) []string { return one(v.snapshot.id) },
	"state":                func(v fastRestoreView) []string { return one(string(v.state(v.now))) },
}

// DescribeFastSnapshotRestores lists what the account enabled for fast restore
// in the Region, and what it had enabled and disabled again.
func (s *Service) DescribeFastSnapshotRestores(c *core.Call, in *ec2.DescribeFastSnapshotRestoresInput) (*ec2.DescribeFastSnapshotRestoresOutput, error) {
	found, next, err := describe(s, c, in, search[*fastRestore, fastRestoreView]{
		shelf: func(st *site) *shelf[*fastRestore] {
			st.settleFastRestores(c.Now)
			return &st.fastRestores
		},
		view:    func(f *fastRestore) fastRestoreView { return fastRestoreView{f, c.Now, c.Account.ID} },
		filters: fastRestoreFilters,
		// Source: EC2 API Reference, DescribeFastSnapshotRestores: from 0 to 200.
		least: -1, limit: 200,
	})
	out := &ec2.DescribeFastSnapshotRestoresOutput{NextToken: next}
	for _, f := range found {
		out.FastSnapshotRestores = append(out.FastSnapshotRestores, f.api(c.Now, c.Account.ID))
	}
	return out, err
}

// api describes a fastRestore to the account that enabled it. EC2 has a type
// of the same members for each of the operations.
func (f *fastRestore) api(now time.Time, account string) types.DescribeFastSnapshotRestoreSuccessItem {
	past := func(t time.Time) *time.Time {
		if now.Before(t) || !f.disabled.IsZero() && f.disabled.Before(t) {
			return nil
		}
		return &t
	}
	out := types.DescribeFastSnapshotRestoreSuccessItem{
		AvailabilityZone: aws.String(f.zone), AvailabilityZoneId: aws.String(zoneID(f.zone)), OwnerId: aws.String(account),
		SnapshotId: aws.String(f.snapshot.id), State: f.state(now), EnablingTime: aws.Time(f.enabled),
		OptimizingTime: past(f.enabled.Add(f.toggle)), EnabledTime: past(f.enabled.Add(f.toggle).Add(f.optimizes)),
		// Source: EC2 API Reference, DescribeFastSnapshotRestoreSuccessItem.
		StateTransitionReason: aws.String("Client.UserInitiated - Lifecycle state transition"),
	}
	switch out.State {
	case types.FastSnapshotRestoreStateCodeEnabling, types.FastSnapshotRestoreStateCodeDisabling:
		out.StateTransitionReason = aws.String("Client.UserInitiated")
	}
	if !f.disabled.IsZero() {
		out.DisablingTime = aws.Time(f.disabled)
		if end := f.disabled.Add(f.toggle); !now.Before(end) {
			out.DisabledTime = aws.Time(end)
		}
	}
	return out
}

package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Source: EC2 API Reference, DescribeSnapshotTierStatus.
var tierFilters = attributes[snapshotView]{
	"snapshot-id":            snapshotFilters["snapshot-id"],
	"volume-id":              snapshotFilters["volume-id"],
	"last-tiering-operation": func(v snapshotView) []string { return one(string(v.tier.status(v.now))) },
}

// DescribeSnapshotTierStatus lists the caller's snapshots and in which tier
// each of them is. Whether AWS leaves out those that were never archived is
// not documented.
func (s *Service) DescribeSnapshotTierStatus(c *core.Call, in *ec2.DescribeSnapshotTierStatusInput) (*ec2.DescribeSnapshotTierStatusOutput, error) {
	found, next, err := describe(s, c, in, search[*snapshot, snapshotView]{
		shelf:   func(st *site) *shelf[*snapshot] { return &st.snapshots },
		told:    func(sn *snapshot) *snapshot { return s.toldSnapshot(c, sn) },
		fits:    func(sn *snapshot) bool { return !sn.gone(c.Now) },
		view:    func(sn *snapshot) snapshotView { return snapshotView{sn, c.Now, c.Account.ID} },
		filters: tierFilters,
	})
	out := &ec2.DescribeSnapshotTierStatusOutput{NextToken: next}
	for _, sn := range found {
		out.SnapshotTierStatuses = append(out.SnapshotTierStatuses, sn.tierStatus(c.Now))
	}
	return out, err
}

func (sn *snapshot) tierStatus(now time.Time) types.SnapshotTierStatus {
	out := types.SnapshotTierStatus{
		OwnerId: aws.String(sn.site.Account), SnapshotId: aws.String(sn.id), Status: sn.state(now), StorageTier: sn.storageTier(now),
		Tags: apiTags(sn.tags[sn.site.Account]), VolumeId: aws.String(sn.volume),
	}
	t := sn.tier
	if t == nil {
		return out
	}
	out.LastTieringOperationStatus = t.status(now)
	out.LastTieringStartTime = aws.Time(t.start)
	out.LastTieringProgress = aws.Int32(100)
	if t.moving(now) {
		out.LastTieringProgress = aws.Int32(int32(99 * now.Sub(t.start) / t.done.Sub(t.start)))
	}
	if !now.Before(t.archived) {
		out.ArchivalCompleteTime = aws.Time(t.archived)
	}
	if t.onLoan(now) {
		out.RestoreExpiryTime = aws.Time(t.expires)
	}
	return out
}

// status of the last move; empty if there was none.
func (t *tiering) status(now time.Time) types.TieringOperationStatus {
	if t == nil {
		return ""
	}
	status := map[tierMove][2]types.TieringOperationStatus{
		archival:         {types.TieringOperationStatusArchivalInProgress, types.TieringOperationStatusArchivalCompleted},
		temporaryRestore: {types.TieringOperationStatusTemporaryRestoreInProgress, types.TieringOperationStatusTemporaryRestoreCompleted},
		permanentRestore: {types.TieringOperationStatusPermanentRestoreInProgress, types.TieringOperationStatusPermanentRestoreCompleted},
	}[t.move]
	if t.moving(now) {
		return status[0]
	}
	return status[1]
}

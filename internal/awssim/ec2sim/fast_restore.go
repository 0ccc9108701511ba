package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxFastRestoreGiB is the size of the largest snapshot that can be enabled
// for fast restore.
// Source: Amazon EBS User Guide, "Amazon EBS fast snapshot restore".
const maxFastRestoreGiB = 16 << 10

// A fastRestore is one snapshot enabled for fast restore in one zone, by its
// owner or by an account that it is shared with.
type fastRestore struct {
	seq       uint64
	snapshot  *snapshot
	zone      string
	enabled   time.Time // the moment of the request
	optimizes time.Duration
	toggle    time.Duration // how long enabling and disabling take
	disabled  time.Time     // the moment of the request; zero: it is enabled
	credits   float64       // volumes that can be made, as of counted
	counted   time.Time
}

func (f *fastRestore) order() uint64 { return f.seq }

// A fastRestoreView is a fastRestore of an account at one time.
type fastRestoreView struct {
	*fastRestore
	now    time.Time
	viewer string
}

func (f *fastRestore) state(now time.Time) types.FastSnapshotRestoreStateCode {
	on := now.Sub(f.enabled) - f.toggle
	switch {
	case !f.disabled.IsZero() && now.Before(f.disabled.Add(f.toggle)):
		return types.FastSnapshotRestoreStateCodeDisabling
	case !f.disabled.IsZero():
		return types.FastSnapshotRestoreStateCodeDisabled
	case on < 0:
		return types.FastSnapshotRestoreStateCodeEnabling
	case on < f.optimizes:
		return types.FastSnapshotRestoreStateCodeOptimizing
	}
	return types.FastSnapshotRestoreStateCodeEnabled
}

// settleFastRestores disables those whose snapshot was deleted, archived or
// shared no more. When AWS notices is not documented; here it is when somebody looks.
// Source: Amazon EBS User Guide, "Configure fast snapshot restore", and
// "Archive an Amazon EBS snapshot".
func (st *site) settleFastRestores(now time.Time) {
	for _, f := range st.fastRestores.items {
		if f.disabled.IsZero() && (f.snapshot.gone(now) || f.snapshot.tier.inArchive(now) || !f.snapshot.visible(st.Account)) {
			f.disabled = stamp(now)
		}
	}
}

// fastRestore returns what a site enabled, or is disabling, or nil.
func (st *site) fastRestore(now time.Time, sn *snapshot, zone string) *fastRestore {
	for _, f := range st.fastRestores.items {
		if f.snapshot == sn && f.zone == zone && f.state(now) != types.FastSnapshotRestoreStateCodeDisabled {
			return f
		}
	}
	return nil
}

// EnableFastSnapshotRestores enables snapshots for fast restore in zones. For
// each of them that cannot be, the answer says why.
func (s *Service) EnableFastSnapshotRestores(c *core.Call, in *ec2.EnableFastSnapshotRestoresInput) (*ec2.EnableFastSnapshotRestoresOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	snapshots, zones, err := s.fastRestoreNeeds(c, in.SourceSnapshotIds, in.AvailabilityZones, in.AvailabilityZoneIds)
	if err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	st.settleFastRestores(c.Now)
	out := &ec2.EnableFastSnapshotRestoresOutput{}
	for _, sn := range snapshots {
		failed := types.EnableFastSnapshotRestoreErrorItem{SnapshotId: aws.String(sn.id)}
		for _, zone := range zones {
			f, fault := s.enableFastRestore(c.Now, st, sn, zone)
			if fault != nil {
				failed.FastSnapshotRestoreStateErrors = append(failed.FastSnapshotRestoreStateErrors, types.EnableFastSnapshotRestoreStateErrorItem{
					AvailabilityZone: aws.String(zone), AvailabilityZoneId: aws.String(zoneID(zone)),
					Error: &types.EnableFastSnapshotRestoreStateError{Code: aws.String(fault.Code), Message: aws.String(fault.Message)},
				})
				continue
			}
			out.Successful = append(out.Successful, types.EnableFastSnapshotRestoreSuccessItem(f.api(c.Now, st.Account)))
		}
		if len(failed.FastSnapshotRestoreStateErrors) > 0 {
			out.Unsuccessful = append(out.Unsuccessful, failed)
		}
	}
	return out, nil
}

// enableFastRestore enables one pair. Enabling what is enabled changes
// nothing. The codes are not documented.
func (s *Service) enableFastRestore(now time.Time, st *site, sn *snapshot, zone string) (*fastRestore, *core.Error) {
	if f := st.fastRestore(now, sn, zone); f != nil && f.disabled.IsZero() {
		return f, nil
	}
	used := map[string]bool{}
	for _, f := range st.fastRestores.items {
		if f.disabled.IsZero() {
			used[f.snapshot.id] = true
		}
	}
	switch {
	case sn.state(now) != types.SnapshotStateCompleted, sn.tier.inArchive(now):
		return nil, core.Errorf("IncorrectState", "The snapshot '%s' is not completed, or is archived", sn.id)
	case sn.size > maxFastRestoreGiB:
		return nil, core.Errorf("InvalidParameterValue", "The snapshot '%s' is larger than 16 TiB", sn.id)
	case !used[sn.id] && reached(s.limits.FastRestores, len(used)):
		return nil, core.Errorf("ResourceLimitExceeded", "You have reached the limit of snapshots enabled for fast restore: %d", s.limits.FastRestores)
	}
	st.fastRestores.items = slices.DeleteFunc(st.fastRestores.items, func(f *fastRestore) bool { return f.snapshot == sn && f.zone == zone })
	f := &fastRestore{
		seq: s.next(), snapshot: sn, zone: zone, enabled: stamp(now), counted: now, toggle: s.pace.FastRestoreSwitch,
		optimizes: time.Duration(int64(s.pace.FastRestore) / 1024 * int64(sn.size)),
	}
	st.fastRestores.add(f)
	return f, nil
}

// DisableFastSnapshotRestores ends it.
func (s *Service) DisableFastSnapshotRestores(c *core.Call, in *ec2.DisableFastSnapshotRestoresInput) (*ec2.DisableFastSnapshotRestoresOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	snapshots, zones, err := s.fastRestoreNeeds(c, in.SourceSnapshotIds, in.AvailabilityZones, in.AvailabilityZoneIds)
	if err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	st.settleFastRestores(c.Now)
	out := &ec2.DisableFastSnapshotRestoresOutput{}
	for _, sn := range snapshots {
		failed := types.DisableFastSnapshotRestoreErrorItem{SnapshotId: aws.String(sn.id)}
		for _, zone := range zones {
			f := st.fastRestore(c.Now, sn, zone)
			if f == nil {
				failed.FastSnapshotRestoreStateErrors = append(failed.FastSnapshotRestoreStateErrors, types.DisableFastSnapshotRestoreStateErrorItem{
					AvailabilityZone: aws.String(zone), AvailabilityZoneId: aws.String(zoneID(zone)),
					Error: &types.DisableFastSnapshotRestoreStateError{
						Code: aws.String("InvalidState"), Message: aws.String("Fast snapshot restore is not enabled in " + zone),
					},
				})
				continue
			}
			if f.disabled.IsZero() {
				f.disabled = stamp(c.Now)
			}
			out.Successful = append(out.Successful, types.DisableFastSnapshotRestoreSuccessItem(f.api(c.Now, st.Account)))
		}
		if len(failed.FastSnapshotRestoreStateErrors) > 0 {
			out.Unsuccessful = append(out.Unsuccessful, failed)
		}
	}
	return out, nil
}

// fastRestoreNeeds reads the snapshots and zones of a request, and checks that
// its caller may do what it asks for each pair of them.
func (s *Service) fastRestoreNeeds(c *core.Call, ids, names, zoneIDs []string) ([]*snapshot, []string, error) {
	if len(ids) == 0 || len(names)+len(zoneIDs) == 0 {
		return nil, nil, core.Errorf("MissingParameter", "The request must contain snapshots and zones")
	}
	if len(names) > 0 && len(zoneIDs) > 0 {
		return nil, nil, core.Errorf("InvalidParameterCombination", "Either AvailabilityZone or AvailabilityZoneId must be specified, but not both")
	}
	var zones []string
	for _, name := range names {
		z, err := zone(c.Region, &name, nil)
		if err != nil {
			return nil, nil, err
		}
		zones = append(zones, z)
	}
	for _, id := range zoneIDs {
		z, err := zone(c.Region, nil, &id)
		if err != nil {
			return nil, nil, err
		}
		zones = append(zones, z)
	}
	var snapshots []*snapshot
	var demanded []core.Need
	for _, id := range ids {
		sn, err := s.visibleSnapshot(c, c.Region, &id)
		if err != nil {
			return nil, nil, err
		}
		snapshots = append(snapshots, sn)
		for _, z := range zones {
			sub := sn.existing("snapshot", c.Account.ID).with(core.Keys("ec2:AvailabilityZone", z))
			demanded = append(demanded, needs(c.Operation, sub)...)
		}
	}
	return snapshots, zones, c.Authorize(demanded...)
}

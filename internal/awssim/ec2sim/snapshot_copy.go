package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// inaccessibleKey is the message of a copy whose caller may not use a key.
// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot".
const inaccessibleKey = "Given key ID is not accessible"

// A copyOrder is a copy about to be made.
type copyOrder struct {
	source *snapshot
	key    kmssim.ARN
	// unknownKey says that the caller named a key that is not there: AWS finds
	// out later.
	unknownKey bool
	encrypted  bool
	tags       map[string]string
}

// CopySnapshot copies a snapshot, the caller's own or one shared with it, from
// the Region it names to the Region it calls.
//
// What the caller may do with the keys is looked at as the copy starts, but
// told only afterwards, by the state of the copy. What happens to the source
// or to its sharing once the copy has started does not matter any more.
func (s *Service) CopySnapshot(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := checkCopy(c, in); err != nil {
		return nil, err
	}
	order, err := s.copyOrder(c, st, in)
	if err != nil {
		return nil, err
	}
	made := newCopy(st.Site, order.encrypted, order.tags)
	demanded := append(needs("CopySnapshot", order.source.existing("source", c.Account.ID), made),
		tagging("CopySnapshot", made, order.tags)...)
	if err := c.Authorize(demanded...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	if err := order.source.usable(c.Now); err != nil {
		return nil, err
	}
	if err := s.canCopy(c.Now, st); err != nil {
		return nil, err
	}
	if in.CompletionDurationMinutes != nil {
		if err := s.canHurry(c.Now, st, order.source.site.Region); err != nil {
			return nil, err
		}
	}
	sn := s.copy(c, st, order)
	st.copies.add(sn, doneBy(c.Now))
	sn.minutes = aws.ToInt32(in.CompletionDurationMinutes)
	if in.Description != nil {
		sn.description = *in.Description
	}
	if presigned(c, in) {
		s.finishCopy(c, st, sn, order)
	} else {
		sn.failure, sn.done = "The presigned URL is not valid", sn.start.Add(s.pace.KeyCheck)
	}
	return &ec2.CopySnapshotOutput{SnapshotId: aws.String(sn.id), Tags: apiTags(order.tags)}, nil
}

// checkCopy checks what can be said of a request by itself.
// Source: EC2 API Reference, CopySnapshot.
func checkCopy(c *core.Call, in *ec2.CopySnapshotInput) error {
	switch {
	case in.DestinationOutpostArn != nil:
		return c.Unsupported("DestinationOutpostArn")
	case in.DestinationAvailabilityZone != nil:
		return c.Unsupported("DestinationAvailabilityZone")
	case in.SourceRegion == nil || *in.SourceRegion == "":
		return core.Errorf("MissingParameter", "The request must contain the parameter SourceRegion")
	case !c.Account.Enabled(*in.SourceRegion):
		return core.Errorf("InvalidParameterValue", "Value (%s) for parameter SourceRegion is invalid.", *in.SourceRegion)
	case in.Encrypted != nil && !*in.Encrypted:
		return core.Errorf("InvalidParameterValue", "Value (false) for parameter Encrypted is invalid. The parameter cannot be set to false.")
	case in.KmsKeyId != nil && !aws.ToBool(in.Encrypted):
		return core.Errorf("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	// Source: Amazon EBS User Guide, "Time-based copies": 15-minute steps from
	// 15 minutes to 48 hours.
	if m := in.CompletionDurationMinutes; m != nil && (*m < 15 || *m > 2880 || *m%15 != 0) {
		return core.Errorf("InvalidParameterValue", "Value (%d) for parameter CompletionDurationMinutes is invalid.", *m)
	}
	return nil
}

func (s *Service) copyOrder(c *core.Call, st *site, in *ec2.CopySnapshotInput) (copyOrder, error) {
	source, err := s.visibleSnapshot(c, *in.SourceRegion, in.SourceSnapshotId)
	if err != nil {
		return copyOrder{}, err
	}
	tags, err := createTags(in.TagSpecifications, "snapshot")
	if err != nil {
		return copyOrder{}, err
	}
	// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot", encryption
	// outcomes: a copy is encrypted if the source is, if it is asked for or if
	// that is the default; without a key named, under the caller's default key.
	order := copyOrder{source: source, tags: tags["snapshot"], encrypted: source.encrypted() || aws.ToBool(in.Encrypted) || st.encrypts}
	if !order.encrypted {
		return order, nil
	}
	if source.encrypted() && in.PresignedUrl == nil {
		return copyOrder{}, core.Errorf("MissingParameter", "The request must contain the parameter PresignedUrl")
	}
	if in.KmsKeyId == nil {
		order.key = s.defaultKey(st)
		return order, nil
	}
	key, ok := s.kms.Resolve(st.Site, *in.KmsKeyId)
	if !ok {
		order.unknownKey, key = true, kmssim.ARN(*in.KmsKeyId)
	}
	order.key = key
	return order, nil
}

// presigned tells whether a presigned URL is good for this copy. It is not
// when a client uses one input for two calls.
// Source: EC2 API Reference, CopySnapshot, PresignedUrl: "An invalid or
// improperly signed PresignedUrl will cause the copy operation to fail
// asynchronously".
func presigned(c *core.Call, in *ec2.CopySnapshotInput) bool {
	if in.PresignedUrl == nil {
		return true
	}
	form, err := c.CheckPresigned(core.Presigned{URL: *in.PresignedUrl, Region: *in.SourceRegion, Operation: "CopySnapshot"})
	return err == nil && form.Get("SourceSnapshotId") == *in.SourceSnapshotId &&
		form.Get("SourceRegion") == *in.SourceRegion && form.Get("DestinationRegion") == c.Region
}

// canCopy checks the limits of the destination.
func (s *Service) canCopy(now time.Time, st *site) error {
	if st.copies.full(s.limits.CopiesPerRegion, 0, doneBy(now)) {
		return core.Errorf("ResourceLimitExceeded",
			"Too many snapshot copies in progress. The limit is %d for this destination region.", s.limits.CopiesPerRegion)
	}
	return s.roomFor(st, 1)
}

// copy makes the copy, which has the source's contents from the start.
func (s *Service) copy(c *core.Call, st *site, order copyOrder) *snapshot {
	sn := &snapshot{
		id: s.cloud.NewID("snap"), seq: s.next(), site: st.Site, volume: copiedVolume, size: order.source.size,
		description: copyDescription(order.source), key: order.key, start: stamp(c.Now),
		tags: ownTags(c.Account.ID, order.tags), data: order.source.data,
		billing: s.carried(st, order.source), copied: true, source: order.source.site, sourceID: order.source.id, lineage: order.source.lineage,
	}
	sn.context = sn.id
	s.keep(sn)
	return sn
}

// finishCopy decides when and how the copy ends.
func (s *Service) finishCopy(c *core.Call, st *site, sn *snapshot, order copyOrder) {
	same := order.source.key == sn.key
	keys := []keyed{
		{key: order.source.key, id: order.source.context, same: same},
		{key: sn.key, id: sn.context, same: same},
	}
	fault := keyState
	if !order.unknownKey {
		fault = s.tryKeys(c, copyUses, keys...)
	}
	if fault != keyWorks {
		sn.failure, sn.done = inaccessibleKey, sn.start.Add(s.pace.KeyCheck)
		return
	}
	sn.written, sn.full = int32(sn.data.count), true
	if previous := s.base(c.Now, st, sn); previous != nil {
		sn.written, sn.full = int32(sn.data.changedSince(&previous.data)), false
	}
	usual := s.moving(Work{Copy: true, Origin: sn.lineage, Blocks: int(sn.written)})
	sn.done = sn.start.Add(usual)
	if sn.minutes > 0 {
		sn.done = s.hurried(c.Now, st, sn, usual)
	}
	st.lineages[sn.lineage].add(sn)
	s.grantCopy(c, sn, keys...)
}

// A lineage remembers the copies of one volume's snapshots in a site.
type lineage struct {
	copies []*snapshot // oldest first; those that failed or are gone may be among them
}

func (l *lineage) add(sn *snapshot) { l.copies = append(l.copies, sn) }

// base returns the copy that a new one is incremental to, or nil if it is a
// full copy.
// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot", incremental
// copying: within an account and Region and under the same key always; to
// elsewhere if the most recent copy still exists there, is not archived, and
// all copies there have the same key. One in the Recycle Bin does not count as
// existing, which is the stricter reading.
func (s *Service) base(now time.Time, st *site, sn *snapshot) *snapshot {
	l := st.lineages[sn.lineage]
	if l == nil {
		l = &lineage{}
		st.lineages[sn.lineage] = l
	}
	if sn.source == st.Site {
		if source := s.snapshotByID(now, sn.sourceID); source != nil && source.key == sn.key {
			return source
		}
	}
	if len(l.copies) == 0 {
		return nil
	}
	// The most recent copy is the one made last, even if it is gone.
	newest := l.copies[len(l.copies)-1]
	l.copies = slices.DeleteFunc(l.copies, func(old *snapshot) bool { return old != newest && old.gone(now) })
	if newest.gone(now) || newest.failure != "" || newest.tier.inArchive(now) {
		return nil
	}
	for _, old := range l.copies {
		if old.key != sn.key {
			return nil
		}
	}
	return newest
}

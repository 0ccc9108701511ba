package ec2sim

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// abandoned is why an upload ends that nobody completes. The text is not
// documented.
const abandoned = "The snapshot was not completed before its timeout"

// An upload is what EC2 keeps of a snapshot that StartSnapshot has made.
type upload struct {
	disk     disk
	sums     map[int64][sha256.Size]byte // of the blocks put; nil once it is sealed
	progress int32                       // as the client tells it
	timeout  time.Duration               // from the start, or from the last block
	family   string
}

func (u *upload) open() bool { return u != nil && u.sums != nil }

// An Upload is what StartUpload begins.
type Upload struct {
	// Parent has the contents that blocks are put on; nil means none.
	Parent      *Direct
	SizeGiB     int32
	Description string
	Tags        map[string]string
	Key         kmssim.ARN // empty: not encrypted
	Timeout     time.Duration
}

// CanStart returns an error if the caller's site may have no more snapshots.
func (s *Service) CanStart(c *core.Call) error {
	return s.roomFor(s.site(Site{Account: c.Account.ID, Region: c.Region}), 1)
}

// Uploads counts the caller's uploads that are pending in the Region.
func (s *Service) Uploads(c *core.Call) int {
	st := s.site(Site{Account: c.Account.ID, Region: c.Region})
	st.uploads = slices.DeleteFunc(st.uploads, func(sn *snapshot) bool { return !c.Now.Before(sn.done) })
	return len(st.uploads)
}

// MayUpload tells whether the caller may start a snapshot under a key.
func (s *Service) MayUpload(c *core.Call, key kmssim.ARN) KeyFault {
	// The snapshot has no id yet, so no encryption context tells of it.
	return s.tryKeys(c, startUses, keyed{key: key, id: "*", same: true})
}

// StartUpload makes a snapshot that blocks are put into. It shows in EC2 at
// once, as pending.
func (s *Service) StartUpload(c *core.Call, u Upload) Direct {
	st := s.site(Site{Account: c.Account.ID, Region: c.Region})
	start := stamp(c.Now)
	sn := &snapshot{
		id: s.cloud.NewID("snap"), seq: s.next(), site: st.Site, volume: copiedVolume, size: u.SizeGiB,
		description: u.Description, key: u.Key, tags: ownTags(c.Account.ID, u.Tags),
		start: start, done: start.Add(u.Timeout), failure: abandoned,
		upload: &upload{sums: map[int64][sha256.Size]byte{}, timeout: u.Timeout},
	}
	sn.lineage, sn.context = sn.id, sn.id
	if u.Parent != nil {
		sn.lineage, sn.upload.family = u.Parent.sn.lineage, u.Parent.sn.family()
		sn.data = u.Parent.sn.data
		sn.upload.disk = diskFrom(sn.data)
	}
	st.uploads = append(st.uploads, sn)
	s.keep(sn)
	return Direct{s, sn}
}

// Open tells whether blocks can be put: the snapshot is pending and nobody has
// completed or deleted it.
func (d Direct) Open(now time.Time) bool {
	return d.sn.upload.open() && d.sn.state(now) == types.SnapshotStatePending && !d.sn.deleting
}

// Put writes a block, whose checksum has been verified, and starts the
// timeout anew. progress is what the client says; nil means nothing.
func (d Direct) Put(now time.Time, i int64, data []byte, sum [sha256.Size]byte, progress *int32) {
	u := d.sn.upload
	u.disk.write(i, data)
	u.sums[i] = sum
	if progress != nil {
		u.progress = *progress
	}
	d.sn.data = u.disk.frozen
	d.sn.done = stamp(now).Add(u.timeout)
}

// PutCount is how many blocks were put.
func (d Direct) PutCount() int { return len(d.sn.upload.sums) }

// LinearSum is the checksum of the checksums of the blocks that were put, in
// the order of their indexes.
// Source: awslabs/coldsnap, upload.rs: the raw digests are hashed, not their
// base64 texts.
func (d Direct) LinearSum() [sha256.Size]byte {
	h := sha256.New()
	for _, i := range slices.Sorted(maps.Keys(d.sn.upload.sums)) {
		sum := d.sn.upload.sums[i]
		h.Write(sum[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Complete seals the snapshot. It completes after the time that any snapshot
// takes; its blocks are there already.
func (d Direct) Complete(now time.Time) {
	d.sn.written, d.sn.full = int32(d.PutCount()), d.sn.upload.family == ""
	d.sn.upload.sums, d.sn.upload.disk = nil, disk{}
	d.sn.failure = ""
	d.sn.done = stamp(now).Add(d.s.work(d.s.pace.Snapshot, 0, 0))
}

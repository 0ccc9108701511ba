package ec2sim

import (
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A Direct is a snapshot as the EBS direct APIs work on it. It is for package
// ebssim, whose operations hold the cloud's lock already.
type Direct struct {
	s  *Service
	sn *snapshot
}

// Direct returns the snapshot with an id in the Region of a call, whoever owns
// it. ok is false if there is none.
func (s *Service) Direct(c *core.Call, id string) (d Direct, ok bool) {
	s.settle(c.Now)
	sn := s.snapshotByID(c.Now, id)
	if sn == nil || sn.site.Region != c.Region || !s.listed(sn) {
		return Direct{}, false
	}
	return Direct{s, sn}, true
}

// Ref names the snapshot.
func (d Direct) Ref() Ref { return Ref{Site: d.sn.site, ID: d.sn.id} }

// ARN of the snapshot.
func (d Direct) ARN() string { return sharedARN(d.sn.site.Region, "snapshot", d.sn.id) }

// State of the snapshot.
func (d Direct) State(now time.Time) types.SnapshotState { return d.sn.state(now) }

// Archived tells whether the snapshot is in the archive.
func (d Direct) Archived(now time.Time) bool { return d.sn.tier.inArchive(now) }

// Start is when the snapshot was started.
func (d Direct) Start() time.Time { return d.sn.start }

// SizeGiB is the size of the volume.
func (d Direct) SizeGiB() int32 { return d.sn.size }

// BlockCount is how many blocks the volume has, written or not.
func (d Direct) BlockCount() int64 { return int64(d.sn.size) * blocksPerGiB }

// Key that the snapshot is encrypted under; empty means that it is not.
func (d Direct) Key() kmssim.ARN { return d.sn.key }

// Tags that an account has put on the snapshot.
func (d Direct) Tags(account string) map[string]string { return d.sn.tags[account] }

// Public tells whether the snapshot is shared with everybody.
func (d Direct) Public() bool { return d.sn.forAll() }

// SharedWith tells whether the snapshot is shared with an account by name.
func (d Direct) SharedWith(account string) bool { return d.sn.sharedWith(account) }

// Related tells whether two snapshots have the same lineage: they were made of
// one volume, or one is the parent of the other's upload, through any number
// of steps. Whether copies belong to the lineage of their source is for the
// caller to say.
func (d Direct) Related(other Direct, copies bool) bool {
	if copies {
		return d.sn.lineage == other.sn.lineage
	}
	return d.sn.family() == other.sn.family()
}

// family is the lineage without that of the source of a copy.
func (sn *snapshot) family() string {
	switch {
	case sn.upload != nil && sn.upload.family != "":
		return sn.upload.family
	case sn.copied:
		return sn.id
	}
	return sn.lineage
}

// Blocks lists the written blocks in order, from an index on.
func (d Direct) Blocks(first int64) iter.Seq[int64] { return d.sn.data.from(first) }

// Changes lists the blocks that differ from another snapshot, in order, from
// an index on: those that only one of them holds as well.
func (d Direct) Changes(old Direct, first int64) iter.Seq[int64] {
	return d.sn.data.changedFrom(first, &old.sn.data)
}

// Holds tells whether a block is written.
func (d Direct) Holds(i int64) bool { return d.sn.data.at(i).written() }

// Read returns a copy of a block with all its bytes.
func (d Direct) Read(i int64) []byte {
	data := make([]byte, BlockSize)
	copy(data, d.sn.data.at(i).data(i))
	return data
}

// Uses of the key of a snapshot by the EBS direct APIs. Which of these each
// call makes is not documented; all are demanded wherever data is written.
// Source: Amazon EBS User Guide, "Control access to EBS direct APIs using
// IAM", permissions to use KMS keys.
var (
	readUses  = []keyUse{{action: "Decrypt", crypto: true}}
	writeUses = []keyUse{
		{action: "Encrypt", crypto: true},
		{action: "Decrypt", crypto: true},
		{action: "GenerateDataKey", crypto: true},
		{action: "GenerateDataKeyWithoutPlaintext", crypto: true},
		{action: "ReEncryptFrom", crypto: true},
		{action: "ReEncryptTo", crypto: true},
	}
	startUses = append([]keyUse{{action: "DescribeKey", direct: true}, {action: "CreateGrant", grant: true}}, writeUses...)
)

// A KeyFault says why a key cannot be used.
type KeyFault = keyFault

// The key faults.
const (
	KeyWorks     = keyWorks
	KeyState     = keyState
	KeyForbidden = keyForbidden
)

// MayRead tells whether the caller may read under the snapshot's key, if it
// has one.
func (d Direct) MayRead(c *core.Call) KeyFault {
	return d.s.tryKeys(c, readUses, keyed{key: d.sn.key, id: d.sn.context, same: true})
}

// MayWrite tells whether the caller may write under the snapshot's key, if it
// has one.
func (d Direct) MayWrite(c *core.Call) KeyFault {
	return d.s.tryKeys(c, writeUses, keyed{key: d.sn.key, id: d.sn.context, same: true})
}

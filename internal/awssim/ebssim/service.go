package ebssim

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A Service answers the EBS direct APIs for all accounts.
type Service struct {
	cloud  *core.Cloud
	ec2    *ec2sim.Service
	kms    *kmssim.Service
	rules  Rules
	secret uint64 // of the tokens
	starts map[start]*started
	onRead func(Read)
}

// New returns the service over the snapshots of an EC2.
func New(cloud *core.Cloud, ec2 *ec2sim.Service, keys *kmssim.Service) *Service {
	return &Service{
		cloud: cloud, ec2: ec2, kms: keys, rules: Rules{}.withDefaults(), secret: cloud.Rand().Uint64(),
		starts: map[start]*started{},
	}
}

// Rules are what AWS does not document, or lets vary.
type Rules struct {
	// CopiesRelated has copies belong to the lineage of their source, so that
	// ListChangedBlocks compares them. No public source tells; false is harder.
	CopiesRelated bool
	// OwnersOnly refuses to read snapshots that are merely shared with the
	// caller. AWS excludes public snapshots by name and does not speak of those
	// shared with an account, so they can be read unless this is set.
	OwnersOnly bool
	// Short is the part of the pages of a listing that have less than was asked
	// for, or nothing, with more to come. Zero means 0.125, negative none.
	// Source: EBS direct APIs Reference, ListSnapshotBlocks, MaxResults.
	Short float64
	// Pending is how many snapshots that StartSnapshot has made may be pending
	// in an account and Region. Zero means 100, negative no limit.
	// Source: Amazon EBS User Guide, "Quotas for Amazon EBS".
	Pending int
	// BlockTokens and PageTokens are how long these are good for. Zero means
	// 7 days and 60 minutes.
	// Source: Amazon EBS User Guide, "Read snapshots with EBS direct APIs".
	BlockTokens, PageTokens time.Duration
}

func (r Rules) withDefaults() Rules {
	if r.Short == 0 {
		r.Short = 0.125
	}
	if r.Pending == 0 {
		r.Pending = 100
	}
	if r.BlockTokens == 0 {
		r.BlockTokens = 7 * 24 * time.Hour
	}
	if r.PageTokens == 0 {
		r.PageTokens = time.Hour
	}
	return r
}

// SetRules replaces the rules.
func (s *Service) SetRules(r Rules) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.rules = r.withDefaults()
}

// A Read is a block on its way to a client.
type Read struct {
	Snapshot ec2sim.Ref
	Block    int64
	Caller   string // ARN
	// Data is what the client gets. Its checksum is made already: who changes
	// it corrupts the block, for this one answer.
	Data []byte
}

// OnRead sets who is shown every block that is read. It runs under the
// cloud's lock, so it must not use the cloud. Nil means nobody.
func (s *Service) OnRead(f func(Read)) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.onRead = f
}

// site of a call.
func site(c *core.Call) ec2sim.Site { return ec2sim.Site{Account: c.Account.ID, Region: c.Region} }

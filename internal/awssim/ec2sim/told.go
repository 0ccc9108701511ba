package ec2sim

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// What a call is told of resources that changed a moment ago, when the cloud
// is eventually consistent: see core.Consistency.
//
// What it is told decides which ids there are, in operations that change
// something as well (hashicorp/packer tries CreateTags again for minutes for
// that), what lists and filters find, and whether somebody may use what was
// shared with it. The truth decides what the state of a resource forbids:
// quotas, states, what is in use. It also decides in authorization, the tags
// of a resource included: AWS does not say, and a policy that goes by tags
// that are no more would make a test of policies a test of chance. What a
// volume or instance is made from, or attached to, is told as it is.

// was remembers what resources were before they changed.
type was struct {
	tags   *core.Lag[map[string]string] // by resource and account
	shared *core.Lag[audience]          // by snapshot
	access *core.Lag[imageAccess]       // by image
}

// An audience is whom a snapshot is shared with.
type audience struct {
	accounts []string
	public   bool
}

func newWas() was {
	return was{
		tags:   core.NewLag[map[string]string](core.Tagging),
		shared: core.NewLag[audience](core.Sharing),
		access: core.NewLag[imageAccess](core.Sharing),
	}
}

// noteTags is told before the tags change that a caller's account has put on a resource.
func (w *was) noteTags(c *core.Call, r tagged) {
	w.tags.Was(c.Cloud, r.id+" "+c.Account.ID, r.tags[c.Account.ID])
}

// toldTags returns the tags that the caller's account is told of.
func (w *was) toldTags(c *core.Call, id string, tags tagSets) tagSets {
	account := c.Account.ID
	return tagSets{account: w.tags.Sees(c, id+" "+account, tags[account])}
}

// told tells whether the call sees that time has come for a resource, and
// otherwise sets it to a moment from now.
func told(c *core.Call, id string, when *time.Time) {
	if !when.After(c.Now) && !c.Sees(core.Progress, id, *when) {
		*when = c.Now.Add(1)
	}
}

// toldSnapshot returns a snapshot as the call is told of it, or nil if the call
// is not told that it exists. It must not be changed.
func (s *Service) toldSnapshot(c *core.Call, sn *snapshot) *snapshot {
	if sn == nil || !c.Lags() {
		return sn
	}
	if !c.Sees(core.Creation, sn.id, sn.start) {
		return nil
	}
	as := *sn
	if sn.gone(c.Now) {
		left := sn.left
		switch {
		case sn.bin.holds(c.Now):
			left = sn.bin.enter
		case !sn.removed:
			left = sn.done
		}
		if !c.Sees(core.Deletion, sn.id, left) {
			as.removed, as.deleting, as.bin = false, false, nil
		}
	}
	told(c, sn.id, &as.done)
	as.tags = s.was.toldTags(c, sn.id, sn.tags)
	to := s.was.shared.Sees(c, sn.id, audience{sn.shares, sn.public})
	as.shares, as.public = to.accounts, to.public
	return &as
}

func (s *Service) toldVolume(c *core.Call, v *volume) *volume {
	if v == nil || !c.Lags() {
		return v
	}
	if !c.Sees(core.Creation, v.id, v.created) {
		return nil
	}
	as := *v
	told(c, v.id, &as.ready)
	as.tags = s.was.toldTags(c, v.id, v.tags)
	return &as
}

func (s *Service) toldInstance(c *core.Call, in *instance) *instance {
	if in == nil || !c.Lags() {
		return in
	}
	if !c.Sees(core.Creation, in.id, in.made) {
		return nil
	}
	as := *in
	told(c, in.id, &as.at)
	as.tags = s.was.toldTags(c, in.id, in.tags)
	return &as
}

func (s *Service) toldImage(c *core.Call, im *image) *image {
	if im == nil || !c.Lags() {
		return im
	}
	if !c.Sees(core.Creation, im.id, im.created) {
		return nil
	}
	as := *im
	told(c, im.id, &as.ready)
	as.tags = s.was.toldTags(c, im.id, im.tags)
	as.access = s.was.access.Sees(c, im.id, im.access)
	return &as
}

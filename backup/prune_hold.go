package backup

import (
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// tagLegalHold on any snapshot of a point, whatever its value, keeps Prune from
// deleting the point. Nothing but a person sets it, or takes it away.
const tagLegalHold = "snapkeep:legal-hold"

// backupTags are what the tags of AWS Backup begin with, such as
// aws:backup:source-resource. Nobody can set or take away a tag that begins
// with aws: (EC2 User Guide, "Tag your Amazon EC2 resources": restrictions).
// What AWS Backup manages, EC2 does not let others delete (EBS User Guide,
// "Delete an Amazon EBS snapshot").
const backupTags = "aws:backup:"

// hold adds to the points of a group the holds that the cloud tells of, and
// those that follow from the catalog.
// The points are those of the stock, in their order.
func (p Plan) hold(id groupID, s stock, in []retention.RecoveryPoint, now time.Time) {
	points := s.groups[id]
	for i, pt := range points {
		holdLegally(&in[i], pt)
		holdForeign(&in[i], pt)
		in[i].Holds = append(in[i].Holds, s.held[id.place].of(pt)...)
		p.holdYoung(&in[i], pt, now)
	}
	if id.copy {
		holdLatestCopy(in, points)
		return
	}
	for _, c := range p.Copies {
		to := place{c.Site(), true}
		if s.unread[to] != nil {
			for i := range in {
				addHold(&in[i], retention.CopyPending, c.Site().String()+" cannot be read", time.Time{})
			}
			continue
		}
		holdUncopied(in, s.groups[groupID{to, id.resource}], c.Site())
	}
}

func addHold(pt *retention.RecoveryPoint, kind retention.HoldKind, ref string, until time.Time) {
	pt.Holds = append(pt.Holds, retention.Hold{Kind: kind, Ref: ref, Until: until})
}

func holdLegally(in *retention.RecoveryPoint, pt Point) {
	if slices.ContainsFunc(pt.snapshots(), func(s Snapshot) bool { _, held := s.Tags[tagLegalHold]; return held }) {
		addHold(in, retention.LegalHold, "", time.Time{})
	}
}

// holdForeign defers a point of which AWS Backup manages a snapshot.
func holdForeign(in *retention.RecoveryPoint, pt Point) {
	for _, s := range pt.snapshots() {
		for key := range s.Tags {
			if strings.HasPrefix(key, backupTags) {
				addHold(in, retention.Foreign, s.ID, time.Time{})
				return
			}
		}
	}
}

// holdYoung holds a point while one of its snapshots is younger than the
// session of a prune may delete: started after now, if the clocks differ or now
// is in the past; or, of originals, made for a copy less than MinAge ago.
// A copy is as old as its original, whenever it was made.
func (p Plan) holdYoung(in *retention.RecoveryPoint, pt Point, now time.Time) {
	for i, s := range pt.snapshots() {
		until := s.Started.UTC()
		if i < len(pt.Extra) && !pt.Copy {
			until = until.Add(p.Retention.MinAge)
		}
		if until.After(now) {
			addHold(in, retention.CopyPending, s.ID, until)
		}
	}
}

// holdLatestCopy holds the copy that was made last. It is the one that the
// next is incremental to (EBS User Guide, "Copy an Amazon EBS snapshot": the
// most recent snapshot copy), and not always the one with the newest data.
func holdLatestCopy(in []retention.RecoveryPoint, points []Point) {
	latest, made := -1, time.Time{}
	for i, pt := range points {
		if pt.State != retention.Complete {
			continue
		}
		for _, m := range pt.Members {
			if latest < 0 || m.Snapshot.Started.After(made) {
				latest, made = i, m.Snapshot.Started
			}
		}
	}
	if latest >= 0 {
		addHold(&in[latest], retention.LatestCopy, "", time.Time{})
	}
}

// holdUncopied holds the originals that a destination still needs: what is
// newer than its newest verified copy is to be copied, or counts until Every
// says that one is due; and what is just being copied. Anything else that is
// older and has no copy was passed over, and no run copies it any more.
func holdUncopied(in []retention.RecoveryPoint, copies []Point, to Site) {
	state := map[string]retention.State{}
	var newest time.Time
	for _, c := range copies {
		state[c.ID] = c.State
		if c.State == retention.Complete && c.Time.After(newest) {
			newest = c.Time
		}
	}
	for i := range in {
		copied, begun := state[in[i].ID]
		switch {
		case in[i].State != retention.Complete: // what is not whole is not copied
		case begun && copied == retention.Complete:
		case begun && copied == retention.Pending, in[i].Time.After(newest):
			addHold(&in[i], retention.CopyPending, to.String(), time.Time{})
		}
	}
}

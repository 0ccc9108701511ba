package backup

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// What the archive tier costs and takes (EBS User Guide, "Archive Amazon EBS
// snapshots": pricing and quotas).
const (
	// archiveDays are charged for in any case, however soon a snapshot goes.
	archiveDays = 90
	// archivePrice of a GB-month is a quarter of the standard tier's: $0.0125
	// and $0.05. But an archived snapshot is a full one, which shares no block.
	archivePrice = 0.25
	// archivedPerVolume is how many snapshots of a volume may be archived.
	archivedPerVolume = 25
	// assumedChange is what a day changes of a volume, where the plan says nothing.
	assumedChange = 0.02
)

// An Archive has old copies moved to the archive tier, see Engine.PlanArchive.
// Nothing can be read from there until it is restored to the standard tier,
// which takes up to 72 hours and costs by its size. Originals are never
// archived: their own account may do that.
type Archive struct {
	// AfterDays is how old the data of a point is at least, 1 to 36,500.
	AfterDays int `json:"afterDays"`
	// DailyChange is how much of a volume one day overwrites, from 0 to 1. The
	// less it is, the more snapshots share their blocks with those beside them,
	// and the less there is to save. Zero means 0.02.
	DailyChange float64 `json:"dailyChange,omitempty"`
}

func (c *planCheck) archive(field string, a *Archive) {
	if a == nil {
		return
	}
	if a.AfterDays < 1 || a.AfterDays > 36_500 {
		c.wrong(field+".afterDays", "%d: want 1 to 36500", a.AfterDays)
	}
	if !(a.DailyChange >= 0 && a.DailyChange <= 1) {
		c.wrong(field+".dailyChange", "%v: want 0 to 1", a.DailyChange)
	}
}

// An archiver decides what of one group of copies is moved to the archive.
type archiver struct {
	*Archive
	now    time.Time
	policy retention.Policy
	points []Point // of the group, oldest first
	holds  map[string][]retention.Hold
	// newest is the copy that was made last of each volume, at the place.
	newest map[string]string
	// archived counts what is in the archive of each volume, at the place, and
	// what was decided to go there.
	archived map[string]int
	kept     map[string]bool // by point: the policy keeps it for archiveDays more
}

// decide returns what becomes of each point, oldest first.
func (a *archiver) decide() []ArchiveDecision {
	out := make([]ArchiveDecision, len(a.points))
	for i, pt := range a.points {
		d := ArchiveDecision{Point: pt.ID, Time: pt.Time}
		for _, m := range pt.Members {
			if !a.inArchive(m.Snapshot) {
				d.Snapshots = append(d.Snapshots, m.Snapshot.ID)
			}
		}
		why := a.keeps(i)
		if why == "" {
			why = a.costs(i, out)
		}
		if d.Move = why == ""; d.Move {
			for _, m := range pt.Members {
				if slices.Contains(d.Snapshots, m.Snapshot.ID) {
					a.archived[m.Volume]++
				}
			}
			why = fmt.Sprintf("is kept for %d days more and shares little with the points beside it", archiveDays)
		} else {
			d.Snapshots = nil
		}
		d.Why = why
		out[i] = d
	}
	return out
}

func (a *archiver) inArchive(s Snapshot) bool {
	return s.Archived || slices.ContainsFunc(a.holds[s.ID], func(h retention.Hold) bool { return h.Kind == retention.ColdMinimum })
}

// keeps returns why a point must not be archived, or need not; "" if it may.
func (a *archiver) keeps(i int) string {
	pt := a.points[i]
	left := 0
	for _, m := range pt.Members {
		for _, h := range a.holds[m.Snapshot.ID] {
			if h.Kind == retention.InUse {
				return fmt.Sprintf("is used by %s", h.Ref)
			}
		}
		if !a.inArchive(m.Snapshot) {
			left++
		}
	}
	var foreign retention.RecoveryPoint
	holdForeign(&foreign, pt)
	newer := slices.ContainsFunc(a.points[i+1:], func(p Point) bool { return p.State == retention.Complete })
	switch {
	case pt.State != retention.Complete:
		return "is " + pt.State.String()
	case left == 0:
		return "is in the archive"
	case len(foreign.Holds) > 0:
		return "is managed by AWS Backup"
	case !newer:
		return "is the newest"
	case a.now.Before(pt.Time.Add(time.Duration(a.AfterDays) * lockDay)):
		return fmt.Sprintf("is younger than %d days", a.AfterDays)
	}
	for _, m := range pt.Members {
		if a.newest[m.Volume] == m.Snapshot.ID {
			return fmt.Sprintf("has the copy of %s that was made last: without it the next one would be a full copy", m.Volume)
		}
	}
	if !a.kept[pt.ID] {
		return fmt.Sprintf("is let go within %d days, which are charged for in any case", archiveDays)
	}
	return ""
}

// costs returns why archiving a point is refused by AWS's quota or saves
// nothing; "" if it does. What is archived is stored whole; what is saved are
// the blocks that no neighbour in the standard tier shares.
func (a *archiver) costs(i int, decided []ArchiveDecision) string {
	pt := a.points[i]
	for _, m := range pt.Members {
		if a.archived[m.Volume] >= archivedPerVolume {
			return fmt.Sprintf("is one too many: EC2 archives at most %d snapshots of a volume, and has those of %s", archivedPerVolume, m.Volume)
		}
	}
	stands := func(k int) bool {
		return a.points[k].State == retention.Complete && !decided[k].Move && a.keepsStanding(a.points[k])
	}
	own := 1.0
	for k := i - 1; k >= 0; k-- {
		if stands(k) {
			own *= a.changed(pt.Time.Sub(a.points[k].Time))
			break
		}
	}
	for k := i + 1; k < len(a.points); k++ {
		if stands(k) {
			own *= a.changed(a.points[k].Time.Sub(pt.Time))
			break
		}
	}
	if own <= archivePrice {
		return fmt.Sprintf("saves nothing: about %.0f %% of its blocks are its own, and whole it costs as much as %.0f %% of them do now",
			100*own, 100*archivePrice)
	}
	return ""
}

// keepsStanding says whether a point is in the standard tier, all of it.
func (a *archiver) keepsStanding(pt Point) bool {
	return !slices.ContainsFunc(pt.Members, func(m PointMember) bool { return a.inArchive(m.Snapshot) })
}

// changed returns the share of a volume that is overwritten in a time.
func (a *archiver) changed(d time.Duration) float64 {
	daily := cmp.Or(a.DailyChange, assumedChange)
	return 1 - math.Pow(1-daily, d.Hours()/24)
}

// keptFor says which points a policy retains on each of the next archiveDays,
// if points go on to come as they came.
func keptFor(points []Point, policy retention.Policy, now time.Time) (map[string]bool, error) {
	var all []retention.RecoveryPoint
	for _, pt := range points { // oldest first
		all = append(all, retention.RecoveryPoint{ID: pt.ID, Time: pt.Time, State: pt.State, Tags: tagsThatMatch(pt, policy.Tags)})
	}
	end := now.Add(archiveDays * lockDay)
	if len(points) > 0 {
		gap := gapOf(points)
		for t := points[len(points)-1].Time.Add(gap); !t.After(end); t = t.Add(gap) {
			if t.After(now) {
				all = append(all, retention.RecoveryPoint{ID: fmt.Sprintf("future-%d", len(all)), Time: t, State: retention.Complete})
			}
		}
	}
	kept := map[string]bool{}
	for _, pt := range points {
		kept[pt.ID] = true
	}
	var e retention.Evaluator
	for day := range archiveDays + 1 {
		at := now.Add(time.Duration(day) * lockDay)
		n := len(all)
		for n > len(points) && all[n-1].Time.After(at) {
			n--
		}
		result, err := e.Evaluate(at, all[:n], policy)
		if err != nil {
			return nil, err
		}
		for _, d := range result.Decisions {
			if d.Action != retention.Retain {
				delete(kept, all[d.Index].ID)
			}
		}
	}
	return kept, nil
}

// gapOf returns how far apart the newest points lie, in the middle of their
// distances: a day if there is but one, an hour at least.
func gapOf(points []Point) time.Duration {
	var gaps []time.Duration
	for i := max(1, len(points)-16); i < len(points); i++ {
		gaps = append(gaps, points[i].Time.Sub(points[i-1].Time))
	}
	if len(gaps) == 0 {
		return lockDay
	}
	slices.Sort(gaps)
	return max(gaps[len(gaps)/2], time.Hour)
}

package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awserr"
	"github.com/snapkeep/snapkeep/internal/pace"
	"github.com/snapkeep/snapkeep/retention"
)

// An ArchiveOutcome is what became of one recovery point that a plan moves.
type ArchiveOutcome string

// The outcomes. What is not Archived stays where it is, wholly or in part; the
// next plan takes it up again.
const (
	Archived      ArchiveOutcome = "archived"  // all its snapshots are in the archive, or on their way there
	ArchiveStays  ArchiveOutcome = "stays"     // a fresh reading does not move it, or not as it was planned
	ArchiveWaits  ArchiveOutcome = "waits"     // AWS archives no more at once: 25 at a site
	ArchiveFailed ArchiveOutcome = "failed"    // AWS forbids it, or did not answer
	ArchiveUnseen ArchiveOutcome = "not tried" // cancelled, or its site cannot be read
)

// An ArchiveResult is what became of one recovery point.
type ArchiveResult struct {
	Point    string         `json:"point"`           // Point.ID
	Resource string         `json:"resource"`        // ARN
	Site     Site           `json:"site"`            // that owns the copies
	Time     time.Time      `json:"time"`            // the data is from
	Moved    []string       `json:"moved,omitempty"` // snapshots; of a point that is not Archived some may be
	Outcome  ArchiveOutcome `json:"outcome"`         // Archived if all went well
	Why      string         `json:"why,omitempty"`   // in words; empty for what is Archived
	Err      error          `json:"-"`               // of a point that could not be moved
}

// An ArchiveReport says what Archive did: one result for each point of the plan
// that was to be moved, site by site, oldest first.
type ArchiveReport struct {
	Plan    string          `json:"plan"`    // Plan.Name
	Results []ArchiveResult `json:"results"` // the points that were to be moved
	Calls   int             `json:"calls"`   // that were sent to move them
}

// Count returns how many points had the outcome.
func (r *ArchiveReport) Count(o ArchiveOutcome) int {
	n := 0
	for _, a := range r.Results {
		if a.Outcome == o {
			n++
		}
	}
	return n
}

// String returns the report as a table, under a line that counts the outcomes.
func (r *ArchiveReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "archive %s: %d calls", r.Plan, r.Calls)
	for _, o := range []ArchiveOutcome{Archived, ArchiveStays, ArchiveWaits, ArchiveFailed, ArchiveUnseen} {
		if n := r.Count(o); n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, o)
		}
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, a := range r.Results {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s\t%s\t%s\t%s\t%s", minute(a.Time), a.Point, a.Site, a.Outcome, a.Why), "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// Archive moves the copies that the plan moves to the archive tier, if a fresh
// reading of the cloud agrees: the same rules, at the same moment, move the
// point, and no snapshot of it that the plan does not name. It returns when all
// are on their way; AWS takes hours to days. Sessions are those of the vault's
// pruner, held down to snapshots of this vault that are no younger than the
// newest one to be moved, and to this call.
//
// An error without a report means that nothing was moved: the plan is of
// another vault, ErrStalePlan, ErrAlteredPlan, ErrOverCap or ErrClock, or ctx was done.
// The error joins the *Error of each site that could not be read and of each
// point that could not be moved, and ctx's error; a point that waits for AWS to
// archive others is none. Archive may be called again: what is in the archive
// stays there.
func (e *Engine) Archive(ctx context.Context, ap *ArchivePlan) (*ArchiveReport, error) {
	if err := e.acceptArchive(ap, time.Now()); err != nil {
		return nil, err
	}
	s, unread := e.takeStock(ctx, ap.Plan)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := e.rightClock(ap.Plan, unread); err != nil {
		return nil, err
	}
	groups, failed := ap.Plan.archiveAll(s, ap.Made)
	bySite := map[Site][]*movement{}
	var all []*movement
	planned, fresh := decisionsOf(ap.Groups), decisionsOf(groups)
	for _, id := range inOrder(planned) {
		if !planned[id].Move {
			continue
		}
		m := &movement{ArchiveResult: ArchiveResult{
			Point: id.point, Resource: id.resource, Site: id.site, Time: planned[id].Time, Outcome: ArchiveUnseen,
		}}
		all = append(all, m)
		if s.unread[place{id.site, true}] != nil {
			m.Why = "its site cannot be read"
			continue
		}
		m.aim(planned[id], fresh[id], s.groups[groupID{place{id.site, true}, id.resource}])
		if m.Outcome == ArchiveUnseen {
			bySite[id.site] = append(bySite[id.site], m)
		}
	}
	var g errgroup.Group
	g.SetLimit(e.opts.Concurrency)
	for site, list := range bySite {
		g.Go(func() error {
			e.moveAt(ctx, site, list)
			return nil
		})
	}
	_ = g.Wait() // each movement keeps its own error
	r, errs := &ArchiveReport{Plan: ap.Plan.Name}, []error{unread, failed}
	for _, m := range all {
		r.Results, r.Calls = append(r.Results, m.ArchiveResult), r.Calls+m.calls
		if m.Err != nil {
			errs = append(errs, &Error{m.Site.Account, m.Site.Region, m.Resource, "", fmt.Errorf("archive %s: %w", m.Point, m.Err)})
		}
	}
	return r, errors.Join(append(errs, ctx.Err())...)
}

// acceptArchive refuses a plan that is not to be applied by this engine now.
func (e *Engine) acceptArchive(ap *ArchivePlan, now time.Time) error {
	if ap == nil {
		return errors.New("backup: no archive plan")
	}
	if ap.Vault != e.opts.Vault {
		return fmt.Errorf("backup: archive plan of vault %q, this engine's is %q", ap.Vault, e.opts.Vault)
	}
	switch want, err := ap.digest(); {
	case err != nil:
		return err
	case ap.Digest != want:
		return fmt.Errorf("backup: digest %q, want %q: %w", ap.Digest, want, ErrAlteredPlan)
	case now.After(ap.Expires), ap.Made.After(now.Add(maxSkew)):
		return fmt.Errorf("backup: made for %s, expires %s: %w", ap.Made.Format(time.RFC3339), ap.Expires.Format(time.RFC3339), ErrStalePlan)
	case e.opts.MaxArchives > 0 && ap.Moves() > e.opts.MaxArchives:
		return fmt.Errorf("backup: %d recovery points, Options.MaxArchives is %d: %w", ap.Moves(), e.opts.MaxArchives, ErrOverCap)
	}
	return ap.Plan.Validate()
}

// A movement is a point that the plan moves.
type movement struct {
	ArchiveResult
	ids     []string
	started time.Time // of the newest of them
	doubted []string  // of which no answer came
	calls   int
}

// aim readies a movement, or says why the point is left alone.
func (m *movement) aim(planned, fresh ArchiveDecision, points []Point) {
	if !fresh.Move {
		m.Outcome, m.Why = ArchiveStays, cmp.Or(fresh.Why, "is no longer there")
		return
	}
	for _, id := range fresh.Snapshots {
		if !slices.Contains(planned.Snapshots, id) {
			m.Outcome, m.Why = ArchiveStays, id+" is new"
			return
		}
	}
	m.ids = fresh.Snapshots
	for _, pt := range points {
		for _, member := range pt.Members {
			if slices.Contains(m.ids, member.Snapshot.ID) && member.Snapshot.Started.After(m.started) {
				m.started = member.Snapshot.Started
			}
		}
	}
}

// fail notes why a point is not, or not wholly, moved.
func (m *movement) fail(err error) {
	m.Outcome, m.Why, m.Err = ArchiveFailed, strings.ReplaceAll(err.Error(), "\n", "; "), err
}

// moveAt moves the points of a site one after another, as its pace allows.
func (e *Engine) moveAt(ctx context.Context, site Site, list []*movement) {
	var full error
	clients := map[int]Client{}
	for _, m := range list {
		driver := e.kinds[kindOf(m.Resource)]
		var err error
		if clients[driver] == nil {
			clients[driver], err = e.openArchiver(ctx, driver, site, list)
		}
		switch {
		case ctx.Err() != nil:
			m.Why = "cancelled"
		case err != nil:
			m.fail(err)
		case full != nil:
			m.Outcome, m.Why = ArchiveWaits, full.Error()
		default:
			full = e.movePoint(ctx, clients[driver], driver, m)
		}
	}
	e.lookAgain(ctx, site, list)
}

// openArchiver returns a client whose session can do nothing but archive, and
// nothing that is younger than what is to be moved.
func (e *Engine) openArchiver(ctx context.Context, driver int, site Site, list []*movement) (Client, error) {
	var before time.Time
	for _, m := range list {
		if m.started.After(before) {
			before = m.started
		}
	}
	sessions := e.sessions
	if n, ok := sessions.(narrower); ok {
		partition, _ := partitionOf(site.Region)
		// IAM's times have no fractions, and the condition excludes its bound.
		policy, err := json.Marshal(iampolicy.ArchiveSession(partition, string(e.opts.Vault), before.Add(time.Second)))
		if err != nil {
			return nil, fmt.Errorf("session policy: %w", err)
		}
		if sessions, err = n.Narrow(site.Account, accounts.VaultPruner, string(policy)); err != nil {
			return nil, err
		}
	}
	cfg, err := sessions.Config(ctx, site.Account, accounts.VaultPruner, site.Region)
	if err != nil {
		return nil, err
	}
	return e.drivers[driver].Open(cfg, site), nil
}

// movePoint moves a point's snapshots. It returns why no other can be moved at
// the site now, if that is so. A crash in between leaves a point of which a
// part is in the archive; the next plan moves the rest.
func (e *Engine) movePoint(ctx context.Context, c Client, driver int, m *movement) (full error) {
	for _, id := range m.ids {
		err := e.moveOne(ctx, c, driver, m, id)
		if err != nil && ctx.Err() != nil {
			m.Why = fmt.Sprintf("cancelled after %d of %d snapshots", len(m.Moved), len(m.ids))
			return nil
		}
		e.tell(Event{
			Step: StepArchive, Account: m.Site.Account, Region: m.Site.Region,
			Resource: m.Resource, Point: m.Point, Snapshot: id, Err: err,
		})
		switch {
		case err == nil:
			m.Moved = append(m.Moved, id)
		case classOf(err) == awserr.Quota:
			m.Outcome, m.Why = ArchiveWaits, err.Error()
			return err
		case classOf(err) == awserr.Unknown:
			m.doubted = append(m.doubted, id)
			m.fail(err)
		default:
			m.fail(err)
			return nil
		}
	}
	if len(m.doubted) == 0 {
		m.Outcome = Archived
	}
	return nil
}

// moveOne moves one snapshot. The call is repeated only if AWS was too busy to
// take it: what is archived already is refused.
func (e *Engine) moveOne(ctx context.Context, c Client, driver int, m *movement, id string) (err error) {
	step := Step{Kind: StepArchive, Snapshot: id}
	key := pace.Key{Account: string(m.Site.Account), Region: m.Site.Region, API: e.drivers[driver].API(step)}
	for n := range deleteAttempts {
		if n > 0 {
			sleep(ctx, min(firstDelay<<(n-1), lastDelay))
		}
		if err := e.pause(ctx, key); err != nil {
			return err
		}
		m.calls++
		if _, err = c.Do(ctx, step); err == nil || classOf(err) != awserr.Throttled {
			return err
		}
		e.pacer.Throttled(time.Now(), key)
	}
	return err
}

// lookAgain reads what is in the archive, once AWS has had time to show it,
// where the answer to a call was lost.
func (e *Engine) lookAgain(ctx context.Context, site Site, list []*movement) {
	for driver := range e.drivers {
		var doubted []*movement
		for _, m := range list {
			if len(m.doubted) > 0 && e.kinds[kindOf(m.Resource)] == driver {
				doubted = append(doubted, m)
			}
		}
		if len(doubted) == 0 {
			continue
		}
		sleep(ctx, e.opts.Settle)
		c, err := e.reader(ctx, place{site, true}, driver)
		holder, _ := powers(c)
		if err != nil || holder == nil {
			continue
		}
		there := map[string]bool{}
		for hold, err := range holder.Holds(ctx) {
			if err == nil && hold.Kind == retention.ColdMinimum {
				there[hold.Snapshot] = true
			}
		}
		for _, m := range doubted {
			m.seen(there)
		}
	}
}

// seen notes what was found in the archive of what was doubted.
func (m *movement) seen(there map[string]bool) {
	for _, id := range m.doubted {
		if there[id] {
			m.Moved = append(m.Moved, id)
		}
	}
	if len(m.Moved) == len(m.ids) {
		m.Outcome, m.Why, m.Err = Archived, "", nil
	}
}

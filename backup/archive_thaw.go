package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awserr"
	"github.com/snapkeep/snapkeep/internal/pace"
)

const (
	// maxThawDays is how long a temporary restore may last (EC2 API Reference,
	// RestoreSnapshotTier).
	maxThawDays = 180
	// thawPause is how soon it is worth looking again: a restore from the
	// archive takes up to 72 hours.
	thawPause = 10 * time.Minute
)

// A SnapshotTier is where a snapshot is that was archived.
type SnapshotTier struct {
	Snapshot string    // "snap-…"
	Archived bool      // in the archive, or on its way there or from there: of no use now
	Thawing  bool      // on its way from there
	Until    time.Time // when it goes back to the archive; zero if it is not on loan from there
}

// A Thawer is a Client that takes StepThaw.
type Thawer interface {
	// Tiers lists the site's own snapshots that are in the archive, on their way
	// there or from there, or on loan from there. An error ends it.
	Tiers(ctx context.Context) iter.Seq2[SnapshotTier, error]
}

// Thaw brings the copies of a point back from the archive for some days, 1 to
// 180, so that it can be restored from. It makes the calls that are needed,
// does not wait, and is to be called again at Outcome.NotBefore until it is
// Done: AWS takes up to 72 hours. Then read the point again, by Points. Copies
// that are on loan already stay so for as long as they do. AWS charges by the
// size of what is brought back, and brings back five snapshots of a site at once.
//
// It acts as accounts.VaultSharer, whose generated role may do it with
// iampolicy.Installation.Archive. The error is an *Error; what may pass is none.
func (e *Engine) Thaw(ctx context.Context, pt Point, days int) (Outcome, error) {
	driver, err := e.driver(kindOf(pt.Resource))
	switch {
	case err != nil:
		return Outcome{}, err
	case !pt.Copy || len(pt.Members) == 0:
		return Outcome{}, errors.New("backup: thaw " + pt.ID + ": is no point of copies with members")
	case days < 1 || days > maxThawDays:
		return Outcome{}, fmt.Errorf("backup: thaw %s: for %d days, want 1 to %d", pt.ID, days, maxThawDays)
	}
	t := thaw{e: e, pt: pt, days: days, driver: driver}
	out, err := t.run(ctx)
	if err != nil && ctx.Err() == nil {
		err = &Error{pt.Site.Account, pt.Site.Region, pt.Resource, "", fmt.Errorf("thaw %s: %w", pt.ID, err)}
	}
	return out, err
}

// A thaw is one call of Thaw.
type thaw struct {
	e      *Engine
	pt     Point
	days   int
	driver int
}

func (t *thaw) run(ctx context.Context) (Outcome, error) {
	tiers, err := t.tiers(ctx)
	if err != nil {
		return Outcome{}, err
	}
	var c Client
	left, why := 0, ""
	for _, m := range t.pt.Members {
		at := tiers[m.Snapshot.ID]
		if !at.Archived {
			continue
		}
		left++
		if at.Thawing || why != "" {
			continue
		}
		if c == nil {
			if c, err = t.e.client(ctx, t.driver, actor{site: t.pt.Site, purpose: accounts.VaultSharer}, errand{}); err != nil {
				return Outcome{}, err
			}
		}
		switch err = t.bring(ctx, c, m.Snapshot.ID); classOf(err) {
		case awserr.Throttled, awserr.Quota, awserr.Unknown:
			why = err.Error() // the next call goes on
		default:
			if err != nil {
				return Outcome{}, err
			}
		}
	}
	if left == 0 {
		return Outcome{Done: true}, nil
	}
	out := Outcome{NotBefore: time.Now().Add(thawPause), Waiting: fmt.Sprintf("%d of %d snapshots to come from the archive", left, len(t.pt.Members))}
	if why != "" {
		out.Waiting += "; " + why
	}
	return out, nil
}

// tiers reads where the snapshots of the site are.
func (t *thaw) tiers(ctx context.Context) (map[string]SnapshotTier, error) {
	c, err := t.e.reader(ctx, place{t.pt.Site, true}, t.driver)
	if err != nil {
		return nil, err
	}
	thawer, ok := c.(Thawer)
	if !ok {
		return nil, fmt.Errorf("the driver has no archive: %w", ErrUnsupported)
	}
	tiers := map[string]SnapshotTier{}
	for s, err := range thawer.Tiers(ctx) {
		if err != nil {
			return nil, err
		}
		tiers[s.Snapshot] = s
	}
	return tiers, nil
}

// bring sends for one snapshot, at the pace of the site.
func (t *thaw) bring(ctx context.Context, c Client, id string) error {
	step := Step{Kind: StepThaw, Snapshot: id, Days: t.days}
	key := pace.Key{Account: string(t.pt.Site.Account), Region: t.pt.Site.Region, API: t.e.drivers[t.driver].API(step)}
	if err := t.e.pause(ctx, key); err != nil {
		return err
	}
	_, err := c.Do(ctx, step)
	t.e.tell(Event{
		Step: StepThaw, Account: t.pt.Site.Account, Region: t.pt.Site.Region,
		Resource: t.pt.Resource, Point: t.pt.ID, Snapshot: id, Err: err,
	})
	if err == nil {
		return nil
	}
	if classOf(err) == awserr.Throttled {
		t.e.pacer.Throttled(time.Now(), key)
	}
	return err
}

package manifest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A Sweepable store can tell what it has, and remove it. *Dir is one, and so
// is the store in package s3store.
type Sweepable interface {
	// List returns what is stored for a plan of a vault, in any order. An error
	// ends it.
	List(ctx context.Context, vault accounts.ID, plan string) iter.Seq2[Stored, error]
	// Delete removes a manifest. What is not there is deleted.
	Delete(ctx context.Context, ref backup.ManifestRef) error
}

// A Stored is one manifest in a store.
type Stored struct {
	Ref backup.ManifestRef `json:"ref"` // that it was put under
	At  time.Time          `json:"at"`  // when
}

// A Sweep is a removal that has not happened: the manifests that no point names.
type Sweep struct {
	Vault  accounts.ID `json:"vault"`  // 12 digits
	Plan   string      `json:"plan"`   // backup.Plan.Name
	Kept   int         `json:"kept"`   // named by points
	Young  int         `json:"young"`  // named by none, and not old enough to go
	Remove []Stored    `json:"remove"` // to be deleted
}

// MinAge is the least age of what a sweep removes, if it is told none: a run
// stores a manifest before it makes the snapshots that name it, and its window,
// a day by default, must be over.
const MinAge = 7 * 24 * time.Hour

// PlanSweep says which manifests of a plan no recovery point names any more,
// neither originals nor copies, and that are older than minAge; zero means
// MinAge. Nothing is removed. points is the whole catalog of the plan, as
// Engine.Points returns it for Plan.Filter: if any site of it could not be read,
// PlanSweep fails, since what it holds would be taken for pruned. Sites that a
// plan no longer names must be added to the filter as long as they hold points.
//
// A point keeps all manifests that were stored under its id, not only the one
// that its tags name: those of originals can be changed by their account, which
// must not be able to have the manifest of its point removed.
func PlanSweep(ctx context.Context, store Sweepable, vault accounts.ID, plan string, points iter.Seq2[backup.Point, error], now time.Time, minAge time.Duration) (*Sweep, error) {
	if minAge == 0 {
		minAge = MinAge
	}
	if minAge < 0 {
		return nil, errors.New("manifests: the minimum age of a sweep is negative")
	}
	if _, err := accounts.ParseID(string(vault)); err != nil {
		return nil, fmt.Errorf("manifests: vault: %w", err)
	}
	named := map[string]bool{}
	for p, err := range points {
		if err != nil {
			return nil, fmt.Errorf("manifests: the catalog is not whole, so nothing is swept: %w", err)
		}
		if p.Plan == plan {
			named[p.ID] = true
		}
	}
	s := &Sweep{Vault: vault, Plan: plan}
	for m, err := range store.List(ctx, vault, plan) {
		switch {
		case err != nil:
			return nil, err
		case m.Ref.Vault != vault || m.Ref.Plan != plan:
			return nil, fmt.Errorf("manifests: the store lists %s for plan %q", m.Ref.Key(), plan)
		case named[m.Ref.Point]:
			s.Kept++
		case m.At.After(now.Add(-minAge)):
			s.Young++
		default:
			s.Remove = append(s.Remove, m)
		}
	}
	return s, nil
}

// Run removes what was planned. It goes on after an error; the error joins all.
func (s *Sweep) Run(ctx context.Context, store Sweepable) (removed int, err error) {
	var errs []error
	for _, m := range s.Remove {
		if err := ctx.Err(); err != nil {
			return removed, errors.Join(append(errs, err)...)
		}
		if err := store.Delete(ctx, m.Ref); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", m.Ref.Key(), err))
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}

// String tells the sweep in a line, and one for each manifest that goes.
func (s *Sweep) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sweep of %s: %d manifests go, %d are named by points, %d are too young\n", s.Plan, len(s.Remove), s.Kept, s.Young)
	for _, m := range s.Remove {
		fmt.Fprintf(&b, "  %s of %s\n", m.Ref.Key(), m.At.UTC().Format(time.RFC3339))
	}
	return b.String()
}

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

// stamp is how a file's name ends: no colon, which not all systems allow.
const stamp = "@20060102T150405Z"

// A Dir notes runs in a directory.
type Dir struct{ root *os.Root }

var _ backup.Journal = (*Dir)(nil)

// OpenDir opens a directory, which must exist, and must be where no protected
// account's machine can write. Close gives it free.
func OpenDir(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &Dir{root}, nil
}

// Close gives the directory free; the Dir is of no use then.
func (d *Dir) Close() error { return d.root.Close() }

// Begin makes a run's file, and brings its name to the disk. A run that is
// there stays.
func (d *Dir) Begin(ctx context.Context, plan string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := check(plan); err != nil {
		return err
	}
	f, err := d.root.OpenFile(plan+at.UTC().Format(stamp), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close(), d.sync()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// check refuses names that no plan has and that would be read as another's.
func check(plan string) error {
	if plan == "" || strings.ContainsAny(plan, `@/\:`) {
		return fmt.Errorf("journal: %q is not the name of a plan", plan)
	}
	return nil
}

// sync brings the directory's entries to the disk. Windows does that by itself,
// and has no call for it.
func (d *Dir) sync() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Begun returns the moments of a plan's runs from since on. What is in the
// directory beside runs is passed over.
func (d *Dir) Begun(ctx context.Context, plan string, since time.Time) ([]time.Time, error) {
	if err := check(plan); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var runs []time.Time
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		moment, ok := strings.CutPrefix(e.Name(), plan+"@")
		if !ok || !e.Type().IsRegular() {
			continue
		}
		at, err := time.Parse(stamp, "@"+moment)
		if err == nil && !at.Before(since.Truncate(time.Second)) {
			runs = append(runs, at)
		}
	}
	return runs, nil
}

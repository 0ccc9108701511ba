package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A Dir stores manifests as files in a directory, by backup.ManifestRef.Key.
type Dir struct{ root *os.Root }

var (
	_ backup.Manifests = (*Dir)(nil)
	_ Sweepable        = (*Dir)(nil)
)

// OpenDir opens a directory, which must exist. Close gives it free. The
// directory must be where no protected account's machine can write.
func OpenDir(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("manifests: %w", err)
	}
	return &Dir{root}, nil
}

// Close gives the directory free; the Dir is of no use then.
func (d *Dir) Close() error { return d.root.Close() }

// Put writes a file beside where it shall be, brings it to the disk, and gives
// it its name; then it brings the directories to the disk.
func (d *Dir) Put(ctx context.Context, ref backup.ManifestRef, body []byte) error {
	if err := fits(ref, body); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	name := filepath.FromSlash(ref.Key())
	if _, err := d.root.Stat(name); err == nil {
		return nil
	}
	if err := d.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("put manifest: %w", err)
	}
	// One name for each writer: two may put the same, and each renames a whole file.
	temp := filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%d.%d", ref.Digest[:16], os.Getpid(), time.Now().UnixNano()))
	if err := d.write(temp, body); err != nil {
		_ = d.root.Remove(temp) // may not be there
		return fmt.Errorf("put manifest: %w", err)
	}
	if err := d.root.Rename(temp, name); err != nil {
		_ = d.root.Remove(temp) // the first error is the one to tell
		return fmt.Errorf("put manifest: %w", err)
	}
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if err := d.sync(dir); err != nil {
			return fmt.Errorf("put manifest: %w", err)
		}
		if dir == "." {
			return nil
		}
	}
}

// fits refuses a reference or a body that no engine makes.
func fits(ref backup.ManifestRef, body []byte) error {
	if err := ref.Validate(); err != nil {
		return err
	}
	if len(body) > backup.MaxManifest {
		return fmt.Errorf("put manifest: %d bytes, and at most %d are taken: %w", len(body), backup.MaxManifest, backup.ErrManifest)
	}
	if got := backup.ManifestDigest(body); got != ref.Digest {
		return fmt.Errorf("put manifest: its digest is %s, not %s: %w", got, ref.Digest, backup.ErrManifest)
	}
	return nil
}

func (d *Dir) write(name string, body []byte) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

// sync brings a directory's entries to the disk. Windows does that by itself,
// and has no call for it.
func (d *Dir) sync(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get reads a file, and no more of it than a manifest may have.
func (d *Dir) Get(ctx context.Context, ref backup.ManifestRef) ([]byte, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := d.root.Open(filepath.FromSlash(ref.Key()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", ref.Key(), backup.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, backup.MaxManifest+1))
}

// List returns what is stored for a plan, with when it was put.
func (d *Dir) List(ctx context.Context, vault accounts.ID, plan string) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		err := fs.WalkDir(d.root.FS(), path.Join(string(vault), "plan-"+plan), func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || e.IsDir() {
				return err
			}
			ref, err := backup.ParseManifestKey(name)
			if err != nil {
				return nil // none of ours: what a crash left of Put, or a stranger's
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			if !yield(Stored{ref, info.ModTime()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Stored{}, fmt.Errorf("list manifests: %w", err))
		}
	}
}

// Delete removes a file. What is not there is deleted.
func (d *Dir) Delete(ctx context.Context, ref backup.ManifestRef) error {
	if err := ref.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := d.root.Remove(filepath.FromSlash(ref.Key()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

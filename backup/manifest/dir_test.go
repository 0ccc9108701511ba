package manifest_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/manifest"
	"github.com/snapkeep/snapkeep/backup/manifest/storetest"
)

func openDir(t *testing.T) (*manifest.Dir, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := manifest.OpenDir(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d, dir
}

// files lists what a directory holds, by path.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	}))
	return all
}

func TestADirIsAStore(t *testing.T) {
	d, dir := openDir(t)
	require.NoError(t, storetest.Check(t.Context(), d))
	for _, name := range files(t, dir) {
		_, err := backup.ParseManifestKey(name)
		require.NoError(t, err, "nothing but manifests is left")
	}
}

// A check that finds nothing must be one that could have found something.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	err := storetest.Check(t.Context(), forgetful{})
	require.ErrorContains(t, err, "get of what is not there")
	require.ErrorContains(t, err, "put takes the reference")
	require.ErrorContains(t, err, "put of a body of another digest")
	require.ErrorContains(t, err, "that are not the")
}

// forgetful has an empty body for everything.
type forgetful struct{}

func (forgetful) Put(context.Context, backup.ManifestRef, []byte) error { return nil }

func (forgetful) Get(context.Context, backup.ManifestRef) ([]byte, error) { return nil, nil }

// Only the owner may read what may hold secrets.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	d, dir := openDir(t)
	ref, body := storetest.Body(1)
	require.NoError(t, d.Put(t.Context(), ref, body))
	info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(ref.Key())))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

// A link out of the directory, which somebody planted there, is not followed.
func TestALinkOutOfTheDirectoryIsNotFollowed(t *testing.T) {
	d, dir := openDir(t)
	elsewhere := t.TempDir()
	ref, body := storetest.Body(1)
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, string(ref.Vault))))
	require.Error(t, d.Put(t.Context(), ref, body))
	require.Empty(t, files(t, elsewhere))
	_, err := d.Get(t.Context(), ref)
	require.Error(t, err)
}

// What a writer that died left is neither listed nor in the way.
func TestRemainsOfAPutAreNoManifest(t *testing.T) {
	d, dir := openDir(t)
	ref, body := storetest.Body(1)
	require.NoError(t, d.Put(t.Context(), ref, body))
	remains := filepath.Join(dir, filepath.FromSlash(ref.Key()))
	require.NoError(t, os.Rename(remains, filepath.Join(filepath.Dir(remains), "."+ref.Digest[:16]+".1.1")))
	_, err := d.Get(t.Context(), ref)
	require.ErrorIs(t, err, backup.ErrNotFound)
	for m, err := range d.List(t.Context(), ref.Vault, ref.Plan) {
		require.NoError(t, err)
		require.Fail(t, "listed", m.Ref.Key())
	}
	require.NoError(t, d.Put(t.Context(), ref, body))
	got, err := d.Get(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, body, got)
}

func TestOpenDirNeedsADirectory(t *testing.T) {
	_, err := manifest.OpenDir(filepath.Join(t.TempDir(), "missing"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.True(t, strings.HasPrefix(err.Error(), "manifests: "))
}

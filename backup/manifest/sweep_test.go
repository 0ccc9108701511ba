package manifest_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/manifest"
	"github.com/snapkeep/snapkeep/backup/manifest/storetest"
)

// catalog yields points, then perhaps an error.
func catalog(err error, points ...backup.Point) iter.Seq2[backup.Point, error] {
	return func(yield func(backup.Point, error) bool) {
		for _, p := range points {
			if !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(backup.Point{}, err)
		}
	}
}

// stock puts n manifests and returns their references.
func stock(t *testing.T, d *manifest.Dir, n int) (refs []backup.ManifestRef) {
	t.Helper()
	for i := range n {
		ref, body := storetest.Body(i)
		require.NoError(t, d.Put(t.Context(), ref, body))
		refs = append(refs, ref)
	}
	return refs
}

func held(t *testing.T, d *manifest.Dir, refs []backup.ManifestRef) (has []bool) {
	t.Helper()
	for _, ref := range refs {
		_, err := d.Get(t.Context(), ref)
		if err != nil {
			require.ErrorIs(t, err, backup.ErrNotFound)
		}
		has = append(has, err == nil)
	}
	return has
}

func TestASweepRemovesWhatNoPointNames(t *testing.T) {
	d, _ := openDir(t)
	refs, now := stock(t, d, 3), time.Now().Add(8*24*time.Hour)
	points := catalog(nil,
		backup.Point{ID: refs[0].Point, Plan: "nightly", Manifest: "what its tags name does not count"},
		backup.Point{ID: refs[2].Point, Plan: "weekly"})
	s, err := manifest.PlanSweep(t.Context(), d, refs[0].Vault, "nightly", points, now, 0)
	require.NoError(t, err)
	require.Equal(t, 1, s.Kept)
	require.Len(t, s.Remove, 2)
	require.Equal(t, []bool{true, true, true}, held(t, d, refs), "a plan removes nothing")
	require.Contains(t, s.String(), "sweep of nightly: 2 manifests go, 1 are named by points, 0 are too young\n")
	removed, err := s.Run(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, 2, removed)
	require.Equal(t, []bool{true, false, false}, held(t, d, refs))
	removed, err = s.Run(t.Context(), d)
	require.NoError(t, err, "what is gone is removed")
	require.Equal(t, 2, removed)
}

func TestASweepKeepsWhatIsYoung(t *testing.T) {
	d, _ := openDir(t)
	refs := stock(t, d, 2)
	for _, age := range []time.Duration{0, manifest.MinAge - time.Minute} {
		s, err := manifest.PlanSweep(t.Context(), d, refs[0].Vault, "nightly", catalog(nil), time.Now().Add(age), 0)
		require.NoError(t, err)
		require.Empty(t, s.Remove)
		require.Equal(t, 2, s.Young)
	}
	s, err := manifest.PlanSweep(t.Context(), d, refs[0].Vault, "nightly", catalog(nil), time.Now().Add(time.Hour), time.Minute)
	require.NoError(t, err)
	require.Len(t, s.Remove, 2)
}

// What could not be read might name any manifest.
func TestNoSweepOfHalfACatalog(t *testing.T) {
	d, _ := openDir(t)
	refs, lost := stock(t, d, 1), errors.New("a site cannot be listed")
	_, err := manifest.PlanSweep(t.Context(), d, refs[0].Vault, "nightly", catalog(lost), time.Now().Add(999*time.Hour), 0)
	require.ErrorIs(t, err, lost)
	_, err = manifest.PlanSweep(t.Context(), d, "12", "nightly", catalog(nil), time.Now(), 0)
	require.Error(t, err)
	_, err = manifest.PlanSweep(t.Context(), d, refs[0].Vault, "nightly", catalog(nil), time.Now(), -1)
	require.Error(t, err)
}

func TestASweepTellsWhatItCouldNotRemove(t *testing.T) {
	d, _ := openDir(t)
	refs := stock(t, d, 2)
	s, err := manifest.PlanSweep(t.Context(), d, refs[0].Vault, "nightly", catalog(nil), time.Now().Add(time.Hour), time.Minute)
	require.NoError(t, err)
	removed, err := s.Run(t.Context(), locked{d})
	require.ErrorIs(t, err, backup.ErrDenied)
	require.ErrorContains(t, err, refs[1].Key())
	require.Zero(t, removed)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = s.Run(ctx, d)
	require.ErrorIs(t, err, context.Canceled)
}

type locked struct{ *manifest.Dir }

func (locked) Delete(context.Context, backup.ManifestRef) error { return backup.ErrDenied }

package iamdata_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy/internal/iamdata"
)

// TestTableIsWhatTheGeneratorMakes needs the npm package of the pinned version
// in the node_modules folder that SNAPKEEP_IAM_SIMULATE names.
func TestTableIsWhatTheGeneratorMakes(t *testing.T) {
	modules := os.Getenv("SNAPKEEP_IAM_SIMULATE")
	if modules == "" {
		t.Skip("SNAPKEEP_IAM_SIMULATE names no node_modules folder with " + iamdata.Package)
	}
	dir := filepath.Join(modules, filepath.FromSlash(iamdata.Package))
	made, err := iamdata.Table(dir)
	require.NoError(t, err)
	committed, err := os.ReadFile("../../knowledge.txt")
	require.NoError(t, err)
	require.True(t, string(committed) == string(made), "knowledge.txt is not what is made: run go generate ./iampolicy/...")

	notice, err := iamdata.Notice(dir)
	require.NoError(t, err)
	kept, err := os.ReadFile("../../knowledge.LICENSE")
	require.NoError(t, err)
	require.Equal(t, string(notice)+"\n", string(kept))
}

func TestTableNeedsThePinnedVersion(t *testing.T) {
	dir := t.TempDir()
	_, err := iamdata.Table(dir)
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"version": "0.0.1"}`), 0o644))
	_, err = iamdata.Table(dir)
	require.ErrorContains(t, err, "is version 0.0.1; want "+iamdata.Version)
}

package enginebench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Kept is a world that was run, as a line of the file of flag -engine.keep: large
// worlds take hours together, and are run a few at a time.
type kept struct {
	Cell    string
	Seed    uint64
	Outcome outcome
}

// readKept returns what a cell's worlds came to, by their seeds. No file holds
// none.
func readKept(file, cell string) (map[uint64]outcome, error) {
	worlds := map[uint64]outcome{}
	text, err := os.ReadFile(file)
	if file == "" || errors.Is(err, fs.ErrNotExist) {
		return worlds, nil
	}
	if err != nil {
		return nil, err
	}
	for lines := json.NewDecoder(bytes.NewReader(text)); ; {
		var k kept
		if err := lines.Decode(&k); err == io.EOF {
			return worlds, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if k.Cell == cell {
			worlds[k.Seed] = k.Outcome
		}
	}
}

// appendKept adds a world to the file, if there is to be one.
func appendKept(file string, k kept) (err error) {
	if file == "" {
		return nil
	}
	line, err := json.Marshal(k)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(append(line, '\n'))
	return err
}

// TestKept shows that worlds are found again by cell and seed, and that a file
// that is none of ours is not taken for an empty one.
func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "worlds")
	worlds, err := readKept(file, "a")
	require.NoError(t, err)
	require.Empty(t, worlds)
	one, two := outcome{Protected: 1, Whole: 0.5}, outcome{Protected: 2, Makespan: 3}
	for _, k := range []kept{{"a", 1, one}, {"b", 1, two}, {"a", 2, two}} {
		require.NoError(t, appendKept(file, k))
	}
	worlds, err = readKept(file, "a")
	require.NoError(t, err)
	require.Equal(t, map[uint64]outcome{1: one, 2: two}, worlds)

	require.NoError(t, os.WriteFile(file, []byte("Cell"), 0o600))
	_, err = readKept(file, "a")
	require.ErrorContains(t, err, file)
}

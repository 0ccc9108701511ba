package archtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheMapOfBackupIsWhole holds the table of backup's README to the files
// there are: each stands in one room, and each pattern finds one.
func TestTheMapOfBackupIsWhole(t *testing.T) {
	dir := filepath.Join("..", "..", "backup")
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	rooms := map[string][]string{} // by file
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, pattern := range regexp.MustCompile("`([^`]+\\.go)`").FindAllStringSubmatch(cells[3], -1) {
			found, err := filepath.Glob(filepath.Join(dir, pattern[1]))
			require.NoError(t, err)
			require.NotEmpty(t, found, "%s is on the map and not there", pattern[1])
			for _, file := range found {
				rooms[filepath.Base(file)] = append(rooms[filepath.Base(file)], strings.TrimSpace(cells[1]))
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || name == "doc.go" {
			continue
		}
		if len(rooms[name]) != 1 {
			t.Errorf("%s stands in rooms %v of the map, not in one", name, rooms[name])
		}
	}
}

package awssim_test

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

// The list that the wire tables are made from, and that the round trips of
// package wire go through, is the list of what is served.
func TestTheListOfOperationsIsTrue(t *testing.T) {
	f, err := os.Open("wire/operations.txt")
	require.NoError(t, err)
	defer f.Close()
	var listed []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			listed = append(listed, strings.Replace(line, " ", ":", 1))
		}
	}
	require.True(t, slices.IsSorted(listed))
	require.Equal(t, listed, awssim.New(awssim.Options{}).Operations())
}

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A failure here means: go generate ./internal/awssim/wire, and look at the diff.
func TestTablesAreCurrent(t *testing.T) {
	for service := range clients {
		want, err := generate(service, "../operations.txt")
		require.NoError(t, err)
		have, err := os.ReadFile("../" + service + ".tsv")
		require.NoError(t, err)
		require.Equal(t, string(want), string(have), service)
	}
}

package iampolicy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// read returns one of the documents in testdata/documents as it is written.
func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "documents", name))
	require.NoError(t, err)
	return text
}

func load(t testing.TB, name string) *iampolicy.Document {
	t.Helper()
	return parse(t, string(read(t, name)))
}

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err, text)
	return d
}

package preflight_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARightSetUpHasNoProblems(t *testing.T) {
	report := newScene(t).check()
	require.True(t, report.OK(), report.String())
	t.Log(report)
}

package ec2sim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// TestDemandsAgreeWithTheReference compares the table with the Service
// Authorization Reference as package iampolicy knows it: every action is there,
// may name the resource, and has the condition keys.
func TestDemandsAgreeWithTheReference(t *testing.T) {
	require.NotEmpty(t, ec2sim.Demands)
	for line, keys := range ec2sim.Demands {
		name, kind, _ := strings.Cut(line, " ")
		if kind == "source" || kind == "copy" {
			kind = "snapshot"
		}
		action, known := iampolicy.LookupAction("ec2:" + name)
		require.True(t, known, name)
		i := slices.IndexFunc(action.Resources, func(r iampolicy.ResourceType) bool { return r.Name == kind })
		require.GreaterOrEqual(t, i, 0, "%s has no %s", name, kind)
		listed := append(slices.Clone(action.Resources[i].Keys), action.Keys...)
		for _, key := range strings.Fields(keys) {
			if strings.HasSuffix(key, "/") {
				key += "${TagKey}"
			}
			require.Contains(t, listed, key, line)
		}
	}
}

package ec2sim_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// beyondExtract are the actions that the extract leaves out; their lines were
// compared with the whole reference when they were written.
var beyondExtract = []string{
	"AllocateAddress", "AttachNetworkInterface", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateLaunchTemplate",
	"CreateSecurityGroup", "CreateSubnet", "CreateVpc", "DeleteKeyPair", "DeleteLaunchTemplate", "DeleteNetworkInterface",
	"DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc", "DetachNetworkInterface", "DisableImage", "DisassociateIamInstanceProfile",
	"EnableImage", "ImportKeyPair", "RebootInstances", "ReleaseAddress", "ReplaceIamInstanceProfileAssociation",
}

// TestDemandsAgreeWithTheReference compares the table with an extract of the
// Service Authorization Reference.
func TestDemandsAgreeWithTheReference(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/data/service-auth.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the extract of the Service Authorization Reference is not beside the checkout")
	}
	require.NoError(t, err)
	type resource struct {
		Name          string
		ConditionKeys []string
	}
	var reference struct {
		Services map[string]struct {
			Actions map[string]struct {
				ResourceTypes []resource
				ConditionKeys []string
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &reference))
	actions := reference.Services["ec2"].Actions
	require.NotEmpty(t, ec2sim.Demands)
	for line, keys := range ec2sim.Demands {
		action, kind, _ := strings.Cut(line, " ")
		if kind == "source" || kind == "copy" {
			kind = "snapshot"
		}
		entry, known := actions[action]
		if !known {
			entry, known = actions["ec2:"+action]
		}
		if slices.Contains(beyondExtract, action) || kind == "elastic-ip" {
			require.False(t, known && kind != "elastic-ip", "%s is in the extract", action)
			continue
		}
		require.True(t, known, action)
		i := slices.IndexFunc(entry.ResourceTypes, func(r resource) bool { return r.Name == kind })
		require.GreaterOrEqual(t, i, 0, "%s has no %s", action, kind)
		listed := append(entry.ResourceTypes[i].ConditionKeys, entry.ConditionKeys...)
		for _, key := range strings.Fields(keys) {
			if strings.HasSuffix(key, "/") {
				key += "${TagKey}"
			}
			require.Contains(t, listed, key, line)
		}
	}
}

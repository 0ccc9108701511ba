package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func TestNothingChangesWithinAVersion(t *testing.T) {
	text, err := json.Marshal(iampolicy.Operations())
	require.NoError(t, err)
	var kept []iampolicy.Operation
	require.NoError(t, json.Unmarshal(text, &kept))
	require.Empty(t, iampolicy.PermissionChanges(kept, iampolicy.Operations()))
}

// TestEveryActionThatGoesOrComesIsTold takes the actions from the table one by one.
func TestEveryActionThatGoesOrComesIsTold(t *testing.T) {
	all := iampolicy.Operations()
	for _, op := range all {
		for n, action := range op.Actions {
			less := slices.DeleteFunc(slices.Clone(all), func(o iampolicy.Operation) bool {
				return o.Document == op.Document && o.Statement == op.Statement && slices.Contains(o.Actions, action)
			})
			rest := op
			rest.Actions = slices.Delete(slices.Clone(op.Actions), n, n+1)
			// Other rows of the statement may have gone with the action's.
			told := func(changes []iampolicy.PermissionChange, added bool) bool {
				return slices.ContainsFunc(changes, func(c iampolicy.PermissionChange) bool {
					return c.Added == added && c.Document == op.Document && c.Statement == op.Statement && c.Effect == op.Effect &&
						c.Action == action && c.Reason != ""
				})
			}
			less = append(less, rest)
			require.True(t, told(iampolicy.PermissionChanges(less, all), true), "%s in %s", action, op.Document)
			require.True(t, told(iampolicy.PermissionChanges(all, less), false), "%s in %s", action, op.Document)
		}
	}
}

func ExamplePermissionChanges() {
	before := []iampolicy.Operation{
		{Name: "list", Document: "snapkeep-backup", Statement: "Describe", Effect: iampolicy.Allow, Actions: []string{"ec2:DescribeSnapshots"}, Reason: "The catalog is read."},
		{Name: "tag", Document: "snapkeep-backup", Statement: "Tag", Effect: iampolicy.Allow, Actions: []string{"ec2:CreateTags"}, Reason: "Snapshots are marked."},
	}
	after := []iampolicy.Operation{
		{
			Name: "list", Document: "snapkeep-backup", Statement: "Describe", Effect: iampolicy.Allow,
			Actions: []string{"ec2:DescribeImages", "ec2:DescribeSnapshots"}, Reason: "The catalog is read, and what images hold.",
		},
	}
	for _, c := range iampolicy.PermissionChanges(before, after) {
		fmt.Println(c)
	}
	// Output:
	// + snapkeep-backup may ec2:DescribeImages (Describe): The catalog is read, and what images hold.
	// - snapkeep-backup may ec2:CreateTags (Tag): Snapshots are marked.
}

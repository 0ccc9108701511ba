package iampolicy

import (
	"cmp"
	"fmt"
	"slices"
)

// A PermissionChange is an action that a generated document of one version of
// the library has, and that of another has not.
type PermissionChange struct {
	// Added is true for what the newer version has, false for what it dropped.
	Added bool
	// Document is the name of a role, or "vault key policy" and the like.
	Document string
	// Statement is the Sid in that document.
	Statement string
	Effect    Effect // Deny for what the engine must be refused
	Action    string // such as "ec2:CopySnapshot"
	// Reason why the document has it, or had it.
	Reason string
}

// String is a line of a change log, such as
// "+ snapkeep-backup may ec2:DescribeImages (Describe): …".
func (c PermissionChange) String() string {
	sign, verb := "-", "may"
	if c.Added {
		sign = "+"
	}
	if c.Effect == Deny {
		verb = "must not"
	}
	return fmt.Sprintf("%s %s %s %s (%s): %s", sign, c.Document, verb, c.Action, c.Statement, c.Reason)
}

// PermissionChanges returns what changed between two versions of the library,
// by document, statement and action: the change log that tells whether roles
// must be installed anew. before is what Operations returned in the older
// version, kept as JSON for instance, and after what it returns in the newer.
// Statements are known by their Sid: one that got another is dropped and
// added. What resources and conditions the actions have is not in operations;
// for that compare the generated documents themselves.
func PermissionChanges(before, after []Operation) []PermissionChange {
	old, now := permissions(before), permissions(after)
	var all []PermissionChange
	for key, c := range now {
		if _, kept := old[key]; !kept {
			c.Added = true
			all = append(all, c)
		}
	}
	for key, c := range old {
		if _, kept := now[key]; !kept {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b PermissionChange) int {
		return cmp.Or(
			cmp.Compare(a.Document, b.Document), cmp.Compare(a.Statement, b.Statement),
			cmp.Compare(a.Action, b.Action), cmp.Compare(a.Effect, b.Effect))
	})
	return all
}

// permissions are the actions of the operations, each once.
func permissions(operations []Operation) map[[4]string]PermissionChange {
	all := map[[4]string]PermissionChange{}
	for _, op := range operations {
		for _, action := range op.Actions {
			all[[4]string{op.Document, op.Statement, string(op.Effect), action}] = PermissionChange{
				Document: op.Document, Statement: op.Statement, Effect: op.Effect, Action: action, Reason: op.Reason,
			}
		}
	}
	return all
}

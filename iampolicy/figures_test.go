package iampolicy_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// The classes of actions that policies of backup products are compared by.
// Deny statements and RunInstances are not counted: what the latter starts, and
// as whom, other statements decide.
var (
	destroys  = regexp.MustCompile(`:(Delete|Deregister|Terminate|Disable|Schedule|Unlock|Reset|Revoke|Stop|ModifySnapshotTier|PutKeyPolicy)`)
	takesAway = regexp.MustCompile(`:(Modify(Snapshot|Image)Attribute|Copy(Snapshot|Image)|GetSnapshotBlock|List(Snapshot|Changed)Blocks|CreateStoreImageTask|` +
		`ExportImage|GetObject|Decrypt|CreateGrant|ReEncrypt\w+|GenerateDataKey\w*)$`)
	escalates = regexp.MustCompile(`^(iam:(PassRole|Put|Attach|Create|Update|Add|Set|Delete)|sts:AssumeRole|ssm:(SendCommand|StartSession)|lambda:|` +
		`cloudformation:Create|ec2:(ModifyInstanceAttribute|CreateReplaceRootVolumeTask|AssociateIamInstanceProfile))`)
)

// figures are what one policy comes to.
type figures struct {
	actions, statements, characters, star, conditioned int
	// unconditioned actions on everything, or on all that is of one kind, by class.
	destroys, takesAway, escalates int
}

func (f figures) String() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d | %d / %d / %d", f.actions, f.statements, f.characters, f.star, f.conditioned, f.destroys, f.takesAway, f.escalates)
}

func figuresOf(docs ...*iampolicy.Document) (f figures) {
	actions, free := map[string]bool{}, map[string]bool{}
	for _, doc := range docs {
		f.statements += len(doc.Statements)
		f.characters += doc.Size()
		for _, s := range doc.Statements {
			narrowed := slices.ContainsFunc(s.Conditions, func(c iampolicy.Condition) bool { return c.Key != "aws:RequestedRegion" })
			if len(s.Conditions) > 0 {
				f.conditioned++
			}
			if s.Effect != iampolicy.Allow {
				continue
			}
			if slices.Contains(s.Resources.Values, "*") {
				f.star++
			}
			wide := slices.ContainsFunc(s.Resources.Values, func(r string) bool { return strings.Contains(r, "*") })
			for _, action := range s.Actions.Values {
				actions[action] = true
				if wide && !narrowed {
					free[action] = true
				}
			}
		}
	}
	f.actions = len(actions)
	for action := range free {
		f.destroys += count(destroys, action)
		f.takesAway += count(takesAway, action)
		f.escalates += count(escalates, action)
	}
	return f
}

func count(class *regexp.Regexp, action string) int {
	if class.MatchString(action) {
		return 1
	}
	return 0
}

// figuresTable is the part of the table in the README that is ours: the roles
// of one protected account that rekeys, and with every option.
func figuresTable(t *testing.T) string {
	t.Helper()
	var rows []string
	add := func(name string, f figures) {
		require.Zero(t, f.destroys+f.takesAway+f.escalates, "%s: %v", name, f)
		rows = append(rows, fmt.Sprintf("| **%s** | %v |", name, f))
	}
	plain, all := documents(t, installation()), documents(t, full())
	add("backup", figuresOf(plain["snapkeep-backup.111111111111"]))
	add("backup, every option", figuresOf(all["snapkeep-backup.111111111111"]))
	add("pruner", figuresOf(plain["snapkeep-pruner.111111111111"]))
	add("vault writer", figuresOf(plain["snapkeep-vault-writer.999999999999"]))
	add("vault writer, every option", figuresOf(all["snapkeep-vault-writer.999999999999"]))
	add("vault pruner", figuresOf(plain["snapkeep-vault-pruner.999999999999"]))
	add("vault pruner, every option", figuresOf(all["snapkeep-vault-pruner.999999999999"]))
	add("vault sharer", figuresOf(plain["snapkeep-vault-sharer.999999999999"]))
	add("restore", figuresOf(plain["snapkeep-restore.555555555555"]))
	add("export of blocks", figuresOf(all["snapkeep-export.999999999999"]))
	add("import of blocks", figuresOf(all["snapkeep-import.555555555555"]))
	add("orchestrator", figuresOf(plain["orchestrator"]))
	return strings.Join(rows, "\n") + "\n"
}

func TestFiguresInTheReadmeAreTrue(t *testing.T) {
	const begin, end = "<!-- generated roles -->\n", "<!-- end of generated roles -->\n"
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	there, after, found := strings.Cut(rest, end)
	require.True(t, found)
	want := figuresTable(t)
	if *updateRoles {
		require.NoError(t, os.WriteFile("../README.md", []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, there, "run: go test ./iampolicy -run Figures -update")
}

// What the figures are for shows on a policy as public tools have it.
func TestFiguresTellFreeFromNarrowed(t *testing.T) {
	doc, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["ec2:DeleteSnapshot","ec2:ModifySnapshotAttribute","ec2:DescribeSnapshots"],"Resource":"*"},
		{"Effect":"Allow","Action":["iam:PassRole","ebs:GetSnapshotBlock"],"Resource":"arn:aws:iam::*:role/*"},
		{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}},
		{"Effect":"Allow","Action":"ec2:DeleteVolume","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}},
		{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-west-1:111111111111:key/a"}]}`))
	require.NoError(t, err)
	f := figuresOf(doc)
	f.characters = 0
	require.Equal(t, figures{actions: 8, statements: 5, star: 3, conditioned: 2, destroys: 2, takesAway: 2, escalates: 1}, f)
}

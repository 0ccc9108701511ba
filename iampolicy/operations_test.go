package iampolicy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// operationsTable is the table of operations for the documentation.
func operationsTable() []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, "| document | operation | statement | actions | why |\n|---|---|---|---|---|")
	for _, o := range iampolicy.Operations() {
		actions := strings.Join(o.Actions, ", ")
		if o.Effect == iampolicy.Deny {
			actions = "never " + actions
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", o.Document, o.Name, o.Statement, actions, o.Reason)
	}
	return out.Bytes()
}

func TestOperationsNameEveryStatementOfEveryDocument(t *testing.T) {
	named := map[string]map[string][]string{} // document → statement → actions
	for _, o := range iampolicy.Operations() {
		if named[o.Document] == nil {
			named[o.Document] = map[string][]string{}
		}
		actions := append(named[o.Document][o.Statement], o.Actions...)
		slices.Sort(actions)
		named[o.Document][o.Statement] = slices.Compact(actions)
	}
	kind := func(name string) string {
		base, _, _ := strings.Cut(name, ".")
		purpose, isPlan := strings.CutPrefix(name, "plan-session.")
		switch {
		case isPlan && strings.HasSuffix(purpose, "pruner"):
			return "pruner plan session"
		case isPlan:
			return strings.Replace(purpose, "-", " ", 1) + " plan session"
		case base == "vault-bucket":
			return "vault bucket policy"
		case strings.HasSuffix(base, "-guard"):
			return strings.Replace(base, "-", " ", 1)
		case strings.HasSuffix(name, ".trust"):
			return "trust policies"
		case strings.HasSuffix(base, "-key"):
			return strings.Replace(base, "-", " ", 1) + " policy"
		default:
			return strings.Replace(base, "-session", " session", 1)
		}
	}
	for name, doc := range documents(t, installation()) {
		for _, s := range doc.Statements {
			require.Subset(t, named[kind(name)][s.Sid], s.Actions.Values, "%s: %s", name, s.Sid)
		}
	}
	used := map[string]bool{}
	for name, doc := range documents(t, full()) {
		for _, s := range doc.Statements {
			used[kind(name)+" "+s.Sid] = true
			if !strings.HasSuffix(name, ".222222222222") && !strings.HasSuffix(name, ".666666666666") {
				require.Equal(t, named[kind(name)][s.Sid], s.Actions.Values, "%s: %s", name, s.Sid)
			}
		}
	}
	require.Len(t, named, 23)
	for document, statements := range named {
		for sid := range statements {
			require.True(t, used[document+" "+sid] || sid == "OrchestratorUntouchable", "%s: %s is in no document", document, sid)
		}
	}
}

func TestOperationsAreACopy(t *testing.T) {
	before, err := json.Marshal(iampolicy.Operations())
	require.NoError(t, err)
	for _, o := range iampolicy.Operations() {
		o.Actions[0] = "*"
	}
	after, err := json.Marshal(iampolicy.Operations())
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after))
}

// reference is the part of the Service Authorization Reference that our
// documents are checked with.
type reference struct {
	Actions map[string]struct {
		Keys      []string            `json:"keys"`
		Resources map[string][]string `json:"resources"`
	} `json:"actions"`
}

// A condition on a key that an action does not have never holds: the statement
// would grant nothing, and nobody would know before the first night.
func TestEveryConditionKeyExistsForItsActionAndResource(t *testing.T) {
	text, err := os.ReadFile("testdata/service-authorization.json")
	require.NoError(t, err)
	var known reference
	require.NoError(t, json.Unmarshal(text, &known))
	checked := 0
	for name, doc := range documents(t, installation()) {
		if strings.Contains(name, "guard") || strings.HasPrefix(name, "plan-session") {
			continue // Validate sees to those
		}
		for _, s := range doc.Statements {
			if s.Sid == "OwnAccount" {
				continue // kms:* by the account itself
			}
			for _, called := range s.Actions.Values {
				action, found := known.Actions[called]
				require.True(t, found, "%s: %s is not an action", name, called)
				for _, kind := range resourceKinds(t, called, s) {
					keys, found := action.Resources[kind]
					require.True(t, found || kind == "" && len(action.Resources) == 0, "%s: %s does not take a %q", name, called, kind)
					for _, c := range s.Conditions {
						require.True(t, hasKey(slices.Concat(keys, action.Keys), c.Key), "%s: %s on %q has no key %s", name, called, kind, c.Key)
						checked++
					}
				}
			}
		}
	}
	require.Greater(t, checked, 80)
}

// resourceKinds tells the types of a statement's resources from their ARNs.
// Empty stands for an action that takes none.
func resourceKinds(t *testing.T, action string, s iampolicy.Statement) []string {
	t.Helper()
	switch {
	case strings.HasPrefix(action, "kms:"):
		return []string{"key"}
	case action == "ec2:ModifySnapshotAttribute":
		return []string{"snapshot"}
	case s.Principal != nil:
		return []string{"role"} // a trust policy
	}
	var kinds []string
	for _, resource := range s.Resources.Values {
		if resource == "*" {
			return []string{""}
		}
		parts := strings.SplitN(resource, ":", 6)
		require.Len(t, parts, 6, resource)
		kind, _, _ := strings.Cut(parts[5], "/")
		kinds = append(kinds, kind)
	}
	return kinds
}

func hasKey(keys []string, key string) bool {
	if key == "aws:RequestedRegion" {
		return true // global: every request has it
	}
	return slices.ContainsFunc(keys, func(known string) bool {
		prefix, isTag := strings.CutSuffix(known, "${TagKey}")
		return known == key || (isTag && strings.HasPrefix(key, prefix))
	})
}

package iampolicy_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

type judgeDeviation struct {
	name, why string
	touches   func(request) bool
}

// judgeDeviations are where iam-simulate is known to see a row otherwise.
var judgeDeviations = []judgeDeviation{
	{
		name: "a literal asterisk in the resource of a request",
		why: "EC2 asks about the copy it is to make as snapshot/* (EBS User Guide, identity-based policy examples); " +
			"the judge takes the asterisk for a wildcard of its own, and snapshot/snap-* for an answer",
		touches: func(r request) bool { return r.action == "ec2:CopySnapshot" && r.resource == newSnap },
	},
	{
		name: "several values of a key that is listed as a single string",
		why: "ec2:Add/userId holds all accounts that one call shares with; the judge's data has it as String, " +
			"and it does not look at a list then",
		touches: func(r request) bool {
			n := 0
			for at := 0; at < len(r.keys); at += 2 {
				if r.keys[at] == addUser {
					n++
				}
			}
			return n > 1
		},
	},
	{
		name:    "an ARN that the reference has not",
		why:     "a snapshot's ARN names no account; the judge answers no question about others",
		touches: func(r request) bool { return strings.HasSuffix(r.name, "makes a snapshot of an unnamed kind") },
	},
}

// TestTheJudgeDeniesEveryAttack puts the table of what must be allowed and what
// must not to iam-simulate too, which is a program of its own: what our
// evaluator says of our roles is not only its own opinion.
func TestTheJudgeDeniesEveryAttack(t *testing.T) {
	modules := os.Getenv("SNAPKEEP_IAM_SIMULATE")
	if modules == "" {
		t.Skip("SNAPKEEP_IAM_SIMULATE does not name a node_modules folder with @cloud-copilot/iam-simulate")
	}
	modules, err := filepath.Abs(modules)
	require.NoError(t, err)
	docs, rows := tableDocuments(t), requests()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("..", "internal", "iamjudge", "judge.mjs"), modules)
	var in, stderr bytes.Buffer
	for _, r := range rows {
		require.NoError(t, json.NewEncoder(&in).Encode(r.sample(docs)))
	}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())

	n, attacks, refused, deviant := 0, 0, 0, map[string]int{}
	for line := range strings.Lines(string(out)) {
		var answer struct{ ID, Decision, Error string }
		require.NoError(t, json.Unmarshal([]byte(line), &answer))
		r := rows[n]
		n++
		require.Equal(t, r.name, answer.ID)
		ours := r.judge(docs)
		attack := strings.HasPrefix(r.name, "not: ")
		switch {
		case answer.Decision == ours.Outcome.String():
			require.Equal(t, r.want, answer.Decision == "Allowed", r.name)
			if attack {
				attacks++
			}
		case answer.Error != "" && (strings.HasPrefix(r.name, "near: ") || strings.Contains(r.resource, ":unlisted/")):
			refused++ // it has an action or a kind of resource that does not exist
		default:
			at := slices.IndexFunc(judgeDeviations, func(d judgeDeviation) bool { return d.touches(r) })
			require.GreaterOrEqual(t, at, 0, "%s: the judge says %s%s, we say %s", r.name, answer.Decision, answer.Error, ours)
			deviant[judgeDeviations[at].name]++
		}
	}
	require.Len(t, rows, n)
	require.Greater(t, attacks, 300)
	require.Len(t, deviant, len(judgeDeviations), "a deviation is gone: %v", deviant)
	t.Logf("%d requests; %d attacks that both deny; %d near misses that are no questions to the judge; deviations: %v", n, attacks, refused, deviant)
}

// sample is a row as judge.mjs reads it.
func (r request) sample(docs map[string]*iampolicy.Document) map[string]any {
	req, set := r.asked(), r.policies(docs)
	context := map[string]any{}
	for key, values := range req.Context {
		context[key] = values
		if len(values) == 1 {
			context[key] = values[0]
		}
	}
	owner := ""
	if parts := strings.Split(req.Resource, ":"); len(parts) > 4 {
		owner = parts[4]
	}
	// The judge does not know the path of the role behind a session.
	who := cmp.Or(req.Principal.RoleARN, req.Principal.ARN)
	policies := map[string]any{"identity": set.Identity}
	if set.Identity == nil {
		policies["identity"] = []any{}
	}
	if set.Resource != nil {
		policies["resource"] = set.Resource
	}
	if set.Session != nil {
		policies["session"] = set.Session
	}
	return map[string]any{
		"id": r.name,
		"request": map[string]any{
			"principal": who, "action": req.Action, "resource": req.Resource, "context": context,
			"account": cmp.Or(req.ResourceAccount, owner, strings.Split(who, ":")[4]),
		},
		"policies": policies,
	}
}

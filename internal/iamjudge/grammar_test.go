package iamjudge_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A paper is a document to be validated as one of its kind.
type paper struct {
	Kind     string          `json:"kind"`
	Document json.RawMessage `json:"document"`

	kind iampolicy.Kind
}

// TestValidateFindsWhatTheJudgeFinds draws documents with members that are
// wrong, doubled, missing or of another kind, and has iam-policy validate them
// too. It judges their structure only, so that it finds less: whatever it
// refuses, we must refuse.
func TestValidateFindsWhatTheJudgeFinds(t *testing.T) {
	modules := needsJudge(t)
	r := rand.New(rand.NewPCG(*seed, 1))
	papers := make([]*paper, 2**cases)
	for i := range papers {
		papers[i] = drawPaper(t, r)
	}
	both, neither, ours := 0, 0, 0
	for i, theirs := range validated(t, modules, papers) {
		found := slices.DeleteFunc(iampolicy.Check(papers[i].Document, papers[i].kind), func(f iampolicy.Finding) bool {
			return f.Severity != iampolicy.Error
		})
		// IAM takes a wildcard for the service where one stands for the name as
		// well, which the judge does not know.
		theirs = slices.DeleteFunc(theirs, func(s string) bool { return strings.Contains(s, "Service can only contain") })
		switch {
		case len(theirs) > 0 && len(found) > 0:
			both++
		case len(theirs) == 0 && len(found) == 0:
			neither++
		case len(theirs) == 0:
			ours++
		default:
			t.Errorf("%s: only the judge refuses %s: %s", papers[i].Kind, papers[i].Document, theirs)
		}
	}
	t.Logf("of %d documents both refuse %d and neither %d; %d are refused by us alone", len(papers), both, neither, ours)
	require.Greater(t, both, len(papers)/10)
	require.Greater(t, neither, len(papers)/10)
}

// validated has the judge validate, and returns its findings for each.
func validated(t *testing.T, modules string, papers []*paper) (answers [][]string) {
	t.Helper()
	var in, stderr bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, p := range papers {
		require.NoError(t, enc.Encode(p))
	}
	cmd := exec.CommandContext(t.Context(), "node", "grammar.mjs", modules)
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	for line := range strings.Lines(string(out)) {
		var answer []string
		require.NoError(t, json.Unmarshal([]byte(line), &answer))
		answers = append(answers, answer)
	}
	require.Len(t, answers, len(papers))
	return answers
}

// member is a member of a document or statement, how often of a hundred times
// it is there, and what it may be: mostly right, one time in twenty wrong.
type member struct {
	name         string
	often        int
	right, wrong string // JSON lists
}

var documentMembers = []member{
	{"Version", 97, `["2012-10-17"]`, `["2008-10-17", "2012-10-18", ""]`},
	{"Id", 15, `["x"]`, `[""]`},
	{"Foo", 2, `[1]`, `[1]`},
}

// statementMembers returns the members for a kind: a trust policy has no
// resources, and only policies of resources have principals.
func statementMembers(k iampolicy.Kind) []member {
	principal, resource, effect := 4, 96, `["Allow", "Deny"]`
	switch k {
	case iampolicy.KindTrust:
		principal, resource = 96, 4
	case iampolicy.KindKey, iampolicy.KindResource:
		principal = 96
	case iampolicy.KindRCP:
		principal, effect = 96, `["Deny"]`
	}
	return []member{
		{"Sid", 40, `["A", "B"]`, `["a b", ""]`},
		{"Effect", 98, effect, `["Allow", "allow", ""]`},
		{"Principal", principal, `["*", {"AWS": "*"}, {"AWS": "111111111111"}, {"AWS": ["arn:aws:iam::111111111111:role/r"]},
			{"Service": "ec2.amazonaws.com"}]`, `[{}, {"Robot": "x"}, {"Federated": "arn:aws:iam::111111111111:saml-provider/p"}]`},
		{"NotPrincipal", 2, `[{"AWS": "111111111111"}, "*"]`, `[{}]`},
		{"Action", 97, `["*", "kms:*", "sts:AssumeRole", "s3:GetObject", ["s3:GetObject", "kms:Decrypt"], "s3:Get*"]`, `[[], "", "s3", "s3:", "*:*"]`},
		{"NotAction", 3, `["s3:*", ["iam:*"]]`, `[[]]`},
		{"Resource", resource, `["*", "arn:aws:s3:::b/*", ["arn:aws:s3:::b/*", "*"]]`, `[[], "", "x"]`},
		{"NotResource", 3, `["arn:aws:s3:::b/*"]`, `[""]`},
		{
			"Condition", 40, `[{}, {"StringEquals": {"aws:username": "x"}}, {"Bool": {"aws:SecureTransport": true}}]`,
			`[{"StringEquals": {}}, {"StringEquals": {"aws:username": []}}, {"NoOperator": {"aws:username": "x"}}]`,
		},
		{"Extra", 2, `[1]`, `[1]`},
	}
}

func drawMembers(t *testing.T, r *rand.Rand, members []member) map[string]any {
	t.Helper()
	drawn := map[string]any{}
	for _, m := range members {
		list := m.right
		if r.IntN(20) == 0 {
			list = m.wrong
		}
		var values []any
		require.NoError(t, json.Unmarshal([]byte(list), &values))
		if r.IntN(100) < m.often {
			drawn[m.name] = values[r.IntN(len(values))]
		}
	}
	return drawn
}

func drawPaper(t *testing.T, r *rand.Rand) *paper {
	t.Helper()
	kind := iampolicy.Kind(r.IntN(8))
	document := drawMembers(t, r, documentMembers)
	statements := []any{}
	for range 1 + r.IntN(2) - r.IntN(20)/19 {
		statements = append(statements, drawMembers(t, r, statementMembers(kind)))
	}
	switch {
	case len(statements) == 1 && r.IntN(2) == 0:
		document["Statement"] = statements[0]
	case len(statements) > 0 || r.IntN(20) == 0:
		document["Statement"] = statements
	}
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return &paper{Kind: kind.String(), Document: text, kind: kind}
}

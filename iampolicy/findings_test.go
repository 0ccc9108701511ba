package iampolicy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

var updateRules = flag.Bool("update-rules", false, "rewrite RULES.md from the rules")

// A finding row is a document and what is to be found in it: "id path", in the
// order of the text. A document without a Version is given one.
type findingRow struct {
	name string
	kind iampolicy.Kind
	text string
	want []string
}

func (r findingRow) document() string {
	if strings.HasPrefix(r.text, `{"Version"`) || !strings.HasPrefix(r.text, `{"Statement"`) {
		return r.text
	}
	return `{"Version":"2012-10-17",` + r.text[1:]
}

// allow is a statement for identities.
func allow(action, resource string, more ...string) string {
	return `{"Statement":{"Effect":"Allow","Action":` + action + `,"Resource":` + resource + strings.Join(more, "") + `}}`
}

// when is a condition block to go behind the resource.
func when(conditions string) string { return `,"Condition":{` + conditions + `}` }

func (r findingRow) found(lint bool) []string {
	got := []string{}
	for _, f := range iampolicy.Check([]byte(r.document()), r.kind) {
		if f.ID == "resource-star" || lint != isLint(f.ID) {
			continue
		}
		got = append(got, strings.TrimSpace(f.ID+" "+f.Path))
	}
	return got
}

func isLint(id string) bool {
	return slices.ContainsFunc(iampolicy.Rules(), func(r iampolicy.Rule) bool { return r.ID == id && r.Lint })
}

func TestValidate(t *testing.T) {
	for _, row := range validateRows() {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, append([]string{}, row.want...), row.found(false), row.document())
		})
	}
}

func TestLint(t *testing.T) {
	for _, row := range lintRows() {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, append([]string{}, row.want...), row.found(true), row.document())
		})
	}
}

// Every rule is shown to find something, and the two calls find what Check does.
func TestEveryRuleIsShown(t *testing.T) {
	shown := map[string]bool{"resource-star": true} // below
	for _, row := range append(validateRows(), lintRows()...) {
		for _, want := range row.want {
			id, _, _ := strings.Cut(want, " ")
			shown[id] = true
		}
		d, err := iampolicy.Parse([]byte(row.document()))
		if err != nil || slices.Contains(row.want, "size") {
			continue // the size of a text may be another than that of its document
		}
		split := append(iampolicy.Validate(d, row.kind), iampolicy.Lint(d, row.kind)...)
		whole := iampolicy.Check([]byte(row.document()), row.kind)
		for i := range whole {
			require.NotZero(t, whole[i].Line, row.name)
			require.NotZero(t, whole[i].Column, row.name)
			whole[i].Line, whole[i].Column = 0, 0
		}
		require.ElementsMatch(t, whole, split, row.name)
	}
	for _, r := range iampolicy.Rules() {
		require.True(t, shown[r.ID], "no row shows the rule %s", r.ID)
	}
}

func TestResourceStar(t *testing.T) {
	for text, want := range map[string]bool{
		allow(`"ec2:DescribeSnapshots"`, `"*"`):                               false,
		allow(`["ec2:DescribeSnapshots","ec2:DeleteSnapshot"]`, `"*"`):        true,
		allow(`"ec2:StopInstances"`, `"arn:aws:ec2:*:*:instance/*"`):          true,
		allow(`"ec2:StopInstances"`, `"arn:aws:ec2:*:*:instance/i-*"`):        true,
		allow(`"ec2:StopInstances"`, `"arn:aws:ec2:*:1111111111:instance/*"`): false,
		allow(`"lambda:InvokeFunction"`, `"arn:aws:lambda:*:*:function:*"`):   true,
		allow(`"lambda:InvokeFunction"`, `"arn:aws:lambda:*:*:function:a-*"`): false,
	} {
		found := slices.ContainsFunc(iampolicy.Check([]byte(text), iampolicy.KindIdentity), func(f iampolicy.Finding) bool {
			return f.ID == "resource-star"
		})
		require.Equal(t, want, found, text)
	}
}

// Whatever is generated is stored by AWS, has the effect it seems to have, and
// is not dangerous by our own measure.
func TestGeneratedDocumentsHaveNoFindings(t *testing.T) {
	judged := map[iampolicy.Kind]int{}
	for _, i := range []iampolicy.Installation{installation(), china(), full()} {
		for name, doc := range documents(t, i) {
			kind := kindOf(name)
			require.Empty(t, append(iampolicy.Validate(doc, kind), iampolicy.Lint(doc, kind)...), name)
			judged[kind]++
		}
	}
	for _, kind := range []iampolicy.Kind{iampolicy.KindIdentity, iampolicy.KindTrust, iampolicy.KindKey, iampolicy.KindSession, iampolicy.KindSCP, iampolicy.KindResource} {
		require.NotZero(t, judged[kind], kind.String())
	}
}

func TestFindingsSayWhere(t *testing.T) {
	const text = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "ec2:DescribeSnapshots", "Resource": "*"},
    {
      "Effect": "Allow",
      "Action": ["ec2:CreateTags", "ec2:CopySnapshots"],
      "Condition": {"StringEquals": {"é": "x", "aws:ResourceTag/a b": 1}}
    }
  ]
}`
	findings := iampolicy.Check([]byte(text), iampolicy.KindIdentity)
	got := make([]string, len(findings))
	for i, f := range findings {
		got[i] = fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Path, f.ID)
	}
	require.Equal(t, []string{
		`5:5 Statement[1].Resource member-missing`,
		`7:36 Statement[1].Action[1] action-unknown`,
		`8:38 Statement[1].Condition.StringEquals["é"] key-unknown`,
	}, got)

	missing := iampolicy.Check([]byte(" [\n1]"), iampolicy.KindIdentity)
	require.Len(t, missing, 1)
	require.Equal(t, "line 1, column 2: the document: error: a policy document must be an object [syntax]: Mend it where the position says.", missing[0].String())
}

func TestFindingAsJSON(t *testing.T) {
	d := parse(t, allow(`"ec2:CopySnapshots"`, `"*"`))
	d.Version = iampolicy.Version
	out, err := json.Marshal(iampolicy.Validate(d, iampolicy.KindIdentity))
	require.NoError(t, err)
	require.JSONEq(t, `[{
		"id": "action-unknown", "severity": "warning", "path": "Statement.Action",
		"message": "ec2:CopySnapshots is not an action; there is ec2:CopySnapshot",
		"reason": "The service has no such action, so the statement speaks of nothing.",
		"remedy": "Spell it right, or take newer data if the action is new."
	}]`, string(out))

	var back []iampolicy.Finding
	require.NoError(t, json.Unmarshal(out, &back))
	require.Equal(t, iampolicy.Warning, back[0].Severity)
	require.Error(t, json.Unmarshal([]byte(`[{"severity":"grave"}]`), &back))
}

// A finding goes into logs, so it has no values of conditions in it.
func TestFindingsKeepValuesToThemselves(t *testing.T) {
	for _, operator := range []string{"StringEquals", "NumericEquals", "DateLessThan", "Bool", "IpAddress", "ArnLike", "BinaryEquals", "Null", "Nonsense"} {
		text := allow(`"sts:AssumeRole"`, `"*"`, when(`"`+operator+`":{"sts:ExternalId":"s3cret-${x","aws:TagKeys":"s3cret"}`))
		findings := iampolicy.Check([]byte(text), iampolicy.KindTrust)
		require.NotEmpty(t, findings)
		for _, f := range findings {
			require.NotContains(t, f.String(), "s3cret")
		}
	}
}

func TestRulesAreDocumented(t *testing.T) {
	var out strings.Builder
	out.WriteString("# Findings of package iampolicy\n\nWhat `Validate` and `Lint` look for. IDs do not change between versions.\n")
	for _, part := range []struct {
		title string
		lint  bool
	}{{"Validate", false}, {"Lint", true}} {
		fmt.Fprintf(&out, "\n## %s\n\n| id | severity | why it matters | remedy |\n|---|---|---|---|\n", part.title)
		for _, r := range iampolicy.Rules() {
			if r.Lint == part.lint {
				fmt.Fprintf(&out, "| `%s` | %v | %s | %s |\n", r.ID, r.Severity, r.Reason, r.Remedy)
			}
		}
	}
	if *updateRules {
		require.NoError(t, os.WriteFile("RULES.md", []byte(out.String()), 0o644))
	}
	kept, err := os.ReadFile("RULES.md")
	require.NoError(t, err)
	require.Equal(t, string(kept), out.String(), "run: go test ./iampolicy -run Rules -update-rules")
}

func TestRulesAreApart(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range iampolicy.Rules() {
		require.False(t, seen[r.ID], r.ID)
		seen[r.ID] = true
		require.Regexp(t, `^[a-z]+(-[a-z]+)*$`, r.ID)
		require.Regexp(t, `\.$`, r.Reason)
		require.Regexp(t, `\.$`, r.Remedy)
	}
	iampolicy.Rules()[0].ID = "x"
	require.NotEqual(t, "x", iampolicy.Rules()[0].ID)
}

// Documents that AWS refuses for their size in any case are not read, since
// the time that takes grows faster than they do.
func TestHugeDocumentsAreNotJudged(t *testing.T) {
	statement := `{"Effect":"Allow","Action":"*","Resource":"*"},`
	text := `{"Version":"2012-10-17","Statement":[` + strings.Repeat(statement, 2_000) + `{}]}`
	for k := iampolicy.KindIdentity; k <= iampolicy.KindSession; k++ {
		findings := iampolicy.Check([]byte(text), k)
		require.Len(t, findings, 1, k.String())
		require.Equal(t, "size", findings[0].ID)
	}
}

func TestKindsAndSeveritiesPrint(t *testing.T) {
	require.Equal(t, "resource control policy", iampolicy.KindRCP.String())
	require.Equal(t, "Kind(99)", iampolicy.Kind(99).String())
	require.Equal(t, "Severity(-1)", iampolicy.Severity(-1).String())
	require.Less(t, iampolicy.Notice, iampolicy.Error)
	d := parse(t, `{"Version":"2012-10-17","Statement":[]}`)
	require.Len(t, iampolicy.Validate(d, iampolicy.Kind(99)), 1, "an unknown kind is judged as an identity policy")
}

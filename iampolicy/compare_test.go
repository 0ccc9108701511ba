package iampolicy_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// equivalenceFile has the cases of hashicorp/awspolicyequivalence's own tests
// (MPL-2.0). It lies beside the checkout.
var equivalenceFile = filepath.Join("..", "..", "shared", "data", "policy-equivalence-cases.json")

// argued are the cases that are answered otherwise, and why. Where the effect
// is spelled "allow", its spelling is mended and the case is run again.
var argued = map[string]string{
	"Casing of Effect":                effectCase,
	"Single Statement vs []Statement": effectCase,
	"Empty Principal set":             effectCase,
	"Empty Principals sets of different types have the same effect":        effectCase,
	"Empty Principal and missing Principal have the same effect":           effectCase + "; and " + emptyPrincipal,
	"Principal with empty sets and missing Principal have the same effect": effectCase + "; and " + emptyPrincipal,
	"Invalid policy JSON":              noDocument,
	"Incorrect Statement type":         noDocument,
	"Incorrect single Resource type":   noDocument,
	"Incorrect multiple Resource type": noDocument,
	"Different empty lists":            noDocument,
	"One-length lists":                 noDocument,
	"Equivalence of emptiness":         noDocument,
}

const (
	effectCase     = `"The Effect value is case sensitive" (IAM User Guide, "IAM JSON policy elements: Effect"): IAM does not store "allow", and Evaluate never takes it for a grant`
	emptyPrincipal = `in a policy of a principal a statement without Principal grants, and one with an empty Principal is refused`
	noDocument     = `IAM could not read it either: Parse says where and why, and there is no document to compare`
)

func TestAgreesWithAWSPolicyEquivalence(t *testing.T) {
	data, err := os.ReadFile(equivalenceFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the cases are not beside this checkout; TestEquivalentDocuments covers the same rules")
	}
	require.NoError(t, err)
	var all struct {
		Cases []struct {
			Name              string
			A, B              string
			Equivalent, Error bool
		}
	}
	require.NoError(t, json.Unmarshal(data, &all))
	require.Greater(t, len(all.Cases), 40)
	asExpected := 0
	for _, c := range all.Cases {
		t.Run(c.Name, func(t *testing.T) {
			a, errA := iampolicy.Parse([]byte(c.A))
			b, errB := iampolicy.Parse([]byte(c.B))
			why := argued[c.Name]
			switch {
			case why == noDocument:
				require.True(t, errA != nil || errB != nil)
			case strings.HasPrefix(why, effectCase):
				require.False(t, iampolicy.Equivalent(a, b))
				mended := parse(t, strings.ReplaceAll(c.B, `"allow"`, `"Allow"`))
				require.Equal(t, c.Equivalent && !strings.Contains(why, emptyPrincipal), iampolicy.Equivalent(a, mended))
			default:
				require.NoError(t, errors.Join(errA, errB))
				require.Equal(t, c.Equivalent, iampolicy.Equivalent(a, b))
				require.Equal(t, c.Equivalent, iampolicy.Compare(a, b).None())
				asExpected++
			}
		})
	}
	t.Logf("%d of %d as expected, %d argued", asExpected, len(all.Cases), len(argued))
}

func TestEquivalentDocuments(t *testing.T) {
	const head = `{"Version":"2012-10-17","Statement":[`
	base := head + `{"Sid":"A","Effect":"Allow","Action":["ec2:CopySnapshot","ec2:CreateTags"],"Resource":["arn:aws:ec2:*::snapshot/*","arn:aws:ec2:*::image/*"],"Condition":{"StringEquals":{"aws:RequestTag/k":["a","b"]},"Bool":{"ec2:Encrypted":"true"}}}]}`
	for name, c := range map[string]struct {
		text string
		same bool
	}{
		"itself":                      {base, true},
		"another Sid":                 {strings.Replace(base, `"A"`, `"B"`, 1), true},
		"actions in other case":       {strings.Replace(base, "ec2:CopySnapshot", "EC2:copysnapshot", 1), true},
		"keys in other case":          {strings.Replace(base, "aws:RequestTag/k", "AWS:requesttag/K", 1), true},
		"operators in other case":     {strings.Replace(base, "StringEquals", "stringequals", 1), true},
		"a boolean":                   {strings.Replace(base, `"ec2:Encrypted":"true"`, `"ec2:Encrypted":true`, 1), true},
		"values in other case":        {strings.Replace(base, `["a","b"]`, `["A","b"]`, 1), false},
		"another version":             {strings.Replace(base, "2012-10-17", "2008-10-17", 1), false},
		"no condition":                {strings.Replace(base, `,"Bool":{"ec2:Encrypted":"true"}`, "", 1), false},
		"a value less":                {strings.Replace(base, `["a","b"]`, `"a"`, 1), false},
		"a resource less":             {strings.Replace(base, `,"arn:aws:ec2:*::image/*"`, "", 1), false},
		"an action less":              {strings.Replace(base, `,"ec2:CreateTags"`, "", 1), false},
		"a Deny":                      {strings.Replace(base, "Allow", "Deny", 1), false},
		"an unknown member":           {strings.Replace(base, `"Sid":"A"`, `"Note":"A"`, 1), false},
		"a statement for each action": {regrouped(t, base), true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := parse(t, base), parse(t, c.text)
			require.Equal(t, c.same, iampolicy.Equivalent(a, b))
			require.Equal(t, c.same, iampolicy.Equivalent(b, a))
		})
	}
}

// regrouped writes a statement for each action and resource, in another order
// and the last one twice.
func regrouped(t testing.TB, text string) string {
	t.Helper()
	d := parse(t, text)
	var all []iampolicy.Statement
	for _, s := range d.Statements {
		for _, a := range s.Actions.Values {
			for _, r := range s.Resources.Values {
				one := s
				one.Actions, one.Resources = iampolicy.Of(a), iampolicy.Of(r)
				all = append(all, one)
			}
		}
	}
	slices.Reverse(all)
	d.Statements = append(all, all[0])
	out, err := d.MarshalCompact()
	require.NoError(t, err)
	return string(out)
}

// drifts are pairs of documents: what is installed, what is needed, and what
// there is to say.
func TestCompareSaysInWords(t *testing.T) {
	const (
		needed = `{"Version":"2012-10-17","Statement":[
			{"Sid":"Describe","Effect":"Allow","Action":["ec2:DescribeSnapshots","ec2:DescribeVolumes"],"Resource":"*"},
			{"Sid":"DeleteOwn","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:aws:ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/vault":"999999999999"}}},
			{"Sid":"NeverPublic","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"Null":{"ec2:Add/group":"false"}}}]}`
	)
	change := func(old, new string) string {
		require.Contains(t, needed, old)
		return strings.Replace(needed, old, new, 1)
	}
	for _, c := range []struct{ name, installed, want string }{
		{"nothing differs", needed, "no drift"},
		{"other words", change(`"Sid":"Describe"`, `"Sid":"List"`), "reworded Describe: the installed document says it in List"},
		{
			"an action is missing", change(`,"ec2:DescribeVolumes"`, ""),
			"missing right (Describe): ec2:DescribeVolumes on * unconditionally; the other document has no such right",
		},
		{
			"the condition is gone", change(`,"Condition":{"StringEquals":{"aws:ResourceTag/vault":"999999999999"}}`, ""),
			"excess right (DeleteOwn): ec2:DeleteSnapshot on arn:aws:ec2:*::snapshot/snap-* unconditionally; the other document has it when aws:resourcetag/vault StringEquals 999999999999",
		},
		{
			"another value", change("999999999999", "333333333333"),
			"missing right (DeleteOwn): ec2:DeleteSnapshot on arn:aws:ec2:*::snapshot/snap-* when aws:ResourceTag/vault StringEquals 999999999999; the other document has it when aws:resourcetag/vault StringEquals 333333333333\n" +
				"excess right (DeleteOwn): ec2:DeleteSnapshot on arn:aws:ec2:*::snapshot/snap-* when aws:ResourceTag/vault StringEquals 333333333333; the other document has it when aws:resourcetag/vault StringEquals 999999999999",
		},
		{
			"a wider action", change(`["ec2:DescribeSnapshots","ec2:DescribeVolumes"]`, `"ec2:Describe*"`),
			"excess right (Describe): ec2:Describe* on * unconditionally; the other document has no such right",
		},
		{
			"a wider resource", change("arn:aws:ec2:*::snapshot/snap-*", "*"),
			"excess right (DeleteOwn): ec2:DeleteSnapshot on * when aws:ResourceTag/vault StringEquals 999999999999; the other document has it on arn:aws:ec2:*::snapshot/snap-*",
		},
		{
			"a refusal is missing", change(`"Effect":"Deny","Action":"ec2:ModifySnapshotAttribute"`, `"Effect":"Deny","Action":"ec2:ResetSnapshotAttribute"`),
			"missing refusal (NeverPublic): ec2:ModifySnapshotAttribute on * when ec2:Add/group Null false; the other document has no such refusal\n" +
				"excess refusal (NeverPublic): ec2:ResetSnapshotAttribute on * when ec2:Add/group Null false; the other document has no such refusal",
		},
		{"another version", change("2012-10-17", "2008-10-17"), "version: the installed document is written in 2008-10-17"},
		{"another version, with a variable", strings.ReplaceAll(change("2012-10-17", "2008-10-17"), "999999999999", "${aws:PrincipalAccount}"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			drift := iampolicy.Compare(parse(t, c.installed), parse(t, needed))
			if c.want != "" {
				require.Equal(t, c.want, drift.String())
			}
			require.Equal(t, strings.HasPrefix(c.want, "no drift") || strings.HasPrefix(c.want, "reworded"), drift.None())
			text, err := json.Marshal(drift)
			require.NoError(t, err)
			var again iampolicy.Drift
			require.NoError(t, json.Unmarshal(text, &again))
			require.Equal(t, drift.String(), again.String(), "JSON says the same")
		})
	}
}

func TestNothingInstalledIsAllMissing(t *testing.T) {
	for name, doc := range documents(t, installation()) {
		drift := iampolicy.Compare(nil, doc)
		require.Empty(t, drift.Excess, name)
		rebuilt := &iampolicy.Document{Version: iampolicy.Version}
		for _, m := range drift.Missing {
			rebuilt.Statements = append(rebuilt.Statements, m.Part)
		}
		require.True(t, iampolicy.Equivalent(doc, rebuilt), "%s: the missing parts together are the document", name)
		require.True(t, iampolicy.Compare(doc, nil).Missing == nil, name)
		require.Len(t, iampolicy.Compare(doc, nil).Excess, len(drift.Missing), name)
	}
}

// meansTheSame are mutants of generated documents that no request tells from
// the document when nothing else has a say, and why.
var meansTheSame = map[string]string{
	"vault-key NeverDestroy": "nothing in the document allows what it refuses; it is there for what others may add",
}

// Whatever is taken from a generated document or widened in it, Compare tells,
// and Covers has a counterexample in one direction or the other.
func TestNoMutantIsTakenForTheDocument(t *testing.T) {
	told, asked, n, every := 0, 0, 0, 7
	docs := documents(t, installation())
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		doc := docs[name]
		for _, m := range mutants(doc) {
			require.False(t, iampolicy.Equivalent(doc, m.doc), "%s %s", name, m.name)
			if strings.HasPrefix(name, "plan-session") {
				continue // its statements overlap on purpose: what one loses another gives
			}
			require.False(t, iampolicy.Compare(m.doc, doc).None(), "%s %s", name, m.name)
			// Covers takes its time; and a guard, which only denies, means
			// something beside other policies alone.
			if n++; n%every != 0 || strings.Contains(name, "guard") {
				continue
			}
			sid, _, _ := strings.Cut(m.name, ":")
			there, back := iampolicy.Covers(doc, m.doc), iampolicy.Covers(m.doc, doc)
			require.Equal(t, meansTheSame[name+" "+sid] != "", there.Covered && back.Covered, "%s %s", name, m.name)
			told++
			asked += there.Asked + back.Asked
		}
	}
	require.Greater(t, told, 30)
	t.Logf("%d mutants, %d of them put to the evaluator with %d requests", n, told, asked)
}

// What Compare calls contained, the evaluator never contradicts. The needed
// document is the installed one narrowed, so that often nothing is missing.
func TestPropertyMeaningAgreesWithWords(t *testing.T) {
	suffices, asked := 0, 0
	check(t, func(t *rapid.T) {
		installed := drawDocument(t)
		needed := narrowed(t, installed)
		if iampolicy.Equivalent(installed, needed) {
			require.True(t, iampolicy.Covers(installed, needed).Covered)
			require.True(t, iampolicy.Compare(installed, needed).None())
		}
		drift := iampolicy.Compare(installed, needed)
		has := func(all []iampolicy.Difference, allows bool) bool {
			return slices.ContainsFunc(all, func(d iampolicy.Difference) bool { return (d.Part.Effect == iampolicy.Allow) == allows })
		}
		if has(drift.Missing, true) || has(drift.Excess, false) || drift.Version != "" {
			return
		}
		found := iampolicy.Covers(installed, needed)
		require.True(t, found.Covered, "no right is missing, but %s\n%s", found, drift)
		suffices++
		asked += found.Asked
	})
	require.Greater(t, suffices, 200)
	t.Logf("%d times no right is missing, with %d requests", suffices, asked)
}

// narrowed returns a document with less in some places, and more in a few.
func narrowed(t *rapid.T, d *iampolicy.Document) *iampolicy.Document {
	c := copied(d)
	less := func(s iampolicy.Strings, label string) iampolicy.Strings {
		if len(s.Values) < 2 || rapid.IntRange(0, 3).Draw(t, label) > 0 {
			return s
		}
		return iampolicy.Of(s.Values[1:]...)
	}
	for i := range c.Statements {
		s := &c.Statements[i]
		s.Actions, s.Resources = less(s.Actions, "fewer actions"), less(s.Resources, "fewer resources")
		s.Conditions = slices.Clone(s.Conditions)
		for n := range s.Conditions {
			s.Conditions[n].Values = less(s.Conditions[n].Values, "fewer values")
			if rapid.IntRange(0, 9).Draw(t, "strict") == 0 {
				s.Conditions[n].Operator = strings.TrimSuffix(s.Conditions[n].Operator, "IfExists")
			}
		}
		switch rapid.IntRange(0, 9).Draw(t, "change") {
		case 0:
			s.Conditions = append(s.Conditions, drawCondition(t))
		case 1:
			s.Resources = iampolicy.Of("arn:aws:s3:::bucket/a*")
		case 2:
			s.Actions = iampolicy.Of("s3:GetObject")
		case 3:
			*s = drawStatement(t, s.Effect)
		}
	}
	return c
}

func FuzzCompare(f *testing.F) {
	seeds(f, func(text []byte) { f.Add(text, text) })
	f.Fuzz(func(t *testing.T, one, other []byte) {
		a, err := iampolicy.Parse(one)
		if err != nil {
			return
		}
		require.True(t, iampolicy.Equivalent(a, a))
		require.True(t, iampolicy.Compare(a, a).None())
		b, err := iampolicy.Parse(other)
		if err != nil {
			return
		}
		require.Equal(t, iampolicy.Equivalent(a, b), iampolicy.Equivalent(b, a))
		if iampolicy.Equivalent(a, b) {
			require.True(t, iampolicy.Compare(a, b).None())
		}
		require.NotEmpty(t, iampolicy.Compare(a, b).String())
	})
}

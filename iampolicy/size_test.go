package iampolicy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// decidedAlike asks the same of a document and of what stands for it, at the
// place where a set has it.
func decidedAlike(t *rapid.T, doc *iampolicy.Document, others ...*iampolicy.Document) {
	admin := []*iampolicy.Document{document(statement("", nil, "*", "*"))}
	for n := range 8 {
		req := drawRequest(t)
		for layer, set := range map[string]func(docs []*iampolicy.Document) iampolicy.PolicySet{
			"identity": func(docs []*iampolicy.Document) iampolicy.PolicySet { return iampolicy.PolicySet{Identity: docs} },
			"boundary": func(docs []*iampolicy.Document) iampolicy.PolicySet {
				return iampolicy.PolicySet{Identity: admin, Boundary: docs}
			},
			"scp": func(docs []*iampolicy.Document) iampolicy.PolicySet {
				return iampolicy.PolicySet{Identity: admin, SCP: [][]*iampolicy.Document{docs}}
			},
		} {
			want := iampolicy.Evaluate(req, set([]*iampolicy.Document{doc}))
			got := iampolicy.Evaluate(req, set(others))
			if want.Outcome != got.Outcome {
				t.Fatalf("%d: %s: %s on %s by %s with %v: %v of the document, %v of\n%s\nfor\n%s", n, layer,
					req.Action, req.Resource, req.Principal.ARN, req.Context, want.Outcome, got.Outcome, texts(others...), texts(doc))
			}
		}
	}
}

func texts(docs ...*iampolicy.Document) string {
	var all []string
	for _, d := range docs {
		text, _ := d.MarshalCompact()
		all = append(all, string(text))
	}
	return strings.Join(all, "\n")
}

func TestMinifyNeverWidensNorNarrows(t *testing.T) {
	smaller := 0
	check(t, func(t *rapid.T) {
		doc := drawDocument(t)
		for range rapid.IntRange(0, 3).Draw(t, "more") {
			doc.Statements = append(doc.Statements, drawStatement(t, iampolicy.Allow))
		}
		before := texts(doc)
		small := doc.Minify()
		require.Equal(t, before, texts(doc), "the document was changed")
		require.LessOrEqual(t, small.Size(), doc.Size())
		require.Equal(t, texts(small), texts(small.Minify()), "it could have been smaller at once")
		if small.Size() < doc.Size() {
			smaller++
		}
		decidedAlike(t, doc, small)
	})
	if !testing.Short() {
		require.Greater(t, smaller, 500)
	}
}

func TestMinifyAsKeyAndTrustPolicy(t *testing.T) {
	check(t, func(t *rapid.T) {
		doc, req := drawDocument(t), drawRequest(t)
		want := iampolicy.Evaluate(req, iampolicy.PolicySet{Resource: doc})
		got := iampolicy.Evaluate(req, iampolicy.PolicySet{Resource: doc.Minify()})
		require.Equal(t, want.Outcome, got.Outcome, "%s\n%s", texts(doc), texts(doc.Minify()))
	})
}

func TestMinify(t *testing.T) {
	for _, tt := range []struct{ name, from, to string }{
		{
			"names go", `{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`,
		},
		{
			"one statement of two", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"a"},{"Effect":"Allow","Action":["s3:PutObject"],"Resource":"a"}]}`,
			`{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"a"}]}`,
		},
		{
			"what is covered goes", `{"Statement":[{"Effect":"Deny","Action":["ec2:*","ec2:DeleteSnapshot","EC2:Create*"],"Resource":"*"},{"Effect":"Deny","Action":"ec2:X","Resource":"a","Condition":{"Bool":{"k":"true"}}}]}`,
			`{"Statement":[{"Effect":"Deny","Action":"ec2:*","Resource":"*"}]}`,
		},
		{
			"a question mark is no star", `{"Statement":[{"Effect":"Allow","Action":["s3:Get?bject","s3:Get*bject"],"Resource":["arn:aws:s3:::a?c","arn:aws:s3:::a*c"]}]}`,
			`{"Statement":[{"Effect":"Allow","Action":"s3:Get*bject","Resource":"arn:aws:s3:::a*c"}]}`,
		},
		{
			"a star matches no colon of an ARN", `{"Statement":[{"Effect":"Allow","Action":"s3:X","Resource":["arn:aws:s3:*","arn:aws:*:::b"]}]}`,
			`{"Statement":[{"Effect":"Allow","Action":"s3:X","Resource":["arn:aws:*:::b","arn:aws:s3:*"]}]}`,
		},
		{
			"other conditions are other statements", `{"Statement":[{"Effect":"Allow","Action":"s3:X","Resource":"*","Condition":{"Bool":{"k":"true"}}},{"Effect":"Allow","Action":"s3:Y","Resource":"*"}]}`,
			`{"Statement":[{"Effect":"Allow","Action":"s3:X","Resource":"*","Condition":{"Bool":{"k":"true"}}},{"Effect":"Allow","Action":"s3:Y","Resource":"*"}]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := iampolicy.Parse([]byte(tt.from))
			require.NoError(t, err)
			require.Equal(t, tt.to, texts(doc.Minify()))
		})
	}
}

func TestSplitMeansWhatTheWholeMeans(t *testing.T) {
	several := 0
	check(t, func(t *rapid.T) {
		doc := drawDocument(t)
		for range rapid.IntRange(1, 4).Draw(t, "more") {
			doc.Statements = append(doc.Statements, drawStatement(t, iampolicy.Allow))
		}
		limit := rapid.IntRange(120, 600).Draw(t, "limit")
		parts, err := iampolicy.Split(doc, limit)
		if err != nil {
			var large *iampolicy.TooLargeError
			require.ErrorAs(t, err, &large)
			require.Positive(t, large.Over())
			return
		}
		again, err := iampolicy.Split(doc, limit)
		require.NoError(t, err)
		require.Equal(t, texts(parts...), texts(again...))
		for _, part := range parts {
			require.LessOrEqual(t, part.Size(), limit)
			require.Equal(t, doc.Version, part.Version)
		}
		if len(parts) > 1 {
			several++
		}
		decidedAlike(t, doc, parts...)
		// Who attaches the first of them only gets no more than the whole gives.
		req := drawRequest(t)
		req.Principal = as(aliceARN) // who has nothing but what she is given, unlike root
		some := parts[:rapid.IntRange(1, len(parts)).Draw(t, "some")]
		if iampolicy.Evaluate(req, iampolicy.PolicySet{Identity: some}).Outcome == iampolicy.Allowed {
			require.Equal(t, iampolicy.Allowed, iampolicy.Evaluate(req, iampolicy.PolicySet{Identity: []*iampolicy.Document{doc}}).Outcome)
		}
	})
	if !testing.Short() { // which draws too few
		require.Greater(t, several, 500)
	}
}

func TestSplitCutsOnlyWhereAnyValueWillDo(t *testing.T) {
	long := strings.Repeat("x", 90)
	values := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("%s%d", long, i))
		}
		return all
	}
	with := func(operator string) *iampolicy.Document {
		s := statement("Long", nil, "s3:GetObject", "*")
		s.Conditions = []iampolicy.Condition{{Operator: operator, Key: "k", Values: iampolicy.Of(values(10)...)}}
		return document(s)
	}
	for _, operator := range []string{"StringEquals", "StringLikeIfExists", "ForAnyValue:StringLike", "ArnLike"} {
		parts, err := iampolicy.Split(with(operator), 600)
		require.NoError(t, err)
		require.Greater(t, len(parts), 1, operator)
		var all []string
		for _, part := range parts {
			require.Equal(t, "Long", part.Statements[0].Sid)
			all = append(all, part.Statements[0].Conditions[0].Values.Values...)
		}
		require.Equal(t, values(10), all)
	}
	for _, operator := range []string{"StringNotEquals", "ForAllValues:StringEquals", "ForAnyValue:StringNotEquals", "Null", "Unknown"} {
		_, err := iampolicy.Split(with(operator), 600)
		var large *iampolicy.TooLargeError
		require.ErrorAs(t, err, &large, operator)
		require.ErrorIs(t, err, iampolicy.ErrTooLarge)
		require.Equal(t, with(operator).Size()-600, large.Over())
	}
	not := document(iampolicy.Statement{Effect: iampolicy.Deny, NotActions: iampolicy.Of(values(9)...), Resources: iampolicy.Of("*")})
	_, err := iampolicy.Split(not, 600)
	require.ErrorIs(t, err, iampolicy.ErrTooLarge, "what two Denies of NotAction leave out is left out by neither")
}

func TestSplitPutsWhatDeniesFirst(t *testing.T) {
	deny := statement("Never", nil, "s3:DeleteObject", "*")
	deny.Effect = iampolicy.Deny
	doc := document(statement("First", nil, "s3:GetObject", "*"), statement("Second", nil, "s3:*", "*"), deny)
	parts, err := iampolicy.Split(doc, 150)
	require.NoError(t, err)
	var sids []string
	for _, part := range parts {
		for _, s := range part.Statements {
			sids = append(sids, s.Sid)
		}
	}
	require.Equal(t, []string{"Never", "First", "Second"}, sids)
	require.Equal(t, "First", doc.Statements[0].Sid, "the document was changed")
	empty, err := iampolicy.Split(document(), 100)
	require.NoError(t, err)
	require.Len(t, empty, 1)
	require.True(t, slices.ContainsFunc(parts, func(p *iampolicy.Document) bool { return len(p.Statements) == 1 }))
}

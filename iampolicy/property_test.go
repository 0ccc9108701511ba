package iampolicy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// check looks at some thousands of cases; rapid itself stops at a hundred.
func check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	for range 30 {
		rapid.Check(t, property)
	}
}

// The pools are small, so that requests and policies often meet.

func drawCondition(t *rapid.T) iampolicy.Condition {
	value := rapid.SampledFrom([]string{"a", "b", "*", "a*", "5", "true", "${k}", "${l, 'a'}", "${*}", roleARN, "arn:aws:iam::*:role/*", "10.0.0.0/8", "2026-03-01", ""})
	return iampolicy.Condition{
		Operator: rapid.SampledFrom([]string{
			"StringEquals", "StringNotEquals", "StringLike", "StringNotLikeIfExists", "stringEqualsIgnoreCase", "NumericLessThan",
			"NumericNotEquals", "DateGreaterThan", "Bool", "IpAddress", "NotIpAddress", "ArnLike", "ArnNotEquals", "Null",
			"ForAllValues:StringEquals", "ForAnyValue:StringNotEquals", "ForAnyValue:StringLikeIfExists", "BoolIfExists", "Unknown",
		}).Draw(t, "operator"),
		Key:    rapid.SampledFrom([]string{"k", "K", "l", "aws:TagKeys", "aws:PrincipalArn", "aws:username", "aws:ResourceAccount"}).Draw(t, "key"),
		Values: iampolicy.Of(rapid.SliceOfN(value, 0, 3).Draw(t, "values")...),
	}
}

func drawStrings(t *rapid.T, label string, pool ...string) iampolicy.Strings {
	return iampolicy.Strings{
		Values: rapid.SliceOfN(rapid.SampledFrom(pool), 1, 2).Draw(t, label),
		List:   rapid.Bool().Draw(t, label+" as list"),
	}
}

func drawPrincipals(t *rapid.T) *iampolicy.Principals {
	if rapid.IntRange(0, 3).Draw(t, "everyone") == 0 {
		return &iampolicy.Principals{Any: true}
	}
	kind := rapid.SampledFrom([]string{"AWS", "AWS", "AWS", "Service", ""}).Draw(t, "kind")
	return &iampolicy.Principals{By: map[string]iampolicy.Strings{
		kind: drawStrings(t, "principal", "*", "111111111111", rootARN, roleARN, sessionARN, aliceARN, "222222222222", foreignARN, "backup.amazonaws.com"),
	}}
}

func drawStatement(t *rapid.T, effect iampolicy.Effect) iampolicy.Statement {
	s := iampolicy.Statement{Effect: effect}
	actions := drawStrings(t, "action", "*", "*", "*", "s3:*", "S3:getobject", "s3:Get?bject", "kms:*", "kms:Decrypt", "sts:Assume*")
	if rapid.IntRange(0, 5).Draw(t, "NotAction") == 0 {
		s.NotActions = actions
	} else {
		s.Actions = actions
	}
	resources := drawStrings(t, "resource", "*", "*", "*", objectARN, "arn:aws:s3:::bucket/*", "arn:aws:s3:::*/${k}", keyARN, "arn:aws:kms:*:111111111111:key/*", targetARN)
	switch rapid.IntRange(0, 6).Draw(t, "NotResource") {
	case 0:
		s.NotResources = resources
	case 1: // as in a trust policy
	default:
		s.Resources = resources
	}
	switch rapid.IntRange(0, 7).Draw(t, "NotPrincipal") {
	case 0:
		s.NotPrincipal = drawPrincipals(t)
	case 1, 2:
		s.Principal = drawPrincipals(t)
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "conditions") {
		c := drawCondition(t)
		if !slices.ContainsFunc(s.Conditions, func(o iampolicy.Condition) bool { return o.Operator == c.Operator && o.Key == c.Key }) {
			s.Conditions = append(s.Conditions, c)
		}
	}
	return s
}

func drawDocument(t *rapid.T) *iampolicy.Document {
	d := &iampolicy.Document{Version: rapid.SampledFrom([]string{iampolicy.Version, iampolicy.Version, "2008-10-17", ""}).Draw(t, "version")}
	d.Statements = []iampolicy.Statement{}
	for range rapid.IntRange(0, 3).Draw(t, "statements") {
		effect := rapid.SampledFrom([]iampolicy.Effect{iampolicy.Allow, iampolicy.Allow, iampolicy.Allow, iampolicy.Deny}).Draw(t, "effect")
		d.Statements = append(d.Statements, drawStatement(t, effect))
	}
	return d
}

func drawSet(t *rapid.T) iampolicy.PolicySet {
	all := func(label string, most int) (docs []*iampolicy.Document) {
		for range rapid.IntRange(0, most).Draw(t, label) {
			docs = append(docs, drawDocument(t))
		}
		return docs
	}
	maybe := func(label string) *iampolicy.Document {
		if rapid.Bool().Draw(t, label) {
			return drawDocument(t)
		}
		return nil
	}
	set := iampolicy.PolicySet{
		Identity: append(all("identity", 2), &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{drawStatement(t, iampolicy.Allow)}}),
		Resource: maybe("resource"),
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "grants") {
		set.Grants = append(set.Grants, drawGrant(t))
	}
	if rapid.IntRange(0, 3).Draw(t, "limits") == 0 {
		set.Boundary, set.Session = all("boundary", 1), maybe("session")
		set.SCP = [][]*iampolicy.Document{append(all("scp", 1), drawDocument(t))}
		set.RCP = [][]*iampolicy.Document{all("rcp", 1)}
	}
	return set
}

func drawRequest(t *rapid.T) iampolicy.Request {
	req := iampolicy.Request{
		Principal: as(rapid.SampledFrom([]string{aliceARN, sessionARN, roleARN, rootARN, foreignARN, "backup.amazonaws.com", ""}).Draw(t, "who")),
		Action:    rapid.SampledFrom([]string{"s3:GetObject", "kms:Decrypt", "kms:Decrypt", "kms:CreateGrant", "kms:RetireGrant", "sts:AssumeRole"}).Draw(t, "asked action"),
		Resource:  rapid.SampledFrom([]string{objectARN, keyARN, targetARN, "*"}).Draw(t, "asked resource"),
		Context: rapid.MapOfN(
			rapid.SampledFrom([]string{"k", "l", "aws:TagKeys"}),
			rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "*", "5", "true", roleARN, "10.1.2.3", "2026-04-01", ""}), 0, 2), 0, 3).Draw(t, "context"),
		ResourceAccount: rapid.SampledFrom([]string{"", "111111111111"}).Draw(t, "owner"),
		Partial:         rapid.Bool().Draw(t, "partial"),
	}
	if strings.HasPrefix(req.Action, "kms:") && req.Context != nil { // what grants look at
		maps.Copy(req.Context, rapid.MapOfN(
			rapid.SampledFrom([]string{context + "a", context + "b", "kms:encryptioncontext:a", "kms:GrantOperations", "kms:GrantConstraintType", "aws:SourceArn"}),
			rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "Decrypt", "Encrypt", "EncryptionContextEquals", snapshotARN}), 0, 2), 0, 4).Draw(t, "grant context"))
	}
	return req
}

// layers returns all documents of a set.
func layers(set *iampolicy.PolicySet) (all []**iampolicy.Document) {
	lists := [][]*iampolicy.Document{set.Identity, set.Boundary, {}, {}}
	lists = append(append(lists, set.SCP...), set.RCP...)
	for _, list := range lists {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return append(all, &set.Resource, &set.Session)
}

// changed returns the set with every document replaced.
func changed(set iampolicy.PolicySet, change func(*iampolicy.Document) *iampolicy.Document) iampolicy.PolicySet {
	list := func(docs []*iampolicy.Document) []*iampolicy.Document { return slices.Clone(docs) }
	levels := func(all [][]*iampolicy.Document) (out [][]*iampolicy.Document) {
		for _, l := range all {
			out = append(out, list(l))
		}
		return out
	}
	set.Identity, set.Boundary = list(set.Identity), list(set.Boundary)
	set.SCP, set.RCP = levels(set.SCP), levels(set.RCP)
	for _, d := range layers(&set) {
		if *d != nil {
			*d = change(*d)
		}
	}
	return set
}

func copied(d *iampolicy.Document) *iampolicy.Document {
	c := *d
	c.Statements = slices.Clone(d.Statements)
	return &c
}

// requireSame compares what does not depend on the order of statements.
func requireSame(t *rapid.T, want, got iampolicy.Decision) {
	require.Equal(t, want.Outcome, got.Outcome, "%v and %v", want, got)
	require.Equal(t, strings.ToLower(strings.Join(want.Missing, " ")), strings.ToLower(strings.Join(got.Missing, " ")))
	require.Equal(t, want.Lacking, got.Lacking)
}

func TestPropertyDenyNeverAllows(t *testing.T) {
	check(t, func(t *rapid.T) {
		set, req := drawSet(t), drawRequest(t)
		before := iampolicy.Evaluate(req, set)
		all := layers(&set)
		at := rapid.SampledFrom(all).Draw(t, "where")
		d := &iampolicy.Document{Version: iampolicy.Version}
		if *at != nil {
			d = copied(*at)
		}
		d.Statements = append(d.Statements, drawStatement(t, iampolicy.Deny))
		if *at == nil && at == all[len(all)-1] {
			return // a session policy that only denies is a new limit of its own
		}
		*at = d
		after := iampolicy.Evaluate(req, set)
		if before.Outcome != iampolicy.Allowed && before.Outcome != iampolicy.Unknown {
			require.NotEqual(t, iampolicy.Allowed, after.Outcome, "was %v", before)
			require.NotEqual(t, iampolicy.Unknown, after.Outcome, "was %v", before)
		}
		if before.Outcome == iampolicy.Unknown {
			require.NotEqual(t, iampolicy.Allowed, after.Outcome, "was %v", before)
		}
		if before.Outcome == iampolicy.ExplicitDeny {
			require.Equal(t, iampolicy.ExplicitDeny, after.Outcome)
		}
	})
}

func TestPropertyLessAllowedNeverAllows(t *testing.T) {
	check(t, func(t *rapid.T) {
		set, req := drawSet(t), drawRequest(t)
		set.RCP = nil // a level without Allow stands for one that allows all
		before := iampolicy.Evaluate(req, set)
		less := changed(set, func(d *iampolicy.Document) *iampolicy.Document {
			c := copied(d)
			c.Statements = slices.DeleteFunc(c.Statements, func(s iampolicy.Statement) bool {
				return s.Effect == iampolicy.Allow && rapid.Bool().Draw(t, "drop")
			})
			return c
		})
		after := iampolicy.Evaluate(req, less)
		if before.Outcome != iampolicy.Allowed {
			require.NotEqual(t, iampolicy.Allowed, after.Outcome, "was %v", before)
		}
	})
}

func TestPropertyOrderIsIrrelevant(t *testing.T) {
	check(t, func(t *rapid.T) {
		set, req := drawSet(t), drawRequest(t)
		requireSame(t, iampolicy.Evaluate(req, set), iampolicy.Evaluate(req, changed(set, func(d *iampolicy.Document) *iampolicy.Document {
			c := copied(d)
			c.Statements = rapid.Permutation(c.Statements).Draw(t, "order")
			return c
		})))
	})
}

func TestPropertyCanonicalMeansTheSame(t *testing.T) {
	check(t, func(t *rapid.T) {
		set, req := drawSet(t), drawRequest(t)
		want := iampolicy.Evaluate(req, set)
		requireSame(t, want, iampolicy.Evaluate(req, changed(set, (*iampolicy.Document).Canonical)))
		requireSame(t, want, iampolicy.Evaluate(req, changed(set, func(d *iampolicy.Document) *iampolicy.Document {
			text, err := json.Marshal(d)
			require.NoError(t, err)
			read, err := iampolicy.Parse(text)
			require.NoError(t, err)
			require.Equal(t, d.Digest(), read.Digest())
			return read
		})))
	})
}

// Whatever a Partial request is answered with certainty is the answer for
// every context that adds to what was known.
func TestPropertyPartialIsSure(t *testing.T) {
	check(t, func(t *rapid.T) {
		set, full := drawSet(t), drawRequest(t)
		part := full
		full.Partial, part.Partial = false, true
		part.Context = maps.Clone(full.Context)
		maps.DeleteFunc(part.Context, func(string, []string) bool { return rapid.Bool().Draw(t, "forget") })
		said, is := iampolicy.Evaluate(part, set), iampolicy.Evaluate(full, set)
		switch said.Outcome {
		case iampolicy.Allowed, iampolicy.ExplicitDeny:
			require.Equal(t, said.Outcome, is.Outcome, "%v but %v", said, is)
		case iampolicy.ImplicitDeny:
			require.NotEqual(t, iampolicy.Allowed, is.Outcome, "%v but %v", said, is)
		case iampolicy.Unknown:
			require.NotEmpty(t, said.Missing)
			require.NotEmpty(t, said.By)
		}
	})
}

func TestPropertyDecisionsExplainThemselves(t *testing.T) {
	seen := map[iampolicy.Outcome]int{}
	check(t, func(rt *rapid.T) {
		set, req := drawSet(rt), drawRequest(rt)
		d := iampolicy.Evaluate(req, set)
		seen[d.Outcome]++
		require.NotEmpty(rt, d.String())
		switch d.Outcome {
		case iampolicy.ExplicitDeny:
			require.NotEmpty(rt, d.By)
		case iampolicy.ImplicitDeny:
			require.NotEmpty(rt, d.Lacking)
		case iampolicy.Allowed:
			require.True(rt, len(d.By) > 0 || req.Principal.ARN == rootARN, d)
		case iampolicy.Unknown:
			require.True(rt, req.Partial)
		}
	})
	for _, o := range []iampolicy.Outcome{iampolicy.Allowed, iampolicy.ImplicitDeny, iampolicy.ExplicitDeny, iampolicy.Unknown} {
		require.Positive(t, seen[o], "the cases never end in %s: %v", o, seen)
	}
	t.Log(seen)
}

package iamjudge_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// TestGrantsAreToUsAsStatementsToTheJudge gives random requests for a key of
// the caller's account a grant. The judge knows no grants: it gets the
// statement of the key's policy that allows the same, which within one account
// is all that a grant is.
func TestGrantsAreToUsAsStatementsToTheJudge(t *testing.T) {
	r := rand.New(rand.NewPCG(*seed, 2))
	var samples []*sample
	for len(samples) < *cases/10 {
		if s := drawGranted(r); s != nil {
			samples = append(samples, s)
		}
	}
	decided, differ := 0, 0
	for i, theirs := range judge(t, samples) {
		s := samples[i]
		ours := s.ours()
		if slices.ContainsFunc(ours.By, func(by iampolicy.Reason) bool { return by.Layer == "grant" }) {
			decided++
		}
		if ours.Outcome.String() != theirs && !strings.HasPrefix(theirs, "error: ") {
			differ++
			require.NotEmpty(t, deviations(s), "seed %d: we say %v of %+v, the judge says %s of\n%s", *seed, ours, s.grant, theirs, s)
		}
	}
	t.Logf("%d cases, in %d the grant allows; %d differences, all known", len(samples), decided, differ)
	require.Greater(t, decided, len(samples)/20)
}

// drawGranted draws a sample with a grant, or nil if it is not about a key of
// the caller's account.
func drawGranted(r *rand.Rand) *sample {
	d := &drawer{Rand: r, sample: *draw(r)}
	if !strings.Contains(d.Request.Resource, ":key/") || d.Request.Account != here || d.principalAccount() != here {
		return nil
	}
	operation := strings.TrimPrefix(d.Request.Action, "kms:")
	g := &iampolicy.Grant{
		Grantee:    pick(d, d.Request.Principal, d.roleOrUser(), "arn:aws:iam::"+here+":root", "arn:aws:iam::"+here+":user/bob"),
		Operations: []string{pick(d, operation, operation, operation, "Encrypt"), "red", "blue"},
	}
	statement := iampolicy.Statement{
		Sid: "Grant", Effect: iampolicy.Allow, Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(g.Grantee)}},
		Actions: iampolicy.Of("kms:" + g.Operations[0]), Resources: iampolicy.Of("*"),
	}
	if operation == "CreateGrant" {
		statement.Conditions = []iampolicy.Condition{
			{Operator: "ForAllValues:StringEquals", Key: "kms:GrantOperations", Values: iampolicy.Of(g.Operations...)},
			{Operator: "Null", Key: "kms:GrantOperations", Values: iampolicy.Of("false")},
		}
	} else {
		statement.Conditions = d.constrain(g)
	}
	d.grant, d.withoutGrant = g, d.Policies.Resource
	with := *d.Policies.Resource
	with.Statements = append(slices.Clone(with.Statements), statement)
	d.Policies.Resource = &with
	return &d.sample
}

// constrain draws an encryption context for the request and one for the grant,
// and returns the conditions that say the same. The judge drops the keys
// kms:EncryptionContext:… of a request, so it gets each as the tag of that name.
func (d *drawer) constrain(g *iampolicy.Grant) (all []iampolicy.Condition) {
	const prefix, tag = "kms:EncryptionContext:", "aws:PrincipalTag/"
	pairs := func() map[string]string {
		m := map[string]string{}
		for _, name := range []string{"one", "two"} {
			if d.chance(40) {
				m[name] = pick(d, "a", "a", "b")
			}
		}
		return m
	}
	asked := pairs()
	for name, value := range asked {
		d.Request.Context[prefix+name], d.Request.Context[tag+name] = value, value
	}
	if len(asked) > 0 {
		d.Request.Context["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(asked))
	}
	wanted := pairs()
	for _, name := range sorted(wanted) {
		all = append(all, iampolicy.Condition{Operator: "StringEquals", Key: tag + name, Values: iampolicy.Of(wanted[name])})
	}
	switch {
	case len(wanted) == 0:
	case d.chance(50):
		g.ContextSubset = wanted
	default:
		g.ContextEquals = wanted
		all = append(all, iampolicy.Condition{
			Operator: "ForAllValues:StringEquals", Key: "kms:EncryptionContextKeys", Values: iampolicy.Of(sorted(wanted)...),
		})
	}
	return all
}

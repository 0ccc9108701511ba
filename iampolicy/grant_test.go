package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/iampolicy"
)

const context = "kms:EncryptionContext:"

// grantTo returns a grant to decrypt.
func grantTo(who string) iampolicy.Grant {
	return iampolicy.Grant{ID: "g1", Grantee: who, Operations: []string{"Encrypt", "Decrypt"}}
}

func TestGrants(t *testing.T) {
	const foreignUser = "arn:aws:iam::222222222222:user/eve"
	other := grantTo(aliceARN)
	other.Key = keyARN + "0"
	behalf := grantTo(aliceARN)
	behalf.SourceARN = snapshotARN
	for _, tt := range []struct {
		name     string
		who      string
		action   string
		resource string
		grant    iampolicy.Grant
		set      iampolicy.PolicySet
		keys     contextKeys
		want     iampolicy.Outcome
	}{
		{name: "to the user", who: aliceARN, grant: grantTo(aliceARN), want: iampolicy.Allowed},
		{name: "to another", who: bobARN, grant: grantTo(aliceARN)},
		{name: "to nobody", who: aliceARN, grant: grantTo("")},
		{name: "to everyone is to nobody", who: aliceARN, grant: grantTo("*")},
		{name: "of another operation", who: aliceARN, action: "kms:ReEncryptFrom", grant: grantTo(aliceARN)},
		{name: "in whatever case", who: aliceARN, action: "KMS:decrypt", grant: grantTo(aliceARN), want: iampolicy.Allowed},
		{name: "for another key", who: aliceARN, grant: other},
		{name: "for no key", who: aliceARN, resource: "arn:aws:kms:eu-west-1:111111111111:alias/a", grant: grantTo(aliceARN)},
		{name: "for another service", who: aliceARN, action: "s3:Decrypt", grant: grantTo(aliceARN)},
		{name: "to an anonymous caller", who: "", grant: grantTo("")},

		{name: "denied by the caller's policy", who: aliceARN, grant: grantTo(aliceARN), set: iampolicy.PolicySet{Identity: docs(t, denyAll)}, want: iampolicy.ExplicitDeny},
		{name: "denied by the key's policy", who: aliceARN, grant: grantTo(aliceARN), set: iampolicy.PolicySet{Resource: doc(t, `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`)}, want: iampolicy.ExplicitDeny},
		{name: "an SCP is silent", who: aliceARN, grant: grantTo(aliceARN), set: iampolicy.PolicySet{SCP: [][]*iampolicy.Document{docs(t, allowOther)}}},
		{name: "an RCP denies", who: aliceARN, grant: grantTo(aliceARN), set: iampolicy.PolicySet{RCP: [][]*iampolicy.Document{docs(t, `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`)}}, want: iampolicy.ExplicitDeny},
		{name: "to the user, whose boundary is silent", who: aliceARN, grant: grantTo(aliceARN), set: iampolicy.PolicySet{Boundary: docs(t, allowOther)}, want: iampolicy.Allowed},
		{name: "to the session, whose session policy is silent", who: sessionARN, grant: grantTo(sessionARN), set: iampolicy.PolicySet{Session: doc(t, allowOther)}, want: iampolicy.Allowed},
		{name: "to the role", who: sessionARN, grant: grantTo(roleARN), want: iampolicy.Allowed},
		{name: "to the role, whose boundary is silent", who: sessionARN, grant: grantTo(roleARN), set: iampolicy.PolicySet{Boundary: docs(t, allowOther)}},
		{name: "to the role, whose session policy is silent", who: sessionARN, grant: grantTo(roleARN), set: iampolicy.PolicySet{Session: doc(t, allowOther)}},
		{name: "to the account", who: aliceARN, grant: grantTo(rootARN)},
		{name: "to the account, whose policy allows", who: aliceARN, grant: grantTo(rootARN), set: iampolicy.PolicySet{Identity: docs(t, allowAll)}, want: iampolicy.Allowed},
		{name: "to the account, asked by its root", who: rootARN, grant: grantTo(rootARN), want: iampolicy.Allowed},
		{name: "to a user of another account", who: foreignUser, grant: grantTo(foreignUser), want: iampolicy.Allowed},
		{name: "to another account", who: foreignUser, grant: grantTo("222222222222")},
		{name: "to another account, whose policy allows", who: foreignUser, grant: grantTo("222222222222"), set: iampolicy.PolicySet{Identity: docs(t, allowAll)}, want: iampolicy.Allowed},
		{name: "to a service", who: "ec2.eu-west-1.amazonaws.com", grant: grantTo("ec2.eu-west-1.amazonaws.com"), want: iampolicy.Allowed},
		{name: "to another service", who: "s3.amazonaws.com", grant: grantTo("ec2.eu-west-1.amazonaws.com")},

		{name: "on behalf of a resource", who: aliceARN, grant: behalf, keys: contextKeys{"aws:SourceArn": {snapshotARN}}, want: iampolicy.Allowed},
		{name: "on behalf of none", who: aliceARN, grant: behalf},

		{name: "retired by its grantee without the right", who: aliceARN, action: "kms:RetireGrant", grant: grantTo(aliceARN)},
		{name: "retired by its retiring principal", who: aliceARN, action: "kms:RetireGrant", grant: iampolicy.Grant{Grantee: bobARN, Retiring: aliceARN, ContextEquals: map[string]string{"a": "1"}}, want: iampolicy.Allowed},
		{name: "used by its retiring principal", who: aliceARN, grant: iampolicy.Grant{Grantee: bobARN, Retiring: aliceARN, Operations: []string{"Decrypt"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := iampolicy.Request{Principal: as(tt.who), Action: "kms:Decrypt", Resource: keyARN, Context: tt.keys}
			if tt.action != "" {
				req.Action = tt.action
			}
			if tt.resource != "" {
				req.Resource = tt.resource
			}
			set := tt.set
			set.Grants = []iampolicy.Grant{tt.grant}
			d := iampolicy.Evaluate(req, set)
			require.Equal(t, tt.want, d.Outcome, d)
			if tt.want == iampolicy.Allowed && set.Identity == nil {
				require.Equal(t, []iampolicy.Reason{{Layer: "grant", Statement: tt.grant.ID}}, d.By)
			}
			set.Grants = nil
			require.NotEqual(t, iampolicy.Allowed, iampolicy.Evaluate(req, set).Outcome, "without the grant")
		})
	}
}

func TestConstraintsOfGrants(t *testing.T) {
	both := map[string]string{"Department": "IT", "Purpose": "Test"}
	it := map[string]string{"Department": "IT"}
	for _, tt := range []struct {
		name           string
		action         string
		equals, subset map[string]string
		keys           contextKeys
		partial        bool
		want           iampolicy.Outcome
		missing        []string
	}{
		{name: "equal", equals: it, keys: contextKeys{context + "Department": {"IT"}}, want: iampolicy.Allowed},
		{name: "equal, the key in another case", equals: it, keys: contextKeys{"KMS:encryptioncontext:Department": {"IT"}}, want: iampolicy.Allowed},
		{name: "the name in another case", equals: it, keys: contextKeys{context + "department": {"IT"}}},
		{name: "the value in another case", subset: it, keys: contextKeys{context + "Department": {"it"}}},
		{name: "no context", equals: it},
		{name: "more than equal", equals: it, keys: contextKeys{context + "Department": {"IT"}, context + "Purpose": {"Test"}}},
		{name: "more than equal, by the list of keys", equals: it, keys: contextKeys{context + "Department": {"IT"}, "kms:EncryptionContextKeys": {"Department", "Purpose"}}},
		{name: "more than the subset", subset: it, keys: contextKeys{context + "Department": {"IT"}, context + "Purpose": {"Test"}}, want: iampolicy.Allowed},
		{name: "less than the subset", subset: both, keys: contextKeys{context + "Department": {"IT"}}},
		{name: "equals nothing", equals: map[string]string{}, want: iampolicy.Allowed},
		{name: "equals nothing, a context", equals: map[string]string{}, keys: contextKeys{context + "a": {"1"}}},
		{name: "no context to look at", action: "kms:DescribeKey", equals: it, want: iampolicy.Allowed},

		{name: "unknown", subset: it, partial: true, want: iampolicy.Unknown, missing: []string{context + "Department"}},
		{name: "known to be absent", subset: it, keys: contextKeys{context + "Department": nil}, partial: true},
		{name: "whether equal is unknown", equals: it, keys: contextKeys{context + "Department": {"IT"}}, partial: true, want: iampolicy.Unknown, missing: []string{"kms:EncryptionContextKeys"}},
		{name: "equal, by the list of keys", equals: it, keys: contextKeys{context + "Department": {"IT"}, "kms:EncryptionContextKeys": {"Department"}}, partial: true, want: iampolicy.Allowed},

		{name: "a grant of as much", action: "kms:CreateGrant", keys: contextKeys{"kms:GrantOperations": {"Decrypt"}}, want: iampolicy.Allowed},
		{name: "a grant of more", action: "kms:CreateGrant", keys: contextKeys{"kms:GrantOperations": {"Decrypt", "ReEncryptFrom"}}},
		{name: "a grant of unnamed operations", action: "kms:CreateGrant"},
		{name: "a grant of unknown operations", action: "kms:CreateGrant", partial: true, want: iampolicy.Unknown, missing: []string{"kms:GrantOperations"}},
		{name: "a grant as strict", action: "kms:CreateGrant", equals: it, keys: contextKeys{"kms:GrantOperations": {"Decrypt"}, "kms:GrantConstraintType": {"EncryptionContextEquals"}, context + "Department": {"IT"}}, want: iampolicy.Allowed},
		{name: "a grant that turns equal into subset", action: "kms:CreateGrant", equals: it, keys: contextKeys{"kms:GrantOperations": {"Decrypt"}, "kms:GrantConstraintType": {"EncryptionContextSubset"}, context + "Department": {"IT"}}},
		{name: "a grant of an unknown kind", action: "kms:CreateGrant", equals: it, partial: true, keys: contextKeys{"kms:GrantOperations": {"Decrypt"}, "kms:EncryptionContextKeys": {"Department"}, context + "Department": {"IT"}}, want: iampolicy.Unknown, missing: []string{"kms:GrantConstraintType"}},
		{name: "a grant that turns subset into equal", action: "kms:CreateGrant", subset: it, keys: contextKeys{"kms:GrantOperations": {"Decrypt"}, "kms:GrantConstraintType": {"EncryptionContextEquals"}, context + "Department": {"IT"}}, want: iampolicy.Allowed},
		{name: "a grant that is stricter", action: "kms:CreateGrant", subset: it, keys: contextKeys{"kms:GrantOperations": {"Decrypt"}, context + "Department": {"IT"}, context + "Purpose": {"Test"}}, want: iampolicy.Allowed},
		{name: "a grant without the constraint", action: "kms:CreateGrant", subset: it, keys: contextKeys{"kms:GrantOperations": {"Decrypt"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := iampolicy.Grant{Grantee: aliceARN, Operations: []string{"Decrypt", "CreateGrant", "DescribeKey"}, ContextEquals: tt.equals, ContextSubset: tt.subset}
			req := iampolicy.Request{Principal: as(aliceARN), Action: "kms:Decrypt", Resource: keyARN, Context: tt.keys, Partial: tt.partial}
			if tt.action != "" {
				req.Action = tt.action
			}
			d := iampolicy.Evaluate(req, iampolicy.PolicySet{Grants: []iampolicy.Grant{g}})
			require.Equal(t, tt.want, d.Outcome, d)
			require.Equal(t, tt.missing, d.Missing)
		})
	}
}

func TestGrantsAreNamedInDecisions(t *testing.T) {
	d := iampolicy.Evaluate(iampolicy.Request{Principal: as(aliceARN), Action: "kms:Decrypt", Resource: keyARN}, iampolicy.PolicySet{
		Grants: []iampolicy.Grant{grantTo(bobARN), grantTo(aliceARN), {Grantee: aliceARN, Operations: []string{"Decrypt"}}},
	})
	require.Equal(t, "allowed by grant 1, g1; grant 2", d.String())
}

func drawGrant(t *rapid.T) iampolicy.Grant {
	pairs := func(label string) map[string]string {
		if rapid.IntRange(0, 2).Draw(t, label) > 0 {
			return nil
		}
		return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.SampledFrom([]string{"1", "2"}), 0, 2).Draw(t, label+" pairs")
	}
	return iampolicy.Grant{
		Grantee:       rapid.SampledFrom([]string{aliceARN, sessionARN, roleARN, rootARN, foreignARN, "222222222222", "backup.amazonaws.com"}).Draw(t, "grantee"),
		Retiring:      rapid.SampledFrom([]string{"", "", aliceARN, roleARN}).Draw(t, "retiring"),
		Operations:    rapid.SliceOfN(rapid.SampledFrom([]string{"Decrypt", "Encrypt", "CreateGrant", "RetireGrant"}), 1, 3).Draw(t, "operations"),
		ContextEquals: pairs("equals"), ContextSubset: pairs("subset"),
		SourceARN: rapid.SampledFrom([]string{"", "", "", snapshotARN}).Draw(t, "source"),
	}
}

// A grant can allow and never refuses, and nothing that denies gives way to it.
func TestPropertyGrantsOnlyAllow(t *testing.T) {
	changed := 0
	check(t, func(t *rapid.T) {
		set, req := drawSet(t), drawRequest(t)
		before := iampolicy.Evaluate(req, set)
		set.Grants = append(set.Grants, drawGrant(t))
		after := iampolicy.Evaluate(req, set)
		if before.Outcome == iampolicy.Allowed || before.Outcome == iampolicy.ExplicitDeny {
			require.Equal(t, before.Outcome, after.Outcome)
		} else if before.Outcome != after.Outcome {
			changed++
		}
	})
	if !testing.Short() { // which draws too few to count on
		require.Positive(t, changed, "no grant ever changed the answer")
	}
}

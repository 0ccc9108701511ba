package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Partial request is answered as far as what is known carries.
func TestPartial(t *testing.T) {
	const (
		tagged   = `{"Sid":"Own","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/own":"yes"}}}`
		denied   = `{"Sid":"Not","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
		both     = `{"Sid":"Two","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"b":"1","A":"1"}}}`
		variable = `{"Sid":"Var","Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::bucket/${aws:PrincipalTag/dir, 'dir'}/*"}`
		noVar    = `{"Sid":"Var","Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::bucket/${aws:PrincipalTag/dir}/*"}`
		ifExists = `{"Sid":"If","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIfExists":{"k":"1"}}}`
		null     = `{"Sid":"Null","Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"k":"true"}}}`
		forAll   = `{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"k":"1"}}}`
		negated  = `{"Sid":"Neg","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"k":"1"}}}`
		inValue  = `{"Sid":"Val","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"${v}"}}}`
	)
	for _, tt := range []struct {
		name     string
		policies []string
		context  contextKeys
		want     iampolicy.Outcome
		missing  []string
		by       []string
	}{
		{"a tag is not known", []string{tagged}, nil, iampolicy.Unknown, []string{"aws:ResourceTag/own"}, []string{"Own"}},
		{"a tag is known", []string{tagged}, contextKeys{"aws:ResourceTag/own": {"yes"}}, iampolicy.Allowed, nil, []string{"Own"}},
		{"a tag is known to differ", []string{tagged}, contextKeys{"aws:ResourceTag/own": {"no"}}, iampolicy.ImplicitDeny, nil, nil},
		{"a tag is known to be absent", []string{tagged}, contextKeys{"aws:ResourceTag/own": {}}, iampolicy.ImplicitDeny, nil, nil},
		{"allowed in any case", []string{tagged, allowAll}, nil, iampolicy.Allowed, nil, []string{"1"}},
		{"denied in any case", []string{tagged, denyAll}, nil, iampolicy.ExplicitDeny, nil, []string{"1"}},
		{"nothing may allow", []string{denied}, nil, iampolicy.ImplicitDeny, nil, nil},
		{"a deny is not known", []string{allowAll, denied}, nil, iampolicy.Unknown, []string{"aws:SecureTransport"}, []string{"Not"}},
		{"neither is known", []string{tagged, denied}, nil, iampolicy.Unknown, []string{"aws:ResourceTag/own", "aws:SecureTransport"}, []string{"Own", "Not"}},
		{"an allow that does not matter", []string{tagged, allowAll, denied}, nil, iampolicy.Unknown, []string{"aws:SecureTransport"}, []string{"Not"}},
		{"two keys, in order", []string{both}, nil, iampolicy.Unknown, []string{"A", "b"}, []string{"Two"}},
		{"one key is known to differ", []string{both}, contextKeys{"b": {"2"}}, iampolicy.ImplicitDeny, nil, nil},
		{"a key is named once", []string{ifExists, null}, nil, iampolicy.Unknown, []string{"k"}, []string{"If", "Null"}},
		{"a variable with default", []string{variable}, nil, iampolicy.Unknown, []string{"aws:PrincipalTag/dir"}, []string{"Var"}},
		{"a variable known to be absent", []string{variable}, contextKeys{"aws:PrincipalTag/dir": {}}, iampolicy.Allowed, nil, []string{"Var"}},
		{"a variable in NotResource", []string{allowAll, noVar}, nil, iampolicy.Unknown, []string{"aws:PrincipalTag/dir"}, []string{"Var"}},
		{"a variable in a value", []string{inValue}, contextKeys{"k": {"1"}}, iampolicy.Unknown, []string{"v"}, []string{"Val"}},
		{"IfExists", []string{ifExists}, nil, iampolicy.Unknown, []string{"k"}, []string{"If"}},
		{"Null", []string{null}, nil, iampolicy.Unknown, []string{"k"}, []string{"Null"}},
		{"ForAllValues", []string{forAll}, nil, iampolicy.Unknown, []string{"k"}, []string{"All"}},
		{"negated", []string{negated}, nil, iampolicy.Unknown, []string{"k"}, []string{"Neg"}},
		{"a key that does not matter any more", []string{`{"Sid":"Or","Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::${v}","*"],"Condition":{"StringEquals":{"k":["${w}","1"],"l":"1"}}}`}, contextKeys{"k": {"1"}}, iampolicy.Unknown, []string{"l"}, []string{"Or"}},
		{"derived keys are known", []string{`{"Sid":"Me","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"` + aliceARN + `"}}}`}, nil, iampolicy.Allowed, nil, []string{"Me"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN, Context: tt.context, Partial: true}
			set := iampolicy.PolicySet{Identity: docs(t, tt.policies...)}
			d := iampolicy.Evaluate(req, set)
			require.Equal(t, tt.want, d.Outcome, d)
			require.Equal(t, tt.missing, d.Missing)
			var by []string
			for _, r := range d.By {
				by = append(by, r.Statement)
			}
			require.Equal(t, tt.by, by)

			req.Partial = false
			require.NotEqual(t, iampolicy.Unknown, iampolicy.Evaluate(req, set).Outcome, "absent is not unknown")
		})
	}
}

// A layer that may allow does not hide that another surely does not.
func TestPartialLayers(t *testing.T) {
	may := `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"1"}}}`
	ask := func(set iampolicy.PolicySet) iampolicy.Decision {
		return iampolicy.Evaluate(iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN, Partial: true}, set)
	}
	require.Equal(t, iampolicy.ImplicitDeny, ask(iampolicy.PolicySet{Identity: docs(t, may), Boundary: docs(t, allowOther)}).Outcome)
	require.Equal(t, iampolicy.Unknown, ask(iampolicy.PolicySet{Identity: docs(t, allowAll), Boundary: docs(t, may)}).Outcome)
	require.Equal(t, iampolicy.Unknown, ask(iampolicy.PolicySet{Identity: docs(t, allowAll), SCP: [][]*iampolicy.Document{docs(t, may), docs(t, allowAll)}}).Outcome)
	require.Equal(t, iampolicy.ImplicitDeny, ask(iampolicy.PolicySet{Identity: docs(t, may), SCP: [][]*iampolicy.Document{docs(t, may), {}}}).Outcome)
	grant := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"1"}}}`
	d := ask(iampolicy.PolicySet{Resource: doc(t, grant)})
	require.Equal(t, iampolicy.Unknown, d.Outcome)
	require.Equal(t, []iampolicy.Reason{{Layer: "resource", Statement: "0"}}, d.By)
}

func TestDecisionNamesTheStatements(t *testing.T) {
	set := iampolicy.PolicySet{
		Identity: []*iampolicy.Document{doc(t, allowOther), doc(t, allowOther, `{"Sid":"Read","Effect":"Allow","Action":"*","Resource":"*"}`)},
		Boundary: docs(t, allowAll),
		SCP:      [][]*iampolicy.Document{docs(t, allowAll), {doc(t, allowOther), doc(t, `{"Sid":"Full","Effect":"Allow","Action":"*","Resource":"*"}`)}},
	}
	req := iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN}
	d := iampolicy.Evaluate(req, set)
	require.Equal(t, iampolicy.Allowed, d.Outcome)
	require.Equal(t, []iampolicy.Reason{
		{Layer: "identity", Policy: 1, Statement: "Read"},
		{Layer: "boundary", Statement: "0"},
		{Layer: "scp", Statement: "0"},
		{Layer: "scp", Level: 1, Policy: 1, Statement: "Full"},
	}, d.By)
	require.Equal(t, "allowed by identity policy 1, statement Read; boundary policy 0, statement 0; "+
		"scp 0 of level 0, statement 0; scp 1 of level 1, statement Full", d.String())

	set.Session = doc(t, `{"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"*"}`)
	d = iampolicy.Evaluate(req, set)
	require.Equal(t, []iampolicy.Reason{{Layer: "session", Statement: "No"}}, d.By)
	require.Equal(t, "denied by session policy, statement No", d.String())

	set.Session, set.Boundary = doc(t, allowOther), docs(t, allowOther)
	d = iampolicy.Evaluate(req, set)
	require.Empty(t, d.By)
	require.Equal(t, []string{"boundary", "session"}, d.Lacking)
	require.Equal(t, "denied, since nothing allows it: permission is lacking from boundary and session", d.String())

	req.Partial = true
	set = iampolicy.PolicySet{Identity: docs(t, `{"Sid":"Own","Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"k":"true"}}}`)}
	require.Equal(t, "cannot tell without k: it turns on identity policy 0, statement Own", iampolicy.Evaluate(req, set).String())

	req.Action = "sts:GetCallerIdentity"
	require.Equal(t, "allowed: no policy can forbid this", iampolicy.Evaluate(req, set).String())

	require.Equal(t, "ImplicitlyDenied ExplicitlyDenied Allowed Unknown Outcome(7)",
		iampolicy.ImplicitDeny.String()+" "+iampolicy.ExplicitDeny.String()+" "+iampolicy.Allowed.String()+" "+
			iampolicy.Unknown.String()+" "+iampolicy.Outcome(7).String())
}

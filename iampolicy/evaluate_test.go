package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

const (
	aliceARN   = "arn:aws:iam::111111111111:user/staff/alice"
	bobARN     = "arn:aws:iam::111111111111:user/bob"
	rootARN    = "arn:aws:iam::111111111111:root"
	roleARN    = "arn:aws:iam::111111111111:role/bk/backup"
	sessionARN = "arn:aws:sts::111111111111:assumed-role/backup/run-1"
	foreignARN = "arn:aws:sts::222222222222:assumed-role/backup/run-1"

	snapshotARN = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
	objectARN   = "arn:aws:s3:::bucket/dir/key"
	keyARN      = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111"
	targetARN   = "arn:aws:iam::111111111111:role/target"

	allowAll   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	denyAll    = `{"Effect":"Deny","Action":"*","Resource":"*"}`
	allowOther = `{"Effect":"Allow","Action":"other:Action","Resource":"*"}`
)

// doc returns a document of the current version with the statements given.
func doc(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	text := `{"Version":"2012-10-17","Statement":[`
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += s
	}
	return parse(t, text+`]}`)
}

func docs(t testing.TB, statements ...string) []*iampolicy.Document {
	t.Helper()
	return []*iampolicy.Document{doc(t, statements...)}
}

// as returns the principal of an ARN; sessions of our role know its path.
func as(arn string) iampolicy.Principal {
	p := iampolicy.Principal{ARN: arn}
	if arn == sessionARN {
		p.RoleARN = roleARN
	}
	return p
}

type contextKeys = map[string][]string

func TestActions(t *testing.T) {
	for _, tt := range []struct {
		pattern, action string
		matches         bool
	}{
		{"*", "ec2:CopySnapshot", true},
		{"ec2:CopySnapshot", "ec2:CopySnapshot", true},
		{"EC2:copysnapshot", "ec2:CopySnapshot", true},
		{"ec2:copysnapshot", "EC2:COPYSNAPSHOT", true},
		{"ec2:Copy", "ec2:CopySnapshot", false},
		{"ec2:*", "ec2:CopySnapshot", true},
		{"ec2:copy*", "ec2:CopySnapshot", true},
		{"ec2:*Snapshot", "ec2:CopySnapshot", true},
		{"ec2:*Snapshot", "ec2:CreateSnapshots", false},
		{"ec2:*Snapshot?", "ec2:CreateSnapshots", true},
		{"ec2:*Snapshot?", "ec2:CreateSnapshot", false},
		{"ec2:*o*o*", "ec2:CopySnapshot", true},
		{"ec2:*o*o*o*", "ec2:CopySnapshot", false},
		{"ec2:", "ec2:CopySnapshot", false},
		{"ec2", "ec2:CopySnapshot", false},
		{"ec2*", "ec2:CopySnapshot", false},
		{"*:*", "ec2:CopySnapshot", true},
		{"*Snapshot", "ec2:CopySnapshot", false},
		{"s3:CopySnapshot", "ec2:CopySnapshot", false},
		{"ec2:Copy${*}", "ec2:CopySnapshot", false},
	} {
		t.Run(tt.pattern+" "+tt.action, func(t *testing.T) {
			req := iampolicy.Request{Principal: as(aliceARN), Action: tt.action, Resource: "*"}
			set := iampolicy.PolicySet{Identity: docs(t, `{"Effect":"Allow","Action":["x:Y","`+tt.pattern+`"],"Resource":"*"}`)}
			require.Equal(t, tt.matches, iampolicy.Evaluate(req, set).Outcome == iampolicy.Allowed)

			set = iampolicy.PolicySet{Identity: docs(t, `{"Effect":"Allow","NotAction":["x:Y","`+tt.pattern+`"],"Resource":"*"}`)}
			require.Equal(t, !tt.matches, iampolicy.Evaluate(req, set).Outcome == iampolicy.Allowed, "NotAction")
		})
	}
}

func TestResources(t *testing.T) {
	for _, tt := range []struct {
		pattern, resource string
		matches           bool
	}{
		{"*", snapshotARN, true},
		{"*", "*", true},
		{snapshotARN, snapshotARN, true},
		{snapshotARN, "*", false},
		{"arn:aws:ec2:*:*:*", "*", false},
		{"arn:aws:ec2:*::snapshot/*", snapshotARN, true},
		{"arn:aws:ec2:*:*:snapshot/*", snapshotARN, true},
		{"arn:aws:ec2:*:111111111111:snapshot/*", snapshotARN, false},
		{"arn:aws:ec2:eu-*-?::snapshot/snap-?", snapshotARN, true},
		{"arn:aws:ec2:us-*::snapshot/*", snapshotARN, false},
		{"arn:aws-cn:ec2:*::snapshot/*", snapshotARN, false},
		{"arn:aws:ec2:*snapshot/*", snapshotARN, false},
		{"arn:*:snapshot/*", snapshotARN, false},
		{"arn:aws:ec2:*", snapshotARN, true},
		{"arn:aws:ec2:us-*", snapshotARN, false},
		{"arn:*", snapshotARN, true},
		{"arn:aws:ec2", snapshotARN, true},
		{"arn:aws:e", snapshotARN, false},
		{"arn:aws:ec2:eu-west-1:", snapshotARN, true},
		{"?", snapshotARN, false},
		{"arn:aws:s3:::bucket/*", objectARN, true},
		{"arn:aws:s3:::bucket/*/key", objectARN, true},
		{"arn:aws:s3:::bucket/*/key", "arn:aws:s3:::bucket/a/b/c/key", true},
		{"arn:aws:s3:::BUCKET/*", objectARN, false},
		{"arn:aws:s3:::bucket", objectARN, false},
		{"arn:aws:s3:::bucket/d?r/key", objectARN, true},
		{"arn:aws:s3:::bucket/?", "arn:aws:s3:::bucket/ä", true},
		{"arn:aws:s3:::bucket/??", "arn:aws:s3:::bucket/ä", false},
		{"arn:aws:s3:::*?", "arn:aws:s3:::ä", true},
		{"arn:aws:logs:*:*:log-group:*", "arn:aws:logs:eu-west-1:111111111111:log-group:g:log-stream:s", true},
		{"arn:aws:s3:::a*a*a*a*a*b", "arn:aws:s3:::aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	} {
		t.Run(tt.pattern+" "+tt.resource, func(t *testing.T) {
			req := iampolicy.Request{Principal: as(aliceARN), Action: "x:Y", Resource: tt.resource}
			set := iampolicy.PolicySet{Identity: docs(t, `{"Effect":"Allow","Action":"*","Resource":["arn:aws:x:::y","`+tt.pattern+`"]}`)}
			require.Equal(t, tt.matches, iampolicy.Evaluate(req, set).Outcome == iampolicy.Allowed)

			set = iampolicy.PolicySet{Identity: docs(t, `{"Effect":"Allow","Action":"*","NotResource":["arn:aws:x:::y","`+tt.pattern+`"]}`)}
			require.Equal(t, !tt.matches, iampolicy.Evaluate(req, set).Outcome == iampolicy.Allowed, "NotResource")
		})
	}
}

// Every kind of policy and caller: who has to allow, and what overrides it.
func TestLayers(t *testing.T) {
	grant := func(principal string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":"*","Resource":"*"}`
	}
	aws := func(name string) string { return grant(`{"AWS":"` + name + `"}`) }
	deny := `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`
	type request struct{ who, action, resource, owner string }
	put := func(who string) request { return request{who, "s3:PutObject", objectARN, ""} }
	putTo := func(who, owner string) request { return request{who, "s3:PutObject", objectARN, owner} }
	decrypt := func(who string) request { return request{who, "kms:Decrypt", keyARN, "111111111111"} }
	assume := func(who string) request { return request{who, "sts:AssumeRole", targetARN, "111111111111"} }
	type policies struct{ identity, resource, boundary, session string }

	for _, tt := range []struct {
		name    string
		request request
		given   policies
		want    iampolicy.Outcome
	}{
		{"nothing allows", put(aliceARN), policies{}, iampolicy.ImplicitDeny},
		{"identity allows", put(aliceARN), policies{identity: allowAll}, iampolicy.Allowed},
		{"another action", put(aliceARN), policies{identity: allowOther}, iampolicy.ImplicitDeny},
		{"deny beats allow", put(aliceARN), policies{identity: allowAll + "," + denyAll}, iampolicy.ExplicitDeny},
		{"deny without allow", put(aliceARN), policies{identity: denyAll}, iampolicy.ExplicitDeny},

		{"boundary limits", put(aliceARN), policies{identity: allowAll, boundary: allowOther}, iampolicy.ImplicitDeny},
		{"boundary allows", put(aliceARN), policies{identity: allowAll, boundary: allowAll}, iampolicy.Allowed},
		{"boundary grants nothing", put(aliceARN), policies{boundary: allowAll}, iampolicy.ImplicitDeny},
		{"boundary denies", put(aliceARN), policies{identity: allowAll, boundary: allowAll + "," + denyAll}, iampolicy.ExplicitDeny},
		{"session policy limits", put(sessionARN), policies{identity: allowAll, session: allowOther}, iampolicy.ImplicitDeny},
		{"session policy allows", put(sessionARN), policies{identity: allowAll, session: allowAll}, iampolicy.Allowed},
		{"session policy grants nothing", put(sessionARN), policies{session: allowAll}, iampolicy.ImplicitDeny},
		{"session policy denies", put(sessionARN), policies{identity: allowAll, session: denyAll}, iampolicy.ExplicitDeny},

		{"resource policy names the user", put(aliceARN), policies{resource: aws(aliceARN)}, iampolicy.Allowed},
		{"resource policy names another user", put(aliceARN), policies{resource: aws(bobARN)}, iampolicy.ImplicitDeny},
		{"resource policy names everyone", put(aliceARN), policies{resource: grant(`"*"`)}, iampolicy.Allowed},
		{"resource policy names everyone in AWS", put(aliceARN), policies{resource: aws("*")}, iampolicy.Allowed},
		{"resource policy names the account", put(aliceARN), policies{resource: aws("111111111111")}, iampolicy.ImplicitDeny},
		{"resource policy names the root", put(aliceARN), policies{resource: aws(rootARN)}, iampolicy.ImplicitDeny},
		{"resource policy names the role", put(sessionARN), policies{resource: aws(roleARN)}, iampolicy.Allowed},
		{"resource policy names the session", put(sessionARN), policies{resource: aws(sessionARN)}, iampolicy.Allowed},
		{"resource policy names another session", put(sessionARN), policies{resource: aws(sessionARN + "0")}, iampolicy.ImplicitDeny},
		{"no wildcards in principals", put(sessionARN), policies{resource: aws("arn:aws:sts::111111111111:assumed-role/backup/*")}, iampolicy.ImplicitDeny},
		{"principals are case-sensitive", put(sessionARN), policies{resource: aws("arn:aws:iam::111111111111:role/bk/Backup")}, iampolicy.ImplicitDeny},
		{"the role's path counts", put(sessionARN), policies{resource: aws("arn:aws:iam::111111111111:role/backup")}, iampolicy.ImplicitDeny},
		{"a role of the same name elsewhere", put(sessionARN), policies{resource: aws("arn:aws:iam::222222222222:role/bk/backup")}, iampolicy.ImplicitDeny},
		{"resource policy denies", put(aliceARN), policies{identity: allowAll, resource: deny}, iampolicy.ExplicitDeny},
		{"resource policy says nothing", put(aliceARN), policies{identity: allowAll, resource: aws(bobARN)}, iampolicy.Allowed},
		{"identity denies what the resource grants", put(aliceARN), policies{identity: denyAll, resource: aws(aliceARN)}, iampolicy.ExplicitDeny},

		{"grant to the user, boundary silent", put(aliceARN), policies{resource: aws(aliceARN), boundary: allowOther}, iampolicy.Allowed},
		{"grant to the role, boundary silent", put(sessionARN), policies{resource: aws(roleARN), boundary: allowOther}, iampolicy.ImplicitDeny},
		{"grant to the session, boundary silent", put(sessionARN), policies{resource: aws(sessionARN), boundary: allowOther}, iampolicy.Allowed},
		{"grant to everyone, boundary silent", put(sessionARN), policies{resource: grant(`"*"`), boundary: allowOther}, iampolicy.Allowed},
		{"grant to the account, boundary silent", put(aliceARN), policies{identity: allowAll, resource: aws(rootARN), boundary: allowOther}, iampolicy.ImplicitDeny},
		{"grant to the role, session policy silent", put(sessionARN), policies{resource: aws(roleARN), session: allowOther}, iampolicy.ImplicitDeny},
		{"grant to the session, session policy silent", put(sessionARN), policies{resource: aws(sessionARN), session: allowOther}, iampolicy.Allowed},
		{"grant to everyone, session policy silent", put(sessionARN), policies{resource: grant(`"*"`), session: allowOther}, iampolicy.ImplicitDeny},
		{"grant to the session, boundary denies", put(sessionARN), policies{resource: aws(sessionARN), boundary: denyAll}, iampolicy.ExplicitDeny},
		{"grant to the role, both allow", put(sessionARN), policies{resource: aws(roleARN), boundary: allowAll, session: allowAll}, iampolicy.Allowed},
		{"a role without session", put(roleARN), policies{resource: aws(roleARN)}, iampolicy.Allowed},
		{"a role without session, boundary silent", put(roleARN), policies{resource: aws(roleARN), boundary: allowOther}, iampolicy.ImplicitDeny},

		{"cross account, identity only", putTo(aliceARN, "222222222222"), policies{identity: allowAll}, iampolicy.ImplicitDeny},
		{"cross account, resource only", putTo(aliceARN, "222222222222"), policies{resource: aws(aliceARN)}, iampolicy.ImplicitDeny},
		{"cross account, resource only, everyone", putTo(aliceARN, "222222222222"), policies{resource: grant(`"*"`)}, iampolicy.ImplicitDeny},
		{"cross account, both", putTo(aliceARN, "222222222222"), policies{identity: allowAll, resource: aws(aliceARN)}, iampolicy.Allowed},
		{"cross account, both, by account", putTo(aliceARN, "222222222222"), policies{identity: allowAll, resource: aws("111111111111")}, iampolicy.Allowed},
		{"cross account, boundary silent", putTo(sessionARN, "222222222222"), policies{identity: allowAll, resource: aws(sessionARN), boundary: allowOther}, iampolicy.ImplicitDeny},
		{"cross account, session policy silent", putTo(sessionARN, "222222222222"), policies{identity: allowAll, resource: aws(sessionARN), session: allowOther}, iampolicy.ImplicitDeny},
		{"cross account, the owner's account named", putTo(aliceARN, "222222222222"), policies{identity: allowAll, resource: aws("222222222222")}, iampolicy.ImplicitDeny},

		{"the root user of the account", put(rootARN), policies{}, iampolicy.Allowed},
		{"the root user, denied by the resource", put(rootARN), policies{resource: deny}, iampolicy.ExplicitDeny},
		{"the root user of another account", putTo(rootARN, "222222222222"), policies{}, iampolicy.ImplicitDeny},
		{"the root user of another account, named", putTo(rootARN, "222222222222"), policies{resource: aws(rootARN)}, iampolicy.Allowed},
		{"federated user, named", put("arn:aws:sts::111111111111:federated-user/carol"), policies{resource: aws("arn:aws:sts::111111111111:federated-user/carol"), session: allowOther}, iampolicy.Allowed},
		{"anonymous", put(""), policies{identity: allowAll}, iampolicy.ImplicitDeny},
		{"anonymous, everyone", put(""), policies{resource: grant(`"*"`)}, iampolicy.Allowed},
		{"anonymous, some account", put(""), policies{resource: aws(rootARN)}, iampolicy.ImplicitDeny},
		{"a service", put("backup.amazonaws.com"), policies{resource: grant(`{"Service":["ec2.amazonaws.com","backup.amazonaws.com"]}`)}, iampolicy.Allowed},
		{"another service", put("backup.amazonaws.com"), policies{resource: grant(`{"Service":"ec2.amazonaws.com"}`)}, iampolicy.ImplicitDeny},
		{"a service is no AWS principal", put("backup.amazonaws.com"), policies{resource: aws("backup.amazonaws.com")}, iampolicy.ImplicitDeny},
		{"a user is no service", put(aliceARN), policies{resource: grant(`{"Service":"*"}`)}, iampolicy.ImplicitDeny},
		{"a kind nobody knows", put(aliceARN), policies{resource: grant(`{"Robot":"*"}`)}, iampolicy.ImplicitDeny},
		{"a principal without kind", put(aliceARN), policies{resource: grant(`"` + aliceARN + `"`)}, iampolicy.Allowed},

		{"key, no key policy", decrypt(aliceARN), policies{identity: allowAll}, iampolicy.ImplicitDeny},
		{"key policy delegates, identity allows", decrypt(aliceARN), policies{identity: allowAll, resource: aws(rootARN)}, iampolicy.Allowed},
		{"key policy delegates, identity silent", decrypt(aliceARN), policies{resource: aws(rootARN)}, iampolicy.ImplicitDeny},
		{"key policy names the user", decrypt(aliceARN), policies{resource: aws(aliceARN)}, iampolicy.Allowed},
		{"key policy names another", decrypt(aliceARN), policies{identity: allowAll, resource: aws(bobARN)}, iampolicy.ImplicitDeny},
		{"key policy names the role", decrypt(sessionARN), policies{resource: aws(roleARN)}, iampolicy.Allowed},
		{"key policy names the role, boundary silent", decrypt(sessionARN), policies{resource: aws(roleARN), boundary: allowOther}, iampolicy.ImplicitDeny},
		{"key policy names everyone", decrypt(aliceARN), policies{resource: aws("*")}, iampolicy.Allowed},
		{"key policy delegates, boundary silent", decrypt(sessionARN), policies{identity: allowAll, resource: aws(rootARN), boundary: allowOther}, iampolicy.ImplicitDeny},
		{"key, root user not named", decrypt(rootARN), policies{resource: aws(bobARN)}, iampolicy.ImplicitDeny},
		{"key, root user named", decrypt(rootARN), policies{resource: aws(rootARN)}, iampolicy.Allowed},
		{"key of another account, both", decrypt(foreignARN), policies{identity: allowAll, resource: aws("222222222222")}, iampolicy.Allowed},
		{"key of another account, identity silent", decrypt(foreignARN), policies{resource: aws(foreignARN)}, iampolicy.ImplicitDeny},
		{"key of another account, key policy silent", decrypt(foreignARN), policies{identity: allowAll, resource: aws(rootARN)}, iampolicy.ImplicitDeny},
		{"no key to have a policy", request{aliceARN, "kms:CreateKey", "*", ""}, policies{identity: allowAll}, iampolicy.Allowed},
		{"an alias has no policy", request{aliceARN, "kms:CreateAlias", "arn:aws:kms:eu-west-1:111111111111:alias/a", ""}, policies{identity: allowAll}, iampolicy.Allowed},

		{"no trust policy", assume(sessionARN), policies{identity: allowAll}, iampolicy.ImplicitDeny},
		{"trust names the role", assume(sessionARN), policies{resource: aws(roleARN)}, iampolicy.Allowed},
		{"trust names the role, boundary silent", assume(sessionARN), policies{resource: aws(roleARN), boundary: allowOther}, iampolicy.ImplicitDeny},
		{"trust names the session", assume(sessionARN), policies{resource: aws(sessionARN), boundary: allowOther}, iampolicy.Allowed},
		{"trust names the user", assume(aliceARN), policies{resource: aws(aliceARN)}, iampolicy.Allowed},
		{"trust names the account, identity allows", assume(aliceARN), policies{identity: allowAll, resource: aws(rootARN)}, iampolicy.Allowed},
		{"trust names the account, identity silent", assume(aliceARN), policies{resource: aws(rootARN)}, iampolicy.ImplicitDeny},
		{"trust names another", assume(aliceARN), policies{identity: allowAll, resource: aws(bobARN)}, iampolicy.ImplicitDeny},
		{"trust without Resource", assume(aliceARN), policies{resource: `{"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"sts:AssumeRole"}`}, iampolicy.Allowed},
		{"a session's tags need trust", request{aliceARN, "sts:TagSession", targetARN, ""}, policies{identity: allowAll}, iampolicy.ImplicitDeny},
		{"tags of a federated user need none", request{aliceARN, "sts:TagSession", "arn:aws:sts::111111111111:federated-user/ana", ""}, policies{identity: allowAll}, iampolicy.Allowed},
		{"a source identity needs trust", request{aliceARN, "sts:SetSourceIdentity", targetARN, ""}, policies{identity: allowAll}, iampolicy.ImplicitDeny},
		{"trust across accounts, both", assume(foreignARN), policies{identity: allowAll, resource: aws("222222222222")}, iampolicy.Allowed},
		{"trust across accounts, identity silent", assume(foreignARN), policies{resource: aws(foreignARN)}, iampolicy.ImplicitDeny},
		{"trust across accounts, trust silent", assume(foreignARN), policies{identity: allowAll, resource: aws(rootARN)}, iampolicy.ImplicitDeny},
		{"trust across accounts, identity denies", assume(foreignARN), policies{identity: denyAll, resource: aws(foreignARN)}, iampolicy.ExplicitDeny},
		{"web identity", request{"accounts.google.com", "sts:AssumeRoleWithWebIdentity", targetARN, "111111111111"}, policies{resource: `{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`}, iampolicy.Allowed},
		{"SAML", request{"arn:aws:iam::111111111111:saml-provider/p", "sts:AssumeRoleWithSAML", targetARN, "111111111111"}, policies{resource: `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:saml-provider/p"},"Action":"sts:AssumeRoleWithSAML"}`}, iampolicy.Allowed},
		{"another provider", request{"accounts.google.com", "sts:AssumeRoleWithWebIdentity", targetARN, "111111111111"}, policies{resource: `{"Effect":"Allow","Principal":{"Federated":"www.amazon.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`}, iampolicy.ImplicitDeny},

		{"who am I, denied", request{aliceARN, "sts:GetCallerIdentity", "*", ""}, policies{identity: denyAll}, iampolicy.Allowed},
		{"who am I, nothing given", request{aliceARN, "STS:getcalleridentity", "*", ""}, policies{}, iampolicy.Allowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var set iampolicy.PolicySet
			if tt.given.identity != "" {
				set.Identity = docs(t, tt.given.identity)
			}
			if tt.given.boundary != "" {
				set.Boundary = docs(t, tt.given.boundary)
			}
			if tt.given.resource != "" {
				set.Resource = doc(t, tt.given.resource)
			}
			if tt.given.session != "" {
				set.Session = doc(t, tt.given.session)
			}
			d := iampolicy.Evaluate(iampolicy.Request{
				Principal: as(tt.request.who), Action: tt.request.action,
				Resource: tt.request.resource, ResourceAccount: tt.request.owner,
			}, set)
			require.Equal(t, tt.want, d.Outcome, d)
			require.Equal(t, tt.want == iampolicy.ImplicitDeny, len(d.Lacking) > 0, "an implicit deny names who has to allow")
		})
	}
}

// Who owns the resource shows in its ARN, unless the caller knows better.
func TestOwnerOfTheResource(t *testing.T) {
	trust := doc(t, `{"Effect":"Allow","Principal":{"AWS":"`+aliceARN+`"},"Action":"sts:AssumeRole"}`)
	ask := func(resource, owner string) iampolicy.Decision {
		return iampolicy.Evaluate(iampolicy.Request{
			Principal: as(aliceARN), Action: "sts:AssumeRole", Resource: resource, ResourceAccount: owner,
		}, iampolicy.PolicySet{Resource: trust})
	}
	require.Equal(t, iampolicy.Allowed, ask(targetARN, "").Outcome)
	require.Equal(t, []string{"identity"}, ask("arn:aws:iam::222222222222:role/target", "").Lacking)
	require.Equal(t, []string{"identity"}, ask(targetARN, "222222222222").Lacking)
	require.Equal(t, iampolicy.Allowed, ask("arn:aws:iam::222222222222:role/target", "111111111111").Outcome)
	require.Equal(t, iampolicy.Allowed, ask("arn:aws:iam::aws:role/target", "").Outcome, "not an account")
}

// Where only the session's ARN is known, the role is found by its name, which
// is unique in its account.
func TestRoleOfASessionWithoutPath(t *testing.T) {
	trust := doc(t, `{"Effect":"Allow","Principal":{"AWS":"`+roleARN+`"},"Action":"sts:AssumeRole"}`)
	ask := func(p iampolicy.Principal) iampolicy.Outcome {
		return iampolicy.Evaluate(iampolicy.Request{Principal: p, Action: "sts:AssumeRole", Resource: targetARN}, iampolicy.PolicySet{Resource: trust}).Outcome
	}
	require.Equal(t, iampolicy.Allowed, ask(iampolicy.Principal{ARN: sessionARN}))
	require.Equal(t, iampolicy.ImplicitDeny, ask(iampolicy.Principal{ARN: "arn:aws:sts::111111111111:assumed-role/backup2/run-1"}))
	require.Equal(t, iampolicy.ImplicitDeny, ask(iampolicy.Principal{ARN: sessionARN, RoleARN: "arn:aws:iam::111111111111:role/backup"}))
}

func TestNotPrincipal(t *testing.T) {
	for _, tt := range []struct {
		name, who, not string
		bounded        bool
		denied         bool
	}{
		{"another user", bobARN, `{"AWS":"` + aliceARN + `"}`, false, true},
		{"the user", aliceARN, `{"AWS":"` + aliceARN + `"}`, false, false},
		{"the user and the account", aliceARN, `{"AWS":["` + aliceARN + `","` + rootARN + `"]}`, false, false},
		{"another of the account", bobARN, `{"AWS":["` + aliceARN + `","` + rootARN + `"]}`, false, true},
		{"the account is its root", rootARN, `{"AWS":"111111111111"}`, false, false},
		{"the role but not the session", sessionARN, `{"AWS":["` + roleARN + `","` + rootARN + `"]}`, false, true},
		{"the session", sessionARN, `{"AWS":["` + sessionARN + `","` + roleARN + `","` + rootARN + `"]}`, false, false},
		{"any session of the role", roleARN, `{"AWS":"` + roleARN + `"}`, false, false},
		{"everyone", aliceARN, `"*"`, false, false},
		{"the service", "backup.amazonaws.com", `{"Service":"backup.amazonaws.com"}`, false, false},
		{"nobody escapes with a boundary", aliceARN, `{"AWS":"` + aliceARN + `"}`, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyone := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
			set := iampolicy.PolicySet{Resource: doc(t, everyone, `{"Effect":"Deny","NotPrincipal":`+tt.not+`,"Action":"*","Resource":"*"}`)}
			if tt.bounded {
				set.Boundary = docs(t, allowAll)
			}
			d := iampolicy.Evaluate(iampolicy.Request{Principal: as(tt.who), Action: "s3:GetObject", Resource: objectARN}, set)
			want := iampolicy.Allowed
			if tt.denied {
				want = iampolicy.ExplicitDeny
			}
			require.Equal(t, want, d.Outcome, d)
		})
	}

	t.Run("Allow is for nobody who is named in any way", func(t *testing.T) {
		for who, want := range map[string]iampolicy.Outcome{aliceARN: iampolicy.ImplicitDeny, sessionARN: iampolicy.ImplicitDeny, "": iampolicy.Allowed} {
			set := iampolicy.PolicySet{Resource: doc(t, `{"Effect":"Allow","NotPrincipal":{"AWS":"`+rootARN+`"},"Action":"*","Resource":"*"}`)}
			d := iampolicy.Evaluate(iampolicy.Request{Principal: as(who), Action: "s3:GetObject", Resource: objectARN}, set)
			require.Equal(t, want, d.Outcome, who)
		}
	})
}

func TestOrganization(t *testing.T) {
	rcpDeny := `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`
	rcpAllow := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	rcpOther := `{"Effect":"Allow","Principal":"*","Action":"other:*","Resource":"*"}`
	linked := iampolicy.Principal{
		ARN:     "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForBackup/s",
		RoleARN: "arn:aws:iam::111111111111:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup",
	}
	pathless := iampolicy.Principal{ARN: linked.ARN}
	service := iampolicy.Principal{ARN: "backup.amazonaws.com"}
	for _, tt := range []struct {
		name     string
		who      iampolicy.Principal
		scp, rcp [][]string
		want     iampolicy.Outcome
	}{
		{"no organization", as(aliceARN), nil, nil, iampolicy.Allowed},
		{"every level allows", as(aliceARN), [][]string{{allowAll}, {allowOther, allowAll}}, nil, iampolicy.Allowed},
		{"one level is silent", as(aliceARN), [][]string{{allowAll}, {allowOther}}, nil, iampolicy.ImplicitDeny},
		{"one level has no policy", as(aliceARN), [][]string{{allowAll}, {}}, nil, iampolicy.ImplicitDeny},
		{"one level denies", as(aliceARN), [][]string{{allowAll}, {allowAll, denyAll}}, nil, iampolicy.ExplicitDeny},
		{"the root user too", as(rootARN), [][]string{{allowOther}}, nil, iampolicy.ImplicitDeny},
		{"a service-linked role is exempt", linked, [][]string{{denyAll}}, [][]string{{rcpDeny}}, iampolicy.Allowed},
		{"a service-linked role by its name", pathless, [][]string{{denyAll}}, nil, iampolicy.Allowed},
		{"a service is no principal of the account", service, [][]string{{denyAll}}, nil, iampolicy.Allowed},
		{"RCP denies", as(aliceARN), nil, [][]string{{rcpAllow}, {rcpAllow, rcpDeny}}, iampolicy.ExplicitDeny},
		{"RCP denies a service", service, nil, [][]string{{rcpDeny}}, iampolicy.ExplicitDeny},
		{"RCP of another service", as(aliceARN), nil, [][]string{{`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`}}, iampolicy.Allowed},
		{"RCPFullAWSAccess need not be given", as(aliceARN), nil, [][]string{{}, nil}, iampolicy.Allowed},
		{"RCP that allows something else", as(aliceARN), nil, [][]string{{rcpAllow}, {rcpOther}}, iampolicy.ImplicitDeny},
	} {
		t.Run(tt.name, func(t *testing.T) {
			levels := func(all [][]string) (out [][]*iampolicy.Document) {
				for _, level := range all {
					policies := []*iampolicy.Document{}
					for _, s := range level {
						policies = append(policies, doc(t, s))
					}
					out = append(out, policies)
				}
				return out
			}
			d := iampolicy.Evaluate(iampolicy.Request{Principal: tt.who, Action: "s3:GetObject", Resource: objectARN}, iampolicy.PolicySet{
				Identity: docs(t, allowAll),
				Resource: doc(t, `{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"*","Resource":"*"}`),
				SCP:      levels(tt.scp),
				RCP:      levels(tt.rcp),
			})
			require.Equal(t, tt.want, d.Outcome, d)
		})
	}
}

// What IAM refuses to store matches nothing in an Allow and everything in a
// Deny, so that it never opens a door.
func TestMalformedStatements(t *testing.T) {
	for _, body := range []string{
		`"Resource":"*"`,
		`"Action":"s3:*"`,
		`"Action":"s3:*","NotAction":"ec2:*","Resource":"*"`,
		`"Action":"s3:*","Resource":"*","NotResource":"arn:aws:s3:::b"`,
		`"Action":"s3:*","Resource":"*","Principal":"*"`,
		`"Action":"s3:*","Resource":"*","Condition":{"StringEqual":{"aws:RequestedRegion":"eu-west-1"}}`,
		`"Action":"s3:*","Resource":"*","Condition":{"ForSomeValues:StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`,
		`"Action":"s3:*","Resource":"*","Condition":{"NullIfExists":{"aws:RequestedRegion":"false"}}`,
	} {
		t.Run(body, func(t *testing.T) {
			ask := func(statements ...string) iampolicy.Outcome {
				return iampolicy.Evaluate(iampolicy.Request{
					Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN,
					Context: contextKeys{"aws:RequestedRegion": {"eu-west-1"}},
				}, iampolicy.PolicySet{Identity: docs(t, statements...)}).Outcome
			}
			require.Equal(t, iampolicy.ImplicitDeny, ask(`{"Effect":"Allow",`+body+`}`))
			require.Equal(t, iampolicy.ExplicitDeny, ask(allowAll, `{"Effect":"Deny",`+body+`}`))
			require.Equal(t, iampolicy.ExplicitDeny, ask(allowAll, `{"Effect":"deny","Action":"s3:*","Resource":"*"}`))
		})
	}
	t.Run("a resource's statement without principal speaks of nobody", func(t *testing.T) {
		d := iampolicy.Evaluate(
			iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN},
			iampolicy.PolicySet{Identity: docs(t, allowAll), Resource: doc(t, denyAll)})
		require.Equal(t, iampolicy.Allowed, d.Outcome, d)
	})
	t.Run("nil documents are none", func(t *testing.T) {
		d := iampolicy.Evaluate(
			iampolicy.Request{Principal: as(aliceARN), Action: "s3:GetObject", Resource: objectARN},
			iampolicy.PolicySet{Identity: []*iampolicy.Document{nil, doc(t, allowAll)}, SCP: [][]*iampolicy.Document{{doc(t, allowAll), nil}}})
		require.Equal(t, iampolicy.Allowed, d.Outcome, d)
	})
}

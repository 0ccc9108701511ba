package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A key's policy names a user, a role, a session of that role, and a federated
// user. All of them may use the key with nothing else that allows it.
func TestWhomAResourcePolicyMeans(t *testing.T) {
	w := newWorld(t, core.Options{})
	a := w.Account(account)
	policy := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Principal":{"AWS":[
		"arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:role/engine",
		"arn:aws:sts::111111111111:assumed-role/other/run-1", "arn:aws:sts::111111111111:federated-user/ana"]}}]}`)
	user := func() core.Caller {
		u := a.PutUser(core.User{Name: "alice"})
		return core.Caller{ARN: u.ARN, UserID: u.UniqueID, User: u}
	}
	session := func(role, name string) core.Caller {
		_, caller := w.NewSession(&core.Session{Role: a.PutRole(core.Role{Name: role}), Name: name})
		return caller
	}
	federated := func() core.Caller {
		_, caller := w.call(user()).NewPass(&core.Pass{Name: "ana"})
		return caller
	}
	callers := []struct {
		name string
		make func() core.Caller
		// again says that one made again under the same name is still meant. IAM
		// keeps the ids of users and roles; what names a session stays a name.
		again bool
	}{
		{"user", user, false},
		{"role", func() core.Caller { return session("engine", "s") }, false},
		{"session", func() core.Caller { return session("other", "run-1") }, true},
		{"federated user", federated, true},
	}
	bound := map[string]string{}
	allows := func(c core.Caller) bool {
		return w.call(c).Allows(core.Need{
			Action: "kms:Decrypt", Resource: "arn:aws:kms:eu-west-1:111111111111:key/k", Policy: w.Bind(policy, bound),
		})
	}
	for _, tt := range callers {
		require.True(t, allows(tt.make()), tt.name)
	}
	require.False(t, allows(session("other", "run-2")), "another session")
	a.DeleteUser("alice")
	a.DeleteRole("engine")
	a.DeleteRole("other")
	for _, tt := range callers {
		require.Equal(t, tt.again, allows(tt.make()), tt.name)
	}
	bound = map[string]string{} // as if the policy was put anew
	for _, tt := range callers {
		require.True(t, allows(tt.make()), tt.name)
	}
}

// What limits a session does not limit what a resource's policy gives that very
// session; what it gives the session's role, it does.
// Source: IAM User Guide, "Policy evaluation for requests within a single account".
func TestGrantsToASessionItself(t *testing.T) {
	nothing := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)
	for _, tt := range []struct {
		name, principal   string
		boundary, session *iampolicy.Document
		want              bool
	}{
		{name: "session, no limits", principal: "arn:aws:sts::111111111111:assumed-role/engine/s", want: true},
		{name: "session, boundary", principal: "arn:aws:sts::111111111111:assumed-role/engine/s", boundary: nothing, want: true},
		{name: "session, session policy", principal: "arn:aws:sts::111111111111:assumed-role/engine/s", session: nothing, want: true},
		{name: "role, no limits", principal: "arn:aws:iam::111111111111:role/engine", want: true},
		{name: "role, boundary", principal: "arn:aws:iam::111111111111:role/engine", boundary: nothing},
		{name: "role, session policy", principal: "arn:aws:iam::111111111111:role/engine", session: nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, core.Options{})
			role := w.Account(account).PutRole(core.Role{Name: "engine", Boundary: tt.boundary})
			_, caller := w.NewSession(&core.Session{Role: role, Name: "s", Policy: tt.session})
			require.Equal(t, tt.want, w.call(caller).Allows(core.Need{
				Action: "kms:Decrypt", Resource: "arn:aws:kms:eu-west-1:111111111111:key/k",
				Policy: parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Principal":{"AWS":"`+tt.principal+`"}}]}`),
			}))
		})
	}
}

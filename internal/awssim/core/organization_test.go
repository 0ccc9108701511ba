package core_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	owner    = "222222222222"
	denyAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`
	denyMine = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	shared   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*"}]}`
)

// anybody calls as a user who may do everything.
func (w *world) anybody(t *testing.T, service string) *core.Call {
	t.Helper()
	user := w.Account(account).PutUser(core.User{Name: "alice", Policies: []*iampolicy.Document{parse(t, allowAll)}})
	c := w.call(core.Caller{ARN: user.ARN, UserID: user.UniqueID, User: user})
	c.Service = service
	return c
}

func TestResourceControlPolicies(t *testing.T) {
	key := core.Need{Action: "kms:Decrypt", Resource: keyARN, Owner: owner, Policy: parse(t, shared)}
	mine := core.Need{Action: "kms:Decrypt", Resource: "arn:aws:kms:eu-west-1:111111111111:key/k", Policy: parse(t, shared)}
	with := func(n core.Need, change func(*core.Need)) core.Need { change(&n); return n }
	for _, tt := range []struct {
		name    string
		need    core.Need
		of      string // account that the policy is attached to
		manages bool   // that account is the management account
		allowed bool
	}{
		{name: "key of the owner", need: key, of: owner},
		{name: "policy of the caller's account", need: key, of: account, allowed: true},
		{name: "own key", need: mine, of: account},
		{name: "own key of the management account", need: mine, of: account, manages: true, allowed: true},
		{name: "key of the management account", need: key, of: owner, manages: true, allowed: true},
		{name: "key that AWS manages", need: with(key, func(n *core.Need) { n.BeyondRCP = true }), of: owner, allowed: true},
		{name: "role", need: with(key, func(n *core.Need) { n.Action, n.Resource = "sts:AssumeRole", "arn:aws:iam::222222222222:role/r" }), of: owner},
		{name: "object", need: with(key, func(n *core.Need) { n.Action, n.Resource = "s3:GetObject", "arn:aws:s3:::b/k" }), of: owner},
		{name: "snapshot", need: core.Need{Action: "ec2:CopySnapshot", Resource: snapshotARN, Owner: owner}, of: owner, allowed: true},
		{name: "block", need: core.Need{Action: "ebs:GetSnapshotBlock", Resource: snapshotARN, Owner: owner}, of: owner, allowed: true},
		{name: "IAM", need: core.Need{Action: "iam:GetRole", Resource: "*"}, of: account, allowed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, core.Options{})
			c := w.anybody(t, "kms")
			w.Account(owner)
			a := w.Account(tt.of)
			a.RCP, a.Management = [][]*iampolicy.Document{nil, {parse(t, denyAll)}}, tt.manages
			err := c.Authorize(tt.need)
			require.Equal(t, tt.allowed, err == nil, "%v", err)
			if err != nil {
				require.ErrorContains(t, err, "with an explicit deny in a resource control policy")
			}
		})
	}
}

func TestWhomServiceControlPoliciesBind(t *testing.T) {
	need := core.Need{Action: "ec2:DescribeSnapshots", Resource: "*"}
	w := newWorld(t, core.Options{})
	a := w.Account(account)
	a.SCP = [][]*iampolicy.Document{{parse(t, denyMine)}}
	require.ErrorContains(t, w.anybody(t, "ec2").Authorize(need), "with an explicit deny in a service control policy")
	root := w.call(core.Caller{ARN: "arn:aws:iam::111111111111:root", UserID: account})
	require.Error(t, root.Authorize(need), "root is bound as well")

	linked := a.PutRole(core.Role{
		Name: "AWSServiceRoleForBackup", Path: "/aws-service-role/backup.amazonaws.com/", Policies: []*iampolicy.Document{parse(t, allowAll)},
	})
	_, session := w.NewSession(&core.Session{Role: linked, Name: "s"})
	require.NoError(t, w.call(session).Authorize(need), "service-linked roles are not")
	a.Management = true
	require.NoError(t, w.anybody(t, "ec2").Authorize(need), "nor is the management account")
}

func TestKeysOfTheRequestAndTheOrganization(t *testing.T) {
	w := newWorld(t, core.Options{RecordAuthorizations: true})
	w.Account(account).Organization, w.Account(account).OrgPath = "o-1", "o-1/r-1/ou-1/"
	w.Account(owner).Organization, w.Account(owner).OrgPath = "o-2", "o-2/r-2/"
	c := w.anybody(t, "kms")
	c.UserAgent, c.Referer = "agent/1", "https://example.com"
	require.NoError(t, c.Authorize(core.Need{Action: "kms:Decrypt", Resource: keyARN, Owner: owner, Policy: parse(t, shared)}))
	seen := w.Authorizations()
	keys := seen[len(seen)-1].Keys
	for k, want := range map[string]string{
		"aws:PrincipalOrgPaths": "o-1/r-1/ou-1/", "aws:ResourceOrgPaths": "o-2/r-2/", "aws:PrincipalOrgID": "o-1", "aws:ResourceOrgID": "o-2",
		"aws:UserAgent": "agent/1", "aws:referer": "https://example.com",
	} {
		require.Equal(t, []string{want}, keys[k], k)
	}
	for _, k := range []string{"aws:CalledVia", "aws:FederatedProvider", "aws:TokenIssueTime", "aws:MultiFactorAuthPresent"} {
		require.NotContains(t, keys, k)
	}
}

// The request of a real client has a user agent.
func TestAUserAgentCanBeAsked(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	deny := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":"*aws-sdk-go-v2*"}}}]}`)
	k := w.user(parse(t, allowAll), deny)
	w.describe = func(c *core.Call, _ *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
		return nil, c.Authorize(core.Need{Action: "ec2:DescribeSnapshots", Resource: "*"})
	}
	_, err := w.ec2(k).DescribeSnapshots(t.Context(), nil)
	require.Equal(t, "UnauthorizedOperation", code(t, err))
}

func TestPassesAreBarredFromIAM(t *testing.T) {
	w := newWorld(t, core.Options{})
	c := w.anybody(t, "iam")
	need := core.Need{Action: "iam:ListRoles", Resource: "*"}
	require.NoError(t, c.Authorize(need))
	_, c.Caller = c.NewPass(&core.Pass{})
	require.Error(t, c.Authorize(need), "without MFA")
	c.Service = "ec2"
	require.NoError(t, c.Authorize(core.Need{Action: "iam:PassRole", Resource: "*"}), "it is no call of IAM")
}

// A tag of the session takes the place of one whose key differs in case.
func TestSessionTagsWin(t *testing.T) {
	w := newWorld(t, core.Options{RecordAuthorizations: true})
	role := w.Account(account).PutRole(core.Role{
		Name: "r", Policies: []*iampolicy.Document{parse(t, allowAll)}, Tags: map[string]string{"Department": "Marketing", "team": "x"},
	})
	_, session := w.NewSession(&core.Session{Role: role, Name: "s", Tags: map[string]string{"department": "engineering"}})
	require.NoError(t, w.call(session).Authorize(core.Need{Action: "ec2:DescribeSnapshots", Resource: "*"}))
	keys := w.Authorizations()[0].Keys
	require.Equal(t, []string{"engineering"}, keys["aws:PrincipalTag/department"])
	require.NotContains(t, keys, "aws:PrincipalTag/Department")
	require.Equal(t, []string{"x"}, keys["aws:PrincipalTag/team"])
}

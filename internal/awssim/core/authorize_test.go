package core_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	snapshotARN = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
	keyARN      = "arn:aws:kms:eu-west-1:222222222222:key/k"
	allowAll    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// call is a call as the dispatcher makes it.
func (w *world) call(caller core.Caller) *core.Call {
	return &core.Call{
		Cloud: w.Cloud, Account: w.Account(account), Region: "eu-west-1", Service: "ec2", Operation: "DeleteSnapshot",
		Caller: caller, Now: time.Now(),
	}
}

func TestTheErrorNamesWhatRefused(t *testing.T) {
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ec2:DeleteSnapshot","Resource":"*"}]}`
	other := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
	tests := []struct {
		name                             string
		identity, boundary, session, scp string
		service                          string // "ec2" if empty
		want                             string // nothing if allowed
	}{
		{name: "allowed", identity: allowAll},
		{name: "nothing allows", identity: other, want: "because no identity-based policy allows the ec2:DeleteSnapshot action"},
		{name: "explicit deny", identity: deny, want: "with an explicit deny in an identity-based policy"},
		{name: "boundary", identity: allowAll, boundary: other, want: "because no permissions boundary allows the ec2:DeleteSnapshot action"},
		{name: "session policy", identity: allowAll, session: other, want: "because no session policy allows the ec2:DeleteSnapshot action"},
		{name: "service control policy", identity: allowAll, scp: other, want: "because no service control policy allows the ec2:DeleteSnapshot action"},
		{name: "denied by a service control policy", identity: allowAll, scp: deny, want: "with an explicit deny in a service control policy"},
		{name: "AssumeRole gives no reason", identity: other, service: "sts", want: "on resource: " + snapshotARN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, core.Options{})
			role := core.Role{Name: "backup", Policies: []*iampolicy.Document{parse(t, tt.identity)}}
			session := core.Session{Name: "s"}
			if tt.boundary != "" {
				role.Boundary = parse(t, tt.boundary)
			}
			if tt.session != "" {
				session.Policy = parse(t, tt.session)
			}
			if tt.scp != "" {
				w.Account(account).SCP = [][]*iampolicy.Document{{parse(t, allowAll)}, {parse(t, tt.scp)}}
			}
			session.Role = w.Account(account).PutRole(role)
			_, caller := w.NewSession(&session)
			c := w.call(caller)
			if tt.service != "" {
				c.Service, c.Operation = tt.service, "AssumeRole"
			}
			need := core.Need{Action: "ec2:DeleteSnapshot", Resource: snapshotARN}
			err := c.Authorize(core.Need{Action: "ec2:DescribeSnapshots", Resource: "*"}, need)
			require.Equal(t, tt.want == "", c.Allows(need))
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			var e *core.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, 403, e.Status)
			require.Contains(t, e.Message, "User: arn:aws:sts::111111111111:assumed-role/backup/s is not authorized to perform: ec2:DeleteSnapshot on resource: "+snapshotARN)
			require.Contains(t, e.Message, tt.want)
			if tt.service == "sts" {
				require.Equal(t, "AccessDenied", e.Code)
				require.NotContains(t, e.Message, "because")
				return
			}
			require.Equal(t, "UnauthorizedOperation", e.Code)
			require.Contains(t, e.Message, "Encoded authorization failure message: ")
			require.Equal(t, 1, w.Stats().Denied)
		})
	}
}

// The keys are looked at through policies that allow nothing unless they are right.
func TestKeysThatEveryRequestHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands at 2000-01-01T00:00:00Z
		w := newWorld(t, core.Options{RecordAuthorizations: true})
		a := w.Account(account)
		a.Organization = "o-1"
		w.Account("222222222222").Organization = "o-1"
		role := a.PutRole(core.Role{
			Name: "backup", Path: "/bk/", Policies: []*iampolicy.Document{parse(t, allowAll)},
			Tags: map[string]string{"team": "storage", "env": "prod"},
		})
		_, session := w.NewSession(&core.Session{
			Role: role, Name: "s", SourceIdentity: "vault", Tags: map[string]string{"env": "test"}, Issued: time.Now(),
		})
		user := a.PutUser(core.User{Name: "alice", Policies: role.Policies, Tags: map[string]string{"team": "x"}})

		common := map[string][]string{
			"aws:RequestedRegion": {"eu-west-1"}, "aws:CurrentTime": {"2000-01-01T00:00:00Z"}, "aws:EpochTime": {"946684800"},
			"aws:SecureTransport": {"true"}, "aws:PrincipalIsAWSService": {"false"}, "aws:PrincipalAccount": {account},
			"aws:PrincipalOrgID": {"o-1"},
		}
		ofSession := map[string][]string{
			"aws:PrincipalArn": {"arn:aws:iam::111111111111:role/bk/backup"}, "aws:PrincipalType": {"AssumedRole"},
			"aws:userid": {role.UniqueID + ":s"}, "aws:SourceIdentity": {"vault"}, "aws:TokenIssueTime": {"2000-01-01T00:00:00Z"},
			"aws:MultiFactorAuthPresent": {"false"}, "aws:PrincipalTag/team": {"storage"}, "aws:PrincipalTag/env": {"test"},
		}
		ofUser := map[string][]string{
			"aws:PrincipalArn": {user.ARN}, "aws:PrincipalType": {"User"}, "aws:username": {"alice"},
			"aws:userid": {user.UniqueID}, "aws:PrincipalTag/team": {"x"},
		}
		ofRoot := map[string][]string{
			"aws:PrincipalArn": {"arn:aws:iam::111111111111:root"}, "aws:PrincipalType": {"Account"}, "aws:userid": {account},
		}
		direct := map[string][]string{"aws:SourceIp": {"127.0.0.1"}, "aws:ViaAWSService": {"false"}, "ec2:Region": {"eu-west-1"}}
		via := map[string][]string{"aws:ViaAWSService": {"true"}, "kms:CallerAccount": {account}}
		keyPolicy := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}]}`)
		tests := []struct {
			name   string
			caller core.Caller
			need   core.Need
			want   []map[string][]string
		}{
			{
				name: "session", caller: session, need: core.Need{Action: "ec2:DeleteSnapshot", Resource: snapshotARN, Keys: core.Keys("ec2:Owner", account)},
				want: []map[string][]string{common, ofSession, direct, {"ec2:Owner": {account}, "aws:ResourceAccount": {account}, "aws:ResourceOrgID": {"o-1"}}},
			},
			{
				name: "user, no resource", caller: core.Caller{ARN: user.ARN, UserID: user.UniqueID, User: user},
				need: core.Need{Action: "ec2:DescribeSnapshots", Resource: "*"}, want: []map[string][]string{common, ofUser, direct},
			},
			{
				name: "root, on behalf", caller: core.Caller{ARN: "arn:aws:iam::111111111111:root", UserID: account},
				need: core.Need{Action: "kms:DescribeKey", Resource: keyARN, Owner: "222222222222", Policy: keyPolicy},
				want: []map[string][]string{common, ofRoot, via, {"aws:ResourceAccount": {"222222222222"}, "aws:ResourceOrgID": {"o-1"}}},
			},
		}
		for _, tt := range tests {
			want := map[string][]string{}
			for _, m := range tt.want {
				for k, v := range m {
					want[k] = v
				}
			}
			require.NoError(t, w.call(tt.caller).Authorize(tt.need), tt.name)
			seen := w.Authorizations()
			last := seen[len(seen)-1]
			require.Equal(t, want, last.Keys, tt.name)
			require.Equal(t, tt.caller.ARN, last.Caller)
			require.Equal(t, want["aws:PrincipalArn"][0], last.Principal)
			require.Equal(t, tt.need.Action, last.Action)
			require.Equal(t, "ec2:DeleteSnapshot", last.Operation)
			require.Equal(t, iampolicy.Allowed, last.Decision.Outcome)
		}
	})
}

func TestResourcesOfOtherAccounts(t *testing.T) {
	w := newWorld(t, core.Options{})
	user := w.Account(account).PutUser(core.User{Name: "alice", Policies: []*iampolicy.Document{parse(t, allowAll)}})
	c := w.call(core.Caller{ARN: user.ARN, User: user})
	shared := core.Need{Action: "ec2:CopySnapshot", Resource: snapshotARN, Owner: "222222222222"}
	require.True(t, c.Allows(shared), "who may see a snapshot is not a matter of policies")

	key := core.Need{Action: "kms:DescribeKey", Resource: keyARN, Owner: "222222222222"}
	key.Policy = parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"kms:*","Resource":"*"}]}`)
	require.False(t, c.Allows(key), "the key's policy does not name the account")
	key.Policy = parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}]}`)
	require.True(t, c.Allows(key))
}

func TestDryRun(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	client := w.ec2(w.user())
	_, err := client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s"), DryRun: aws.Bool(true)})
	require.Equal(t, "DryRunOperation", code(t, err))
	require.Equal(t, 412, status(err))
	require.Zero(t, w.deletions)
	_, err = client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s"), DryRun: aws.Bool(false)})
	require.NoError(t, err)
	require.Equal(t, 1, w.deletions)
}

func TestAPrincipalThatWasMadeAgainIsAnother(t *testing.T) {
	w := newWorld(t, core.Options{})
	vault := w.Account("999999999999")
	trust := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999999999999:role/engine","arn:aws:iam::999999999999:user/op"]},"Action":"sts:AssumeRole"}]}`)
	vault.PutRole(core.Role{Name: "engine"})
	target := w.Account(account).PutRole(core.Role{Name: "backup", Trust: trust})
	require.Same(t, trust, target.BoundTrust(), "the user does not exist yet, the role does")

	vault.PutUser(core.User{Name: "op"})
	require.Same(t, trust, target.BoundTrust())

	first := vault.PutRole(core.Role{Name: "engine", Policies: []*iampolicy.Document{parse(t, allowAll)}}).UniqueID
	require.Same(t, trust, target.BoundTrust(), "new policies make no new role")
	vault.DeleteRole("engine")
	dangling := []string{first, "arn:aws:iam::999999999999:user/op"}
	require.Equal(t, dangling, target.BoundTrust().Statements[0].Principal.By["AWS"].Values)
	require.NotEqual(t, first, vault.PutRole(core.Role{Name: "engine"}).UniqueID)
	require.Equal(t, dangling, target.BoundTrust().Statements[0].Principal.By["AWS"].Values)
	require.Equal(t, "arn:aws:iam::999999999999:role/engine", trust.Statements[0].Principal.By["AWS"].Values[0], "the document itself is left alone")

	w.Account(account).PutRole(core.Role{Name: "backup", Trust: trust})
	require.Same(t, trust, target.BoundTrust(), "a policy that is put anew means whoever there is now")
}

func TestIDs(t *testing.T) {
	a, b := core.New(core.Options{Seed: 7}), core.New(core.Options{Seed: 7})
	for range 100 {
		require.Regexp(t, `^snap-[0-9a-f]{17}$`, a.NewID("snap"))
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, a.NewUUID())
		require.Regexp(t, `^AROA[A-Z2-7]{17}$`, a.NewUniqueID("AROA"))
		b.NewID("vol")
		b.NewUUID()
		b.NewUniqueID("AIDA")
	}
	require.Equal(t, a.NewID("snap"), b.NewID("snap"), "equal seeds give equal ids")
	require.NotEqual(t, a.NewID("snap"), core.New(core.Options{Seed: 8}).NewID("snap"))
}

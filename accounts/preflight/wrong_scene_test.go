package preflight_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

// withholds sees to it that a report repeats nothing that is not for everyone.
func withholds(t *testing.T, report *preflight.Report) {
	t.Helper()
	text, err := report.MarshalJSON()
	require.NoError(t, err)
	for _, secret := range []string{"vault-7c1e", "shop-9b2d", "clean-e81a", "another-id", "Encoded authorization", `"Statement"`} {
		require.NotContains(t, string(text), secret)
		require.NotContains(t, report.String(), secret)
	}
}

// remake deletes a role of the vault and makes it again.
func (s *scene) remake(name string) {
	s.DeleteRole(vault, name)
	s.PutRole(vault, s.orchestrator("arn:aws:iam::"+vault+":user/host"))
}

func (s *scene) orchestrator(trusted string) awssim.Role {
	policy, err := s.in.OrchestratorPolicy()
	require.NoError(s.t, err)
	return awssim.Role{Name: "orchestrator", Trust: trusting(s.t, trusted), Policies: []*iampolicy.Document{policy}}
}

// addSharing lets the backup role share with whom it likes.
func (s *scene) addSharing() {
	s.change(shop, "backup", func(r *awssim.Role) {
		r.Policies = []*iampolicy.Document{withoutStatement(withoutStatement(r.Policies[0], "NeverPublic"), "NeverToOthers"), allow(s.t, "ec2:ModifySnapshotAttribute", "*")}
	})
}

func withoutStatement(d *iampolicy.Document, sid string) *iampolicy.Document {
	less := &iampolicy.Document{Version: d.Version}
	for _, st := range d.Statements {
		if st.Sid != sid {
			less.Statements = append(less.Statements, st)
		}
	}
	return less
}

// ownKeyPolicy is the policy that AWS gives a key.
func (s *scene) ownKeyPolicy(account string) *iampolicy.Document {
	return parse(s.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:root"},"Action":"kms:*","Resource":"*"}]}`)
}

func (s *scene) kms(account, region string) *kms.Client {
	return kms.NewFromConfig(s.Config(s.Root(account), region))
}

func (s *scene) share(snapshot string, in *ec2.ModifySnapshotAttributeInput) {
	in.SnapshotId, in.OperationType, in.Attribute = &snapshot, "add", "createVolumePermission"
	_, err := s.ec2(vault, frankfurt).ModifySnapshotAttribute(context.Background(), in)
	require.NoError(s.t, err)
}

// publish shares a snapshot of the vault with everyone.
func (s *scene) publish(snapshot string) {
	client := s.ec2(vault, frankfurt)
	_, err := client.DisableSnapshotBlockPublicAccess(context.Background(), &ec2.DisableSnapshotBlockPublicAccessInput{})
	require.NoError(s.t, err)
	s.share(snapshot, &ec2.ModifySnapshotAttributeInput{GroupNames: []string{"all"}})
}

// fromOffice allows an action to who calls from certain addresses.
func fromOffice(t testing.TB, action string) *iampolicy.Document {
	t.Helper()
	d := allow(t, action, "*")
	d.Statements[0].Conditions = []iampolicy.Condition{{Operator: "IpAddress", Key: "aws:SourceIp", Values: iampolicy.Of("192.0.2.0/24")}}
	return d
}

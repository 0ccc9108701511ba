package iampolicy_test

import (
	"encoding/json"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// many returns an installation that protects n accounts, each with one source key.
func many(n int) iampolicy.Installation {
	i := installation()
	i.Protected = nil
	for k := range n {
		id := "100000000000"[:12-len(itoa(k))] + itoa(k)
		i.Protected = append(i.Protected, iampolicy.Protected{
			Account: id, ExternalID: "ext-" + id, Regions: []string{"us-east-1"},
			SourceKeys: []string{"arn:aws:kms:us-east-1:" + id + ":key/0d4b1f6a-58a1-4a4e-9d4c-0c5f5a1f0e11"},
		})
	}
	return i
}

func itoa(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}

func TestManyAccountsAreSplitAndTooManyRefused(t *testing.T) {
	largest := func(most int, build func(iampolicy.Installation) error) int {
		return sort.Search(most, func(n int) bool {
			err := build(many(n + 1))
			var large *iampolicy.TooLargeError
			if err != nil {
				require.ErrorAs(t, err, &large)
				require.ErrorIs(t, err, iampolicy.ErrTooLarge)
				require.Positive(t, large.Over())
				require.Equal(t, iampolicy.ManagedPerRole*iampolicy.ManagedLimit, large.Limit)
			}
			return err != nil
		})
	}
	inline := largest(400, func(i iampolicy.Installation) error {
		role, err := i.VaultWriter()
		require.NoError(t, err)
		if role.Managed != nil {
			return &iampolicy.TooLargeError{Size: 61_441, Limit: 61_440}
		}
		return nil
	})
	writer := largest(600, func(i iampolicy.Installation) error { _, err := i.VaultWriter(); return err })
	orchestrator := largest(1_500, func(i iampolicy.Installation) error { _, err := i.OrchestratorPolicy(); return err })
	t.Logf("protected accounts that fit: vault writer %d inline, %d in all; orchestrator %d", inline, writer, orchestrator)
	require.Greater(t, inline, 25)
	require.Greater(t, writer, 180)
	require.Greater(t, orchestrator, 500)

	_, err := many(writer + 1).Roles()
	require.ErrorIs(t, err, iampolicy.ErrTooLarge)
}

func TestASplitWriterMeansWhatTheWholeMeans(t *testing.T) {
	i := many(120)
	role, err := i.VaultWriter()
	require.NoError(t, err)
	require.Greater(t, len(role.Managed), 4)
	for _, part := range role.Managed {
		require.LessOrEqual(t, part.Size(), iampolicy.ManagedLimit)
		require.Empty(t, iampolicy.Validate(part, iampolicy.KindIdentity))
	}
	outcomes := map[iampolicy.Outcome]int{}
	for _, p := range append(i.Protected, iampolicy.Protected{Account: "300000000003", SourceKeys: []string{"arn:aws:kms:us-east-1:300000000003:key/x"}}) {
		for _, action := range []string{"kms:Decrypt", "kms:CreateGrant", "kms:DescribeKey", "ec2:CopySnapshot", "kms:PutKeyPolicy"} {
			req := iampolicy.Request{
				Principal: iampolicy.Principal{ARN: "arn:aws:sts::999999999999:assumed-role/snapkeep-vault-writer/x"}, Action: action, Resource: p.SourceKeys[0],
				Context: map[string][]string{
					"kms:ViaService": {"ec2.us-east-1.amazonaws.com"}, "kms:GrantIsForAWSResource": {"true"}, "kms:CallerAccount": {"999999999999"}, "ec2:Owner": {p.Account},
				},
			}
			if action == "ec2:CopySnapshot" {
				req.Resource = "arn:aws:ec2:us-east-1::snapshot/snap-1"
			}
			var key *iampolicy.Document
			if action != "ec2:CopySnapshot" {
				key = document(statement("Open", &iampolicy.Principals{Any: true}, "kms:*", "*"))
			}
			whole := iampolicy.Evaluate(req, iampolicy.PolicySet{Identity: []*iampolicy.Document{role.Policy}, Resource: key})
			split := iampolicy.Evaluate(req, iampolicy.PolicySet{Identity: role.Managed, Resource: key})
			require.Equal(t, whole.Outcome, split.Outcome, "%s of %s", action, p.Account)
			outcomes[whole.Outcome]++
		}
	}
	require.Equal(t, 4*120, outcomes[iampolicy.Allowed])
	require.Len(t, outcomes, 2)
}

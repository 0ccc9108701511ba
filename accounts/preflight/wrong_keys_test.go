package preflight_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

var keyFaults = []fault{
	{
		"source key's policy leaves the vault out", func(s *scene) {
			s.putKeyPolicy(s.in.Protected[0].SourceKeys[0], s.ownKeyPolicy(shop))
		}, []string{"wrong 999999999999 vault-writer key-policy: kms:CreateGrant, kms:Decrypt, kms:DescribeKey"},
	},
	{
		"source key's policy allows no grant", func(s *scene) {
			d, err := s.in.SourceKeyPolicy(shop)
			require.NoError(s.t, err)
			s.putKeyPolicy(s.in.Protected[0].SourceKeys[0], withoutStatement(d, "WriterGrantsToEC2"))
		}, []string{"wrong 999999999999 vault-writer key-policy: kms:CreateGrant"},
	},
	{
		"vault key's policy leaves the writer out", func(s *scene) {
			d, err := s.in.VaultKeyPolicy()
			require.NoError(s.t, err)
			s.putKeyPolicy(s.in.VaultKeys[0], withoutStatement(d, "WriterUsesThroughEC2"))
		}, []string{"wrong 999999999999 vault-writer key-policy: kms:Decrypt"},
	},
	{
		"source key is disabled", func(s *scene) {
			_, err := s.kms(shop, dublin).DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: &s.in.Protected[0].SourceKeys[0]})
			require.NoError(s.t, err)
		}, []string{"wrong 111111111111 - key-state: Disabled"},
	},
	{
		"rekey key is to be deleted", func(s *scene) {
			_, err := s.kms(shop, milan).ScheduleKeyDeletion(context.Background(), &kms.ScheduleKeyDeletionInput{KeyId: &s.in.Protected[0].RekeyKeys[0]})
			require.NoError(s.t, err)
		}, []string{"wrong 111111111111 - key-state: to be deleted on"},
	},
	{
		"RCP in the way of a key, its policy unreadable", func(s *scene) {
			s.silent[shop] = true
			s.in.Protected[0].RekeyKeys, s.in.Protected[0].Regions = nil, []string{dublin}
			s.forbid(shop, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
				"Condition":{"StringEquals":{"aws:PrincipalAccount":"999999999999"}}}]}`)
		}, []string{
			"wrong 999999999999 vault-writer organization: kms:DescribeKey is refused: a resource control policy forbids it",
			"unknown 111111111111 backup trust: not read",
			"unknown 111111111111 backup permission: there is no auditor",
			"unknown 111111111111 backup excess: there is no auditor",
			"unknown 111111111111 pruner trust: not read",
			"unknown 111111111111 pruner excess: there is no auditor",
		},
	},
	{
		"key is gone", func(s *scene) {
			s.in.Protected[0].SourceKeys[0] = "arn:aws:kms:eu-west-1:" + shop + ":key/11111111-2222-3333-4444-555555555555"
			s.change(vault, "vault-writer", func(*awssim.Role) {})
		}, []string{"wrong 111111111111 - key-state: no such key"},
	},
}

var vaultFaults = []fault{
	{
		"a copy is shared with a protected account", func(s *scene) { s.share(s.copied, &ec2.ModifySnapshotAttributeInput{UserIds: []string{shop}}) },
		[]string{"wrong 999999999999 - vault-share: is shared with 111111111111"},
	},
	{
		"a copy is shared with everyone", func(s *scene) { s.publish(s.copied) },
		[]string{"wrong 999999999999 - vault-share: is shared with all"},
	},
	{
		"vault key's policy names a protected account", func(s *scene) {
			d, err := s.in.VaultKeyPolicy()
			require.NoError(s.t, err)
			d.Statements = append(d.Statements, parse(s.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
				"Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:Decrypt","Resource":"*"}]}`).Statements...)
			s.putKeyPolicy(s.in.VaultKeys[1], d)
		}, []string{"wrong 999999999999 - vault-key-policy: names arn:aws:iam::111111111111:root"},
	},
	{
		"vault key's policy is open to everyone", func(s *scene) {
			d, err := s.in.VaultKeyPolicy()
			require.NoError(s.t, err)
			d.Statements = append(d.Statements, parse(s.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
				"Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}`).Statements...)
			s.putKeyPolicy(s.in.VaultKeys[1], d)
		}, []string{"wrong 999999999999 - vault-key-policy: names everyone"},
	},
	{
		"a role of the vault trusts a protected account", func(s *scene) {
			s.PutRole(vault, awssim.Role{Name: "helpdesk", Trust: trusting(s.t, "arn:aws:iam::"+shop+":root")})
		}, []string{"wrong 999999999999 - vault-trust: role/helpdesk trusts arn:aws:iam::111111111111:root"},
	},
	{
		"the vault cannot be read", func(s *scene) { s.silent[vault] = true },
		[]string{
			"unknown 555555555555 restore key-policy: not read",
			"unknown 555555555555 restore key-policy: not read",
			"unknown 999999999999 - vault-trust: nobody audits",
			"unknown 999999999999 - vault-key-policy: not read",
			"unknown 999999999999 - vault-key-policy: not read",
			"unknown 999999999999 vault-pruner trust: not read",
			"unknown 999999999999 vault-pruner excess: there is no auditor",
			"unknown 999999999999 vault-sharer trust: not read",
			"unknown 999999999999 vault-sharer excess: there is no auditor",
			"unknown 999999999999 vault-writer trust: not read",
			"unknown 999999999999 vault-writer permission: there is no auditor",
			"unknown 999999999999 vault-writer excess: there is no auditor",
			"unknown 999999999999 vault-writer key-policy: not read",
			"unknown 999999999999 vault-writer key-policy: not read",
		},
	},
}

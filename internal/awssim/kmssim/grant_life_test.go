package kmssim_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"
)

// A grant token works at once, where the grant itself takes a while.
func TestGrantTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cloud := newCloud(t)
		cloud.KMS().SetGrantDelay(5 * time.Minute)
		owner, bob := admin(cloud, account), client(cloud, account, "bob")
		arn := newKey(t, owner, "")
		encrypt := func(tokens ...string) string {
			_, err := bob.Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x"), GrantTokens: tokens})
			return code(t, err)
		}
		g, err := owner.CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::111111111111:user/bob"), Operations: []types.GrantOperation{"Encrypt"},
		})
		require.NoError(t, err)
		require.Equal(t, "AccessDeniedException", encrypt())
		require.Empty(t, encrypt(*g.GrantToken))
		require.Equal(t, "InvalidGrantTokenException", encrypt("none"))
		require.Equal(t, "ValidationException", encrypt(make([]string, 11)...))
		time.Sleep(5 * time.Minute)
		require.Empty(t, encrypt())
		_, err = owner.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &arn, GrantId: g.GrantId, DryRun: aws.Bool(true)})
		require.Equal(t, "DryRunOperationException", code(t, err))
		_, err = owner.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &arn, GrantId: g.GrantId})
		require.NoError(t, err)
		require.Empty(t, encrypt(), "a revocation takes a while as well")
		time.Sleep(5 * time.Minute)
		require.Equal(t, "AccessDeniedException", encrypt(*g.GrantToken))
	})
}

// Source: AWS KMS Developer Guide, "Retiring and revoking grants".
func TestWhoMayRetireAGrant(t *testing.T) {
	ops := func(ops ...types.GrantOperation) []types.GrantOperation { return ops }
	for _, tt := range []struct {
		name   string
		caller string // of the other account
		ops    []types.GrantOperation
		allow  []string
		deny   []string
		want   string
	}{
		{name: "its retiring principal", caller: "retiree", ops: ops("Decrypt")},
		{name: "its retiring principal, denied", caller: "retiree", ops: ops("Decrypt"), deny: []string{"kms:RetireGrant"}, want: "AccessDeniedException"},
		{name: "its grantee", caller: "grantee", ops: ops("Decrypt"), want: "AccessDeniedException"},
		{name: "its grantee, by the grant", caller: "grantee", ops: ops("Decrypt", "RetireGrant")},
		{name: "somebody of another account than the grant's", caller: "bob", ops: ops("Decrypt"), allow: []string{"kms:*"}, want: "AccessDeniedException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			cloud := newCloud(t)
			for _, name := range []string{"retiree", "grantee"} {
				cloud.User(other, name)
			}
			owner := admin(cloud, account)
			arn := newKey(t, owner, "")
			g, err := owner.CreateGrant(ctx, &kms.CreateGrantInput{
				KeyId: &arn, Operations: tt.ops, GranteePrincipal: aws.String("arn:aws:iam::222222222222:user/grantee"),
				RetiringPrincipal: aws.String("arn:aws:iam::222222222222:user/retiree"),
			})
			require.NoError(t, err)
			c := client(cloud, other, tt.caller)
			if tt.allow != nil {
				c = client(cloud, other, tt.caller, allow(t, tt.allow...))
			}
			if tt.deny != nil {
				c = client(cloud, other, tt.caller, deny(t, tt.deny...))
			}
			_, err = c.RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: g.GrantToken})
			require.Equal(t, tt.want, code(t, err))
			list, err := owner.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &arn})
			require.NoError(t, err)
			require.Equal(t, tt.want != "", len(list.Grants) == 1)
		})
	}
}

// The account that made a grant on another's key may retire it, and sees what
// its principals can retire.
func TestRetireFromTheIssuingAccount(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	arn := newKey(t, admin(cloud, account), keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"kms:CreateGrant","Resource":"*"}`))
	cloud.User(other, "bob")
	bob := aws.String("arn:aws:iam::222222222222:user/bob")
	stranger := admin(cloud, other)
	g, err := stranger.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &arn, GranteePrincipal: bob, RetiringPrincipal: bob, Operations: []types.GrantOperation{"Decrypt"},
	})
	require.NoError(t, err)
	list, err := stranger.ListRetirableGrants(ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: bob})
	require.NoError(t, err)
	require.Len(t, list.Grants, 1)
	require.Equal(t, arn, *list.Grants[0].KeyId)
	_, err = admin(cloud, account).ListRetirableGrants(ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: bob})
	require.Equal(t, "AccessDeniedException", code(t, err))
	_, err = client(cloud, other, "eve").RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &arn, GrantId: g.GrantId})
	require.Equal(t, "AccessDeniedException", code(t, err))
	_, err = stranger.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &arn, GrantId: g.GrantId})
	require.NoError(t, err)
	_, err = stranger.RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: g.GrantToken})
	require.Equal(t, "NotFoundException", code(t, err))
}

// A grant to make grants gives no more than it has.
func TestGrantsOfGrantees(t *testing.T) {
	volume := map[string]string{"aws:ebs:id": "vol-1"}
	for _, tt := range []struct {
		name   string
		ops    []types.GrantOperation
		limits *types.GrantConstraints
		want   string
	}{
		{"less", []types.GrantOperation{"Decrypt"}, &types.GrantConstraints{EncryptionContextSubset: volume}, ""},
		{"the same more strictly", []types.GrantOperation{"Decrypt"}, &types.GrantConstraints{EncryptionContextEquals: volume}, ""},
		{"another operation", []types.GrantOperation{"Encrypt"}, &types.GrantConstraints{EncryptionContextSubset: volume}, "AccessDeniedException"},
		{"no constraint", []types.GrantOperation{"Decrypt"}, nil, "AccessDeniedException"},
		{"another constraint", []types.GrantOperation{"Decrypt"}, &types.GrantConstraints{EncryptionContextSubset: map[string]string{"aws:ebs:id": "vol-2"}}, "AccessDeniedException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			cloud := newCloud(t)
			owner, bob := admin(cloud, account), client(cloud, account, "bob")
			arn := newKey(t, owner, "")
			_, err := owner.CreateGrant(ctx, &kms.CreateGrantInput{
				KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::111111111111:user/bob"),
				Operations:  []types.GrantOperation{"Decrypt", "CreateGrant"},
				Constraints: &types.GrantConstraints{EncryptionContextSubset: volume},
			})
			require.NoError(t, err)
			_, err = bob.CreateGrant(ctx, &kms.CreateGrantInput{
				KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::222222222222:root"), Operations: tt.ops, Constraints: tt.limits,
			})
			require.Equal(t, tt.want, code(t, err))
		})
	}
}

func TestWhatAGrantMustBe(t *testing.T) {
	root := aws.String("arn:aws:iam::222222222222:root")
	decrypt := []types.GrantOperation{"Decrypt"}
	source := &types.GrantConstraints{SourceArn: aws.String("arn:aws:s3:::bucket")}
	many := map[string]string{}
	for _, c := range "abcdefghi" {
		many[string(c)] = "x"
	}
	for _, tt := range []struct {
		name string
		in   kms.CreateGrantInput
		want string
	}{
		{"good", kms.CreateGrantInput{GranteePrincipal: root, Operations: decrypt}, ""},
		{"no grantee", kms.CreateGrantInput{Operations: decrypt}, "InvalidArnException"},
		{"nobody", kms.CreateGrantInput{GranteePrincipal: aws.String("arn:aws:iam::111111111111:role/none"), Operations: decrypt}, "InvalidArnException"},
		{"an account's id", kms.CreateGrantInput{GranteePrincipal: aws.String("222222222222"), Operations: decrypt}, "InvalidArnException"},
		{"retired by nobody", kms.CreateGrantInput{GranteePrincipal: root, Operations: decrypt, RetiringPrincipal: aws.String("x")}, "InvalidArnException"},
		{"to sign", kms.CreateGrantInput{GranteePrincipal: root, Operations: []types.GrantOperation{"Sign"}}, "ValidationException"},
		{"too many pairs", kms.CreateGrantInput{GranteePrincipal: root, Operations: decrypt, Constraints: &types.GrantConstraints{EncryptionContextEquals: many}}, "ValidationException"},
		{"a service without a source", kms.CreateGrantInput{GranteeServicePrincipal: aws.String("s3.amazonaws.com"), Operations: decrypt, RetiringPrincipal: root}, "ValidationException"},
		{"a service without a retiree", kms.CreateGrantInput{GranteeServicePrincipal: aws.String("s3.amazonaws.com"), Operations: decrypt, Constraints: source}, "ValidationException"},
		{"a service and a principal", kms.CreateGrantInput{GranteeServicePrincipal: aws.String("s3.amazonaws.com"), GranteePrincipal: root, Operations: decrypt, Constraints: source}, "ValidationException"},
		{"a service", kms.CreateGrantInput{GranteeServicePrincipal: aws.String("s3.amazonaws.com"), RetiringServicePrincipal: aws.String("s3.amazonaws.com"), Operations: decrypt, Constraints: source}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := admin(newCloud(t), account)
			arn := newKey(t, c, "")
			tt.in.KeyId = &arn
			_, err := c.CreateGrant(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err))
			if tt.in.GranteeServicePrincipal != nil && tt.want == "" {
				list, err := c.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: &arn, GranteeServicePrincipal: tt.in.GranteeServicePrincipal})
				require.NoError(t, err)
				require.Len(t, list.Grants, 1)
				require.Nil(t, list.Grants[0].GranteePrincipal)
				require.Equal(t, "arn:aws:s3:::bucket", *list.Grants[0].Constraints.SourceArn)
			}
		})
	}
}

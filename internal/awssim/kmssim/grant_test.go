package kmssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

func TestGrantGivesTheListedOperations(t *testing.T) {
	bob := func(acct string) string { return "arn:aws:iam::" + acct + ":user/bob" }
	context := map[string]string{"volume": "vol-1"}
	for _, tt := range []struct {
		name     string
		caller   string
		grantee  string
		ops      []types.GrantOperation
		limits   *types.GrantConstraints
		identity []*iampolicy.Document
		context  map[string]string
		want     string
	}{
		{name: "listed", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Encrypt"}},
		{name: "not listed", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Decrypt"}, want: "AccessDeniedException"},
		{name: "for somebody else", caller: account, grantee: strings.Replace(bob(account), "bob", "admin", 1), ops: []types.GrantOperation{"Encrypt"}, want: "AccessDeniedException"},
		{
			name: "denied all the same", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Encrypt"},
			identity: []*iampolicy.Document{deny(t, "kms:Encrypt")}, want: "AccessDeniedException",
		},
		{name: "in another account", caller: other, grantee: bob(other), ops: []types.GrantOperation{"Encrypt"}},
		{
			name: "context as it must be", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Encrypt"},
			limits: &types.GrantConstraints{EncryptionContextEquals: context}, context: context,
		},
		{
			name: "context missing", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Encrypt"},
			limits: &types.GrantConstraints{EncryptionContextEquals: context}, want: "AccessDeniedException",
		},
		{
			name: "context with more than its subset", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Encrypt"},
			limits: &types.GrantConstraints{EncryptionContextSubset: context}, context: map[string]string{"volume": "vol-1", "more": "yes"},
		},
		{
			name: "context with more than it equals", caller: account, grantee: bob(account), ops: []types.GrantOperation{"Encrypt"},
			limits: &types.GrantConstraints{EncryptionContextEquals: context}, context: map[string]string{"volume": "vol-1", "more": "yes"},
			want: "AccessDeniedException",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			cloud := newCloud(t)
			owner := admin(cloud, account)
			user := client(cloud, tt.caller, "bob", tt.identity...)
			arn := newKey(t, owner, "")
			use := func() error {
				_, err := user.Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x"), EncryptionContext: tt.context})
				return err
			}
			require.Equal(t, "AccessDeniedException", code(t, use()), "before the grant")
			g, err := owner.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: &arn, GranteePrincipal: &tt.grantee, Operations: tt.ops, Constraints: tt.limits})
			require.NoError(t, err)
			require.Equal(t, tt.want, code(t, use()))
			_, err = owner.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &arn, GrantId: g.GrantId})
			require.NoError(t, err)
			require.Equal(t, "AccessDeniedException", code(t, use()), "after it was revoked")
		})
	}
}

func TestGrantForARoleIsForItsSessions(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	role := reader(t, cloud, nil)
	owner := admin(cloud, account)
	arn := newKey(t, owner, "")
	_, err := owner.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: &arn, GranteePrincipal: &role, Operations: []types.GrantOperation{"Encrypt"}})
	require.NoError(t, err)
	_, err = session(t, cloud, role).Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
	require.NoError(t, err)
	_, err = session(t, cloud, role).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	require.Equal(t, "AccessDeniedException", code(t, err))
}

// reader is a role that anyone of the account may assume and that has no policy.
func reader(t *testing.T, cloud *awssim.Cloud, boundary *iampolicy.Document) (arn string) {
	t.Helper()
	return cloud.PutRole(account, awssim.Role{
		Name: "reader", Path: "/backup/", Boundary: boundary,
		Trust: parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`),
	})
}

// A grant to a role is no way around the role's boundary, and one to an account
// leaves it to the account who of its principals may.
func TestGrantsLeaveOtherLimits(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct {
		name, grantee, want string // empty grantee: the role
		boundary            *iampolicy.Document
	}{
		{name: "no boundary"},
		{name: "a boundary that allows", boundary: allow(t, "kms:Encrypt")},
		{name: "a boundary that does not", boundary: allow(t, "kms:Decrypt"), want: "AccessDeniedException"},
		{name: "to the account", grantee: "arn:aws:iam::111111111111:root", want: "AccessDeniedException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			role := reader(t, cloud, tt.boundary)
			owner := admin(cloud, account)
			arn := newKey(t, owner, "")
			if tt.grantee == "" {
				tt.grantee = role
			}
			_, err := owner.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: &arn, GranteePrincipal: &tt.grantee, Operations: []types.GrantOperation{"Encrypt"}})
			require.NoError(t, err)
			_, err = session(t, cloud, role).Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
			require.Equal(t, tt.want, code(t, err))
		})
	}
}

func TestGrantsAreListedAndNamedOnesMadeOnce(t *testing.T) {
	ctx := t.Context()
	c := admin(newCloud(t), account)
	arn := newKey(t, c, "")
	create := func(name string) string {
		g, err := c.CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::111111111111:root"),
			Operations: []types.GrantOperation{"Decrypt"}, Name: aws.String(name),
		})
		require.NoError(t, err)
		return *g.GrantId
	}
	require.Equal(t, create("one"), create("one"))
	seen := map[string]bool{}
	for i := range 6 {
		create(fmt.Sprint("grant ", i))
	}
	in := &kms.ListGrantsInput{KeyId: &arn, Limit: aws.Int32(3)}
	pages := 0
	for p := kms.NewListGrantsPaginator(c, in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(ctx)
		require.NoError(t, err)
		for _, g := range out.Grants {
			require.False(t, seen[*g.GrantId])
			seen[*g.GrantId] = true
		}
	}
	require.Len(t, seen, 7)
	require.Equal(t, 3, pages)

	_, err := c.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &arn, GrantId: aws.String("none")})
	require.Equal(t, "NotFoundException", code(t, err))
	_, err = c.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &arn, Marker: aws.String("%%")})
	require.Equal(t, "InvalidMarkerException", code(t, err))
}

// A grant by a principal itself is not one for an AWS resource, which is what
// key policies written for EBS allow.
func TestGrantByHandIsNotForAWSResources(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	arn := newKey(t, admin(cloud, account), keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},
		"Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}`))
	_, err := admin(cloud, other).CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::222222222222:root"), Operations: []types.GrantOperation{"Decrypt"},
	})
	require.Equal(t, "AccessDeniedException", code(t, err))
}

func TestAliases(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	arn := newKey(t, c, "")
	alias := func(name string) string {
		_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &arn})
		return code(t, err)
	}
	require.Empty(t, alias("alias/one"))
	require.Equal(t, "AlreadyExistsException", alias("alias/one"))
	require.Equal(t, "InvalidAliasNameException", alias("one"))
	require.Equal(t, "InvalidAliasNameException", alias("alias/aws/mine"))
	_, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
	require.NoError(t, err)
	list, err := c.ListAliases(ctx, &kms.ListAliasesInput{})
	require.NoError(t, err)
	require.Len(t, list.Aliases, 2)
	require.Equal(t, "alias/aws/ebs", *list.Aliases[0].AliasName)
	require.Equal(t, "alias/one", *list.Aliases[1].AliasName)
	list, err = c.ListAliases(ctx, &kms.ListAliasesInput{KeyId: &arn})
	require.NoError(t, err)
	require.Len(t, list.Aliases, 1)
	list, err = admin(cloud, other).ListAliases(ctx, &kms.ListAliasesInput{})
	require.NoError(t, err)
	require.Empty(t, list.Aliases)
}

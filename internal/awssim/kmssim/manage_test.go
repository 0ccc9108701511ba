package kmssim_test

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"
)

func TestReEncryptAsksBothKeys(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	owner := admin(cloud, account)
	statement := func(action, more string) string {
		return keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"kms:` + action + `","Resource":"*"` + more + `}`)
	}
	context := map[string]string{"a": "b"}
	for _, tt := range []struct{ name, from, to, want string }{
		{"both allow", statement("ReEncryptFrom", ""), statement("ReEncryptTo", ""), ""},
		{"the source does not", statement("ReEncryptTo", ""), statement("ReEncryptTo", ""), "AccessDeniedException"},
		{"the destination does not", statement("ReEncryptFrom", ""), statement("ReEncryptFrom", ""), "AccessDeniedException"},
		{
			"only on one key", statement("ReEncryptFrom", `,"Condition":{"Bool":{"kms:ReEncryptOnSameKey":"true"}}`),
			statement("ReEncryptTo", ""), "AccessDeniedException",
		},
		{
			"with the contexts", statement("ReEncryptFrom", `,"Condition":{"StringEquals":{"kms:EncryptionContext:a":"b"}}`),
			statement("ReEncryptTo", `,"Condition":{"Null":{"kms:EncryptionContextKeys":"true"}}`), "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, to := newKey(t, owner, tt.from), newKey(t, owner, tt.to)
			sealed, err := owner.Encrypt(ctx, &kms.EncryptInput{KeyId: &from, Plaintext: []byte("secret"), EncryptionContext: context})
			require.NoError(t, err)
			out, err := admin(cloud, other).ReEncrypt(ctx, &kms.ReEncryptInput{
				CiphertextBlob: sealed.CiphertextBlob, SourceEncryptionContext: context, DestinationKeyId: &to,
			})
			require.Equal(t, tt.want, code(t, err))
			if tt.want != "" {
				return
			}
			require.Equal(t, from, *out.SourceKeyId)
			plain, err := owner.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
			require.NoError(t, err)
			require.Equal(t, to, *plain.KeyId)
			require.Equal(t, "secret", string(plain.Plaintext))
		})
	}
}

func TestDataKeysWithoutPlaintextAndPairs(t *testing.T) {
	ctx := t.Context()
	c := admin(newCloud(t), account)
	key := newKey(t, c, "")
	bare, err := c.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: &key, KeySpec: types.DataKeySpecAes256})
	require.NoError(t, err)
	plain, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: bare.CiphertextBlob})
	require.NoError(t, err)
	require.Len(t, plain.Plaintext, 32)
	for _, spec := range []types.DataKeyPairSpec{"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"} {
		pair, err := c.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: &key, KeyPairSpec: spec})
		require.NoError(t, err)
		plain, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: pair.PrivateKeyCiphertextBlob})
		require.NoError(t, err)
		require.Equal(t, pair.PrivateKeyPlaintext, plain.Plaintext)
		private, err := x509.ParsePKCS8PrivateKey(plain.Plaintext)
		require.NoError(t, err)
		public, err := x509.ParsePKIXPublicKey(pair.PublicKey)
		require.NoError(t, err)
		require.Equal(t, public, private.(crypto.Signer).Public())
	}
}

func TestAliasesMoveAndGo(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	first, second := newKey(t, c, ""), newKey(t, c, "")
	name := aws.String("alias/vault")
	_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: name, TargetKeyId: &first})
	require.NoError(t, err)
	bob := client(cloud, account, "bob", parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:UpdateAlias","kms:DeleteAlias"],"Resource":["`+first+`","arn:aws:kms:eu-west-1:111111111111:alias/vault"]}]}`))
	_, err = bob.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: name, TargetKeyId: &second})
	require.Equal(t, "AccessDeniedException", code(t, err), "the new key must allow it as well")
	_, err = c.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: name, TargetKeyId: &second})
	require.NoError(t, err)
	d, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: name})
	require.NoError(t, err)
	require.Equal(t, second, *d.KeyMetadata.Arn)
	_, err = bob.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: name})
	require.Equal(t, "AccessDeniedException", code(t, err))
	_, err = c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: name})
	require.NoError(t, err)
	_, err = c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: name})
	require.Equal(t, "NotFoundException", code(t, err))
}

func TestTagsOfKeys(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	key := newKey(t, c, "")
	tag := func(name, value string) types.Tag { return types.Tag{TagKey: &name, TagValue: &value} }
	put := func(tags ...types.Tag) string {
		_, err := c.TagResource(ctx, &kms.TagResourceInput{KeyId: &key, Tags: tags})
		return code(t, err)
	}
	require.Empty(t, put(tag("team", "blue"), tag("x", "1")))
	require.Empty(t, put(tag("team", "red")))
	require.Equal(t, "TagException", put(tag("aws:x", "1")))
	require.Equal(t, "TagException", put(tag("x", "1"), tag("x", "2")))
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint("t", i), ""))
	}
	require.Equal(t, "LimitExceededException", put(many...))
	red := client(cloud, account, "red", parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}]}`))
	_, err := red.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &key, TagKeys: []string{"x", "none"}})
	require.NoError(t, err)
	list, err := red.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &key})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{tag("team", "red")}, list.Tags)
	_, err = c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &key, TagKeys: []string{"team"}})
	require.NoError(t, err)
	_, err = red.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &key})
	require.Equal(t, "AccessDeniedException", code(t, err))
}

func TestListsOfKeysAndPolicies(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	key := newKey(t, c, "")
	newKey(t, c, "")
	newKey(t, admin(cloud, other), "")
	keys, err := c.ListKeys(ctx, &kms.ListKeysInput{Limit: aws.Int32(1)})
	require.NoError(t, err)
	require.Len(t, keys.Keys, 1)
	keys, err = c.ListKeys(ctx, &kms.ListKeysInput{Marker: keys.NextMarker})
	require.NoError(t, err)
	require.Len(t, keys.Keys, 1)
	require.False(t, keys.Truncated)
	names, err := c.ListKeyPolicies(ctx, &kms.ListKeyPoliciesInput{KeyId: &key})
	require.NoError(t, err)
	require.Equal(t, []string{"default"}, names.PolicyNames)
}

// Policies may ask by which name a key is used.
func TestRequestAlias(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	key := newKey(t, c, "")
	_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/vault"), TargetKeyId: &key})
	require.NoError(t, err)
	bob := client(cloud, account, "bob", parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:RequestAlias":"alias/vault"}}}]}`))
	for name, want := range map[string]string{
		"alias/vault": "", "arn:aws:kms:eu-west-1:111111111111:alias/vault": "", key: "AccessDeniedException",
	} {
		_, err := bob.Encrypt(ctx, &kms.EncryptInput{KeyId: &name, Plaintext: []byte("x")})
		require.Equal(t, want, code(t, err), name)
	}
}

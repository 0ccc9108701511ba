package kmssim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"
)

func TestCiphertextIsBoundToKeyAndContext(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	key, second := newKey(t, c, ""), newKey(t, c, "")
	context := map[string]string{"aws:ebs:id": "vol-1", "a": "b"}
	sealed, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("secret"), EncryptionContext: context})
	require.NoError(t, err)
	require.NotContains(t, string(sealed.CiphertextBlob), "secret")
	changed := append([]byte{}, sealed.CiphertextBlob...)
	changed[len(changed)-1] ^= 1
	for _, tt := range []struct {
		name string
		in   kms.DecryptInput
		want string
	}{
		{"as it was sealed", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context}, ""},
		{"with the key named", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyId: &key}, ""},
		{"with another key", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyId: &second}, "IncorrectKeyException"},
		{"without context", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}, "InvalidCiphertextException"},
		{"with another context", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"a": "b"}}, "InvalidCiphertextException"},
		{"changed", kms.DecryptInput{CiphertextBlob: changed, EncryptionContext: context}, "InvalidCiphertextException"},
		{"cut", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob[:9], EncryptionContext: context}, "InvalidCiphertextException"},
		{"not one", kms.DecryptInput{CiphertextBlob: []byte("x"), EncryptionContext: context}, "InvalidCiphertextException"},
		{"only tried", kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, DryRun: aws.Bool(true)}, "DryRunOperationException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := c.Decrypt(ctx, &tt.in)
			require.Equal(t, tt.want, code(t, err))
			if tt.want == "" {
				require.Equal(t, "secret", string(out.Plaintext))
				require.Equal(t, key, *out.KeyId)
			}
		})
	}
	_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key})
	require.NoError(t, err)
	_, err = c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context})
	require.Equal(t, "DisabledException", code(t, err))
}

func TestDataKeys(t *testing.T) {
	ctx := t.Context()
	c := admin(newCloud(t), account)
	key := newKey(t, c, "")
	for _, tt := range []struct {
		name string
		spec types.DataKeySpec
		size *int32
		want int // 0: refused
	}{
		{"256 bits", types.DataKeySpecAes256, nil, 32},
		{"128 bits", types.DataKeySpecAes128, nil, 16},
		{"bytes", "", aws.Int32(64), 64},
		{"neither", "", nil, 0},
		{"both", types.DataKeySpecAes256, aws.Int32(64), 0},
		{"too many", "", aws.Int32(1025), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: tt.spec, NumberOfBytes: tt.size})
			if tt.want == 0 {
				require.Equal(t, "ValidationException", code(t, err))
				return
			}
			require.NoError(t, err)
			require.Len(t, out.Plaintext, tt.want)
			back, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
			require.NoError(t, err)
			require.Equal(t, out.Plaintext, back.Plaintext)
		})
	}
	_, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: make([]byte, 4097)})
	require.Equal(t, "ValidationException", code(t, err))
}

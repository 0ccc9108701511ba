package kmssim

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// GenerateDataKey returns a fresh key, in the clear and sealed.
func (s *Service) GenerateDataKey(c *core.Call, in *kms.GenerateDataKeyInput) (*kms.GenerateDataKeyOutput, error) {
	if in.Recipient != nil {
		return nil, c.Unsupported("Recipient")
	}
	k, err := s.forUse(c, "GenerateDataKey", use{key: in.KeyId, context: in.EncryptionContext, tokens: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	plain, err := s.dataKey(in.NumberOfBytes, in.KeySpec)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyOutput{
		CiphertextBlob: s.seal(k, plain, in.EncryptionContext), KeyId: aws.String(string(k.arn)), Plaintext: plain,
	}, nil
}

// GenerateDataKeyWithoutPlaintext returns a fresh key, sealed only.
func (s *Service) GenerateDataKeyWithoutPlaintext(c *core.Call, in *kms.GenerateDataKeyWithoutPlaintextInput) (
	*kms.GenerateDataKeyWithoutPlaintextOutput, error,
) {
	k, err := s.forUse(c, "GenerateDataKeyWithoutPlaintext", use{key: in.KeyId, context: in.EncryptionContext, tokens: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	plain, err := s.dataKey(in.NumberOfBytes, in.KeySpec)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyWithoutPlaintextOutput{
		CiphertextBlob: s.seal(k, plain, in.EncryptionContext), KeyId: aws.String(string(k.arn)),
	}, nil
}

// dataKey makes a data key of the size asked for.
func (s *Service) dataKey(bytes *int32, spec types.DataKeySpec) ([]byte, error) {
	switch {
	case (bytes == nil) == (spec == ""):
		return nil, core.Errorf("ValidationException", "Please specify either number of bytes or key spec.")
	case spec == types.DataKeySpecAes256:
		return s.random(32), nil
	case spec == types.DataKeySpecAes128:
		return s.random(16), nil
	case bytes != nil && *bytes >= 1 && *bytes <= 1024:
		return s.random(int(*bytes)), nil
	}
	return nil, core.Errorf("ValidationException", "a data key is AES_128, AES_256 or 1 to 1024 bytes")
}

// GenerateDataKeyPair returns a fresh pair of keys, the private one in the
// clear and sealed. RSA is not simulated: such pairs cannot be made from a seed.
func (s *Service) GenerateDataKeyPair(c *core.Call, in *kms.GenerateDataKeyPairInput) (*kms.GenerateDataKeyPairOutput, error) {
	if in.Recipient != nil {
		return nil, c.Unsupported("Recipient")
	}
	k, err := s.forUse(c, "GenerateDataKeyPair", use{
		key: in.KeyId, context: in.EncryptionContext, tokens: in.GrantTokens,
		keys: core.Keys("kms:DataKeyPairSpec", string(in.KeyPairSpec)),
	})
	if err != nil {
		return nil, err
	}
	private, public, err := s.keyPair(c, in.KeyPairSpec)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairOutput{
		KeyId: aws.String(string(k.arn)), KeyPairSpec: in.KeyPairSpec, PrivateKeyPlaintext: private, PublicKey: public,
		PrivateKeyCiphertextBlob: s.seal(k, private, in.EncryptionContext),
	}, nil
}

// keyPair makes a pair as PKCS #8 and as a public key of X.509, both DER.
// Source: AWS KMS API Reference, GenerateDataKeyPair.
func (s *Service) keyPair(c *core.Call, spec types.DataKeyPairSpec) (private, public []byte, err error) {
	curves := map[types.DataKeyPairSpec]elliptic.Curve{
		types.DataKeyPairSpecEccNistP256: elliptic.P256(), types.DataKeyPairSpecEccNistP384: elliptic.P384(),
	}
	var pair, half any
	switch curve := curves[spec]; {
	case curve != nil:
		// Nearly every text of the order's length is a scalar of these curves.
		for pair == nil {
			key, err := ecdsa.ParseRawPrivateKey(curve, s.random(curve.Params().BitSize/8))
			if err == nil {
				pair, half = key, key.Public()
			}
		}
	case spec == types.DataKeyPairSpecEccNistEdwards25519:
		key := ed25519.NewKeyFromSeed(s.random(ed25519.SeedSize))
		pair, half = key, key.Public()
	default:
		return nil, nil, c.Unsupported("KeyPairSpec " + string(spec))
	}
	if private, err = x509.MarshalPKCS8PrivateKey(pair); err != nil {
		return nil, nil, err
	}
	public, err = x509.MarshalPKIXPublicKey(half)
	return private, public, err
}

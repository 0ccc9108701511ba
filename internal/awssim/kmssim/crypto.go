package kmssim

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxPlaintext is what Encrypt takes at most, in bytes.
// Source: AWS KMS API Reference, Encrypt.
const maxPlaintext = 4096

// Encrypt seals up to 4,096 bytes under a key and an encryption context.
func (s *Service) Encrypt(c *core.Call, in *kms.EncryptInput) (*kms.EncryptOutput, error) {
	k, err := s.forUse(c, in.KeyId, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if n := len(in.Plaintext); n < 1 || n > maxPlaintext {
		return nil, core.Errorf("ValidationException", "the plaintext has %d bytes, not between 1 and %d", n, maxPlaintext)
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.EncryptOutput{
		CiphertextBlob: s.seal(k, in.Plaintext, in.EncryptionContext), KeyId: aws.String(string(k.arn)),
		EncryptionAlgorithm: types.EncryptionAlgorithmSpecSymmetricDefault,
	}, nil
}

// Decrypt opens what Encrypt or GenerateDataKey sealed, under the same context.
func (s *Service) Decrypt(c *core.Call, in *kms.DecryptInput) (*kms.DecryptOutput, error) {
	arn, nonce, sealed, err := split(in.CiphertextBlob)
	if err != nil {
		return nil, core.Errorf("InvalidCiphertextException", "the ciphertext is not one of KMS")
	}
	id := aws.String(string(arn))
	if in.KeyId != nil {
		named, err := s.find(c, in.KeyId, anyName)
		if err != nil {
			return nil, err
		}
		if named.arn != arn {
			return nil, core.Errorf("IncorrectKeyException",
				"The key ID in the request does not identify a CMK that can perform this operation.")
		}
		id = aws.String(string(named.arn))
	}
	k, err := s.forUse(c, id, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead().Open(nil, nonce, sealed, additional(in.EncryptionContext))
	if err != nil {
		return nil, core.Errorf("InvalidCiphertextException", "the ciphertext was changed or sealed under another encryption context")
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.DecryptOutput{
		KeyId: aws.String(string(k.arn)), Plaintext: plain,
		EncryptionAlgorithm: types.EncryptionAlgorithmSpecSymmetricDefault,
	}, nil
}

// GenerateDataKey returns a fresh key, in the clear and sealed.
func (s *Service) GenerateDataKey(c *core.Call, in *kms.GenerateDataKeyInput) (*kms.GenerateDataKeyOutput, error) {
	k, err := s.forUse(c, in.KeyId, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	size, err := dataKeySize(in)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	plain := s.random(size)
	return &kms.GenerateDataKeyOutput{
		CiphertextBlob: s.seal(k, plain, in.EncryptionContext), KeyId: aws.String(string(k.arn)), Plaintext: plain,
	}, nil
}

func dataKeySize(in *kms.GenerateDataKeyInput) (int, error) {
	switch {
	case (in.NumberOfBytes == nil) == (in.KeySpec == ""):
		return 0, core.Errorf("ValidationException", "Please specify either number of bytes or key spec.")
	case in.KeySpec == types.DataKeySpecAes256:
		return 32, nil
	case in.KeySpec == types.DataKeySpecAes128:
		return 16, nil
	case in.NumberOfBytes != nil && *in.NumberOfBytes >= 1 && *in.NumberOfBytes <= 1024:
		return int(*in.NumberOfBytes), nil
	}
	return 0, core.Errorf("ValidationException", "a data key is AES_128, AES_256 or 1 to 1024 bytes")
}

// forUse finds a key that the caller may use for the call's operation now.
func (s *Service) forUse(c *core.Call, id *string, context map[string]string) (*key, error) {
	k, err := s.find(c, id, anyName)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, k, c.Operation, cryptoKeys(context)); err != nil {
		return nil, err
	}
	return k, k.usable()
}

// seal lays a ciphertext out as: length of the key's ARN, the ARN, the nonce,
// the sealed text. The ARN and the context are bound to it.
func (s *Service) seal(k *key, plain []byte, context map[string]string) []byte {
	gcm := k.aead()
	nonce := s.random(gcm.NonceSize())
	out := binary.BigEndian.AppendUint16(nil, uint16(len(k.arn)))
	out = append(out, k.arn...)
	out = append(out, nonce...)
	return gcm.Seal(out, nonce, plain, additional(context))
}

func split(blob []byte) (arn ARN, nonce, sealed []byte, err error) {
	const nonceSize = 12 // of AES-GCM
	if len(blob) < 2 {
		return "", nil, nil, errors.New("too short")
	}
	n := int(binary.BigEndian.Uint16(blob))
	if len(blob) < 2+n+nonceSize {
		return "", nil, nil, errors.New("too short")
	}
	rest := blob[2+n:]
	return ARN(blob[2 : 2+n]), rest[:nonceSize], rest[nonceSize:], nil
}

func (k *key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k.secret[:])
	if err != nil {
		panic("kmssim: " + err.Error())
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("kmssim: " + err.Error())
	}
	return gcm
}

// additional writes an encryption context in one way only: sorted, each text
// after its length.
func additional(context map[string]string) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, text := range []string{name, context[name]} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
			b = append(b, text...)
		}
	}
	return b
}

// dryRun answers as KMS does, not as EC2.
// Source: AWS KMS Developer Guide, "Testing your permissions".
func dryRun(flag *bool) error {
	if aws.ToBool(flag) {
		return core.Errorf("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
	}
	return nil
}

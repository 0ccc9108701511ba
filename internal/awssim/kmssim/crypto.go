package kmssim

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxPlaintext is what Encrypt takes at most, in bytes.
// Source: AWS KMS API Reference, Encrypt.
const maxPlaintext = 4096

const symmetric = types.EncryptionAlgorithmSpecSymmetricDefault

// A use is what a cryptographic operation asks of a key.
type use struct {
	key       *string
	context   map[string]string
	algorithm types.EncryptionAlgorithmSpec // empty means the symmetric one
	tokens    []string
	keys      map[string][]string // more condition keys
}

// Encrypt seals up to 4,096 bytes under a key and an encryption context.
func (s *Service) Encrypt(c *core.Call, in *kms.EncryptInput) (*kms.EncryptOutput, error) {
	k, err := s.forUse(c, "Encrypt", use{in.KeyId, in.EncryptionContext, in.EncryptionAlgorithm, in.GrantTokens, nil})
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
		EncryptionAlgorithm: symmetric,
	}, nil
}

// Decrypt opens what Encrypt or GenerateDataKey sealed, under the same context.
func (s *Service) Decrypt(c *core.Call, in *kms.DecryptInput) (*kms.DecryptOutput, error) {
	switch {
	case in.Recipient != nil:
		return nil, c.Unsupported("Recipient")
	case len(in.DryRunModifiers) > 0:
		return nil, c.Unsupported("DryRunModifiers")
	}
	blob, err := s.parse(c, in.CiphertextBlob, in.KeyId)
	if err != nil {
		return nil, err
	}
	k, err := s.forUse(c, "Decrypt", use{blob.name, in.EncryptionContext, in.EncryptionAlgorithm, in.GrantTokens, nil})
	if err != nil {
		return nil, err
	}
	plain, err := blob.open(k, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.DecryptOutput{KeyId: aws.String(string(k.arn)), Plaintext: plain, EncryptionAlgorithm: symmetric}, nil
}

// ReEncrypt opens a ciphertext and seals its contents again, under another
// key or another context. Both keys must allow it.
func (s *Service) ReEncrypt(c *core.Call, in *kms.ReEncryptInput) (*kms.ReEncryptOutput, error) {
	if len(in.DryRunModifiers) > 0 {
		return nil, c.Unsupported("DryRunModifiers")
	}
	blob, err := s.parse(c, in.CiphertextBlob, in.SourceKeyId)
	if err != nil {
		return nil, err
	}
	source, err := s.find(c, blob.name, anyName)
	if err != nil {
		return nil, err
	}
	to, err := s.find(c, in.DestinationKeyId, anyName)
	if err != nil {
		return nil, err
	}
	same := core.Keys("kms:ReEncryptOnSameKey", strconv.FormatBool(source == to))
	from := use{blob.name, in.SourceEncryptionContext, in.SourceEncryptionAlgorithm, in.GrantTokens, same}
	if source, err = s.forUse(c, "ReEncryptFrom", from); err != nil {
		return nil, err
	}
	into := use{in.DestinationKeyId, in.DestinationEncryptionContext, in.DestinationEncryptionAlgorithm, in.GrantTokens, same}
	if to, err = s.forUse(c, "ReEncryptTo", into); err != nil {
		return nil, err
	}
	plain, err := blob.open(source, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.ReEncryptOutput{
		CiphertextBlob: s.seal(to, plain, in.DestinationEncryptionContext), KeyId: aws.String(string(to.arn)),
		SourceKeyId: aws.String(string(source.arn)), DestinationEncryptionAlgorithm: symmetric, SourceEncryptionAlgorithm: symmetric,
	}, nil
}

// forUse finds a key that the caller may use for an action now.
func (s *Service) forUse(c *core.Call, action string, u use) (*key, error) {
	k, err := s.find(c, u.key, anyName)
	if err != nil {
		return nil, err
	}
	if u.algorithm != "" && u.algorithm != symmetric {
		return nil, core.Errorf("InvalidKeyUsageException", "%s cannot be used with the algorithm %s", k.arn, u.algorithm)
	}
	keys := cryptoKeys(u.context)
	maps.Copy(keys, requestAlias(u.key))
	maps.Copy(keys, u.keys)
	if err := s.authorize(c, k, wish{action: action, keys: keys, tokens: u.tokens}); err != nil {
		return nil, err
	}
	return k, k.usable(c.Now)
}

// A ciphertext is one taken apart.
type ciphertext struct {
	name          *string // of the key, as the caller or the ciphertext gives it
	nonce, sealed []byte
}

// parse takes a ciphertext apart and finds out which key it needs. The caller
// need not name it, but must not name another.
func (s *Service) parse(c *core.Call, blob []byte, named *string) (ciphertext, error) {
	arn, nonce, sealed, err := split(blob)
	if err != nil {
		return ciphertext{}, core.Errorf("InvalidCiphertextException", "the ciphertext is not one of KMS")
	}
	part := strings.SplitN(string(arn), ":", 6)
	if strings.HasPrefix(part[len(part)-1], "key/"+multiRegionPrefix) {
		// Related keys read each other's ciphertexts; the one of this Region does it.
		arn = keyARN(Site{Account: part[4], Region: c.Region}, strings.TrimPrefix(part[5], "key/"))
	}
	if named != nil {
		k, err := s.find(c, named, anyName)
		if err != nil {
			return ciphertext{}, err
		}
		if k.arn != arn {
			return ciphertext{}, core.Errorf("IncorrectKeyException",
				"The key ID in the request does not identify a CMK that can perform this operation.")
		}
		return ciphertext{named, nonce, sealed}, nil
	}
	if s.live(s.keys[arn]) == nil || arn.Region() != c.Region {
		// Source of the wording: aws/aws-encryption-sdk-python issue 56 and many others.
		return ciphertext{}, core.Errorf("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, "+
			"does not exist in this region, or you are not allowed to access.")
	}
	return ciphertext{aws.String(string(arn)), nonce, sealed}, nil
}

func (t ciphertext) open(k *key, context map[string]string) ([]byte, error) {
	plain, err := k.material.aead().Open(nil, t.nonce, t.sealed, additional(context))
	if err != nil {
		return nil, core.Errorf("InvalidCiphertextException", "the ciphertext was changed or sealed under another encryption context")
	}
	return plain, nil
}

// seal lays a ciphertext out as: length of the key's ARN, the ARN, the nonce,
// the sealed text. The material and the context are bound to it.
func (s *Service) seal(k *key, plain []byte, context map[string]string) []byte {
	gcm := k.material.aead()
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
	arn = ARN(blob[2 : 2+n])
	if strings.Count(string(arn), ":") < 5 {
		return "", nil, nil, errors.New("no ARN")
	}
	return arn, rest[:nonceSize], rest[nonceSize:], nil
}

func (m material) aead() cipher.AEAD {
	block, err := aes.NewCipher(m.secret[:])
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

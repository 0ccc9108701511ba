package conformance

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const (
	keyPolicies = "KMS Developer Guide, Allowing users in other accounts to use a KMS key"
	keyStates   = "KMS Developer Guide, Key states of AWS KMS keys"
)

// ownPolicy leaves the key to its account.
const ownPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + Owner +
	`:root"},"Action":"kms:*","Resource":"*"}]}`

func (s *scene) encrypt(a actor, key string) ([]byte, error) {
	out, err := a.kms().Encrypt(s.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

var kmsCases = []Case{
	{"kms", "make a key", "an ARN of the account, enabled", "KMS API Reference, CreateKey", func(s *scene) {
		arn := s.key(s.owner(), ownPolicy)
		s.check(strings.HasPrefix(arn, "arn:aws:kms:us-east-1:"+Owner+":key/"), "another ARN")
		out := must(s.owner().kms().DescribeKey(s.ctx, &kms.DescribeKeyInput{KeyId: &arn}))(s)
		s.check(out.KeyMetadata.KeyState == types.KeyStateEnabled, "it is %s", out.KeyMetadata.KeyState)
	}},
	{"kms", "a policy that locks the account out", "refused: MalformedPolicyDocumentException", "KMS API Reference, CreateKey", func(s *scene) {
		_, err := s.owner().kms().CreateKey(s.ctx, &kms.CreateKeyInput{Policy: aws.String(strings.ReplaceAll(ownPolicy, Owner, Other))})
		s.refused(err, "MalformedPolicyDocumentException")
	}},
	{"kms", "encrypt as an account that the key policy does not name", "AccessDeniedException", keyPolicies, func(s *scene) {
		_, err := s.encrypt(s.vault(), s.key(s.owner(), ownPolicy))
		s.refused(err, "AccessDeniedException")
	}},
	{"kms", "encrypt as an account that the key policy names", "it works", keyPolicies, func(s *scene) {
		_, err := s.encrypt(s.vault(), s.key(s.owner(), openTo(Vault)))
		s.works(err)
	}},
	{"kms", "encrypt as an account that a new key policy names", "it works", "KMS API Reference, PutKeyPolicy", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		must(s.owner().kms().PutKeyPolicy(s.ctx, &kms.PutKeyPolicyInput{KeyId: &key, PolicyName: aws.String("default"), Policy: aws.String(openTo(Vault))}))(s)
		_, err := s.encrypt(s.vault(), key)
		s.works(err)
	}},
	{"kms", "decrypt", "what was encrypted", "KMS API Reference, Decrypt", func(s *scene) {
		text, err := s.encrypt(s.owner(), s.key(s.owner(), ownPolicy))
		s.works(err)
		out := must(s.owner().kms().Decrypt(s.ctx, &kms.DecryptInput{CiphertextBlob: text}))(s)
		s.check(string(out.Plaintext) == "x", "something else")
	}},
	{"kms", "decrypt under another encryption context", "InvalidCiphertextException", "KMS Developer Guide, Encryption context", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		out := must(s.owner().kms().Encrypt(s.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: map[string]string{"a": "b"}}))(s)
		_, err := s.owner().kms().Decrypt(s.ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: map[string]string{"a": "c"}})
		s.refused(err, "InvalidCiphertextException")
	}},
	{"kms", "grant, list and revoke", "the grant is there, then not", "KMS Developer Guide, Grants in AWS KMS", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		made := must(s.owner().kms().CreateGrant(s.ctx, &kms.CreateGrantInput{
			KeyId: &key, GranteePrincipal: aws.String(roleARN(Owner, "Bootstrap")), Operations: []types.GrantOperation{types.GrantOperationDecrypt},
		}))(s)
		grants := func() int {
			return len(must(s.owner().kms().ListGrants(s.ctx, &kms.ListGrantsInput{KeyId: &key}))(s).Grants)
		}
		s.check(grants() == 1, "it is not there")
		must(s.owner().kms().RevokeGrant(s.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: made.GrantId}))(s)
		s.check(grants() == 0, "it is there")
	}},
	{"kms", "use a key by its alias", "it works", "KMS API Reference, CreateAlias", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		must(s.owner().kms().CreateAlias(s.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/backup"), TargetKeyId: &key}))(s)
		_, err := s.encrypt(s.owner(), "alias/backup")
		s.works(err)
	}},
	{"kms", "disable a key by its ARN", "it is disabled", "KMS API Reference, DisableKey", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		must(s.owner().kms().DisableKey(s.ctx, &kms.DisableKeyInput{KeyId: &key}))(s)
		out := must(s.owner().kms().DescribeKey(s.ctx, &kms.DescribeKeyInput{KeyId: &key}))(s)
		s.check(out.KeyMetadata.KeyState == types.KeyStateDisabled, "it is %s", out.KeyMetadata.KeyState)
	}},
	{"kms", "disable a key by its id", "it is disabled", "KMS API Reference, DisableKey", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		id := key[strings.LastIndex(key, "/")+1:]
		must(s.owner().kms().DisableKey(s.ctx, &kms.DisableKeyInput{KeyId: &id}))(s)
	}},
	{"kms", "encrypt with a disabled key", "DisabledException", keyStates, func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		must(s.owner().kms().DisableKey(s.ctx, &kms.DisableKeyInput{KeyId: aws.String(key[strings.LastIndex(key, "/")+1:])}))(s)
		_, err := s.encrypt(s.owner(), key)
		s.refused(err, "DisabledException")
	}},
	{"kms", "a volume under a disabled key", "refused, or it is gone soon", "EBS User Guide, Requirements for Amazon EBS encryption", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		must(s.owner().kms().DisableKey(s.ctx, &kms.DisableKeyInput{KeyId: aws.String(key[strings.LastIndex(key, "/")+1:])}))(s)
		out, err := s.owner().ec2().CreateVolume(s.ctx, &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1), Encrypted: aws.Bool(true), KmsKeyId: &key,
		})
		if err != nil {
			return
		}
		s.until("an end of that volume", func() bool {
			_, err := s.owner().ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{*out.VolumeId}})
			return err != nil
		})
	}},
	{"kms", "schedule the deletion of a key", "PendingDeletion", "KMS API Reference, ScheduleKeyDeletion", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		id := key[strings.LastIndex(key, "/")+1:]
		must(s.owner().kms().ScheduleKeyDeletion(s.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)}))(s)
		out := must(s.owner().kms().DescribeKey(s.ctx, &kms.DescribeKeyInput{KeyId: &key}))(s)
		s.check(out.KeyMetadata.KeyState == types.KeyStatePendingDeletion, "it is %s", out.KeyMetadata.KeyState)
	}},
	{"kms", "schedule the deletion of a key in three days", "ValidationException: 7 to 30", "KMS API Reference, ScheduleKeyDeletion", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		id := key[strings.LastIndex(key, "/")+1:]
		_, err := s.owner().kms().ScheduleKeyDeletion(s.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(3)})
		s.refused(err, "ValidationException")
	}},
	{"kms", "replicate a key of one Region", "UnsupportedOperationException", "KMS API Reference, ReplicateKey", func(s *scene) {
		key := s.key(s.owner(), ownPolicy)
		_, err := s.owner().kms().ReplicateKey(s.ctx, &kms.ReplicateKeyInput{KeyId: aws.String(key[strings.LastIndex(key, "/")+1:]), ReplicaRegion: aws.String(ireland)})
		s.refused(err, "UnsupportedOperationException")
	}},
}

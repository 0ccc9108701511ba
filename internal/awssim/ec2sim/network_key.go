package ec2sim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A keyPair is the public half of an SSH key.
type keyPair struct {
	item
	name        string
	kind        types.KeyType
	public      string // as authorized_keys has it
	fingerprint string
	created     time.Time
}

// existing: the ARN of a key pair has its name.
// Source: Service Authorization Reference, "Resource types defined by Amazon EC2".
func (k *keyPair) existing() subject {
	sub := k.subject("key-pair", core.Keys("ec2:KeyPairName", k.name, "ec2:KeyPairType", string(k.kind)))
	sub.arn = arn(k.site, "key-pair", k.name)
	return sub
}

func (st *site) keyNamed(name *string) (*keyPair, error) {
	i := slices.IndexFunc(st.keyPairs.items, func(k *keyPair) bool { return k.name == aws.ToString(name) })
	if i < 0 {
		return nil, core.Errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", aws.ToString(name))
	}
	return st.keyPairs.items[i], nil
}

var keyFilters = attributes[*keyPair]{
	"fingerprint": func(k *keyPair) []string { return one(k.fingerprint) },
	"key-name":    func(k *keyPair) []string { return one(k.name) },
	"key-pair-id": func(k *keyPair) []string { return one(k.id) },
}

// DescribeKeyPairs lists the caller's key pairs.
func (s *Service) DescribeKeyPairs(c *core.Call, in *ec2.DescribeKeyPairsInput) (*ec2.DescribeKeyPairsOutput, error) {
	found, _, err := describe(s, c, in, search[*keyPair, *keyPair]{
		shelf:   func(st *site) *shelf[*keyPair] { return &st.keyPairs },
		ids:     in.KeyNames,
		exists:  func(name string) error { return failure(s.siteOf(c).keyNamed(&name)) },
		id:      func(k *keyPair) string { return k.name },
		fits:    func(k *keyPair) bool { return len(in.KeyPairIds) == 0 || slices.Contains(in.KeyPairIds, k.id) },
		view:    same[*keyPair],
		filters: keyFilters,
		tags:    (*keyPair).ownTags,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range in.KeyPairIds {
		if lookup(&s.siteOf(c).keyPairs, id) == nil {
			return nil, core.Errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", id)
		}
	}
	out := &ec2.DescribeKeyPairsOutput{}
	for _, k := range found {
		info := types.KeyPairInfo{
			CreateTime: aws.Time(k.created), KeyFingerprint: aws.String(k.fingerprint), KeyName: aws.String(k.name),
			KeyPairId: aws.String(k.id), KeyType: k.kind, Tags: apiTags(k.ownTags()),
		}
		if aws.ToBool(in.IncludePublicKey) {
			info.PublicKey = aws.String(k.public)
		}
		out.KeyPairs = append(out.KeyPairs, info)
	}
	return out, nil
}

// ImportKeyPair takes the public half of a key that the caller has.
func (s *Service) ImportKeyPair(c *core.Call, in *ec2.ImportKeyPairInput) (*ec2.ImportKeyPairOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "key-pair")
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.KeyName)
	if name == "" || len(name) > 255 {
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter KeyName is invalid.", name)
	}
	made := planned(st.Site, "key-pair", core.Keys(), tags["key-pair"])
	made.arn = arn(st.Site, "key-pair", name)
	if err := allowed(c, in.DryRun, append(needs("ImportKeyPair", made), tagging("ImportKeyPair", made, tags["key-pair"])...)...); err != nil {
		return nil, err
	}
	if _, err := st.keyNamed(&name); err == nil {
		return nil, core.Errorf("InvalidKeyPair.Duplicate", "The keypair '%s' already exists.", name)
	}
	k, err := readPublicKey(string(in.PublicKeyMaterial))
	if err != nil {
		return nil, err
	}
	k.item, k.name, k.created = s.newItem(st.Site, "key", tags["key-pair"]), name, stamp(c.Now)
	st.keyPairs.add(k)
	return &ec2.ImportKeyPairOutput{
		KeyFingerprint: aws.String(k.fingerprint), KeyName: aws.String(k.name), KeyPairId: aws.String(k.id), Tags: apiTags(k.ownTags()),
	}, nil
}

// readPublicKey reads a key in the form of authorized_keys. The fingerprint is
// the digest of what it encodes, as it is for imported ED25519 keys; that of
// imported RSA keys is an MD5 digest of another encoding, which is not
// simulated.
// Source: EC2 User Guide, "Verify the fingerprint of your key pair".
func readPublicKey(text string) (*keyPair, error) {
	kinds := map[string]types.KeyType{"ssh-rsa": types.KeyTypeRsa, "ssh-ed25519": types.KeyTypeEd25519}
	f := strings.Fields(text)
	if len(f) >= 2 {
		raw, err := base64.StdEncoding.DecodeString(f[1])
		if kind, ok := kinds[f[0]]; ok && err == nil {
			sum := sha256.Sum256(raw)
			return &keyPair{kind: kind, public: strings.TrimSpace(text), fingerprint: hex.EncodeToString(sum[:])}, nil
		}
	}
	return nil, core.Errorf("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
}

// DeleteKeyPair removes a key pair. One that is not there is no error.
// Source: EC2 API Reference, DeleteKeyPair, Return.
func (s *Service) DeleteKeyPair(c *core.Call, in *ec2.DeleteKeyPairInput) (*ec2.DeleteKeyPairOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	k, _ := st.keyNamed(in.KeyName)
	if in.KeyPairId != nil {
		k = lookup(&st.keyPairs, *in.KeyPairId)
	}
	absent := subject{kind: "key-pair", arn: arn(st.Site, "key-pair", aws.ToString(in.KeyName)), owner: st.Account}
	if k != nil {
		absent = k.existing()
	}
	if err := allowed(c, in.DryRun, needs("DeleteKeyPair", absent)...); err != nil {
		return nil, err
	}
	out := &ec2.DeleteKeyPairOutput{Return: aws.Bool(true)}
	if k != nil {
		out.KeyPairId = aws.String(k.id)
		st.keyPairs.remove(k)
	}
	return out, nil
}

package kmssim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// multiRegionPrefix begins the ids of multi-Region keys, and of no others.
// Source: AWS KMS Developer Guide, "Multi-Region keys in AWS KMS".
const multiRegionPrefix = "mrk-"

// creating is how long a replica is in the state Creating.
// Source: AWS KMS API Reference, ReplicateKey: "a few seconds".
const creating = 3 * time.Second

// A family is a primary key and its replicas: keys of one account in several
// Regions with one id and one material, and otherwise with lives of their own.
type family struct {
	primary  *key
	replicas map[string]*key // by Region; those that are gone may be among them
}

// lastReplica returns when the last of the replicas goes. waiting says that
// there is one whose deletion is not scheduled or not yet done.
func (f *family) lastReplica(now time.Time) (last time.Time, waiting bool) {
	for _, r := range f.replicas {
		if !r.gone(now) {
			return time.Time{}, true
		}
		if r.deletion.After(last) {
			last = r.deletion
		}
	}
	return last, false
}

func (f *family) kind(k *key) types.MultiRegionKeyType {
	if f.primary == k {
		return types.MultiRegionKeyTypePrimary
	}
	return types.MultiRegionKeyTypeReplica
}

func (f *family) configuration(k *key, now time.Time) *types.MultiRegionConfiguration {
	name := func(k *key) types.MultiRegionKey {
		return types.MultiRegionKey{Arn: aws.String(string(k.arn)), Region: aws.String(k.site.Region)}
	}
	primary := name(f.primary)
	out := &types.MultiRegionConfiguration{MultiRegionKeyType: f.kind(k), PrimaryKey: &primary, ReplicaKeys: []types.MultiRegionKey{}}
	for _, region := range slices.Sorted(maps.Keys(f.replicas)) {
		if r := f.replicas[region]; !r.gone(now) {
			out.ReplicaKeys = append(out.ReplicaKeys, name(r))
		}
	}
	return out
}

// makeMultiRegion turns a key that is being made into a primary key.
func (s *Service) makeMultiRegion(k *key) {
	k.id = multiRegionPrefix + strings.ReplaceAll(k.id, "-", "")
	k.arn = keyARN(k.site, k.id)
	k.family = &family{primary: k, replicas: map[string]*key{}}
}

// ReplicateKey makes a key with the id and the material of a primary key in
// another Region. Description, tags, policy and aliases are not copied.
func (s *Service) ReplicateKey(c *core.Call, in *kms.ReplicateKeyInput) (*kms.ReplicateKeyOutput, error) {
	region := aws.ToString(in.ReplicaRegion)
	if core.Partition(region) != core.Partition(c.Region) || !core.IsRegion(region) {
		return nil, core.Errorf("ValidationException", "%s is not a Region of the partition of %s", region, c.Region)
	}
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, core.Keys("kms:ReplicaRegion", region)); err != nil {
		return nil, err
	}
	at := Site{Account: c.Account.ID, Region: region}
	if err := c.Authorize(replicaNeeds(at, in.BypassPolicyLockoutSafetyCheck, tags)...); err != nil {
		return nil, err
	}
	if err := k.canReplicate(c.Now, region); err != nil {
		return nil, err
	}
	replica := &key{
		site: at, id: k.id, arn: keyARN(at, k.id), created: c.Now, ready: c.Now.Add(creating), material: k.material,
		family: k.family, tags: tags, description: aws.ToString(in.Description),
	}
	if err := s.firstPolicy(c, replica, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	k.family.replicas[region] = replica
	s.keys[replica.arn] = replica
	return &kms.ReplicateKeyOutput{
		ReplicaKeyMetadata: replica.metadata(c.Now), ReplicaPolicy: aws.String(replica.policyText), ReplicaTags: apiTags(tags),
	}, nil
}

// canReplicate checks what a key must be.
// Source: AWS KMS API Reference, ReplicateKey.
func (k *key) canReplicate(now time.Time, region string) error {
	switch {
	case k.family == nil:
		return core.Errorf("UnsupportedOperationException", "%s is not a multi-Region key.", k.arn)
	case k.family.primary != k:
		return core.Errorf("UnsupportedOperationException", "%s is not a multi-Region primary key.", k.arn)
	}
	if err := k.usable(now); err != nil {
		return err
	}
	if r := k.family.replicas[region]; region == k.site.Region || r != nil && !r.gone(now) {
		return core.Errorf("AlreadyExistsException", "There is a key related to %s in %s.", k.arn, region)
	}
	return nil
}

// replicaNeeds is what ReplicateKey demands in the Region of the replica.
// Source: AWS KMS API Reference, ReplicateKey, required permissions:
// kms:CreateKey, and kms:TagResource to use Tags, in an IAM policy there.
func replicaNeeds(at Site, bypass bool, tags map[string]string) []core.Need {
	spec := keySpec{bypass: bypass, multiRegion: types.MultiRegionKeyTypeReplica}
	needs := createKeyNeeds(at, spec, tags)
	for i := range needs {
		needs[i].Keys["aws:RequestedRegion"] = []string{at.Region}
	}
	return needs
}

// multiRegionKeys adds the condition keys that tell multi-Region keys apart.
func multiRegionKeys(keys map[string][]string, kind types.MultiRegionKeyType) {
	keys["kms:MultiRegion"] = []string{strconv.FormatBool(kind != "")}
	if kind != "" {
		keys["kms:MultiRegionKeyType"] = []string{string(kind)}
	}
}

// multiRegion is what the key is among its related keys; empty if it has none.
func (k *key) multiRegion() types.MultiRegionKeyType {
	if k.family == nil {
		return ""
	}
	return k.family.kind(k)
}

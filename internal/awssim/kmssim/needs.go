package kmssim

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// The needs of KMS operations. Every one is judged by the key's own policy
// and the caller's identity policies: the key policy must open the door, to
// the caller or to the account.
// Source: AWS KMS Developer Guide, "Permissions for AWS services in key
// policies" and "AWS KMS permissions"; Service Authorization Reference,
// "Actions, resources, and condition keys for AWS Key Management Service".

// need is an action on a key with the condition keys that all of KMS has.
// core adds kms:CallerAccount and the aws: keys.
func (s *Service) need(k *key, action string, extra map[string][]string) core.Need {
	keys := map[string][]string{
		"kms:KeySpec":   {"SYMMETRIC_DEFAULT"},
		"kms:KeyUsage":  {"ENCRYPT_DECRYPT"},
		"kms:KeyOrigin": {"AWS_KMS"},
	}
	multiRegionKeys(keys, k.multiRegion())
	if names := s.aliasesOf(k); len(names) > 0 {
		keys["kms:ResourceAliases"] = names
	}
	core.WithResourceTags(keys, "", k.tags)
	maps.Copy(keys, extra)
	return core.Need{
		Action: "kms:" + action, Resource: string(k.arn), Owner: k.site.Account,
		Keys: keys, Policy: s.cloud.Bind(k.policy, k.bound),
		// Neither keys that AWS manages nor RetireGrant heed resource control
		// policies (AWS KMS Developer Guide, "Resource control policies in AWS KMS").
		BeyondRCP: k.managed || action == "RetireGrant",
	}
}

// judged is need with the policy as far as the call knows it, and with the
// grants that count for it, those of the tokens in any case.
func (s *Service) judged(c *core.Call, k *key, w wish) core.Need {
	n := s.need(k, w.action, w.keys)
	n.Grants = k.grantsFor(c, w.action, w.tokens)
	if c.Lags() {
		known := s.was.policies.Sees(c, string(k.arn), keyPolicy{k.policy, k.bound})
		n.Policy = s.cloud.Bind(known.document, known.bound)
	}
	return n
}

// A wish is an action that a caller would perform on a key.
type wish struct {
	action string // "Decrypt"
	keys   map[string][]string
	tokens []string // of grants
}

// authorize demands one action on a key of the caller, by policies or by a
// grant.
func (s *Service) authorize(c *core.Call, k *key, w wish) error {
	if err := s.checkTokens(w.tokens); err != nil {
		return err
	}
	return c.Authorize(s.judged(c, k, w))
}

// own is authorize for the operations that never reach into another account.
// Source: AWS KMS API Reference, "Cross-account use" of each operation.
func (s *Service) own(c *core.Call, k *key, extra map[string][]string) error {
	if k.site.Account != c.Account.ID {
		return c.Denied(s.need(k, c.Operation, extra))
	}
	return s.authorize(c, k, wish{action: c.Operation, keys: extra})
}

// EncryptionContext makes the condition keys of an encryption context.
func EncryptionContext(context map[string]string) map[string][]string {
	keys := map[string][]string{}
	for name, value := range context {
		keys["kms:EncryptionContext:"+name] = []string{value}
	}
	if len(context) > 0 {
		keys["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(context))
	}
	return keys
}

func cryptoKeys(context map[string]string) map[string][]string {
	keys := EncryptionContext(context)
	keys["kms:EncryptionAlgorithm"] = []string{"SYMMETRIC_DEFAULT"}
	return keys
}

// requestAlias is the condition key of a request that names a key by an
// alias, or nil.
// Source: AWS KMS Developer Guide, "kms:RequestAlias".
func requestAlias(id *string) map[string][]string {
	name := aws.ToString(id)
	if rest, isARN := strings.CutPrefix(name, "arn:"); isARN {
		name = rest[strings.LastIndex(rest, ":")+1:]
	}
	if !strings.HasPrefix(name, "alias/") {
		return nil
	}
	return core.Keys("kms:RequestAlias", name)
}

// A keySpec is what the policies of a key's maker may look at.
type keySpec struct {
	bypass      bool                     // of the lockout check
	multiRegion types.MultiRegionKeyType // empty: a single-Region key
}

// linkedRole is what AWS KMS makes in an account with its first multi-Region
// key, on behalf of the caller.
// Source: AWS KMS Developer Guide, "Authorizing AWS KMS to synchronize
// multi-Region keys".
const linkedRole = "role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"

// createKeyNeeds is what CreateKey demands.
func (s *Service) createKeyNeeds(c *core.Call, spec keySpec, tags map[string]string) []core.Need {
	needs := createKeyNeeds(site(c), spec, tags)
	if spec.multiRegion != "" && !slices.ContainsFunc(s.sorted(), func(k *key) bool {
		return k.family != nil && k.site.Account == c.Account.ID
	}) {
		needs = append(needs, core.Need{
			Action: "iam:CreateServiceLinkedRole", Resource: c.Account.GlobalARN("iam", linkedRole),
			Keys: core.Keys("iam:AWSServiceName", "mrk.kms.amazonaws.com"),
		})
	}
	return needs
}

func createKeyNeeds(at Site, spec keySpec, tags map[string]string) []core.Need {
	keys := core.Keys("kms:KeySpec", "SYMMETRIC_DEFAULT", "kms:KeyUsage", "ENCRYPT_DECRYPT", "kms:KeyOrigin", "AWS_KMS",
		"kms:BypassPolicyLockoutSafetyCheck", strconv.FormatBool(spec.bypass))
	multiRegionKeys(keys, spec.multiRegion)
	needs := []core.Need{{Action: "kms:CreateKey", Resource: "*", Keys: core.WithRequestTags(keys, tags)}}
	if len(tags) > 0 {
		// "To use this parameter, you must have kms:TagResource permission in an
		// IAM policy." (AWS KMS API Reference, CreateKey)
		needs = append(needs, core.Need{
			Action: "kms:TagResource", Resource: string(keyARN(at, "*")),
			Keys: core.WithRequestTags(map[string][]string{}, tags),
		})
	}
	return needs
}

package kmssim

import (
	"maps"
	"slices"
	"strconv"

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
		"kms:KeySpec":     {"SYMMETRIC_DEFAULT"},
		"kms:KeyUsage":    {"ENCRYPT_DECRYPT"},
		"kms:KeyOrigin":   {"AWS_KMS"},
		"kms:MultiRegion": {"false"},
	}
	if names := s.aliasesOf(k); len(names) > 0 {
		keys["kms:ResourceAliases"] = names
	}
	core.WithResourceTags(keys, "", k.tags)
	maps.Copy(keys, extra)
	return core.Need{
		Action: "kms:" + action, Resource: string(k.arn), Owner: k.site.Account,
		Keys: keys, Policy: s.cloud.Bind(k.policy, k.bound),
	}
}

// authorize demands one action on a key of the caller.
func (s *Service) authorize(c *core.Call, k *key, action string, extra map[string][]string) error {
	n := s.need(k, action, extra)
	err := c.Authorize(n)
	if err != nil && k.granted(c, n) {
		return nil
	}
	return err
}

// own is authorize for the operations that never reach into another account.
// Source: AWS KMS API Reference, "Cross-account use" of each operation.
func (s *Service) own(c *core.Call, k *key, extra map[string][]string) error {
	if k.site.Account != c.Account.ID {
		return c.Denied(s.need(k, c.Operation, extra))
	}
	return s.authorize(c, k, c.Operation, extra)
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

func createKeyNeeds(at Site, bypass bool, tags map[string]string) []core.Need {
	keys := core.Keys("kms:KeySpec", "SYMMETRIC_DEFAULT", "kms:KeyUsage", "ENCRYPT_DECRYPT", "kms:KeyOrigin", "AWS_KMS",
		"kms:MultiRegion", "false", "kms:BypassPolicyLockoutSafetyCheck", strconv.FormatBool(bypass))
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

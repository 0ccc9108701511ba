package kmssim

import (
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const ebsAlias = "alias/aws/ebs"

// EBSKey returns the key that AWS manages for EBS in a site, made on first use.
func (s *Service) EBSKey(at Site) ARN { return s.ebsKey(at).arn }

func (s *Service) ebsKey(at Site) *key {
	if k := s.ebs[at]; k != nil {
		return k
	}
	k := s.newKey(at)
	k.managed = true
	k.description = "Default key that protects my EBS volumes when no other key is defined"
	k.policyText = ebsPolicy(at)
	doc, err := parseKeyPolicy(k.policyText)
	if err != nil {
		panic(fmt.Sprintf("kmssim: the policy of aws/ebs: %v", err))
	}
	k.policy, k.bound = doc, map[string]string{}
	s.keys[k.arn] = k
	s.ebs[at] = k
	return k
}

// Resolve returns the key that a caller of a site means by a key id, key ARN,
// alias or alias ARN. ok is false if there is none in that Region; whether
// the caller may use it is not looked at.
func (s *Service) Resolve(at Site, name string) (arn ARN, ok bool) {
	owner := at
	if rest, isARN := strings.CutPrefix(name, "arn:"); isARN {
		part := strings.SplitN(rest, ":", 5)
		if len(part) != 5 || part[0] != core.Partition(at.Region) || part[1] != "kms" || part[2] != at.Region {
			return "", false
		}
		owner.Account = part[3]
		name = strings.TrimPrefix(part[4], "key/")
	}
	k := s.lookup(owner, name)
	if k == nil {
		return "", false
	}
	return k.arn, true
}

// Usable reports whether a key exists and is enabled now.
func (s *Service) Usable(arn ARN) bool {
	k := s.live(s.keys[arn])
	return k != nil && k.usable(s.cloud.Now()) == nil
}

// Managed reports whether AWS manages the key, which then cannot be shared.
func (s *Service) Managed(arn ARN) bool {
	k := s.keys[arn]
	return k != nil && k.managed
}

// A Use is one action that a service performs on a key for its caller.
type Use struct {
	Key    ARN
	Action string // "ReEncryptFrom", without "kms:"
	// Keys are the condition keys of this use, such as kms:ViaService.
	Keys map[string][]string
}

// Permits reports whether the caller may do this, by the key's policy and its
// own or by a grant. A key that does not exist permits nothing; its state is
// not looked at.
func (s *Service) Permits(c *core.Call, use Use) bool {
	k := s.live(s.keys[use.Key])
	if k == nil {
		return false
	}
	return c.Allows(s.judged(c, k, wish{action: use.Action, keys: use.Keys}))
}

package kmssim

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateAlias gives a key of the caller's account and Region another name.
func (s *Service) CreateAlias(c *core.Call, in *kms.CreateAliasInput) (*kms.CreateAliasOutput, error) {
	name := aws.ToString(in.AliasName)
	if !validAlias(name) {
		return nil, core.Errorf("InvalidAliasNameException", "Alias must start with the prefix \"alias/\", not \"alias/aws/\", and name something")
	}
	k, err := s.find(c, in.TargetKeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	at := site(c)
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	// The alias is a resource of its own, without a policy.
	if err := c.Authorize(core.Need{Action: "kms:CreateAlias", Resource: aliasARN(at, name)}); err != nil {
		return nil, err
	}
	if k.pendingDeletion() {
		return nil, k.invalidState("pending deletion")
	}
	if s.live(s.aliases[at][name]) != nil {
		return nil, core.Errorf("AlreadyExistsException", "An alias with the name %s already exists", aliasARN(at, name))
	}
	if s.aliases[at] == nil {
		s.aliases[at] = map[string]*key{}
	}
	s.aliases[at][name] = k
	return &kms.CreateAliasOutput{}, nil
}

func validAlias(name string) bool {
	rest, ok := strings.CutPrefix(name, "alias/")
	return ok && rest != "" && !strings.HasPrefix(rest, "aws/")
}

func aliasARN(at Site, name string) string {
	return core.RegionalARN("kms", at.Region, at.Account, name)
}

// ListAliases lists the aliases of the caller's account and Region by name.
func (s *Service) ListAliases(c *core.Call, in *kms.ListAliasesInput) (*kms.ListAliasesOutput, error) {
	if err := c.Authorize(core.Need{Action: "kms:ListAliases", Resource: "*"}); err != nil {
		return nil, err
	}
	var only *key
	if in.KeyId != nil {
		k, err := s.find(c, in.KeyId, keyOnly)
		if err != nil {
			return nil, err
		}
		only = k
	}
	at := site(c)
	all := maps.Clone(s.aliases[at])
	if k := s.ebs[at]; k != nil {
		if all == nil {
			all = map[string]*key{}
		}
		all[ebsAlias] = k
	}
	var entries []types.AliasListEntry
	for _, name := range slices.Sorted(maps.Keys(all)) {
		k := s.live(all[name])
		if k == nil || only != nil && k != only {
			continue
		}
		entries = append(entries, types.AliasListEntry{
			AliasArn: aws.String(aliasARN(at, name)), AliasName: aws.String(name), TargetKeyId: aws.String(k.id),
			CreationDate: aws.Time(k.created),
		})
	}
	page, next, err := cut(entries, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListAliasesOutput{Aliases: page, NextMarker: next, Truncated: next != nil}, nil
}

// aliasesOf returns the alias names of a key, sorted.
func (s *Service) aliasesOf(k *key) []string {
	var names []string
	for name, target := range s.aliases[k.site] {
		if target == k {
			names = append(names, name)
		}
	}
	if k.managed {
		names = append(names, ebsAlias)
	}
	slices.Sort(names)
	return names
}

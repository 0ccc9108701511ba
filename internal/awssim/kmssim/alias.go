package kmssim

import (
	"maps"
	"regexp"
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
		return nil, badAlias()
	}
	k, err := s.find(c, in.TargetKeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	at := site(c)
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	if err := c.Authorize(aliasNeed(c, name)); err != nil {
		return nil, err
	}
	if err := k.settled(c.Now); err != nil {
		return nil, err
	}
	if s.live(s.aliases[at][name]) != nil {
		return nil, core.Errorf("AlreadyExistsException", "An alias with the name %s already exists", aliasARN(at, name))
	}
	if len(s.aliasesOf(k)) >= maxAliases {
		return nil, core.Errorf("LimitExceededException", "%s has %d aliases", k.arn, maxAliases)
	}
	if s.aliases[at] == nil {
		s.aliases[at] = map[string]*key{}
	}
	s.noteAlias(at, name)
	s.aliases[at][name] = k
	return &kms.CreateAliasOutput{}, nil
}

// maxAliases of a key.
// Source: AWS KMS Developer Guide, "Resource quotas".
const maxAliases = 50

// UpdateAlias gives a name to another key.
func (s *Service) UpdateAlias(c *core.Call, in *kms.UpdateAliasInput) (*kms.UpdateAliasOutput, error) {
	name := aws.ToString(in.AliasName)
	old, err := s.alias(c, name)
	if err != nil {
		return nil, err
	}
	k, err := s.find(c, in.TargetKeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	if err := s.ownAlias(c, old, name); err != nil {
		return nil, err
	}
	if err := k.settled(c.Now); err != nil {
		return nil, err
	}
	s.noteAlias(site(c), name)
	s.aliases[site(c)][name] = k
	return &kms.UpdateAliasOutput{}, nil
}

// DeleteAlias takes a name away.
func (s *Service) DeleteAlias(c *core.Call, in *kms.DeleteAliasInput) (*kms.DeleteAliasOutput, error) {
	name := aws.ToString(in.AliasName)
	k, err := s.alias(c, name)
	if err != nil {
		return nil, err
	}
	if err := s.ownAlias(c, k, name); err != nil {
		return nil, err
	}
	s.noteAlias(site(c), name)
	delete(s.aliases[site(c)], name)
	return &kms.DeleteAliasOutput{}, nil
}

// alias returns the key that has a name in the caller's account and Region.
func (s *Service) alias(c *core.Call, name string) (*key, error) {
	at := site(c)
	if strings.HasPrefix(name, "alias/aws/") {
		return nil, core.Errorf("NotAuthorizedException", "the alias %s is AWS's own", name)
	}
	k := s.live(s.aliases[at][name])
	if k == nil {
		return nil, core.Errorf("NotFoundException", "Alias %s is not found.", aliasARN(at, name))
	}
	return k, nil
}

// ownAlias demands the call's action on an alias and on the key it names.
func (s *Service) ownAlias(c *core.Call, k *key, name string) error {
	if err := s.own(c, k, nil); err != nil {
		return err
	}
	return c.Authorize(aliasNeed(c, name))
}

// aliasNeed is the call's action on an alias: a resource of its own, without
// a policy.
func aliasNeed(c *core.Call, name string) core.Need {
	return core.Need{Action: "kms:" + c.Operation, Resource: aliasARN(site(c), name)}
}

func badAlias() error {
	return core.Errorf("InvalidAliasNameException",
		"Alias must start with the prefix \"alias/\", not \"alias/aws/\", and name something")
}

// aliasName is what an alias may be called.
// Source: AWS KMS API Reference, CreateAlias, AliasName.
var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

func validAlias(name string) bool {
	return aliasName.MatchString(name) && !strings.HasPrefix(name, "alias/aws/")
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
	page, next, err := cut(entries, mostLists, in.Limit, in.Marker)
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

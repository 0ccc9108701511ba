package kmssim

import (
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Site is one account in one Region.
type Site struct {
	Account string
	Region  string
}

// An ARN names a key: arn:aws:kms:us-east-1:111111111111:key/….
type ARN string

// Region of the key.
func (a ARN) Region() string {
	part := strings.SplitN(string(a), ":", 5)
	if len(part) < 5 {
		return ""
	}
	return part[3]
}

// A Service holds the keys of all accounts.
type Service struct {
	cloud   *core.Cloud
	keys    map[ARN]*key
	ebs     map[Site]*key
	aliases map[Site]map[string]*key // by name, "alias/" included
	tokens  map[string]*grant        // by grant token
	was     was

	grantDelay time.Duration
}

// New returns a KMS without any keys.
func New(cloud *core.Cloud) *Service {
	return &Service{
		cloud:   cloud,
		keys:    map[ARN]*key{},
		ebs:     map[Site]*key{},
		aliases: map[Site]map[string]*key{},
		tokens:  map[string]*grant{},
		was:     newWas(),
	}
}

// site of a call.
func site(c *core.Call) Site { return Site{Account: c.Account.ID, Region: c.Region} }

// A form is a way to name a key.
type form int

const (
	keyOnly form = iota // a key id or key ARN
	anyName             // an alias name or alias ARN as well
)

// find returns the key that a call names. A key of another account can only
// be named by an ARN, and only where the key does not exist does the answer
// differ by whose it would be: AWS does not tell strangers what exists.
func (s *Service) find(c *core.Call, id *string, accept form) (*key, error) {
	if id == nil || *id == "" {
		return nil, core.Errorf("ValidationException", "KeyId must not be empty")
	}
	name := *id
	owner := site(c)
	if rest, ok := strings.CutPrefix(name, "arn:"); ok {
		part := strings.SplitN(rest, ":", 5)
		if len(part) != 5 || part[1] != "kms" || !strings.Contains(part[4], "/") {
			return nil, core.Errorf("InvalidArnException", "Invalid ARN '%s'", name)
		}
		if part[2] != c.Region || part[0] != c.Account.Partition {
			return nil, core.Errorf("NotFoundException", "Invalid arn %s", part[2])
		}
		owner.Account = part[3]
		name = strings.TrimPrefix(part[4], "key/")
	}
	if strings.HasPrefix(name, "alias/") && accept == keyOnly {
		return nil, core.Errorf("NotFoundException", "Invalid keyId '%s'", *id)
	}
	k := s.told(c, owner, name)
	switch {
	case k != nil:
		return k, nil
	case owner.Account != c.Account.ID:
		return nil, c.Denied(core.Need{Action: "kms:" + c.Operation, Resource: string(keyARN(owner, name)), Owner: owner.Account})
	case strings.HasPrefix(name, "alias/"):
		return nil, core.Errorf("NotFoundException", "Alias %s is not found.", core.RegionalARN("kms", owner.Region, owner.Account, name))
	}
	return nil, core.Errorf("NotFoundException", "Key '%s' does not exist", keyARN(owner, name))
}

// lookup finds a key of a site by its id or alias name, and makes the site's
// EBS key if that is what is asked for: AWS makes it on first use.
func (s *Service) lookup(at Site, name string) *key {
	if name == ebsAlias {
		return s.ebsKey(at)
	}
	if k := s.aliases[at][name]; k != nil {
		return s.live(k)
	}
	return s.live(s.keys[keyARN(at, name)])
}

// live returns the key unless it is gone.
func (s *Service) live(k *key) *key {
	if k == nil || k.gone(s.cloud.Now()) {
		return nil
	}
	return k
}

func keyARN(at Site, id string) ARN {
	return ARN(core.RegionalARN("kms", at.Region, at.Account, "key/"+id))
}

package kmssim

import (
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// was remembers what calls may still be told of, when the cloud is eventually
// consistent: see core.Consistency. A key that was just made, a new name and a
// new policy are not known everywhere; nor is a grant, unless its token is
// shown. A revoked grant is worth nothing at once, and what a service resolves
// for its caller, it resolves as it is.
// Source: AWS KMS API Reference, "Eventual consistency" of each operation.
type was struct {
	policies *core.Lag[keyPolicy] // by ARN
	aliases  *core.Lag[*key]      // by ARN
}

// A keyPolicy is a key's policy, with whom it means by the principals it names.
type keyPolicy struct {
	document *iampolicy.Document
	bound    map[string]string
}

func newWas() was {
	return was{policies: core.NewLag[keyPolicy](core.KeyAccess), aliases: core.NewLag[*key](core.KeyAccess)}
}

// noteAlias is told before a name is given or taken.
func (s *Service) noteAlias(at Site, name string) {
	s.was.aliases.Was(s.cloud, aliasARN(at, name), s.aliases[at][name])
}

// told is lookup as far as the call is told.
func (s *Service) told(c *core.Call, at Site, name string) *key {
	k := s.lookup(at, name)
	if !c.Lags() {
		return k
	}
	if validAlias(name) {
		k = s.live(s.was.aliases.Sees(c, aliasARN(at, name), k))
	}
	if k != nil && !k.managed && !c.Sees(core.Creation, string(k.arn), k.created) {
		return nil
	}
	return k
}

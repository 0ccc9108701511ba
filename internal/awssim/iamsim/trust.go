package iamsim

import (
	"maps"
	"regexp"
	"slices"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/grammar"
)

// readTrust reads a trust policy. IAM refuses one that names a user or role
// that there is not, and remembers the others by their unique ids.
// Source: IAM User Guide, "AWS JSON policy elements: Principal".
func (s *Service) readTrust(text *string) (*iampolicy.Document, error) {
	d, err := readDocument(text, grammar.Trust)
	if err != nil {
		return nil, err
	}
	if n := d.Size(); s.limits.TrustSize >= 0 && n > s.limits.TrustSize {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: "+itoa(s.limits.TrustSize))
	}
	for i := range d.Statements {
		for _, p := range []*iampolicy.Principals{d.Statements[i].Principal, d.Statements[i].NotPrincipal} {
			if err := s.checkPrincipals(p); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

func (s *Service) checkPrincipals(p *iampolicy.Principals) error {
	if p == nil {
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(p.By)) {
		for _, v := range p.By[kind].Values {
			if !s.principalExists(kind, v) {
				return core.Errorf("MalformedPolicyDocument", "Invalid principal in policy: %q:%q", kind, v)
			}
		}
	}
	return nil
}

var (
	// What AWS accepts as a service it does not say; the form is that of all
	// service principals.
	serviceName = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)$`)
	// Identity providers are not simulated, so that any is taken to exist.
	provider = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:(?:saml-provider|oidc-provider)/\S+$|^[a-z0-9-]+(?:\.[a-z0-9-]+)+$`)
)

func (s *Service) principalExists(kind, name string) bool {
	switch kind {
	case "Service":
		return serviceName.MatchString(name)
	case "Federated":
		return provider.MatchString(name)
	case "AWS":
		return s.cloud.IsPrincipal(name)
	}
	return false
}

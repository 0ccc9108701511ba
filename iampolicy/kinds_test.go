package iampolicy_test

import (
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// kindOf tells the kind of a generated document from its name.
func kindOf(name string) iampolicy.Kind {
	base, _, _ := strings.Cut(name, ".")
	switch {
	case strings.HasSuffix(base, "-guard"):
		return iampolicy.KindSCP
	case base == "vault-bucket":
		return iampolicy.KindResource
	case base == "plan-session":
		return iampolicy.KindSession
	case strings.HasSuffix(name, ".trust"):
		return iampolicy.KindTrust
	case strings.HasSuffix(base, "-key"):
		return iampolicy.KindKey
	case strings.HasSuffix(base, "-session"):
		return iampolicy.KindSession
	default:
		return iampolicy.KindIdentity
	}
}

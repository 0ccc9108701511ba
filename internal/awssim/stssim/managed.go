package stssim

import (
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// managed returns the document of a managed session policy.
func managed(c *core.Call, _ *core.Account, _ string) (*iampolicy.Document, error) {
	return nil, c.Unsupported("PolicyArns")
}

package ec2sim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A request is what a client token belongs to.
type request struct {
	site      Site
	operation string
	token     string
}

// An answer is what was made for a client token.
type answer struct {
	asked [sha256.Size]byte
	id    string
}

// repeated returns what the same request made before, or nil. A token is not
// to be used for another request.
// Source: EC2 Developer Guide, "Ensuring idempotency in Amazon EC2 API requests".
func (s *Service) repeated(c *core.Call, token *string, input any) (*answer, error) {
	if token == nil || *token == "" {
		return nil, nil
	}
	old := s.requests[requestOf(c, *token)]
	if old == nil {
		return nil, nil
	}
	asked, err := fingerprint(input)
	if err != nil {
		return nil, err
	}
	if old.asked != asked {
		return nil, core.Errorf("IdempotentParameterMismatch",
			"Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	return old, nil
}

// remember notes what a request made.
func (s *Service) remember(c *core.Call, token *string, input any, id string) {
	if token == nil || *token == "" {
		return
	}
	if asked, err := fingerprint(input); err == nil {
		s.requests[requestOf(c, *token)] = &answer{asked: asked, id: id}
	}
}

func requestOf(c *core.Call, token string) request {
	return request{site: Site{Account: c.Account.ID, Region: c.Region}, operation: c.Operation, token: token}
}

func fingerprint(input any) ([sha256.Size]byte, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("ec2sim: %T: %w", input, err)
	}
	return sha256.Sum256(text), nil
}

package main

import (
	"cmp"
	"encoding/json"
	"errors"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A grant is one entry of what "aws kms list-grants" prints.
type grant struct {
	GrantID                  string   `json:"GrantId"`
	KeyID                    string   `json:"KeyId"`
	GranteePrincipal         string   `json:"GranteePrincipal"`
	GranteeServicePrincipal  string   `json:"GranteeServicePrincipal"`
	RetiringPrincipal        string   `json:"RetiringPrincipal"`
	RetiringServicePrincipal string   `json:"RetiringServicePrincipal"`
	Operations               []string `json:"Operations"`
	Constraints              struct {
		EncryptionContextEquals map[string]string `json:"EncryptionContextEquals"`
		EncryptionContextSubset map[string]string `json:"EncryptionContextSubset"`
		SourceARN               string            `json:"SourceArn"`
	} `json:"Constraints"`

	// These decide nothing.
	Name           string          `json:"Name"`
	IssuingAccount string          `json:"IssuingAccount"`
	CreationDate   json.RawMessage `json:"CreationDate"`
}

// read returns the grant as the evaluator wants it.
func (g *grant) read() (iampolicy.Grant, error) {
	switch {
	case (g.GranteePrincipal == "") == (g.GranteeServicePrincipal == ""):
		return iampolicy.Grant{}, errors.New("one of GranteePrincipal and GranteeServicePrincipal must be given")
	case len(g.Operations) == 0:
		return iampolicy.Grant{}, errors.New("no Operations are given")
	case g.KeyID != "" && !isARN(g.KeyID):
		return iampolicy.Grant{}, errors.New("KeyId must be the ARN of a key")
	}
	return iampolicy.Grant{
		ID: g.GrantID, Key: g.KeyID, Operations: g.Operations,
		Grantee:       cmp.Or(g.GranteePrincipal, g.GranteeServicePrincipal),
		Retiring:      cmp.Or(g.RetiringPrincipal, g.RetiringServicePrincipal),
		ContextEquals: g.Constraints.EncryptionContextEquals,
		ContextSubset: g.Constraints.EncryptionContextSubset,
		SourceARN:     g.Constraints.SourceARN,
	}, nil
}

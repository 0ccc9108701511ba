package core

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A failure is what sts:DecodeAuthorizationMessage tells of a refusal.
// Source: IAM User Guide, "Use DecodeAuthorizationMessage with a CLI", whose
// example has all of this. What stands under failures no example shows.
type failureMessage struct {
	Allowed           bool               `json:"allowed"`
	ExplicitDeny      bool               `json:"explicitDeny"`
	MatchedStatements items[deniedBy]    `json:"matchedStatements"`
	Failures          items[struct{}]    `json:"failures"`
	Context           failureDescription `json:"context"`
}

// An items is how those messages write a list.
type items[T any] struct {
	Items []T `json:"items"`
}

func itemsOf[T any](list ...T) items[T] { return items[T]{append([]T{}, list...)} }

type oneValue struct {
	Value string `json:"value"`
}

func valuesOf(list []string) items[oneValue] {
	all := itemsOf[oneValue]()
	for _, s := range list {
		all.Items = append(all.Items, oneValue{s})
	}
	return all
}

// A deniedBy is a statement that denies.
type deniedBy struct {
	StatementID     string              `json:"statementId"`
	Effect          string              `json:"effect"`
	Principals      items[oneValue]     `json:"principals"`
	PrincipalGroups items[oneValue]     `json:"principalGroups"`
	Actions         items[oneValue]     `json:"actions"`
	Resources       items[oneValue]     `json:"resources"`
	Conditions      items[conditionKey] `json:"conditions"`
}

type conditionKey struct {
	Key    string          `json:"key"`
	Values items[oneValue] `json:"values"`
}

type failureDescription struct {
	Principal struct {
		ID   string `json:"id"`
		Name string `json:"name,omitempty"`
		ARN  string `json:"arn"`
	} `json:"principal"`
	Action     string              `json:"action"`
	Resource   string              `json:"resource"`
	Conditions items[conditionKey] `json:"conditions"`
}

// describe writes a refusal down.
func (c *Call) describe(v verdict) []byte {
	m := failureMessage{
		ExplicitDeny:      v.decision.Outcome == iampolicy.ExplicitDeny,
		MatchedStatements: itemsOf[deniedBy](), Failures: itemsOf[struct{}](),
	}
	entity, _, _ := bytes.Cut([]byte(c.Caller.UserID), []byte(":"))
	if m.ExplicitDeny {
		for _, by := range v.decision.By {
			if st := statementOf(&v.policies, by); st != nil {
				m.MatchedStatements.Items = append(m.MatchedStatements.Items, denying(st, string(entity)))
			}
		}
	}
	about := &m.Context
	about.Principal.ID, about.Principal.ARN = c.Caller.UserID, c.Caller.ARN
	if c.Caller.User != nil && !c.Caller.Federated() {
		about.Principal.Name = c.Caller.User.Name
	}
	about.Action, about.Resource, about.Conditions = v.request.Action, v.request.Resource, itemsOf[conditionKey]()
	for _, k := range slices.Sorted(maps.Keys(v.request.Context)) {
		about.Conditions.Items = append(about.Conditions.Items, conditionKey{k, valuesOf(v.request.Context[k])})
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic("core: a failure message: " + err.Error()) // it holds nothing but strings
	}
	return text
}

func denying(st *iampolicy.Statement, principal string) deniedBy {
	d := deniedBy{
		StatementID: st.Sid, Effect: "DENY",
		Principals: valuesOf([]string{principal}), PrincipalGroups: itemsOf[oneValue](),
		Actions: valuesOf(st.Actions.Values), Resources: valuesOf(st.Resources.Values), Conditions: itemsOf[conditionKey](),
	}
	for _, k := range st.Conditions {
		d.Conditions.Items = append(d.Conditions.Items, conditionKey{k.Key, valuesOf(k.Values.Values)})
	}
	return d
}

// statementOf finds the statement that a reason names, or nil.
func statementOf(set *iampolicy.PolicySet, by iampolicy.Reason) *iampolicy.Statement {
	layers := map[string][]*iampolicy.Document{
		"identity": set.Identity, "boundary": set.Boundary, "resource": {set.Resource}, "session": {set.Session},
	}
	layer := layers[by.Layer]
	switch {
	case by.Layer == "scp" && by.Level < len(set.SCP):
		layer = set.SCP[by.Level]
	case by.Layer == "rcp" && by.Level < len(set.RCP):
		layer = set.RCP[by.Level]
	}
	if by.Policy >= len(layer) || layer[by.Policy] == nil {
		return nil
	}
	statements := layer[by.Policy].Statements
	for i := range statements {
		if s := &statements[i]; s.Sid == by.Statement || s.Sid == "" && strconv.Itoa(i) == by.Statement {
			return s
		}
	}
	return nil
}

// A failureCode makes messages that only the cloud can read: compressed,
// sealed and in letters that need no escaping.
type failureCode struct {
	seal cipher.AEAD
	pack *flate.Writer
}

func (f *failureCode) init(seed uint64) {
	if f.seal != nil {
		return
	}
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("authorization failure"), seed))
	block, err := aes.NewCipher(key[:])
	if err == nil {
		f.seal, err = cipher.NewGCM(block)
	}
	if err == nil {
		f.pack, err = flate.NewWriter(nil, flate.BestSpeed)
	}
	if err != nil {
		panic("core: " + err.Error()) // neither fails with arguments such as these
	}
}

// encodeFailure returns the encoded message of a refusal.
func (c *Call) encodeFailure(v verdict) string {
	f := &c.Cloud.failures
	f.init(c.Cloud.opts.Seed)
	var packed bytes.Buffer
	f.pack.Reset(&packed)
	_, _ = f.pack.Write(c.describe(v)) // a buffer takes all
	_ = f.pack.Close()
	nonce := make([]byte, f.seal.NonceSize())
	binary.BigEndian.PutUint64(nonce, c.Cloud.rng.Uint64())
	return base64.RawURLEncoding.EncodeToString(f.seal.Seal(nonce, nonce, packed.Bytes(), []byte(c.Account.ID)))
}

// DecodeFailure returns what an encoded message says. It reports false for one
// that is none, or is about a caller of another account, which no document
// says in so many words.
func (c *Call) DecodeFailure(encoded string) (string, bool) {
	f := &c.Cloud.failures
	f.init(c.Cloud.opts.Seed)
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	if n := f.seal.NonceSize(); err == nil && len(sealed) >= n {
		packed, err := f.seal.Open(nil, sealed[:n], sealed[n:], []byte(c.Account.ID))
		if err == nil {
			text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
			return string(text), err == nil
		}
	}
	return "", false
}

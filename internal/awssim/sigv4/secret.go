package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// A Secret is that of an access key. It remembers the signing keys that it
// derives, one for each day, Region and service. It is not safe for concurrent use.
type Secret struct {
	text    string
	derived map[scope]signingKey
}

// A scope is what a signing key is good for.
type scope struct{ date, region, service string }

// text of the scope, as it stands in a credential after the key's id.
func (s scope) String() string {
	return s.date + "/" + s.region + "/" + s.service + "/" + terminator
}

// maxDerived is how many signing keys a secret remembers.
const maxDerived = 64

// NewSecret returns the secret with the text.
func NewSecret(text string) *Secret { return &Secret{text: text} }

// key derives the signing key for a scope.
func (k *Secret) key(s scope) signingKey {
	if key, ok := k.derived[s]; ok {
		return key
	}
	key := signingKey{hmac.New(sha256.New, []byte("AWS4"+k.text))}
	for _, part := range []string{s.date, s.region, s.service, terminator} {
		key = signingKey{hmac.New(sha256.New, key.mac([]byte(part)))}
	}
	if k.derived == nil || len(k.derived) >= maxDerived {
		k.derived = map[scope]signingKey{}
	}
	k.derived[s] = key
	return key
}

// A signingKey is a key at work. It is used many times, and to begin anew
// costs it nothing.
type signingKey struct{ hash hash.Hash }

func (k signingKey) mac(text []byte) []byte {
	k.hash.Reset()
	k.hash.Write(text)
	return k.hash.Sum(nil)
}

// signs says that a signature is that of the text.
func (k signingKey) signs(text []byte, signature string) bool {
	return hmac.Equal(hex.AppendEncode(nil, k.mac(text)), []byte(signature))
}

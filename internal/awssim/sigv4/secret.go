package sigv4

// A Secret is that of an access key. It remembers the signing keys that it
// derives, one for each day, Region and service. It is not safe for concurrent use.
type Secret struct {
	text    string
	derived map[string][]byte // by scope
}

// maxDerived is how many signing keys a secret remembers.
const maxDerived = 64

// NewSecret returns the secret with the text.
func NewSecret(text string) *Secret { return &Secret{text: text} }

// key derives the signing key for the scope of a signature.
func (k *Secret) key(s *Signature) []byte {
	scope := s.scope()
	if key, ok := k.derived[scope]; ok {
		return key
	}
	key := []byte("AWS4" + k.text)
	for _, part := range []string{s.Date, s.Region, s.Service, terminator} {
		key = mac(key, part)
	}
	if k.derived == nil || len(k.derived) >= maxDerived {
		k.derived = map[string][]byte{}
	}
	k.derived[scope] = key
	return key
}

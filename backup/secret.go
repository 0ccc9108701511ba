package backup

import (
	"fmt"
	"io"
)

// A Secret is text that is shown by nothing but Reveal and the encoded form of
// what holds it: printed, logged or put into an error it says that it is there,
// not what it is. The zero Secret is empty.
type Secret struct {
	// text is behind a pointer, since fmt prints fields without asking their
	// methods where a verb does not fit.
	text *string
}

// NewSecret returns a Secret of the text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero says whether it is empty.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns "[redacted]", and nothing for the empty Secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return "[redacted]"
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns the text itself: what is encoded with it, as a manifest,
// is as secret as it is.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.Reveal()), nil }

// UnmarshalText takes any text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

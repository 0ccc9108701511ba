package core

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
)

// Rand is the cloud's source of chance. It is used under the lock only.
func (c *Cloud) Rand() *rand.Rand { return c.rng }

// NewID returns a fresh id of the shape EC2 uses since 2016: the prefix, a
// hyphen and 17 hexadecimal digits.
func (c *Cloud) NewID(prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, c.rng.Uint64())
}

// NewUUID returns a fresh id of the shape of a random UUID: KMS keys, request ids.
func (c *Cloud) NewUUID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], c.rng.Uint64())
	binary.BigEndian.PutUint64(raw[8:], c.rng.Uint64())
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	text := make([]byte, 0, 36)
	for i, b := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, []byte{b})
	}
	return string(text)
}

// NewUniqueID returns an id as IAM gives to users (AIDA), roles (AROA) and
// access keys (AKIA, ASIA): the prefix and 17 letters or digits.
func (c *Cloud) NewUniqueID(prefix string) string {
	return prefix + c.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 17)
}

// NewSecret returns n characters of the base64 alphabet.
func (c *Cloud) NewSecret(n int) string {
	return c.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", n)
}

func (c *Cloud) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[c.rng.IntN(len(alphabet))]
	}
	return string(b)
}

package core

import (
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
	hi, lo := c.rng.Uint64(), c.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		hi>>32, hi>>16&0xffff, hi&0xfff, lo>>48&0x3fff|0x8000, lo&0xffffffffffff)
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

package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
)

// NewExternalID returns a new random external id: 26 letters and digits with
// at least 128 bits from crypto/rand. Write it down with the account: another
// one each time would lock the vault out. Where nothing is written down,
// [DeriveExternalIDs] does without.
//
// Each account has its own, and the vault chooses it. AWS holds the principal
// that assumes a role to be a deputy of whoever asks it to: with one id for
// all, anyone who may have the vault back up one account could name the role
// of another, and the vault, trusted there, would do it. With an id for each
// account, that role refuses the id of the other. Source: IAM User Guide,
// "The confused deputy problem".
func NewExternalID() string { return rand.Text() }

// minSecret is as long as the ids it makes are strong.
const minSecret = 16

// DeriveExternalIDs returns a function that gives each account an external id
// of its own, always the same for the same secret, so that no database of ids
// is needed: 26 letters and digits, 128 bits of HMAC-SHA-256 over the
// account's id. Who has some ids learns nothing of the others. The secret is
// the host's, at least 16 random bytes, and must outlive the roles: with
// another secret come other ids, and every role has to be given its new one.
// The function is safe for concurrent use. The error, for a secret that is
// too short, does not repeat it.
func DeriveExternalIDs(secret []byte) (func(ID) string, error) {
	if len(secret) < minSecret {
		return nil, errors.New("accounts: secret of external ids: want at least 16 bytes")
	}
	key := append([]byte(nil), secret...)
	return func(id ID) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("snapkeep external id 1\x00" + string(id)))
		return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:16])
	}, nil
}

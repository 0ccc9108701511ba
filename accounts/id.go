package accounts

import (
	"fmt"
	"strings"
)

// An ID is a 12-digit AWS account id. It is a string, since ids may begin with zeros.
type ID string

// ParseID checks that s is a 12-digit account id, without dashes or spaces.
func ParseID(s string) (ID, error) {
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return "", fmt.Errorf("accounts: account id %q: want 12 digits", s)
	}
	return ID(s), nil
}

// String returns the 12 digits.
func (id ID) String() string { return string(id) }

package accounts

import (
	"errors"
	"fmt"
	"strings"
)

// A roleARN is the parsed ARN of an IAM role.
type roleARN struct {
	partition string
	account   ID
	name      string // without the path
}

// parseRoleARN reads arn:PARTITION:iam::ACCOUNT:role/PATH/NAME. The grammar is
// that of the IAM User Guide, "IAM identifiers"; lengths are those of the STS
// API Reference, AssumeRole (RoleArn: 20 to 2,048) and of the IAM API
// Reference, CreateRole (RoleName: 64, Path: 512).
func parseRoleARN(s string) (roleARN, error) {
	if s == "" {
		return roleARN{}, errors.New("is empty")
	}
	if len(s) < 20 || len(s) > 2048 {
		return roleARN{}, fmt.Errorf("has %d characters, want 20 to 2,048", len(s))
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return roleARN{}, fmt.Errorf("%q is not an ARN like arn:aws:iam::111111111111:role/name", s)
	}
	if parts[2] != "iam" || parts[3] != "" {
		return roleARN{}, fmt.Errorf("%q is not an IAM ARN; want arn:%s:iam::ACCOUNT:role/NAME", s, parts[1])
	}
	account, err := ParseID(parts[4])
	if err != nil {
		return roleARN{}, fmt.Errorf("%q has no 12-digit account id", s)
	}
	resource, ok := strings.CutPrefix(parts[5], "role/")
	if !ok {
		return roleARN{}, fmt.Errorf("%q names no role: want role/ after the account id", s)
	}
	slash := strings.LastIndexByte(resource, '/')
	path, name := resource[:slash+1], resource[slash+1:]
	if name == "" || len(name) > 64 || outside(name, "+=,.@-") {
		return roleARN{}, fmt.Errorf("%q: a role's name has 1 to 64 letters, digits and _+=,.@-", s)
	}
	// The path's leading slash is the one behind "role".
	if len(path) > 511 || strings.ContainsFunc(path, func(r rune) bool { return r < '!' || r > '~' }) {
		return roleARN{}, fmt.Errorf("%q: a role's path has at most 512 printable ASCII characters", s)
	}
	return roleARN{partition: parts[1], account: account, name: name}, nil
}

// outside says whether s has a character that is neither a letter or digit of
// ASCII, nor an underscore, nor in punctuation: AWS's [\w…]*.
func outside(s, punctuation string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
			r == '_' || strings.ContainsRune(punctuation, r))
	})
}

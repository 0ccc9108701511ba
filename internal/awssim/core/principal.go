package core

import (
	"regexp"
	"strings"
)

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// IsPrincipal reports whether a text of the kind "AWS" names a principal as a
// resource policy may: everybody, an account by its id or its root, a user or
// role that exists, or a session.
// Source: IAM User Guide, "AWS JSON policy elements: Principal". AWS refuses
// accounts that do not exist as well; here every account may still come to be.
func (c *Cloud) IsPrincipal(name string) bool {
	if name == "*" || accountID.MatchString(name) {
		return true
	}
	part := strings.SplitN(name, ":", 6)
	if len(part) != 6 || part[0] != "arn" || part[3] != "" || !accountID.MatchString(part[4]) {
		return false
	}
	kind, _, _ := strings.Cut(part[5], "/")
	switch part[2] {
	case "iam":
		return part[5] == "root" || (kind == "user" || kind == "role") && c.uniqueID(name) != ""
	case "sts":
		return kind == "assumed-role" || kind == "federated-user"
	}
	return false
}

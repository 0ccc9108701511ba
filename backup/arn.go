package backup

import (
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/accounts"
)

// An arn is an ARN taken apart, of a resource or a key: both have a Region and
// an account.
type arn struct {
	partition, service string
	site               Site
	kind, id           string // "instance" and "i-1"; "key" and "1234…"
}

// parseARN reads arn:PARTITION:SERVICE:REGION:ACCOUNT:KIND/ID (AWS General
// Reference, "Amazon Resource Names"; resource types of EC2 and KMS in the
// Service Authorization Reference).
func parseARN(s string) (arn, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] == "" {
		return arn{}, fmt.Errorf("%q is not an ARN", s)
	}
	id, err := accounts.ParseID(parts[4])
	if err != nil {
		return arn{}, fmt.Errorf("%q: %w", s, err)
	}
	if partition, ok := partitionOf(parts[3]); !ok {
		return arn{}, fmt.Errorf("%q: %q is not a Region", s, parts[3])
	} else if partition != parts[1] {
		return arn{}, fmt.Errorf("%q: Region %s is in partition %s", s, parts[3], partition)
	}
	kind, rest, found := strings.Cut(parts[5], "/")
	if !found || kind == "" || rest == "" || len(s) > maxTagValue || strings.ContainsFunc(rest, isOutsideID) {
		return arn{}, fmt.Errorf("%q does not end in kind/id", s)
	}
	return arn{parts[1], parts[2], Site{id, parts[3]}, kind, rest}, nil
}

// isOutsideID accepts what ids of AWS resources are made of.
func isOutsideID(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:", r))
}

// parseKey reads the ARN of a KMS key. An alias is refused: what a snapshot is
// encrypted under is told as a key, and could not be compared with it.
func parseKey(s string) (arn, error) {
	a, err := parseARN(s)
	if err != nil {
		return arn{}, err
	}
	if a.service != "kms" || a.kind != "key" {
		return arn{}, fmt.Errorf("%q is not the ARN of a KMS key (an alias will not do)", s)
	}
	return a, nil
}

// partitionOf returns the partition that a Region's name belongs to, or false
// if the name is none. It knows how names are made, not which Regions there
// are, so that a new one needs no new release (partitions.json of
// aws-sdk-go-v2, regionRegex).
func partitionOf(region string) (string, bool) {
	parts := strings.Split(region, "-")
	if len(parts) < 3 || len(parts) > 4 {
		return "", false
	}
	n := len(parts) - 1
	if strings.Trim(parts[n], "0123456789") != "" || parts[n] == "" || len(parts[n]) > 2 || parts[n][0] == '0' {
		return "", false
	}
	for _, p := range parts[:n] {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz") != "" {
			return "", false
		}
	}
	switch place := strings.Join(parts[:n-1], "-"); {
	case place == "cn":
		return "aws-cn", true
	case place == "us-gov":
		return "aws-us-gov", true
	case place == "us-iso":
		return "aws-iso", true
	case place == "us-isob":
		return "aws-iso-b", true
	case place == "eu-isoe":
		return "aws-iso-e", true
	case place == "us-isof":
		return "aws-iso-f", true
	case strings.HasPrefix(place, "eusc-"):
		return "aws-eusc", len(place) == len("eusc-de")
	default:
		return "aws", len(place) == 2
	}
}

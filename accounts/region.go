package accounts

import "strings"

// partitionOf returns the partition a Region's name belongs to, or false if
// the name is none. It knows the grammar of names, not the list of Regions, so
// that a new Region needs no new release. Source: partitions.json of
// aws-sdk-go-v2 (regionRegex). Pseudo Regions such as aws-global are refused:
// every call of this library goes to a real one.
func partitionOf(region string) (string, bool) {
	place, number := cutLast(region)
	place, direction := cutLast(place)
	if !isNumber(number) || direction == "" || !isLower(direction) {
		return "", false
	}
	switch place {
	case "cn":
		return "aws-cn", true
	case "us-gov":
		return "aws-us-gov", true
	case "us-iso":
		return "aws-iso", true
	case "us-isob":
		return "aws-iso-b", true
	case "eu-isoe":
		return "aws-iso-e", true
	case "us-isof":
		return "aws-iso-f", true
	}
	if country, ok := strings.CutPrefix(place, "eusc-"); ok {
		return "aws-eusc", len(country) == 2 && isLower(country)
	}
	return "aws", len(place) == 2 && isLower(place)
}

// isPartition says whether some Region is in the partition.
func isPartition(s string) bool {
	switch s {
	case "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f":
		return true
	}
	return false
}

// cutLast cuts s around its last dash; without one, after is empty.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// isNumber accepts 1 to 99, without leading zeros.
func isNumber(s string) bool {
	if len(s) < 1 || len(s) > 2 || s[0] == '0' {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

func isLower(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

package accounts

// NarrowedHops counts the sessions kept for Narrow.
func NarrowedHops(s *Sessions) int { return len(s.narrow.hops) }

// ParseRoleARN shows the parser to its fuzz test.
func ParseRoleARN(s string) (partition string, id ID, name string, err error) {
	arn, err := parseRoleARN(s)
	return arn.partition, arn.account, arn.name, err
}

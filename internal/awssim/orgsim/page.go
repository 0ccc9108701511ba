package orgsim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// cut returns one page of a list: 20 entries at most, in the order of the
// keys. A token holds the last key that was given. With Limits.ShortPages a
// page may be short or empty and yet not the last: "check for NextToken until
// it comes back as null, even if the list is empty".
// Source: AWS Organizations API Reference, ListAccounts.
func cut[T any](s *Service, list []T, key func(T) string, max *int32, token *string) (items []T, next *string, err error) {
	size := 20
	if max != nil {
		size = int(*max)
	}
	switch {
	case size < 1:
		return nil, nil, invalid("MIN_VALUE_EXCEEDED", "You specified an invalid value for MaxResults: %d", size)
	case size > 20:
		return nil, nil, invalid("MAX_VALUE_EXCEEDED", "You specified an invalid value for MaxResults: %d", size)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	last := ""
	if token != nil {
		if last, err = openToken(*token); err != nil {
			return nil, nil, err
		}
		i, found := slices.BinarySearchFunc(list, last, func(e T, k string) int { return strings.Compare(key(e), k) })
		if found {
			i++
		}
		list = list[i:]
	}
	if s.limits.ShortPages && len(list) > 0 {
		size = s.cloud.Rand().IntN(size + 1)
	}
	if len(list) <= size {
		return list, nil, nil
	}
	if size > 0 {
		last = key(list[size-1])
	}
	return list[:size], aws.String(sealToken(last)), nil
}

// Tokens hold the length of the key as well, so that not everything is one.
func sealToken(key string) string {
	return base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(len(key)) + ":" + key))
}

func openToken(token string) (key string, err error) {
	raw, bad := base64.StdEncoding.DecodeString(token)
	length, key, ok := strings.Cut(string(raw), ":")
	if bad != nil || !ok || length != strconv.Itoa(len(key)) {
		return "", invalid("INVALID_NEXT_TOKEN", "You specified an invalid NextToken.")
	}
	return key, nil
}

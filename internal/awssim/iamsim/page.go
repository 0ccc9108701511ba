package iamsim

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A page is what a call asks of a list.
type page struct {
	maxItems *int32
	marker   *string
}

// cut returns one page of a list in the order of its keys, and the marker of
// the next one: 100 entries unless the call asks for another number, up to
// 1,000. A marker holds the last key that was given, so that what is added or
// deleted meanwhile does not shift the rest.
// Source: IAM API Reference, ListRoles, MaxItems.
func cut[T any](list []T, key func(T) string, p page) (items []T, marker *string, err error) {
	size := 100
	if p.maxItems != nil {
		size = int(*p.maxItems)
	}
	if size < 1 || size > 1000 {
		return nil, nil, core.Errorf("ValidationError",
			"1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000", size)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if p.marker != nil {
		last, err := base64.StdEncoding.DecodeString(*p.marker)
		if err != nil {
			return nil, nil, core.Errorf("ValidationError", "Invalid Marker.")
		}
		i, found := slices.BinarySearchFunc(list, string(last), func(e T, k string) int { return strings.Compare(key(e), k) })
		if found {
			i++
		}
		list = list[i:]
	}
	if len(list) > size {
		list = list[:size]
		marker = aws.String(base64.StdEncoding.EncodeToString([]byte(key(list[size-1]))))
	}
	return list, marker, nil
}

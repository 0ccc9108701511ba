package kmssim

import (
	"encoding/base64"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// sizes of the pages of a list.
type sizes struct{ usual, most int }

// mostLists have pages of this size.
// Source: AWS KMS API Reference, Limit of ListAliases, ListGrants and
// ListRetirableGrants.
var mostLists = sizes{usual: 50, most: 100}

// cut returns one page of a list and the marker of the next one.
func cut[T any](list []T, of sizes, limit *int32, marker *string) (page []T, next *string, err error) {
	size := of.usual
	if limit != nil {
		size = int(*limit)
	}
	if size < 1 || size > of.most {
		return nil, nil, core.Errorf("ValidationException", "Limit must be between 1 and %d", of.most)
	}
	start := 0
	if marker != nil {
		raw, err := base64.RawURLEncoding.DecodeString(*marker)
		if err == nil {
			start, err = strconv.Atoi(string(raw))
		}
		if err != nil || start < 0 || start > len(list) {
			return nil, nil, core.Errorf("InvalidMarkerException", "the marker is not one of this list")
		}
	}
	end := min(start+size, len(list))
	if end < len(list) {
		next = aws.String(base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))))
	}
	return list[start:end], next, nil
}

package kmssim

import (
	"encoding/base64"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// cut returns one page of a list: 50 entries unless the limit, at most 100,
// says otherwise, and the marker of the next one.
// Source: AWS KMS API Reference, ListAliases and ListGrants, Limit.
func cut[T any](list []T, limit *int32, marker *string) (page []T, next *string, err error) {
	size := 50
	if limit != nil {
		size = int(*limit)
	}
	if size < 1 || size > 100 {
		return nil, nil, core.Errorf("ValidationException", "Limit must be between 1 and 100")
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

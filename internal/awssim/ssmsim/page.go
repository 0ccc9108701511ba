package ssmsim

import (
	"encoding/base64"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxPage is the size of a page unless a smaller one is asked for.
// Source: botocore, ssm 2014-11-06, service-2.json.
const maxPage = 50

// cut returns one page of a list and the token of the next one.
func cut[T any](list []T, limit *int32, token *string) (page []T, next *string, err error) {
	size := maxPage
	if limit != nil {
		size = int(*limit)
	}
	if size < 1 || size > maxPage {
		return nil, nil, core.Errorf("ValidationException", "MaxResults must be between 1 and %d", maxPage)
	}
	start := 0
	if token != nil {
		raw, err := base64.RawURLEncoding.DecodeString(*token)
		if err == nil {
			start, err = strconv.Atoi(string(raw))
		}
		if err != nil || start < 0 || start > len(list) {
			return nil, nil, core.Errorf("InvalidNextToken", "The specified token isn't valid.")
		}
	}
	end := min(start+size, len(list))
	if end < len(list) {
		next = aws.String(base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))))
	}
	return append([]T{}, list[start:end]...), next, nil
}

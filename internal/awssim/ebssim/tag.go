package ebssim

import (
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
)

// Bounds of tags, which are a character shorter here than in EC2.
// Source: botocore, the model of ebs 2019-11-02, TagKey and TagValue; EBS
// direct APIs Reference, StartSnapshot, Tags.
const (
	maxTags     = 50
	maxTagKey   = 127
	maxTagValue = 255
)

func readTags(tags []types.Tag) (map[string]string, error) {
	refuse := func(format string, args ...any) (map[string]string, error) {
		return nil, invalid(types.ValidationExceptionReasonInvalidTag, format, args...)
	}
	out := map[string]string{}
	for _, t := range tags {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "" || utf8.RuneCountInString(k) > maxTagKey:
			return refuse("A tag key must have from 1 to %d characters.", maxTagKey)
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return refuse("Tag keys that begin with 'aws:' are reserved.")
		case utf8.RuneCountInString(v) > maxTagValue:
			return refuse("A tag value must have at most %d characters.", maxTagValue)
		}
		if _, twice := out[k]; twice {
			return refuse("The tag key '%s' is given twice.", k)
		}
		out[k] = v
	}
	if len(out) > maxTags {
		return refuse("A snapshot can have at most %d tags, not %d.", maxTags, len(out))
	}
	return out, nil
}

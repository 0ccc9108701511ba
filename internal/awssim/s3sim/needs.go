package s3sim

import (
	"maps"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// The needs of S3's operations. Each is judged by the bucket's policy and the
// caller's own: in the bucket's account either may allow, from another both
// must.
// Source: Service Authorization Reference, "Actions, resources, and condition
// keys for Amazon S3".

// nobody is the policy of a bucket that has none: other accounts stay outside.
var nobody = &iampolicy.Document{Version: iampolicy.Version}

// need is an action on a bucket, or with a key on an object in it.
func (s *Service) need(b *bucket, action, key string, extra map[string][]string) core.Need {
	keys := core.Keys("s3:ResourceAccount", b.owner, "s3:signatureversion", "AWS4-HMAC-SHA256")
	maps.Copy(keys, extra)
	policy := nobody
	if b.policy != nil {
		policy = s.cloud.Bind(b.policy, b.bound)
	}
	return core.Need{Action: "s3:" + action, Resource: b.arn(key), Owner: b.owner, Keys: keys, Policy: policy}
}

// authorize demands one action.
func (s *Service) authorize(c *core.Call, b *bucket, action, key string, extra map[string][]string) error {
	return c.Authorize(s.need(b, action, key, extra))
}

// own is authorize for the configuration of a bucket, which only its owner's
// account may change or see.
// Source: Amazon S3 API Reference, PutBucketPolicy ("405 Method Not Allowed").
func (s *Service) own(c *core.Call, b *bucket, action string) error {
	if b.owner != c.Account.ID {
		return c.Denied(s.need(b, action, "", nil))
	}
	return s.authorize(c, b, action, "", nil)
}

// header adds a condition key for a header that was sent.
func header(keys map[string][]string, name string, value string) {
	if value != "" {
		keys["s3:"+name] = []string{value}
	}
}

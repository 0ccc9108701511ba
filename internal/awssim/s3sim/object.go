package s3sim

import (
	"crypto/md5" //nolint:gosec // what S3 gives as an ETag
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A version is one state of an object, or a delete marker.
type version struct {
	key      string
	id       string // nullID where versioning is not on
	marker   bool
	data     []byte
	etag     string // with its quotes
	modified time.Time
	about    about
	lock     lock
	sealed   sealed
	sums     checksums
	parts    int // of a multipart upload; zero: it was put whole
	class    types.StorageClass
}

// nullID is the version id of what is put while versioning is not on.
const nullID = "null"

// about is what a client tells of an object's contents.
type about struct {
	contentType, cacheControl, disposition, encoding, language string
	expires                                                    *time.Time
	metadata                                                   map[string]string
}

// maxKey of an object, and maxMetadata of its user-defined metadata, in bytes.
// Source: Amazon S3 User Guide, "Naming Amazon S3 objects" and "Working with
// object metadata".
const (
	maxKey      = 1024
	maxMetadata = 2 << 10
)

func (a about) check(key string) error {
	size := 0
	for name, value := range a.metadata {
		size += len(name) + len(value)
	}
	switch {
	case len(key) > maxKey:
		return badRequest("KeyTooLongError", "Your key is too long")
	case size > maxMetadata:
		return badRequest("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return nil
}

// current returns the version that is meant where none is named; nil if there
// is none or the object is deleted.
func (b *bucket) current(key string) *version {
	all := b.objects[key]
	if len(all) == 0 || all[len(all)-1].marker {
		return nil
	}
	return all[len(all)-1]
}

// version returns one version, or nil.
func (b *bucket) version(key, id string) *version {
	for _, v := range b.objects[key] {
		if v.id == id {
			return v
		}
	}
	return nil
}

// add makes v the current version. Without versioning it takes the place of
// the one that was made without.
// Source: Amazon S3 User Guide, "How S3 Versioning works".
func (s *Service) add(b *bucket, v *version) {
	v.id = nullID
	if b.versioning == types.BucketVersioningStatusEnabled {
		v.id = strings.NewReplacer("+", "_", "/", ".").Replace(s.cloud.NewSecret(32))
	} else if old := b.version(v.key, nullID); old != nil {
		b.remove(old)
	}
	b.objects[v.key] = append(b.objects[v.key], v)
}

// remove forgets a version.
func (b *bucket) remove(v *version) {
	left := slices.DeleteFunc(b.objects[v.key], func(w *version) bool { return w == v })
	if len(left) == 0 {
		delete(b.objects, v.key)
		return
	}
	b.objects[v.key] = left
}

// told is a version id as answers tell it: not at all in a bucket that never
// had versioning.
func (b *bucket) told(v *version) *string {
	if b.versioning == "" {
		return nil
	}
	return aws.String(v.id)
}

// etagOf contents: their MD5, unless KMS encrypts them.
// Source: Amazon S3 API Reference, Object, ETag.
func (s *Service) etagOf(data []byte, e sealed) string {
	sum := md5.Sum(data) //nolint:gosec // what S3 gives as an ETag
	text := hex.EncodeToString(sum[:])
	if e.key != "" {
		text = strings.ReplaceAll(s.cloud.NewUUID(), "-", "")
	}
	return `"` + text + `"`
}

// noKey is the error for an object that is not there. Who may not list the
// bucket is not told even that.
// Source: Amazon S3 API Reference, GetObject, permissions.
func (s *Service) noKey(c *core.Call, b *bucket, key string) error {
	if !c.Allows(s.need(b, "ListBucket", "", core.Keys("s3:prefix", key))) {
		return c.Denied(s.need(b, "ListBucket", "", nil))
	}
	e := fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	e.Members = map[string]string{"Key": key}
	if len(b.objects[key]) > 0 {
		e.Members["x-amz-delete-marker"] = "true"
	}
	return e
}

// notStored are the members of inputs for access control, customers' keys and
// other things that are not simulated.
var notStored = []string{
	"GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5",
	"SSEKMSEncryptionContext", "Tagging", "WebsiteRedirectLocation", "RequestPayer",
}

// plainACL refuses all access control lists but those that say what a bucket
// whose owner owns all says anyway.
func plainACL(c *core.Call, acl types.ObjectCannedACL) error {
	switch acl {
	case "", types.ObjectCannedACLPrivate, types.ObjectCannedACLBucketOwnerFullControl:
		return nil
	}
	return c.Unsupported("ACL " + string(acl))
}

// canonicalID is the other id that S3 knows an account by: here derived from
// the account's number.
func canonicalID(account string) string {
	return strings.Repeat("0", 64-len(account)) + account
}

func cloneMetadata(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

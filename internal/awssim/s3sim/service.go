package s3sim

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A Service holds the buckets of all accounts.
type Service struct {
	cloud   *core.Cloud
	kms     *kmssim.Service
	buckets map[string]*bucket // by name, which is unique among all accounts
}

// New returns an S3 without buckets.
func New(cloud *core.Cloud, keys *kmssim.Service) *Service {
	return &Service{cloud: cloud, kms: keys, buckets: map[string]*bucket{}}
}

// fail makes an error answer.
// Source of the codes and their statuses: Amazon S3 API Reference, "Error
// responses".
func fail(status int, code, message string) *core.Error {
	return &core.Error{Status: status, Code: code, Message: message}
}

func badRequest(code, message string) *core.Error { return fail(http.StatusBadRequest, code, message) }

// denied is the error where S3 does not tell why.
func denied() *core.Error { return fail(http.StatusForbidden, "AccessDenied", "Access Denied") }

// find returns a bucket that the caller names in its Region. expected is the
// account that the caller believes to own it.
func (s *Service) find(c *core.Call, name, expected *string) (*bucket, error) {
	b := s.buckets[aws.ToString(name)]
	switch {
	case b == nil:
		e := fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		e.Members = map[string]string{"BucketName": aws.ToString(name)}
		return nil, e
	case b.region != c.Region:
		e := fail(http.StatusMovedPermanently, "PermanentRedirect",
			"The bucket you are attempting to access must be addressed using the specified endpoint.")
		e.Members = map[string]string{"x-amz-bucket-region": b.region, "Endpoint": core.Endpoint("s3", b.region)}
		return nil, e
	case expected != nil && *expected != b.owner:
		return nil, denied()
	}
	return b, nil
}

// arn of a bucket, or with a key of an object in it.
func (b *bucket) arn(key string) string {
	resource := b.name
	if key != "" {
		resource += "/" + key
	}
	return strings.Join([]string{"arn", core.Partition(b.region), "s3", "", "", resource}, ":")
}

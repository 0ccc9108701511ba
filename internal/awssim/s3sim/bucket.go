package s3sim

import (
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A bucket holds objects.
type bucket struct {
	name       string
	owner      string // account
	region     string
	created    time.Time
	versioning types.BucketVersioningStatus // empty: never turned on
	lock       bool                         // Object Lock; it is never turned off
	retention  *types.DefaultRetention      // of new objects
	policy     *iampolicy.Document
	policyText string
	bound      map[string]string // unique ids of the policy's principals
	public     types.PublicAccessBlockConfiguration
	objects    map[string][]*version // by key, oldest first; no key is without one
	uploads    map[string]*upload    // by id
}

// bucketName is what a bucket may be called, reserved prefixes and suffixes
// apart.
// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func validName(name string) bool {
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return bucketName.MatchString(name) && !strings.Contains(name, "..") && net.ParseIP(name) == nil
}

// CreateBucket makes a bucket in the Region of the call.
func (s *Service) CreateBucket(c *core.Call, in *s3.CreateBucketInput) (*s3.CreateBucketOutput, error) {
	if err := plainBucket(c, in); err != nil {
		return nil, err
	}
	name := aws.ToString(in.Bucket)
	lock := aws.ToBool(in.ObjectLockEnabledForBucket)
	b := &bucket{
		name: name, owner: c.Account.ID, region: c.Region, created: c.Now.UTC().Truncate(time.Second), lock: lock,
		objects: map[string][]*version{}, uploads: map[string]*upload{},
		// Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage": on for new buckets.
		public: types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	}
	if lock {
		b.versioning = types.BucketVersioningStatusEnabled
	}
	needs := []core.Need{{Action: "s3:CreateBucket", Resource: b.arn(""), Keys: map[string][]string{}}}
	if lock {
		// Source: Amazon S3 API Reference, CreateBucket, permissions.
		needs = append(needs, core.Need{Action: "s3:PutBucketObjectLockConfiguration", Resource: b.arn(""), Keys: map[string][]string{}},
			core.Need{Action: "s3:PutBucketVersioning", Resource: b.arn(""), Keys: map[string][]string{}})
	}
	if err := c.Authorize(needs...); err != nil {
		return nil, err
	}
	if err := s.canCreate(c, in); err != nil {
		return nil, err
	}
	out := &s3.CreateBucketOutput{Location: aws.String("/" + name), BucketArn: aws.String(b.arn(""))}
	if s.buckets[name] == nil {
		s.buckets[name] = b
	}
	return out, nil
}

// plainBucket refuses what is not simulated.
func plainBucket(c *core.Call, in *s3.CreateBucketInput) error {
	switch {
	case in.ACL != "" && in.ACL != types.BucketCannedACLPrivate:
		return c.Unsupported("ACL")
	case in.ObjectOwnership != "" && in.ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced:
		return c.Unsupported("ObjectOwnership")
	}
	err := c.Refuse(in, "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP", "BucketNamespace")
	if conf := in.CreateBucketConfiguration; err == nil && conf != nil {
		err = c.Refuse(conf, "Bucket", "Location", "Tags")
	}
	return err
}

// canCreate checks the name, the Region and whose the name is already.
// Source: Amazon S3 API Reference, CreateBucket.
func (s *Service) canCreate(c *core.Call, in *s3.CreateBucketInput) error {
	var where types.BucketLocationConstraint
	if in.CreateBucketConfiguration != nil {
		where = in.CreateBucketConfiguration.LocationConstraint
	}
	name := aws.ToString(in.Bucket)
	old := s.buckets[name]
	switch {
	case !validName(name):
		return badRequest("InvalidBucketName", "The specified bucket is not valid.")
	case string(where) == firstRegion:
		return badRequest("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case where == "" && c.Region != firstRegion:
		return badRequest("IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case where != "" && string(where) != c.Region:
		return badRequest("IllegalLocationConstraintException",
			"The "+string(where)+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	case old != nil && old.owner != c.Account.ID:
		return fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available.")
	case old != nil && (c.Region != firstRegion || old.region != firstRegion):
		// In the first Region making one's bucket again is no error.
		return fail(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	return nil
}

// firstRegion is the Region that is meant where none is named.
const firstRegion = "us-east-1"

// HeadBucket tells whether there is a bucket that the caller may list.
func (s *Service) HeadBucket(c *core.Call, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, b, "ListBucket", "", nil); err != nil {
		return nil, err
	}
	return &s3.HeadBucketOutput{BucketRegion: aws.String(b.region), BucketArn: aws.String(b.arn("")), AccessPointAlias: aws.Bool(false)}, nil
}

// DeleteBucket removes a bucket that holds nothing, delete markers included.
func (s *Service) DeleteBucket(c *core.Call, in *s3.DeleteBucketInput) (*s3.DeleteBucketOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, b, "DeleteBucket", "", nil); err != nil {
		return nil, err
	}
	if len(b.objects) > 0 {
		return nil, fail(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	delete(s.buckets, b.name)
	return &s3.DeleteBucketOutput{}, nil
}

// ListBuckets lists the caller's buckets of all Regions by name.
func (s *Service) ListBuckets(c *core.Call, in *s3.ListBucketsInput) (*s3.ListBucketsOutput, error) {
	if err := c.Authorize(core.Need{Action: "s3:ListAllMyBuckets", Resource: "*"}); err != nil {
		return nil, err
	}
	limit := 10000 // Amazon S3 API Reference, ListBuckets, MaxBuckets
	if in.MaxBuckets != nil {
		limit = int(*in.MaxBuckets)
	}
	if limit < 1 || limit > 10000 {
		return nil, badRequest("InvalidArgument", "Argument max-buckets must be an integer between 1 and 10000")
	}
	out := &s3.ListBucketsOutput{Buckets: []types.Bucket{}, Owner: &types.Owner{ID: aws.String(canonicalID(c.Account.ID))}, Prefix: in.Prefix}
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		b := s.buckets[name]
		switch {
		case b.owner != c.Account.ID, in.Prefix != nil && !strings.HasPrefix(name, *in.Prefix),
			in.BucketRegion != nil && *in.BucketRegion != b.region, in.ContinuationToken != nil && name <= *in.ContinuationToken:
			continue
		case len(out.Buckets) == limit:
			out.ContinuationToken = out.Buckets[limit-1].Name
			return out, nil
		}
		out.Buckets = append(out.Buckets, types.Bucket{
			Name: aws.String(name), CreationDate: aws.Time(b.created), BucketRegion: aws.String(b.region), BucketArn: aws.String(b.arn("")),
		})
	}
	return out, nil
}

// GetBucketLocation tells the Region of a bucket; that of the first is empty.
func (s *Service) GetBucketLocation(c *core.Call, in *s3.GetBucketLocationInput) (*s3.GetBucketLocationOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, b, "GetBucketLocation", "", nil); err != nil {
		return nil, err
	}
	out := &s3.GetBucketLocationOutput{}
	if b.region != firstRegion {
		out.LocationConstraint = types.BucketLocationConstraint(b.region)
	}
	return out, nil
}

package s3sim

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A deletion asks for one object or version to be deleted.
type deletion struct {
	key     string
	version *string
	ifMatch *string
	bypass  bool
}

// DeleteObject deletes a version for good if one is named. Otherwise it hides
// the object behind a delete marker, or where versioning never was on deletes
// it. What is not there counts as deleted.
func (s *Service) DeleteObject(c *core.Call, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	if err := c.Refuse(in, "MFA", "RequestPayer", "IfMatchLastModifiedTime", "IfMatchSize"); err != nil {
		return nil, err
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	done, err := s.delete(c, b, deletion{aws.ToString(in.Key), in.VersionId, in.IfMatch, aws.ToBool(in.BypassGovernanceRetention)})
	if err != nil {
		return nil, err
	}
	out := &s3.DeleteObjectOutput{DeleteMarker: done.DeleteMarker, VersionId: done.VersionId}
	if in.VersionId == nil {
		out.VersionId = done.DeleteMarkerVersionId
	}
	return out, nil
}

// DeleteObjects deletes up to 1,000 objects or versions, each for itself.
// Source: Amazon S3 API Reference, DeleteObjects.
func (s *Service) DeleteObjects(c *core.Call, in *s3.DeleteObjectsInput) (*s3.DeleteObjectsOutput, error) {
	if err := c.Refuse(in, "MFA", "RequestPayer"); err != nil {
		return nil, err
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.Delete == nil || len(in.Delete.Objects) < 1 || len(in.Delete.Objects) > 1000 {
		return nil, badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	out := &s3.DeleteObjectsOutput{}
	for _, o := range in.Delete.Objects {
		if o.LastModifiedTime != nil || o.Size != nil {
			return nil, c.Unsupported("conditions on time and size")
		}
		done, err := s.delete(c, b, deletion{aws.ToString(o.Key), o.VersionId, o.ETag, aws.ToBool(in.BypassGovernanceRetention)})
		var e *core.Error
		switch {
		case errors.As(err, &e):
			out.Errors = append(out.Errors, types.Error{Key: o.Key, VersionId: o.VersionId, Code: aws.String(e.Code), Message: aws.String(e.Message)})
		case err != nil:
			return nil, err
		case !aws.ToBool(in.Delete.Quiet):
			out.Deleted = append(out.Deleted, done)
		}
	}
	return out, nil
}

func (s *Service) delete(c *core.Call, b *bucket, d deletion) (types.DeletedObject, error) {
	out := types.DeletedObject{Key: aws.String(d.key), VersionId: d.version}
	if d.version != nil {
		return out, s.deleteVersion(c, b, d, &out)
	}
	keys := map[string][]string{}
	header(keys, "if-match", aws.ToString(d.ifMatch))
	if err := s.authorize(c, b, "DeleteObject", d.key, keys); err != nil {
		return out, err
	}
	if err := matching(b.current(d.key), d.ifMatch); err != nil {
		return out, err
	}
	if b.versioning == "" {
		if v := b.version(d.key, nullID); v != nil {
			b.remove(v)
		}
		return out, nil
	}
	marker := &version{key: d.key, marker: true, modified: c.Now.UTC().Truncate(time.Second)}
	s.add(b, marker)
	out.DeleteMarker, out.DeleteMarkerVersionId = aws.Bool(true), aws.String(marker.id)
	return out, nil
}

// matching checks the condition of a deletion.
func matching(v *version, etag *string) error {
	switch {
	case etag == nil:
		return nil
	case v == nil:
		return fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	case *etag != "*" && !equalETags(*etag, v.etag):
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

// deleteVersion deletes a version for good, unless a lock keeps it.
func (s *Service) deleteVersion(c *core.Call, b *bucket, d deletion, out *types.DeletedObject) error {
	if err := s.authorize(c, b, "DeleteObjectVersion", d.key, core.Keys("s3:versionid", *d.version)); err != nil {
		return err
	}
	v := b.version(d.key, *d.version)
	if err := matching(v, d.ifMatch); err != nil {
		return err
	}
	switch {
	case v == nil:
		return nil
	case v.lock.held == types.ObjectLockLegalHoldStatusOn, v.lock.retains(c.Now) && v.lock.mode == compliance:
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
	case v.lock.retains(c.Now):
		if err := s.bypass(c, b, v, d.bypass); err != nil {
			return err
		}
	}
	b.remove(v)
	if v.marker {
		out.DeleteMarker, out.DeleteMarkerVersionId = aws.Bool(true), aws.String(v.id)
	}
	return nil
}

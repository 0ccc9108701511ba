package s3sim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A lock keeps a version from being deleted.
type lock struct {
	mode  types.ObjectLockRetentionMode // empty: none
	until time.Time
	held  types.ObjectLockLegalHoldStatus // empty: never told
}

const (
	governance = types.ObjectLockRetentionModeGovernance
	compliance = types.ObjectLockRetentionModeCompliance
)

func isMode(text string) bool { return text == string(governance) || text == string(compliance) }

// retains tells whether the retention still runs.
func (l lock) retains(now time.Time) bool { return l.mode != "" && now.Before(l.until) }

// apply gives a new version the retention of its bucket, unless it has one.
// Source: Amazon S3 User Guide, "Object Lock considerations", default retention.
func (l *lock) apply(b *bucket, now time.Time) {
	if l.mode != "" || b.retention == nil {
		return
	}
	now = now.UTC().Truncate(time.Second)
	l.mode = types.ObjectLockRetentionMode(b.retention.Mode)
	if b.retention.Days != nil {
		l.until = now.AddDate(0, 0, int(*b.retention.Days))
	} else {
		l.until = now.AddDate(int(aws.ToInt32(b.retention.Years)), 0, 0)
	}
}

// A lockRequest is the lock that a new object is to have.
type lockRequest struct {
	mode  types.ObjectLockMode
	until *time.Time
	hold  types.ObjectLockLegalHoldStatus
}

func (r lockRequest) any() bool { return r.mode != "" || r.until != nil || r.hold != "" }

// keys are the condition keys of a lock.
func (r lockRequest) keys(c *core.Call) map[string][]string {
	keys := map[string][]string{}
	header(keys, "object-lock-mode", string(r.mode))
	header(keys, "object-lock-legal-hold", string(r.hold))
	if r.until != nil {
		keys["s3:object-lock-retain-until-date"] = []string{since(*r.until)}
		keys["s3:object-lock-remaining-retention-days"] = []string{strconv.Itoa(int(r.until.Sub(c.Now).Hours() / 24))}
	}
	return keys
}

// check makes a lock of the request.
// Source: Amazon S3 API Reference, PutObject, "Error responses".
func (r lockRequest) check(c *core.Call, b *bucket) (lock, error) {
	switch {
	case !r.any():
		return lock{}, nil
	case !b.lock:
		return lock{}, badRequest("InvalidRequest", "Bucket is missing Object Lock Configuration")
	case (r.mode == "") != (r.until == nil):
		return lock{}, badRequest("InvalidArgument", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	case r.mode != "" && !isMode(string(r.mode)):
		return lock{}, badRequest("InvalidArgument", "Unknown wormMode directive.")
	case r.until != nil && !r.until.After(c.Now):
		return lock{}, badRequest("InvalidArgument", "The retain until date must be in the future!")
	case r.hold != "" && r.hold != types.ObjectLockLegalHoldStatusOn && r.hold != types.ObjectLockLegalHoldStatusOff:
		return lock{}, badRequest("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'")
	}
	l := lock{mode: types.ObjectLockRetentionMode(r.mode), held: r.hold}
	if r.until != nil {
		l.until = r.until.UTC()
	}
	return l, nil
}

// lockable finds the version whose lock is asked for.
func (s *Service) lockable(c *core.Call, t target, action string, keys map[string][]string) (*bucket, *version, error) {
	b, err := s.find(c, t.bucket, t.owner)
	if err != nil {
		return nil, nil, err
	}
	if err := s.authorize(c, b, action, aws.ToString(t.key), keys); err != nil {
		return nil, nil, err
	}
	if !b.lock {
		return nil, nil, badRequest("InvalidRequest", "Bucket is missing Object Lock Configuration")
	}
	v, err := s.pick(c, b, t)
	return b, v, err
}

// PutObjectRetention sets how long a version is kept. Longer is always
// possible; less of governance needs a right of its own, and of compliance
// nothing.
// Source: Amazon S3 User Guide, "Locking objects with Object Lock".
func (s *Service) PutObjectRetention(c *core.Call, in *s3.PutObjectRetentionInput) (*s3.PutObjectRetentionOutput, error) {
	if err := c.Refuse(in, "RequestPayer"); err != nil {
		return nil, err
	}
	want := types.ObjectLockRetention{}
	if in.Retention != nil {
		want = *in.Retention
	}
	keys := lockRequest{mode: types.ObjectLockMode(want.Mode), until: want.RetainUntilDate}.keys(c)
	b, v, err := s.lockable(c, target{in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId}, "PutObjectRetention", keys)
	if err != nil {
		return nil, err
	}
	switch {
	case (want.Mode == "") != (want.RetainUntilDate == nil), want.Mode != "" && !isMode(string(want.Mode)):
		return nil, badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	case want.RetainUntilDate != nil && !want.RetainUntilDate.After(c.Now):
		return nil, badRequest("InvalidArgument", "The retain until date must be in the future!")
	}
	next := lock{mode: want.Mode, held: v.lock.held}
	if want.RetainUntilDate != nil {
		next.until = want.RetainUntilDate.UTC()
	}
	if err := s.mayRetain(c, b, v, next, aws.ToBool(in.BypassGovernanceRetention)); err != nil {
		return nil, err
	}
	v.lock = next
	return &s3.PutObjectRetentionOutput{}, nil
}

// mayRetain checks that a new retention takes nothing away that it must not.
func (s *Service) mayRetain(c *core.Call, b *bucket, v *version, next lock, bypass bool) error {
	weaker := next.until.Before(v.lock.until) || v.lock.mode == compliance && next.mode != compliance
	switch {
	case !v.lock.retains(c.Now) || !weaker:
		return nil
	case v.lock.mode == compliance:
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
	}
	return s.bypass(c, b, v, bypass)
}

// bypass demands what it takes to undo governance: the header and the right.
// Source: Amazon S3 User Guide, "Object Lock considerations", governance mode.
func (s *Service) bypass(c *core.Call, b *bucket, v *version, asked bool) error {
	if !asked {
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
	}
	return s.authorize(c, b, "BypassGovernanceRetention", v.key, nil)
}

// GetObjectRetention tells how long a version is kept.
func (s *Service) GetObjectRetention(c *core.Call, in *s3.GetObjectRetentionInput) (*s3.GetObjectRetentionOutput, error) {
	if err := c.Refuse(in, "RequestPayer"); err != nil {
		return nil, err
	}
	_, v, err := s.lockable(c, target{in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId}, "GetObjectRetention", nil)
	if err != nil {
		return nil, err
	}
	if v.lock.mode == "" {
		return nil, noLock()
	}
	return &s3.GetObjectRetentionOutput{Retention: &types.ObjectLockRetention{Mode: v.lock.mode, RetainUntilDate: aws.Time(v.lock.until)}}, nil
}

func noLock() error {
	return fail(http.StatusNotFound, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
}

// PutObjectLegalHold puts a hold on a version, or takes it off.
func (s *Service) PutObjectLegalHold(c *core.Call, in *s3.PutObjectLegalHoldInput) (*s3.PutObjectLegalHoldOutput, error) {
	if err := c.Refuse(in, "RequestPayer"); err != nil {
		return nil, err
	}
	var status types.ObjectLockLegalHoldStatus
	if in.LegalHold != nil {
		status = in.LegalHold.Status
	}
	keys := lockRequest{hold: status}.keys(c)
	_, v, err := s.lockable(c, target{in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId}, "PutObjectLegalHold", keys)
	if err != nil {
		return nil, err
	}
	if status != types.ObjectLockLegalHoldStatusOn && status != types.ObjectLockLegalHoldStatusOff {
		return nil, badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	v.lock.held = status
	return &s3.PutObjectLegalHoldOutput{}, nil
}

// GetObjectLegalHold tells whether there is a hold on a version.
func (s *Service) GetObjectLegalHold(c *core.Call, in *s3.GetObjectLegalHoldInput) (*s3.GetObjectLegalHoldOutput, error) {
	if err := c.Refuse(in, "RequestPayer"); err != nil {
		return nil, err
	}
	_, v, err := s.lockable(c, target{in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId}, "GetObjectLegalHold", nil)
	if err != nil {
		return nil, err
	}
	if v.lock.held == "" {
		return nil, noLock()
	}
	return &s3.GetObjectLegalHoldOutput{LegalHold: &types.ObjectLockLegalHold{Status: v.lock.held}}, nil
}

package s3sim

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// PutBucketVersioning turns versioning on or suspends it.
func (s *Service) PutBucketVersioning(c *core.Call, in *s3.PutBucketVersioningInput) (*s3.PutBucketVersioningOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	conf := in.VersioningConfiguration
	switch {
	case in.MFA != nil, conf != nil && conf.MFADelete == types.MFADeleteEnabled:
		return nil, c.Unsupported("MFA delete")
	case conf == nil || conf.Status != types.BucketVersioningStatusEnabled && conf.Status != types.BucketVersioningStatusSuspended:
		return nil, badRequest("IllegalVersioningConfigurationException", "The versioning configuration specified in the request is not valid.")
	}
	if err := s.authorize(c, b, "PutBucketVersioning", "", nil); err != nil {
		return nil, err
	}
	if b.lock && conf.Status != types.BucketVersioningStatusEnabled {
		return nil, fail(http.StatusConflict, "InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	}
	b.versioning = conf.Status
	return &s3.PutBucketVersioningOutput{}, nil
}

// GetBucketVersioning tells whether versioning is on; nothing if it never was.
func (s *Service) GetBucketVersioning(c *core.Call, in *s3.GetBucketVersioningInput) (*s3.GetBucketVersioningOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, b, "GetBucketVersioning", "", nil); err != nil {
		return nil, err
	}
	return &s3.GetBucketVersioningOutput{Status: b.versioning}, nil
}

// PutObjectLockConfiguration turns Object Lock on, for good, and sets the
// retention of new objects.
// Source: Amazon S3 API Reference, PutObjectLockConfiguration.
func (s *Service) PutObjectLockConfiguration(c *core.Call, in *s3.PutObjectLockConfigurationInput) (*s3.PutObjectLockConfigurationOutput, error) {
	if err := c.Refuse(in, "Token", "RequestPayer"); err != nil {
		return nil, err
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, b, "PutBucketObjectLockConfiguration", "", nil); err != nil {
		return nil, err
	}
	conf := in.ObjectLockConfiguration
	if conf == nil || conf.ObjectLockEnabled != types.ObjectLockEnabledEnabled {
		return nil, badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	if b.versioning != types.BucketVersioningStatusEnabled {
		return nil, fail(http.StatusConflict, "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
	}
	var retention *types.DefaultRetention
	if conf.Rule != nil {
		retention = conf.Rule.DefaultRetention
		if err := checkDefault(retention); err != nil {
			return nil, err
		}
	}
	b.lock, b.retention = true, retention
	return &s3.PutObjectLockConfigurationOutput{}, nil
}

func checkDefault(r *types.DefaultRetention) error {
	malformed := badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	switch {
	case r == nil, !isMode(string(r.Mode)), (r.Days == nil) == (r.Years == nil):
		return malformed
	case r.Days != nil && (*r.Days < 1 || *r.Days > maxRetentionDays), r.Years != nil && (*r.Years < 1 || *r.Years > maxRetentionYears):
		return badRequest("InvalidArgument", "Default retention period must be a positive integer value and at most 100 years.")
	}
	return nil
}

// The longest default retention.
// Source: Amazon S3 User Guide, "Object Lock considerations": 100 years.
const (
	maxRetentionYears = 100
	maxRetentionDays  = 36500
)

// GetObjectLockConfiguration tells of a bucket's Object Lock.
func (s *Service) GetObjectLockConfiguration(c *core.Call, in *s3.GetObjectLockConfigurationInput) (*s3.GetObjectLockConfigurationOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, b, "GetBucketObjectLockConfiguration", "", nil); err != nil {
		return nil, err
	}
	if !b.lock {
		return nil, fail(http.StatusNotFound, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
	}
	conf := &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled}
	if b.retention != nil {
		conf.Rule = &types.ObjectLockRule{DefaultRetention: b.retention}
	}
	return &s3.GetObjectLockConfigurationOutput{ObjectLockConfiguration: conf}, nil
}

// PutPublicAccessBlock sets what keeps a bucket from becoming public.
func (s *Service) PutPublicAccessBlock(c *core.Call, in *s3.PutPublicAccessBlockInput) (*s3.PutPublicAccessBlockOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, b, "PutBucketPublicAccessBlock"); err != nil {
		return nil, err
	}
	conf := types.PublicAccessBlockConfiguration{}
	if in.PublicAccessBlockConfiguration != nil {
		conf = *in.PublicAccessBlockConfiguration
	}
	b.public = types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(aws.ToBool(conf.BlockPublicAcls)), BlockPublicPolicy: aws.Bool(aws.ToBool(conf.BlockPublicPolicy)),
		IgnorePublicAcls: aws.Bool(aws.ToBool(conf.IgnorePublicAcls)), RestrictPublicBuckets: aws.Bool(aws.ToBool(conf.RestrictPublicBuckets)),
	}
	return &s3.PutPublicAccessBlockOutput{}, nil
}

// GetPublicAccessBlock tells what keeps a bucket from becoming public.
func (s *Service) GetPublicAccessBlock(c *core.Call, in *s3.GetPublicAccessBlockInput) (*s3.GetPublicAccessBlockOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, b, "GetBucketPublicAccessBlock"); err != nil {
		return nil, err
	}
	conf := b.public
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &conf}, nil
}

package s3sim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of S3.
func (s *Service) Registration() *core.Service {
	signing := sigv4.Rules{Skew: sigv4.MaxSkew, Storage: true}
	return &core.Service{Name: "s3", Protocol: wire.S3(), Signing: signing, Operations: map[string]core.Operation{
		"AbortMultipartUpload":       core.Op(s.AbortMultipartUpload),
		"CompleteMultipartUpload":    core.Op(s.CompleteMultipartUpload),
		"CopyObject":                 core.Op(s.CopyObject),
		"CreateBucket":               core.Op(s.CreateBucket),
		"CreateMultipartUpload":      core.Op(s.CreateMultipartUpload),
		"DeleteBucket":               core.Op(s.DeleteBucket),
		"DeleteBucketPolicy":         core.Op(s.DeleteBucketPolicy),
		"DeleteObject":               core.Op(s.DeleteObject),
		"DeleteObjects":              core.Op(s.DeleteObjects),
		"GetBucketLocation":          core.Op(s.GetBucketLocation),
		"GetBucketPolicy":            core.Op(s.GetBucketPolicy),
		"GetBucketVersioning":        core.Op(s.GetBucketVersioning),
		"GetObject":                  core.Op(s.GetObject),
		"GetObjectLegalHold":         core.Op(s.GetObjectLegalHold),
		"GetObjectLockConfiguration": core.Op(s.GetObjectLockConfiguration),
		"GetObjectRetention":         core.Op(s.GetObjectRetention),
		"GetPublicAccessBlock":       core.Op(s.GetPublicAccessBlock),
		"HeadBucket":                 core.Op(s.HeadBucket),
		"HeadObject":                 core.Op(s.HeadObject),
		"ListBuckets":                core.Op(s.ListBuckets),
		"ListMultipartUploads":       core.Op(s.ListMultipartUploads),
		"ListObjectVersions":         core.Op(s.ListObjectVersions),
		"ListObjectsV2":              core.Op(s.ListObjectsV2),
		"ListParts":                  core.Op(s.ListParts),
		"PutBucketPolicy":            core.Op(s.PutBucketPolicy),
		"PutBucketVersioning":        core.Op(s.PutBucketVersioning),
		"PutObject":                  core.Op(s.PutObject),
		"PutObjectLegalHold":         core.Op(s.PutObjectLegalHold),
		"PutObjectLockConfiguration": core.Op(s.PutObjectLockConfiguration),
		"PutObjectRetention":         core.Op(s.PutObjectRetention),
		"PutPublicAccessBlock":       core.Op(s.PutPublicAccessBlock),
		"UploadPart":                 core.Op(s.UploadPart),
	}}
}

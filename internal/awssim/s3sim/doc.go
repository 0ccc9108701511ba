// Package s3sim simulates the part of Amazon S3 that a store of manifests and
// exports needs: buckets with versioning, Object Lock and policies, objects
// with conditions, checksums and encryption, their versions and delete
// markers, and multipart uploads.
//
// It is strongly consistent, as S3 is. Access control lists, tags, lifecycle,
// replication and whatever else is not named is refused, and recorded as
// misuse.
package s3sim

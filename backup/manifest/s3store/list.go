package s3store

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/manifest"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// List returns what is stored for a plan, and when it was put. Objects with
// other keys are left out.
func (s *Store) List(ctx context.Context, vault accounts.ID, plan string) iter.Seq2[manifest.Stored, error] {
	return func(yield func(manifest.Stored, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.api, &s3.ListObjectsV2Input{
			Bucket: &s.bucket, Prefix: aws.String(s.opts.Prefix + string(vault) + "/plan-" + plan + "/"), ExpectedBucketOwner: s.owner(),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(manifest.Stored{}, awscall.Wrap("list manifests", err))
				return
			}
			for _, o := range page.Contents {
				ref, err := backup.ParseManifestKey(strings.TrimPrefix(aws.ToString(o.Key), s.opts.Prefix))
				if err == nil && !yield(manifest.Stored{Ref: ref, At: aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
	}
}

// Delete removes an object, or in a bucket with versions hides it. What is not
// there is deleted. The generated policies let the key admins alone.
func (s *Store) Delete(ctx context.Context, ref backup.ManifestRef) error {
	if err := ref.Validate(); err != nil {
		return err
	}
	_, err := s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: s.key(ref), ExpectedBucketOwner: s.owner()})
	return awscall.Wrap("delete manifest "+ref.Key(), err)
}

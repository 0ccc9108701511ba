// Package s3store keeps manifests in an S3 bucket, locked if the bucket has
// object lock. It is a package of its own since the S3 module takes long to
// compile; a store in a directory is in package manifest.
//
//	cfg, err := sessions.Config(ctx, vault, accounts.VaultWriter, "eu-west-1")
//	…
//	store, err := s3store.New(s3.NewFromConfig(cfg), "vault-manifests", s3store.Options{
//		Owner: vault, KMSKey: key, Mode: types.ObjectLockModeCompliance, Retain: 400 * 24 * time.Hour,
//	})
//	…
//	engine, err := backup.New(sessions, drivers, backup.Options{Vault: vault, Manifests: store})
//
// The policies for the bucket and its key are those of iampolicy, with
// Installation.Bucket and Installation.Manifests.
//
// # Guarantees
//
//   - Put sends the SHA-256 of the body, which S3 compares, and writes only where
//     nothing is. What is there already is read back: it counts if it is the same.
//   - Get finds a manifest that was overwritten or hidden by a delete marker among
//     the older versions, as long as they are there: object lock keeps them. What
//     is tampered with and has no good version left is returned as it is, for
//     who asked to refuse it.
//   - No error holds anything of a body.
//
// In a bucket with versions Delete hides a manifest and frees nothing: a
// lifecycle rule for versions that are not current does, once their lock ends.
//
// A Store may be used by many goroutines. The zero Options work.
package s3store

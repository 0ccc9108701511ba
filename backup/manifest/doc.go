// Package manifest keeps manifests: what a restore needs of a recovery point
// beyond its blocks. It has a store in a directory, and the sweep that removes
// what no point names any more. The types are in package backup, a store in S3
// is in package s3store, below this one.
//
//	store, err := manifest.OpenDir("/var/lib/snapkeep/manifests")
//	…
//	engine, err := backup.New(sessions, drivers, backup.Options{Vault: vault, Manifests: store})
//	…
//	m, err := engine.Manifest(ctx, point) // verified by the digest in the point's tags
//
// # Guarantees
//
//   - What Put has stored is durable when it returns, and whole: a crash leaves
//     either all of a manifest or none of it, and a file that Put begins anew.
//   - Nothing that is stored is replaced. Put of what is there changes nothing.
//   - No reference, however it is made up, reaches a file outside the directory.
//   - A sweep removes nothing that a point names, nothing younger than its
//     minimum age, and nothing at all if the catalog could not be read as a whole.
//
// What is stored may hold secrets, if the engine was told to capture user data:
// files are readable by their owner alone. The stores may be used by many
// goroutines and processes at once.
package manifest

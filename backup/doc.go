// Package backup protects resources: it plans, snapshots, copies, verifies and prunes.
package backup

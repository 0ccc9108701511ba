// Package snapkeep protects AWS accounts from another account.
//
// A vault account assumes a role in each protected account, snapshots what a
// plan selects, brings the copies home under its own key, prunes them by a
// policy that explains itself, and restores them into any account.
//
// The work is done by the packages below this one.
package snapkeep

// Package snapkeep protects AWS accounts from another account.
//
// A vault account assumes a role in each protected account, snapshots the EC2
// instances and EBS volumes that a plan selects, brings the copies home under
// its own KMS key, prunes them by a policy that explains itself, and restores
// them into any account, even when the protected one is lost or hostile.
//
// This package holds no code; the example shows the whole life of a recovery
// point. The work is done below:
//
//   - [github.com/snapkeep/snapkeep/accounts]: role chains into accounts, and
//     one role for each purpose
//   - [github.com/snapkeep/snapkeep/iampolicy]: IAM documents as values, and
//     the roles and key policies that snapkeep needs
//   - [github.com/snapkeep/snapkeep/retention]: which recovery points to keep,
//     and why
//   - [github.com/snapkeep/snapkeep/backup]: plan, run, catalog, prune
//   - [github.com/snapkeep/snapkeep/backup/ebs]: the driver for EC2 instances
//     and EBS volumes
//   - [github.com/snapkeep/snapkeep/backup/restore]: recovery points back into
//     volumes and instances
//   - [github.com/snapkeep/snapkeep/backup/backuptest]: a simulated AWS for
//     the tests of programs that use these
//
// # Guarantees
//
//   - A compromise of a protected account never reaches a copy in the vault.
//   - The roles that back up cannot delete. Those that prune delete only what
//     carries its tag, and their sessions are held down further for each prune.
//   - A run is a plan and a moment. The same run may be taken up again by any
//     process after a crash anywhere: nothing is lost, doubled or left shared.
//   - The last good copy of a resource is never pruned.
//   - There is no database. All state is in tags on the snapshots themselves,
//     and in protected accounts the tags are not believed.
//
// # Not here
//
// Nothing loads configuration or reads the environment: the host program
// passes an aws.Config. Nothing logs: the host hooks on to events. Nothing
// runs by itself: the host says when.
package snapkeep

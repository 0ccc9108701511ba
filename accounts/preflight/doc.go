// Package preflight looks whether accounts are set up right before they are
// trusted with backups: is what must be possible possible, and is what must be
// impossible impossible.
//
//	report, err := preflight.Check(ctx, sessions, installation, preflight.Options{
//		Auditor: func(ctx context.Context, id accounts.ID, region string) (aws.Config, error) {
//			return …, nil // who may read IAM and KMS in that account
//		},
//	})
//	fmt.Print(report) // a table; json.Marshal(report) for machines
//	if !report.OK() { … report.Problems() … }
//
// What each role needs is taken from the documents that
// [iampolicy.Installation] generates for it; there is no second list.
//
// # What is looked at
//
// Once:
//
//   - installation: it is valid, and its documents fit into what AWS stores;
//   - base-credentials: the host has some, and AWS knows them.
//
// Of each account:
//
//   - account-state: AWS Organizations says that it is active;
//   - region: it can use its own Regions and those that it copies from.
//
// Of each role of the installation:
//
//   - declared: the sessions have a chain to it;
//   - assume: the chain leads there. If not, the role, its trust policy and the
//     caller are read to say why: role-exists (missing, renamed, at another
//     path), caller (not the orchestrator, or not allowed to), trust (does not
//     name the caller, or a principal that was deleted and made anew),
//     external-id, session-duration, organization, region;
//   - identity: the credentials belong to the account and the role named;
//   - external-id: the role cannot be assumed without its external id, nor with
//     a wrong one, which is what stands against the confused deputy;
//   - trust: its trust policy lets no stranger and no third account in;
//   - permission: it may do what its purpose needs; boundary and organization
//     say so if it is a permissions boundary, an SCP or an RCP that forbids it;
//   - excess: it may not delete what is not its own, unlock, share with
//     strangers, tag what exists, pass or assume roles, change itself, or use
//     keys outside EC2. What its own generated policy allows is not asked;
//   - key-state and key-policy, of each key that it copies with, on both sides:
//     the key is enabled, symmetric and the customer's own, and its policy
//     allows the calls that EC2 makes for a copy.
//
// Of the vault:
//
//   - vault-trust, vault-key-policy, vault-share: no role, no key and no
//     snapshot of it is open to a protected account, or to everyone. A restore
//     account that is protected too is meant to use the keys and have shares.
//
// # How it is known
//
// EC2's own answer to a dry run is the last word, where an action has one that
// can speak of something in the account. The rest is asked of IAM's policy
// simulator, and of key policies that were read and are evaluated here. The
// simulator knows no resource control policies, and service control policies
// only as far as they have no conditions.
//
// # Guarantees
//
//   - Nothing is changed. Calls read, are dry runs, or assume roles; the EC2
//     client is one that can send nothing else. Sessions opened to try an
//     external id may do nothing, and are thrown away.
//   - What could not be seen is [Unknown], never [Wrong]: a lost answer, a
//     refused reading, a condition that cannot be judged. Unknown is not fine:
//     [Report.OK] is false then.
//   - What depends on a check that failed is not looked at, so that one mistake
//     is one finding and not a page of them.
//   - Each finding that is not fine has a remedy in words.
//   - Findings hold no external ids, policies or credentials.
//
// All of it is safe for concurrent use.
//
// # What this package does not do
//
// It makes no trial snapshot or copy, and so cannot see what only a real one
// meets: quotas, VPC endpoint policies on the way of other hosts, grants that
// are lacking where a key policy leaves it to them. It does not compare a role's
// policies with the generated ones, and finds what they allow beyond them only
// as far as it is on the list above. It repairs nothing.
package preflight

// Package accounts turns one identity into sessions in many AWS accounts: it
// assumes the roles that lead there, keeps the sessions fresh through the
// night, and checks that each leads into the account it was declared for.
//
// [New] takes the host's aws.Config and the accounts, [Sessions.Config] gives
// the aws.Config of one site, an account in one Region, for one [Purpose]:
//
//	sessions, err := accounts.New(cfg, []accounts.Account{
//		{ID: "999999999999", Name: "vault"}, // cfg's own account: no chain
//		{ID: "111111111111", Name: "shop", Chain: []accounts.Role{{
//			ARN:        "arn:aws:iam::111111111111:role/snapkeep-backup",
//			ExternalID: "f81d4fae-7dec-11d0",
//		}}},
//	}, accounts.Options{})
//	...
//	site, err := sessions.Config(ctx, "111111111111", accounts.Backup, "eu-central-1")
//	client := ec2.NewFromConfig(site)
//
// # From two empty accounts to a chain
//
// The vault account (999999999999 here) runs the engine and owns the copies;
// a protected account (111111111111) is what is backed up. N2WS and others
// call them master and target, AWS Backup central and source account.
//
// 1. In the vault account, choose what the program runs as: a user, or better
// the role of its instance, task or function. That is the base identity, and
// what config.LoadDefaultConfig finds there is the base config. A chain may
// begin with a hub role, which the base identity assumes first and which alone
// the protected accounts trust; then the program can move without a word to
// them:
//
//	Chain: []accounts.Role{
//		{ARN: "arn:aws:iam::999999999999:role/snapkeep-hub"},
//		{ARN: "arn:aws:iam::111111111111:role/snapkeep-backup", ExternalID: "f81d4fae-7dec-11d0"},
//	}
//
// 2. Make up an external id for the protected account, with [NewExternalID] or
// [DeriveExternalIDs]: another one for each account, and the vault's to
// choose. It answers the confused deputy:
// whoever else learns the role's ARN and has the vault back up "their"
// account 111111111111 does so under an external id of their own, and is
// refused. It is no secret, but this package keeps it out of errors all the same.
//
// 3. In the protected account, create the role snapkeep-backup with this trust
// policy, which names the role (or user) that assumes it and demands the
// external id:
//
//	{"Version": "2012-10-17", "Statement": [{
//		"Effect": "Allow",
//		"Principal": {"AWS": "arn:aws:iam::999999999999:role/snapkeep-hub"},
//		"Action": "sts:AssumeRole",
//		"Condition": {"StringEquals": {"sts:ExternalId": "f81d4fae-7dec-11d0"}}
//	}]}
//
// If the Role has Tags, add a second statement with the action "sts:TagSession"
// and no condition on the external id, which AWS lists as a key of AssumeRole
// alone; likewise "sts:SetSourceIdentity" if it has a SourceIdentity. What the
// role may do there is another policy, one for each [Purpose].
//
// 4. In the vault account, allow the caller (hub role or base identity)
// sts:AssumeRole on arn:aws:iam::111111111111:role/snapkeep-backup: between
// accounts both sides must agree.
//
// 5. Declare the account as above and call anything with the site's config.
// What is missing comes back as an [*AssumeError] that names the hop and lists
// what to check; AWS itself says no more than AccessDenied, whether the role
// is missing, its trust policy does not name the caller or the external id
// is wrong.
//
// 6. Have it checked before the first backup: package preflight, below this
// one, says what of all this is missing or too much, and proves that the role
// cannot be assumed without its external id ([Sessions.AssumeWith]).
//
// # Where accounts come from
//
// Accounts are Go values; [Load] reads them from a file in YAML or JSON,
// [Organization] lists those of AWS Organizations by unit, tag and state, with
// the way into each made from a template. examples/onboard makes what creates
// the roles there.
//
// # Purposes
//
// Each purpose should have a role of its own, given in Account.Purposes with
// its whole chain. Backup and VaultWriter fall back to the account's Chain, so
// that a first try needs one role; what deletes, shares, restores or reads
// blocks never does: [ErrNoRole]. An empty Chain stands for the base
// credentials, which must then belong to the account.
//
// # Guarantees
//
//   - New and Config make no call and start no goroutine. Roles are assumed
//     when a request is first signed.
//   - Chains that begin alike share their sessions, whatever account, purpose
//     or Region they are for: one AssumeRole for each distinct sequence of hops
//     and session policy in each lifetime, however many goroutines ask.
//   - A session is renewed 5 to 6 min before its end ([Options] say otherwise)
//     by the first request in that time, while it and all others go on with
//     the old session; requests wait only for the first session and in its last
//     minute. A renewal that fails is tried again every 30 s, and the session
//     serves until its end.
//   - A caller whose context ends leaves at once; the call it may have
//     started goes on for the others, for at most 1 min.
//   - No credentials are handed out past their end, even if this machine's clock
//     is wrong: lifetimes are read from AWS's clock.
//   - Credentials belong to the account named, or the answer is
//     [ErrWrongAccount]. AssumeRole's answer says so for roles; for the base
//     credentials STS is asked once for each access key.
//   - Calls go to the Regional endpoint of STS in Options.Region, never to the
//     global one.
//   - Errors repeat no credentials, external ids or session policies.
//
// All of it is safe for concurrent use; use one [Sessions] for the whole
// program. Nothing is written down: a program that starts again assumes its
// roles again.
//
// # Zero values
//
// An empty field of [Role] is not sent, but for SessionName ("snapkeep") and
// Duration (1 h, the most AWS gives to a session made with another session).
// The zero [Options] take the Region of the base config.
//
// # What this package does not do
//
// It loads no configuration, reads no environment, asks for no MFA code and
// prints nothing. It does not cache the base credentials: their provider does,
// as those of config.LoadDefaultConfig do. It cannot see beforehand whether the
// base identity is itself a role session, which limits a first hop to 1 h too;
// AWS's refusal then is an [ErrSessionTooLong].
package accounts

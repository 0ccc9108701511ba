// Package backup protects EC2 instances and EBS volumes of many accounts from
// one vault account: it snapshots what a plan selects, brings copies home under
// the vault's own key, and keeps the catalog of what there is.
//
// For most programs two calls are enough: [New] makes an engine, [Engine.Run]
// runs a plan.
//
//	sessions, err := accounts.New(cfg, accts, accounts.Options{})
//	…
//	engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{
//		Vault:   "999999999999",
//		OnEvent: backup.LogTo(slog.Default()),
//	})
//	…
//	report, err := engine.Run(ctx, plan, time.Now())
//	fmt.Print(report)
//
// A run is a plan and a moment. Its work is cut into jobs, one for each
// resource, which [Engine.Jobs] lists before anything is changed and
// [Engine.Forecast] reckons up. Run advances them until they are done; a host
// that has a queue, a scheduler or a workflow engine of its own calls
// [Engine.Advance] instead, and stores the [Job] between two calls: each makes
// one call to AWS at most, and never waits for it.
//
// A job goes from Planned over Snapshotted, Rekeyed, Shared, Copied, Verified
// and Revoked to Done. Its snapshots are taken in the protected account, all
// volumes of an instance at one moment; what the AWS-managed key encrypts is
// copied there under another key, for it cannot be shared; the vault copies
// what is shared with it, under its own key; a completed copy is compared with
// what was asked for; then the share is revoked and what was only needed on
// the way is deleted.
//
// # Consistency
//
// The snapshots of an instance are crash-consistent: all of one moment, as
// CreateSnapshots makes them. A [Quiesce] in the plan makes them
// application-consistent, by scripts that run on the instance before and after,
// or by Windows' VSS. While an instance is at rest, nothing else comes first:
// what ends that is sent as soon as the call that makes the snapshots has
// returned, or has failed, or its answer was lost; and by whoever takes a run
// up that was cut off, before anything else. Each point says what it is, see
// [Consistency]: in its tags, in the job, in the report and in the catalog. What
// guards an instance when no engine comes back is the script that brought it to
// rest, which must end that by itself.
//
// # The catalog
//
// There is no database. The tags on the snapshots say what they are, and
// [Engine.Points] reads them. What carries no tags of the vault is not
// touched.
//
// # What is not protected
//
// A [Selector] says what a plan protects, and what it leaves out; a [Match] has
// "and", "or" and "not". [Engine.Coverage] tells of everything there is at the
// sites of some plans which of them protect it, what none does, and how old the
// newest recovery point of each resource is.
//
// # What is guaranteed
//
//   - The same plan and the same moment make one recovery point of a resource,
//     however often a run is cut off and taken up again, by whatever process.
//     EC2's calls that make snapshots have no client token; a key in the tags
//     stands in for it, and is looked up before a call is made again.
//   - After a run that came to its end nothing is left shared and no
//     intermediate is left, or the job says so: it is Unrevoked, or Failed.
//   - What a plan wants locked is locked: originals once they are completed and
//     before they are shared, copies once they are verified; or the job says so:
//     it is Unlocked. No lock is ever made shorter or weaker.
//   - A copy counts once it is completed and verified: size, key, identity.
//     That is looked at anew whenever it matters.
//   - One resource, one destination, one site that fails does not stop the others.
//   - Tags in a protected account are not believed. An original is adopted by
//     what AWS itself says of it: owner, volume, size and time. Somebody who
//     forges tags can make one resource's job fail, and can offer another
//     snapshot of the right volume at the right time of a run; nobody there can
//     change, or make the engine change, a point that is in the vault. A run
//     that he makes up is not copied, so it cannot take the place of a good
//     point either: what an older run left is copied only if a copy in the
//     vault proves that run, or this engine began it, and only for resources
//     that the plan selects or points that the vault has begun.
//   - Roles are kept apart: in a protected account the backup role makes and
//     shares, the pruner deletes; in the vault the writer copies, the pruner
//     deletes. A deletion during a run is held down, by a session policy, to
//     what that run made.
//   - AWS's limits are kept before AWS has to insist: request rates, copy
//     slots, pending snapshots, the time between two snapshots of a volume.
//     Several processes keep them together through [Options.Limiter].
//   - Copy slots go to accounts in turn, and there to what is expected to take
//     longest. What was begun is finished first, so a run that is cut short
//     leaves whole recovery points; and a copy that would outlast all others on
//     all slots is begun at once.
//   - Each site is listed once for all jobs, and only when enough is expected to
//     have ended there: see [Options.MaxPoll]. Who has events of AWS gives them to
//     the engine by a [Feed]. What has long ended is not listed again: a site is
//     listed as a whole at the beginning of a run, when an absence has to be
//     proved, when something is missing, and once an hour; in between only what
//     is pending, the rest of its points, and what is new. So what a run reads
//     while it waits does not grow with what lies at its sites.
//
// # Immutability and cost
//
// [Copy.Lock] keeps copies from being deleted until a day, [Copy.Archive] has
// [Engine.PlanArchive] and [Engine.Archive] move old ones to where they cost less.
// A prune waits for either, see [Engine.PlanPrune]. If the accounts have rules of
// the Recycle Bin, what a prune deletes is kept there for a while, and is paid
// for: [PruneResult.Recoverable] says until when. Bring it back with EC2's
// RestoreSnapshotFromRecycleBin, every snapshot of the point: its tags come with
// it, so Points shows the point again, Pending until the last one is recovered.
//
// # Images
//
// An instance that AWS bills apart (Windows, Red Hat, SUSE, SQL Server, the
// Marketplace) starts only from an image that carries its codes. With
// [Copy.Image] each point gets one, registered of its copies in the vault once
// they are verified. Nobody can say in the call what an image is billed as: EC2
// derives it from metadata of the snapshots, which need not be there, and asks
// to check and discard (EC2 API Reference, RegisterImage). So each image is
// compared with the instance, platform, usage operation and product codes, and
// one that differs is deregistered: the job ends Unimaged, with [ErrImage], and
// the point is as good as one without an image. Whether copies in another
// account keep that metadata, only AWS can prove: run the plan once, and see.
//
// CreateImage in the protected account is no way round: EC2 does not copy an
// image with billing codes into another account (EC2 User Guide, "Copy an
// Amazon EC2 AMI"), so it would die with the account.
//
// Names of images are unique, and stand in for the client token that
// RegisterImage lacks. A point's own image goes with it when it is pruned,
// whatever the plan says by then; any other image of its snapshots holds it.
// An image that a crash kept from being made is made when the same run is taken
// up again, or by a later one, see below; one that was wrong, and that a crash
// kept from being deregistered, is deregistered so.
//
// # What a crash leaves
//
// Snapshots, shares and copies as they were made so far, all tagged. Run with
// the same moment takes them up. Run with another moment first finishes the
// most recent unfinished run of each resource, once nothing was made for it in
// [Options.Rest]. Until then a copy may go on completing, an original may be
// shared with the vault account, and an intermediate costs money; nothing else
// is left. What copies that are all there lack of locks and of images, one of the
// next two runs makes up for. Copies that are still missing when a later run has
// made its own are not made any more, since they may have been pruned: if the run
// that should have finished them is cut as well, the point stays Partial there,
// and is pruned as one.
//
// Every call that changes something, on every way a plan can take, is known to
// fail well: the tests have it fail before its effect and after, and have the
// engine go on, another process take the run up, or a later run come.
//
// There is a price for not believing tags: a run that died before its first
// copy was begun, of whatever resource, leaves nothing in the vault to prove
// it. A later run then takes back what is shared, removes intermediates, tells
// [ErrUnproven] as an event and leaves the originals to retention in their own
// account. To have them copied, run the plan with the moment that failed: after
// a crash always do so first. Or give the engine a [Journal], which proves the
// runs that it notes: then the later run copies what such a run left.
//
// A process that takes over waits [Options.Settle] before it makes anything,
// since what its predecessor made last may not be listed yet.
//
// # What is made twice
//
// A call may have its effect so late that the listings after it, which seemed
// to prove that it had none, were believed; and two processes that begin the
// same run at the same moment cannot see each other. Then there are two
// snapshots for one key. The first set of originals counts for both, as soon as
// it is listed; what another process copies first is taken for one's own; and
// all copies of a point at a destination are of one moment, or the point is not
// complete. What is spare is [Point.Extra] in the catalog: it is never copied
// from then on, never shared, never counted, and deleted with its point, before
// the point's own snapshots; a spare intermediate goes in the next run, and so
// does a share that one of two processes had made when it was killed.
//
// # Clocks
//
// Nothing of this depends on the machines' clocks, as long as each is within
// five minutes of AWS's, which may be ahead of the one that a run was begun on
// and behind the one that takes it up. On a machine whose clock is further off,
// as the dates of AWS's answers tell, nothing is made, pruned or archived: that
// is [ErrClock], until the clock is set right. Only who hands a [Job] whose last
// call failed to another machine should wait for [Options.Settle] and for as
// long as the clocks may differ, or there may be a spare.
//
// # Manifests
//
// With [Options.Manifests] the engine captures, with each recovery point, what a
// restore needs beyond blocks: tags, network, metadata options, what becomes of
// the volumes, and by choice user data. The [Manifest] is stored by the digest
// of its text, before the originals are made, since tags are set on creation
// only: they name the digest, and so do those of the copies. [Engine.Manifest]
// reads it back and verifies it. The same resource has the same manifest, so a
// run that was cut off stores the same again, or one more if the resource has
// changed; originals that are found keep the one their tags name. A copy names a
// manifest only if its job stored it, or if the store has it for the very point
// and it verifies: tags in a protected account choose nothing else. If none can
// be captured within about half a minute, the point is made without, and the
// report and an event say so. Package manifest has a store in a directory, and
// the sweep that removes manifests of points that were pruned.
//
// # A journal
//
// Run needs no memory but the tags. [Options.Journal] is an optional one: it
// notes, before a run's first call, that the run is begun. Package journal keeps
// it in a directory. If it fails, that is told as an event and the run goes on.
// One that has lost notes does no harm, as above.
//
// A host that has a store of its own, and wants each step in it, calls Advance
// itself and keeps the [Job] it returns. One that is stale or lost does no harm;
// it is believed otherwise, so whoever can write to it can do what the engine
// can.
//
// # Zero values, concurrency
//
// The zero [Options] are fit for use but for Vault; each field says what its
// zero means. An [Engine] may be used by many goroutines. A [Job] may be
// advanced by any process, by one at a time. Runs of one engine may overlap.
// Two processes should not work on one run at the same time: see "What is made
// twice". Two processes' runs of different moments may overlap: a run leaves
// alone what another process has made anything for in [Options.Rest], or has
// copies under way for. To be on the safe side, let another process begin the
// next run only when the last has returned, or its process is gone. All times
// are UTC.
//
// # What it costs
//
// What a run holds is its jobs and what its sites list. In the middle of a run a
// job of one volume takes about 5 KB, one of four volumes 14 KB, the listings of
// what they make among it; each snapshot of earlier runs takes about 1 KB for as
// long as its site is listed, which is what pruning bounds. The report keeps the
// jobs: about 2 KB for one of one volume, 4 KB for one of four. A hundred
// thousand jobs in one process were measured: 5.4 KB each in mid-run, half a
// gigabyte in all, as much a job as ten thousand take. A host that wants less
// takes jobs from Jobs as they come, stores each, and calls Advance.
//
// A site is listed as a whole once in a run and once an hour; each of the
// listings between reads what is pending and what is new. A day's run with one
// engine costs as much after a month as on the first day, but for that one
// listing. Benchmarks BenchmarkJobs, BenchmarkDays and, on a simulated AWS,
// those of package enginebench measure all this.
//
// # What it does not do
//
// It holds no instance at rest by itself: the scripts that do are the host's. It
// schedules nothing: when a run is due is the host's to say. It tags nothing that
// exists, keeps no state on disk, reads no environment and starts no goroutine
// that outlives a call.
package backup

// Package enginebench has no code: its benchmarks measure the engine of package
// backup, from outside, in a simulated AWS and in virtual time.
//
//	go test -run '^$' -bench Engine ./backup/enginebench
//	go test -run '^$' -bench 'Engine$/volumes=1000$/accounts=5/slots=20' ./backup/enginebench -engine.seeds 20
//
// # The world
//
// Protected accounts in one Region, with instances of four volumes each, and a
// vault into whose Region all is copied: one destination, as a rule the
// narrowest place of all. Every call goes through the SDK's own clients, is
// signed, takes 60 ms, and is held against the limits that AWS publishes:
// request buckets for each account, Region and API, 20 copies under way into a
// Region, 100 pending snapshots in an account. Where the name of a cell says
// slots=any there is no limit on copies and pending snapshots, only on requests.
//
// How long the snapshot of a volume and its copy take is drawn before the run,
// lognormal with a sigma of 0.8 around 5 and 10 min, and is the same for
// whoever works in the world of one seed. The copy takes the longer the larger
// the volume is, in proportion: a full copy of a full volume. In the cells named
// Blind all volumes are of one size, so that nobody can tell.
//
// # What is reported
//
//   - calls/volume: all calls of the run, those of STS and those that were refused
//     among them, for each volume that was protected. Median of all worlds.
//   - makespan/floor: how long the run took in virtual time, over the least that
//     what it made can take. Median; worst/floor is the largest. The floor is the
//     largest of: the first snapshot, then all copies on all slots without a gap;
//     the longest chain of one volume's snapshot and its copy; the request buckets
//     of each account and of the vault. It is a bound, which nobody reaches who
//     copies what is of one instance only when all its snapshots are completed,
//     finds out by listing what has ended, and cannot cut the last copies in pieces.
//   - whole/makespan: after what part of the run all of a machine was copied, in the
//     mean of the machines: what a run that is cut short leaves. Median.
//   - throttled: calls beyond a request bucket. refused: calls beyond a quota.
//     failed: volumes without a completed copy in the vault. left: originals still
//     shared, and what was made twice. Means of all worlds.
//   - cpu-µs/point: of this process, for each volume protected: the engine, the
//     SDK, the simulated AWS and the building of the world. Most of it is the SDK
//     reading listings.
//   - B/job: what the engine and its report hold when half of the volumes are
//     copied, for each job.
//
// What was protected is asked of the simulated AWS, not of the program under
// test.
//
// # The others
//
// BenchmarkEnginePeers runs what other programs do in the same worlds, written
// anew from how their sources work; each is in a file of its own, which says what
// it does and what was added to it to be comparable: sharing for Kanister,
// copying for TiDB BR. Cloud Custodian's copy action begins with all originals
// made and shared for it, at no cost, and cannot revoke. None of them is wrong at
// what its program is for; none was made for this.
//
// A test runs every algorithm where nothing is scarce, and all succeed there.
//
// # Cost
//
// A default run takes some minutes: small worlds from 20 seeds, large ones from
// few, and the largest only if -bench names cells by "volumes=". Flag
// -engine.seeds sets the number of worlds. What a world costs is volumes times
// cpu-µs/point: three to eight minutes for 10,000. With -engine.keep FILE each
// world that was run is kept, as a line of JSON, and not run again: hours can be
// spent a few minutes at a time. Whoever changes the engine takes another file.
// What came out is in README.md.
//
// No simulation shows how AWS behaves beyond what it documents.
package enginebench

// Package retention decides which recovery points to keep, and says why.
//
// [Evaluate] takes the recovery points of one resource in one place and a
// [Policy], and returns a [Decision] for each point: retain it, prune it, or
// leave it alone. [Evaluator] does the same for one resource after another in
// memory that it keeps.
//
//	policy, err := retention.ParsePolicy("daily=7 weekly=5 monthly=12 min-age=24h")
//	...
//	result, err := retention.Evaluate(time.Now(), points, policy)
//	...
//	for _, d := range result.Decisions {
//		if d.Action == retention.Prune {
//			fmt.Println(result.Explain(d.Index))
//		}
//	}
//
// The package is pure. It reads no clock, calls no service and deletes
// nothing; its result is a plan, which whoever deletes should compare with a
// second one made from a fresh look at the points.
//
// # Rules
//
// Foreign points, points on their way out, points still being made and points
// dated in the future are deferred, and are as good as absent in all that
// follows. So are failed and partial points: once older than MinAge they are
// pruned if a newer point is complete, and deferred until then. No rule keeps
// them, Tags included; to keep one, put a [Hold] on it.
//
// Complete points are looked at newest first, equal times by lower ID. Each
// rule counts for itself, as in restic: what daily keeps uses up weekly's
// count too. The newest point of a calendar period represents it, and periods
// without a point do not count. Spans go back from the newest complete point
// rather than from now, so that a resource that is no longer backed up keeps
// what it has; their far edge is not included. The newest complete point
// always stays, and so do as many of them as MinCount says.
//
// A hold keeps no point alive in the eyes of the rules. It turns Prune into
// Blocked.
//
// # Guarantees
//
// For all points and every policy, as tested on random ones:
//
//   - Every point is decided on once. The order of the points does not matter,
//     and they are not changed.
//   - The newest complete point is never pruned, nor are MinCount of them.
//   - Pruning twice prunes nothing more, and pruning may stop anywhere: with
//     any part of what is to be pruned gone, all other decisions stay.
//   - Rules are independent. What two sets of rules keep together is what each
//     of them keeps, for the reasons it has alone; adding a rule, or raising a
//     count, a span, MinCount or MinAge, never prunes what was kept.
//   - Pruning often or seldom comes to the same, and what was pruned would
//     not be wanted later. Spans in months and years are the exception: a
//     month before the 30th and a month before the 31st of March are the same
//     day, and so the edge may step back by less than a day where it is
//     clamped, and by as much as a clock is changed. Then points in between
//     have gone that would be kept.
//   - Holds, foreign points, incomplete points and points in the future change
//     no other decision, and neither does anything in another group.
//
// # Zero values
//
// A zero Policy is an error to apply and prunes nothing. In a Policy, zero
// means: no such rule; MinCount 1; no MinAge; Location UTC; MaxSkew 5 minutes.
// A zero State is Complete, a zero Action is Retain, and a Hold whose Until is
// zero lasts. The zero Evaluator is ready for use.
//
// Everything but an Evaluator, and the Results it made, is safe for concurrent
// use as long as nobody changes it.
//
// # Non-goals
//
// A count is not a duration: see [Policy.Reach] for how far back a policy
// really goes. What must be kept for years by law is best said by a span or by
// MinAge, and enforced by a lock where the points are.
package retention

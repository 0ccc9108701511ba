// Package rolesim has no code: its tests put the generated roles, guards and
// policies of package iampolicy to the simulated AWS by direct calls, also for
// what the engine does not do itself. What a document is for succeeds, what it
// is not for is refused, and without any part of it one or the other ends.
package rolesim

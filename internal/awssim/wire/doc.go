// Package wire reads requests into the SDK's own input types and writes the
// SDK's own output types as answers, in the protocols that AWS speaks.
//
// The compiled SDK holds no wire names for the query protocols, and Go names
// do not give them away (Snapshots is snapshotSet, State of a snapshot is
// status). They stand in tables made from the source of the pinned modules,
// for the operations of operations.txt only. JSON members are named like the
// Go fields. Of services with restJson1 the SDK exports schemas, which say
// where each member travels.
//
// Reading is strict: members that the types do not have are reported, since
// on AWS they would be errors, or worse, silently without effect.
package wire

//go:generate go run ./gen

// Package ebs backs up EC2 instances and EBS volumes. It is a driver for the
// engine in package backup; most programs need one call:
//
//	engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{})
//
// An instance is protected with all its EBS volumes, snapshotted at one moment
// by one call. A volume is a resource of its own only while it is attached to
// nothing. A selector that chooses a volume of an instance, and not the
// instance, protects the instance narrowed to such volumes: what was asked
// for is never left out in silence. Instance-store volumes cannot be
// snapshotted: they are named with the resource, and an instance without any
// EBS volume is told as an error.
//
// # Guarantees
//
//   - A step is one call. A call that makes something is sent once: EC2's
//     CreateSnapshot, CreateSnapshots and CopySnapshot have no client token.
//     When the answer to one is lost, the error wraps backup.ErrUnknownOutcome.
//   - What a selector chooses is decided by backup.Selector alone, on what AWS
//     lists. AWS is asked for as little as its filters can say; what they cannot
//     say, such as a size or "not", makes a listing of everything.
//   - A listing is a filtered, paged call of the site's own snapshots; nothing
//     is ever asked for by id, one by one.
//   - A copy always names a key. Whether a volume is under the key of AWS,
//     whose snapshots cannot be shared, and whether a key can be used at all, is
//     asked of KMS once for each key and run. What comes of every combination of
//     keys, accounts and Regions is in ENCRYPTION.md beside this file.
//   - What keeps EC2 from deleting a snapshot, images and locks, is listed
//     before a prune is planned, and so is what the archive charges for anyway.
//     What a role may not list is told, kind by kind.
//   - Errors say which call of what failed, with AWS's code and message.
//     Tags and what was sent are not in them.
//
// A Driver and its clients are safe for concurrent use and hold nothing that
// a crash could lose. The zero Options work.
//
// Scripts that bring instances to rest are run by Options.Scripts, of package
// runcommand, for plans that want it. Images of copies are registered where a
// plan asks for them; what such an image is billed as, EC2 derives from the
// snapshots (EC2 API Reference, RegisterImage), and the engine looks.
//
// The driver does not snapshot what Outposts and Local Zones keep to themselves.
package ebs

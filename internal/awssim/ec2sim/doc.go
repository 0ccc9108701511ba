// Package ec2sim is the EC2 of the simulated AWS, as far as backups need it:
// snapshots with their sharing and copying across accounts and Regions,
// volumes, instances, images, tags, and the block contents behind them.
//
// Operations are methods on the SDK's own input and output types. Nothing
// runs in the background: what changes with time (a pending snapshot, a
// volume being created, an instance starting) is worked out from timestamps
// when somebody looks, so a test may let months pass.
//
// What each operation demands of its caller stands in needs.go and
// needs_kms.go, with AWS's own documentation as the source. As in AWS, keys
// are judged after CopySnapshot and CreateVolume have answered: a copy whose
// caller lacks a permission ends in the state error, a volume vanishes.
//
// Contents are blocks of 512 KiB, as in the EBS direct APIs. Blocks never
// change once written and are shared by every snapshot and volume that holds
// them, so a volume of 16 TiB costs what was written to it. FillVolume and
// Churn write millions of blocks at the cost of one, as layers whose blocks
// are worked out from a seed when somebody looks.
//
// [Service.WriteVolume] and the other methods of world.go build a world and
// look at it from outside the API.
//
// Snapshots can be locked, archived and kept in the Recycle Bin; what a client
// may not depend on, since no public source tells, can be changed, such as the
// error code for a locked snapshot and what copies know of billing: see
// [Service.SetLockedCode] and [Service.SetBillingLost].
//
// Not simulated: Outposts and Local Zones, launching by templates, spot, IPv6,
// volumes attached to several instances, and the Recycle Bin's own API: see
// [Service.SetRecycleBin].
package ec2sim

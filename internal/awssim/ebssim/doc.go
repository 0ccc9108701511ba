// Package ebssim is the EBS direct APIs of the simulated AWS: reading the
// blocks of snapshots, listing what differs between two, and making snapshots
// by putting blocks.
//
// Snapshots and their contents are those of EC2: what is put here can be
// copied, shared and restored there, and what EC2 made can be read here.
//
// What no public source tells is chosen so that a client has to cope with the
// harder case, and stands in [Rules], so that a test can have it the other way.
//
// Nothing is told late here, whatever the cloud's consistency: no public source
// says that these APIs lag behind EC2.
//
// Not simulated: local snapshots on Outposts, and two calls that write one
// block at the same time.
package ebssim

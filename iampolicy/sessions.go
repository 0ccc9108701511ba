package iampolicy

import "time"

// PruneSession returns the session policy for one prune: it narrows a pruner's
// session to snapshots of this vault that were started before a moment, since
// IAM cannot reckon with dates and the pruner's own policy has no age in it.
// Images of the vault it may deregister, where its role may. An empty partition means "aws"; the zero time allows nothing.
//
// The time of a copy is when it was copied, not when its original was taken.
func PruneSession(partition, vault string, before time.Time) *Document {
	doc, _ := write(pruneSession, particulars{partition: partitionOr(partition), vault: vault, before: before})
	return doc
}

// ArchiveSession returns the session policy for moving old copies to the
// archive: it narrows a vault pruner's session to that, and to snapshots of this
// vault that were started before a moment. An empty partition means "aws"; the
// zero time allows nothing.
func ArchiveSession(partition, vault string, before time.Time) *Document {
	doc, _ := write(archiveSession, particulars{partition: partitionOr(partition), vault: vault, before: before})
	return doc
}

// CleanupSession returns the session policy for removing what one run left
// behind, failed copies and intermediates: it narrows a pruner's session to
// snapshots and images of this vault and this run, whatever their age. An empty partition
// means "aws".
func CleanupSession(partition, vault, run string) *Document {
	doc, _ := write(cleanupSession, particulars{partition: partitionOr(partition), vault: vault, run: run})
	return doc
}

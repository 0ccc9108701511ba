// Package story is the life of a backup on the simulated AWS: a vault account
// protects two others for three weeks, one of them is lost to an intruder, and
// what it had is restored into a clean account and compared byte for byte.
//
// It uses snapkeep as any host program would; what is simulated is only the
// cloud. Run tells the story, Controls shows that each guard against the
// intruder is the one that holds.
package story

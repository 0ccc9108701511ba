// Package restore makes recovery points back into volumes, and into running
// instances, in an account and Region of the caller's choice. It needs the
// copies in the vault and nothing of the account that was protected.
//
// Most programs need two calls: Restorer.Plan says what will be done, as data
// that prints itself, and changes nothing; Restorer.Run does it.
//
//	restorer, err := restore.New(sessions, restore.Options{})
//	plan, err := restorer.Plan(ctx, restore.Request{
//		ID: "drill-2026-05", Point: point, Account: "555555555555", Region: "eu-central-1",
//		Zone: "eu-central-1a", KMSKey: key, As: restore.Volumes,
//	})
//	fmt.Print(plan)
//	report, err := restorer.Run(ctx, plan)
//
// A Run shares the copies with the account, copies them there under the
// account's own key, takes the share back, makes volumes of the second copies,
// or an image and an instance of that, and removes the image and the second
// copies. If the account owns the copies itself, nothing is shared.
//
// # Guarantees
//
//   - Whatever a crash leaves, the next Run of the same plan repairs: no volume
//     and no instance is made twice, nothing stays shared, nothing temporary stays.
//   - A Run that fails, or whose context ends, takes every share back, or names
//     in its report those that it could not. It keeps finished copies for the
//     next Run; Clean removes them.
//   - What is restored is under the key of the request. Neither the vault's key
//     nor its copies are needed once a Run has succeeded.
//   - A restore deletes only snapshots and images that carry its own ID and
//     key. It never deletes a volume or an instance.
//   - While it waits it makes one listing every Options.Poll, however many
//     volumes there are, for as long as the context lasts.
//   - A Restorer keeps nothing: all it knows is in the tags of what it makes,
//     iampolicy.TagRestore first, which every call sets that makes something.
//
// The tags in the account restored into are believed: who can forge them there
// could as well change what was restored. Two restores of one point into one
// account at the same time are possible, and disturb each other by taking back
// the share that the other needs; the other shares again.
//
// # Not restored
//
// The snapshots do not say how the resource was tagged, in which subnet it
// stood, which groups and role it had: say so in the request, or have [Carry]
// fill it in from the point's manifest, where there is one. Carry names all that
// it leaves out, such as what belongs to another account and has no entry in a
// [Mapping]. An image that AWS charges for
// (Windows, Red Hat, SUSE) cannot be registered from snapshots with its licence
// (EC2 User Guide, "Create an AMI from a snapshot"): restore such an instance
// as volumes and attach them to an instance of such an image. Volumes load
// their blocks when they are first read.
package restore

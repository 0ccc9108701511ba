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
// [Mapping].
// Volumes load their blocks when they are first read.
//
// # Windows, Red Hat, SUSE, the Marketplace
//
// What AWS bills apart starts only from an image with the same codes, and what
// an image registered of snapshots is billed as, EC2 derives from metadata that
// the snapshots need not have (EC2 API Reference, RegisterImage). Such an
// instance is restored only if its point has an image ([backup.Copy.Image]),
// which shows that its copies have them. In the image's own account and Region
// the instance is started from it, its volumes under the request's key; nothing
// is copied, and the image stays. (The generated roles start nothing in the
// vault; this is for copies that a plan keeps in an account of their own, with
// roles of the host's making.) Elsewhere an image is registered of the
// copies there, as always, and compared with the instance before it is started;
// if AWS has lost the codes on the way, the restore ends with
// [backup.ErrImage], and the point can still be restored as volumes, to be
// attached to an instance of such an image. That AWS keeps them is for AWS to
// prove: the simulated one can be told either way.
package restore

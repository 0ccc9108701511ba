// Package journal keeps, in a directory, which runs were begun: see
// backup.Journal for what that is good for.
//
//	j, err := journal.OpenDir("/var/lib/snapkeep/journal")
//	…
//	engine, err := backup.New(sessions, drivers, backup.Options{Vault: vault, Journal: j})
//
// A run is an empty file, named after the plan and the moment. One directory
// serves one vault; it may be shared by processes, over a network file system
// too. Files of runs older than ten times Options.Window are of no more use and
// may be deleted; any other may be as well, at the price of what it proves.
package journal

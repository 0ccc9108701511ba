package journal_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/journal"
)

// What one process has noted proves to the next that a run was begun.
func Example() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	j, err := journal.OpenDir(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer j.Close()

	opts := backup.Options{Vault: "999999999999", Journal: j} // for backup.New
	ctx, at := context.Background(), time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)
	if err := opts.Journal.Begin(ctx, "nightly", at); err != nil { // the engine does, before a run's first call
		fmt.Println(err)
		return
	}
	runs, err := opts.Journal.Begun(ctx, "nightly", at.AddDate(0, 0, -10))
	fmt.Println(runs, err)
	// Output: [2026-05-01 02:00:00 +0000 UTC] <nil>
}

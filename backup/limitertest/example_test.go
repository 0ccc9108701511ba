package limitertest_test

import (
	"context"
	"fmt"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/limitertest"
)

// In virtual time the waiting takes none.
func ExampleCheck() {
	backuptest.Simulate(func() {
		fmt.Println(limitertest.Check(context.Background(), backup.NewLimiter()))
	})
	// Output: <nil>
}

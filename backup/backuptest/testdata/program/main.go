// Command program is a program, not a test, that simulates.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

func main() {
	fmt.Println(backuptest.Simulate(func() {
		time.Sleep(500 * time.Hour)
		if len(os.Args) > 1 {
			panic("asked to")
		}
	}))
}

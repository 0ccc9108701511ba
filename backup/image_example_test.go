package backup_test

import (
	"fmt"

	"github.com/snapkeep/snapkeep/backup"
)

// What an image is billed as must be what the instance is billed as.
func ExampleMachine_Mismatch() {
	m := backup.Machine{PlatformDetails: "Windows", UsageOperation: "RunInstances:0002"}
	fmt.Println(m.Licensed())
	fmt.Println(m.Mismatch(backup.Image{PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances"}))
	// Output:
	// true
	// its platform is "Linux/UNIX", want "Windows"
}

package backup_test

import (
	"errors"
	"fmt"

	"github.com/snapkeep/snapkeep/backup"
)

// What is wrong with a key is told as an event, before anything is made.
func ExampleKeyError() {
	hear := func(ev backup.Event) {
		var key *backup.KeyError
		if errors.As(ev.Err, &key) {
			fmt.Println(key.Part, "of", key.Account, key.Reason)
			fmt.Println("to do:", key.Remedy)
		}
	}
	hear(backup.Event{Err: &backup.KeyError{
		Key: "arn:aws:kms:eu-west-1:999999999999:key/1234abcd", Account: "999999999999", Part: backup.DestinationKey,
		Reason: "is disabled", Remedy: "enable it (kms:EnableKey), or name another as the kmsKey of the plan's copies",
	}})
	fmt.Println(backup.Key{State: "Enabled"}.Usable(), backup.Key{State: backup.KeyMissing}.Usable())
	// Output:
	// destination key of 999999999999 is disabled
	// to do: enable it (kms:EnableKey), or name another as the kmsKey of the plan's copies
	// true false
}

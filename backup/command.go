package backup

import (
	"context"
	"fmt"
	"time"
)

// A Commander is a Client that can run scripts on resources: it takes the
// steps StepQuiesce, StepResume and StepVSS. A plan with a Quiesce needs one;
// with a client that is none its instances fail, or fall back.
//
// SendCommand has no client token. So each command carries a comment that says
// what it is for, and is looked up by it before it is sent again.
type Commander interface {
	// Commands lists what was sent to a resource and carries a comment that
	// begins with CommandComment, in any order, whoever sent it. A command that
	// was sent a moment ago may be missing. Outputs and parameters are not in
	// what it returns, nor in its error.
	Commands(ctx context.Context, q CommandQuery) ([]Command, error)
}

// A CommandQuery narrows a listing of commands.
type CommandQuery struct {
	Resource Resource  // that the commands were sent to
	Since    time.Time // commands sent earlier may be left out
}

// CommandComment begins the comment of every command that the engine sends;
// what it is for follows.
const CommandComment = "snapkeep "

// A Command is a script that was sent to a resource, as AWS tells of it.
type Command struct {
	ID      string       // of the command
	Comment string       // as it was sent
	Sent    time.Time    // by AWS's clock
	State   CommandState // how it is
	// Ended is when the script ended on the resource, by AWS's clock; zero if it
	// did not, or if AWS does not tell.
	Ended time.Time
	// Undelivered says of a command that failed that nothing shows it ever began
	// on the resource.
	Undelivered bool
	// Detail says how it ended if not well, such as "Failed, exit code 1".
	Detail string
}

// A CommandState is how far a command has come.
type CommandState string

// The states of commands.
const (
	CommandPending   CommandState = ""          // sent, delivered, or running
	CommandSucceeded CommandState = "succeeded" // the script returned, and with success
	CommandFailed    CommandState = "failed"    // it ended in any other way, or was never delivered
)

// unquiet describes what went wrong with a script.
func unquiet(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrQuiesce, fmt.Sprintf(format, args...))
}

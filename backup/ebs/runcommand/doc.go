// Package runcommand runs scripts on EC2 instances by Run Command of AWS
// Systems Manager, so that what runs there is brought to rest while it is
// snapshotted. Most programs name it once, beside the driver:
//
//	driver := ebs.New(ebs.Options{Scripts: runcommand.New(runcommand.Options{})})
//
// and in the plan:
//
//	backup.Source{…, Quiesce: &backup.Quiesce{
//		Before:   &backup.Script{Document: "freeze", Parameters: map[string][]string{"command": {"pre-script"}}},
//		After:    &backup.Script{Document: "freeze", Parameters: map[string][]string{"command": {"post-script"}}},
//		Fallback: true,
//	}}
//
// The instances need the agent of Systems Manager, and the backup role the
// right to run the documents on them, see iampolicy.Protected.Documents.
//
// # Guarantees
//
//   - A command is sent once: SendCommand has no client token. When the answer
//     is lost, the error wraps backup.ErrUnknownOutcome, and the command is found
//     by its comment.
//   - One paged call tells of all commands of an instance. It asks for no
//     parameters; what scripts write comes with the exit codes, and is dropped.
//   - What is given to a script and what it writes is in no error and nowhere
//     else: of SendCommand's refusals only the code is told, since AWS's messages
//     repeat parameters.
//
// It cancels no command: CancelCommand knows no resources, so that a role that
// may call it may stop every command of an account.
package runcommand

// Onboard brings an account under protection: it prints what creates the roles
// there, then looks until they are right.
//
// With no flags it does so on a simulated AWS: it prints the CloudFormation
// template, looks in vain, creates the roles as CloudFormation would, and
// looks again.
//
//	go run ./examples/onboard
//
// With an installation, a JSON file of iampolicy.Installation such as
// testdata/installation.json, it serves real accounts. It changes nothing; the template goes to standard output:
//
//	go run ./examples/onboard -installation install.json -account 222222222222 >roles.yaml
//	go run ./examples/onboard -installation install.json -account 222222222222 -format terraform >roles.tf
//	go run ./examples/onboard -installation install.json -stackset PREFIX -regions eu-west-1 >stackset.yaml
//	go run ./examples/onboard -installation install.json -account 222222222222 -check -profile vault
//
// The last one runs until the preflight passes, or the time of -wait is over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	var (
		live   liveFlags
		format string
		newID  bool
	)
	flags := flag.NewFlagSet("onboard", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&format, "format", "cloudformation", "of what is printed: cloudformation, cloudformation-json, terraform, script or json")
	flags.BoolVar(&newID, "new-external-id", false, "print a new external id and do nothing else")
	live.register(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "onboard: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	if newID {
		fmt.Fprintln(stdout, accounts.NewExternalID())
		return 0
	}
	onboard := func() (err error) {
		backuptest.Simulate(func() { err = simulate(context.Background(), format, stdout) })
		return err
	}
	if live.given() {
		onboard = func() error {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			return live.run(ctx, format, stdout, stderr)
		}
	}
	if err := onboard(); err != nil {
		fmt.Fprintln(stderr, "onboard:", err)
		return 1
	}
	return 0
}

// render returns the template in one of the formats.
func render(t *iampolicy.Template, format string) ([]byte, error) {
	switch format {
	case "cloudformation":
		return t.CloudFormation(), nil
	case "cloudformation-json":
		return t.CloudFormationJSON(), nil
	case "terraform":
		return t.Terraform(), nil
	case "script":
		return t.Script(), nil
	case "json":
		return t.JSON()
	}
	return nil, fmt.Errorf("-format %q: want cloudformation, cloudformation-json, terraform, script or json", format)
}

// Quickstart shows the whole life of a backup.
//
// With no flags it plays it on a simulated AWS: two accounts protected from a
// third for three weeks, one of them lost to an intruder, and restored byte
// for byte into a clean one.
//
//	go run ./examples/quickstart
//
// With a profile and a role it backs up a real account. Begin with -dry-run,
// which plans and forecasts and changes nothing:
//
//	go run ./examples/quickstart -profile vault -region eu-west-1 \
//	  -target-role arn:aws:iam::222222222222:role/snapkeep-backup -external-id ID \
//	  -select backup=daily -vault-key arn:aws:kms:eu-west-1:999999999999:key/ID -dry-run
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	var (
		tell story.Options
		live liveFlags
		text bool
		page string
	)
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&text, "json", false, "print one JSON object instead of the story")
	flags.Uint64Var(&tell.Seed, "seed", 1, "seed of the simulated world")
	flags.IntVar(&tell.Days, "days", 21, "days of backups before the intruder comes")
	flags.BoolVar(&tell.Corrupt, "corrupt", false, "flip one block in a copy, to show that the comparison can fail")
	flags.StringVar(&page, "html", "", "file to write a page about the run to; of the simulated weeks, the first run")
	live.register(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "quickstart: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	tellStory := func() error { return simulate(tell, text, pageFile(page), stdout, stderr) }
	if live.given() {
		live.page = pageFile(page)
		tellStory = func() error { return interruptible(live.run, stdout) }
	}
	if err := tellStory(); err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	return 0
}

// interruptible lets a run end in order when the user interrupts it: what was
// begun is in the tags, and the same -at takes it up again.
func interruptible(f func(context.Context, io.Writer) error, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return f(ctx, out)
}

// errUnwell is what a story ends with whose restore is not what was backed up,
// or whose intruder had success.
var errUnwell = errors.New("the story did not end well")

// simulate tells the story on the simulated AWS.
func simulate(opts story.Options, asJSON bool, page pageFile, stdout, stderr io.Writer) error {
	show := newShow(stdout, stderr, asJSON)
	opts.OnStep = show.step
	var first *backup.Report
	opts.OnRun = func(r *backup.Report) { first = cmp.Or(first, r) }
	var (
		result *story.Result
		err    error
	)
	backuptest.Simulate(func() { result, err = story.Run(context.Background(), opts) })
	show.end()
	if err = errors.Join(err, page.write(first)); err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(result)
	} else {
		err = show.result(result)
	}
	if err == nil && !result.OK() {
		err = errUnwell
	}
	return err
}

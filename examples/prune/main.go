// Prune shows what a retention policy keeps, what it lets go, and why, before
// anything is deleted.
//
// With no flags it plays on a simulated AWS: two years of daily backups, of
// which some are locked, used by an image or held by law. It draws a calendar,
// asks what another policy would do, prunes, and draws what is left.
//
//	go run ./examples/prune
//	go run ./examples/prune -dry-run -policy "monthly=24" -html pictures.html
//
// With a profile and a role it prunes what a plan has made in a real account.
// Begin with -dry-run, which prints every decision and changes nothing:
//
//	go run ./examples/prune -profile vault -region eu-west-1 -name nightly \
//	  -target-role arn:aws:iam::222222222222:role/snapkeep-backup -external-id ID \
//	  -policy last=2 -dry-run
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// What the simulation keeps, and what it compares that with.
const (
	simulatedPolicy = "daily=14 weekly=8 monthly=12 yearly=2"
	simulatedWhatIf = "last=30 monthly=6"
)

// settings are the flags.
type settings struct {
	policy, whatIf, page string
	dryRun               bool
	maxShare             float64
	days                 int
	live                 liveFlags
}

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	var s settings
	flags := flag.NewFlagSet("prune", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.policy, "policy", "", "retention policy of the originals; simulated: default "+simulatedPolicy)
	flags.StringVar(&s.whatIf, "what-if", "", "policy to compare with, of the copies if there are any; simulated: default "+simulatedWhatIf)
	flags.StringVar(&s.page, "html", "", "file to write the pictures to, as one HTML page")
	flags.BoolVar(&s.dryRun, "dry-run", false, "print every decision; delete nothing")
	flags.Float64Var(&s.maxShare, "max-share", 0, "refuse to delete more than this share of all points; default 0.5, simulated: no cap")
	flags.IntVar(&s.days, "days", 731, "simulated: days of backups, at least 1")
	s.live.register(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "prune: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	if err := s.run(stdout); err != nil {
		fmt.Fprintln(stderr, "prune:", err)
		return 1
	}
	return 0
}

func (s *settings) run(out io.Writer) (err error) {
	if s.live != (liveFlags{}) {
		// What was begun when the user interrupts it is told in the report.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return s.prune(ctx, out)
	}
	backuptest.Simulate(func() { err = s.simulate(context.Background(), out) })
	return err
}

// task reads what the flags say of policies.
func (s *settings) task(whatIf string) (task, error) {
	t := task{page: s.page, dryRun: s.dryRun}
	if s.whatIf != "" {
		whatIf = s.whatIf
	}
	if whatIf == "" {
		return t, nil
	}
	policy, err := parsePolicy("-what-if", whatIf)
	t.whatIf = &policy
	return t, err
}

// parsePolicy reads a flag. A policy that keeps nothing in particular is
// refused by the flag's name, before anything is asked of AWS.
func parsePolicy(name, text string) (retention.Policy, error) {
	p, err := retention.ParsePolicy(text)
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return p, fmt.Errorf("%s %q: %w", name, text, err)
	}
	return p, nil
}

// simulate lets two years pass, and prunes.
func (s *settings) simulate(ctx context.Context, out io.Writer) error {
	text := simulatedPolicy
	if s.policy != "" {
		text = s.policy
	}
	policy, err := parsePolicy("-policy", text)
	if err != nil {
		return err
	}
	t, err := s.task(simulatedWhatIf)
	if err != nil {
		return err
	}
	if s.days < 1 {
		return fmt.Errorf("-days %d: there must be at least 1", s.days)
	}
	w, err := newWorld(policy, s.maxShare)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "a simulated AWS, in which %d days pass\n\n", s.days)
	if err := w.backUp(ctx, s.days); err != nil {
		return err
	}
	if err := w.hold(ctx); err != nil {
		return err
	}
	return w.host.do(ctx, t, out)
}

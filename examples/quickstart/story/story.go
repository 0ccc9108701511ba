package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

// Options of a story.
type Options struct {
	// Seed of the world, its data and its chances.
	Seed uint64
	// Days of backups before the intruder comes. Zero means 21.
	Days int
	// Corrupt flips one block in a copy before the restore, to show that the
	// comparison can fail.
	Corrupt bool
	// Cloud is where the story takes place, a simulated AWS without anything in
	// it. Nil means a new one with the seed.
	Cloud *backuptest.Cloud
	// OnStep is told of each step, in order, with how far the story is, from 0
	// to 1. Nil means nobody is told.
	OnStep func(done float64, text string)
	// OnRun is given the report of each day's run. Nil means nobody is.
	OnRun func(*backup.Report)
}

// A Story is a world and what has happened in it.
type Story struct {
	*World
	opts   Options
	result Result
	begun  time.Time
	runs   int // calls that backup runs made
	copied int // volumes that backup runs snapshotted and copied
	steps  int
}

// Run tells the story and returns what it came to. It must be called within
// backuptest.Simulate.
func Run(ctx context.Context, opts Options) (*Result, error) {
	if opts.Days == 0 {
		opts.Days = 21
	}
	s := &Story{opts: opts, begun: time.Now()}
	if opts.Cloud == nil {
		opts.Cloud = backuptest.New(backuptest.Options{Seed: opts.Seed})
	}
	world, err := NewWorldIn(ctx, opts.Cloud)
	if err != nil {
		return nil, err
	}
	s.World = world
	s.say("three accounts: %s and %s protected by %s; roles and keys as generated", shop, bank, vault)
	for _, chapter := range []func(context.Context) error{
		s.days, s.attacked, s.lost, s.restored, s.remaining, s.controls,
	} {
		if err := chapter(ctx); err != nil {
			return nil, err
		}
	}
	stats := s.Cloud.Stats()
	s.result.Throttled, s.result.APICalls = stats.Throttled, stats.Total
	s.result.CallsPerVolume = float64(s.runs) / float64(max(s.copied, 1))
	s.result.Virtual = Virtual(time.Since(s.begun))
	return &s.result, nil
}

// say tells a step.
func (s *Story) say(format string, args ...any) {
	s.steps++
	if s.opts.OnStep != nil {
		s.opts.OnStep(min(float64(s.steps)/float64(s.opts.Days+12), 1), fmt.Sprintf(format, args...))
	}
}

// days lives through the days: data changes, the plan runs, old points go.
func (s *Story) days(ctx context.Context) error {
	for date := range s.opts.Days {
		if err := s.work(s.opts.Seed, date); err != nil {
			return err
		}
		at := time.Now().Truncate(time.Second)
		if err := s.keep(at); err != nil {
			return err
		}
		if err := s.backUp(ctx, at); err != nil {
			return fmt.Errorf("day %d: %w", date+1, err)
		}
		pruned, err := s.prune(ctx)
		if err != nil {
			return fmt.Errorf("day %d: %w", date+1, err)
		}
		s.say("day %2d: %d recovery points, %d copies so far; %d pruned", date+1, s.result.RecoveryPoints, s.result.Copies, pruned)
		time.Sleep(time.Until(at.Add(day)))
	}
	return nil
}

// backUp runs the plan and counts what it made.
func (s *Story) backUp(ctx context.Context, at time.Time) error {
	before := s.Cloud.Stats().Total
	report, err := s.Engine.Run(ctx, s.Plan, at)
	if err != nil {
		return err
	}
	if s.opts.OnRun != nil {
		s.opts.OnRun(report)
	}
	s.runs += s.Cloud.Stats().Total - before
	s.result.RecoveryPoints += report.Points
	s.result.Copies += report.Copies
	for _, j := range report.Jobs {
		if j.Stage == backup.Done {
			s.copied += len(j.Resource.Members)
		}
	}
	return nil
}

// prune plans what may go, and lets it go.
func (s *Story) prune(ctx context.Context) (int, error) {
	plan, err := s.Engine.PlanPrune(ctx, s.Plan, time.Now())
	if s.unexpected(err) {
		return 0, err
	}
	report, err := s.Engine.Prune(ctx, plan)
	if s.unexpected(err) {
		return 0, err
	}
	n := report.Count(backup.Pruned)
	s.result.Pruned += n
	return n, nil
}

// unexpected says whether there is an error beside those of the lost account.
func (s *Story) unexpected(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), s.unexpected)
	}
	var at *backup.Error
	return err != nil && (!errors.As(err, &at) || !s.gone[at.Account])
}

// attacked has the intruder try everything, while nothing is lost yet.
func (s *Story) attacked(ctx context.Context) error {
	for _, a := range attacks() {
		ok, err := a.tryOn(ctx, s.World)
		if err != nil {
			return fmt.Errorf("attack %q: %w", a.Name, err)
		}
		s.result.Attacks.Tried++
		if ok {
			s.result.Attacks.Succeeded++
		}
		s.result.Attacks.Named = append(s.result.Attacks.Named, AttackResult{Name: a.Name, Guard: a.Guard, Succeeded: ok})
	}
	s.say("an administrator of %s turns against it: %d attacks, %d succeeded", bank, s.result.Attacks.Tried, s.result.Attacks.Succeeded)
	return nil
}

// lost destroys the account, and shows that the next night's run protects the
// other one all the same.
func (s *Story) lost(ctx context.Context) error {
	if err := s.destroy(ctx); err != nil {
		return fmt.Errorf("destroying %s: %w", bank, err)
	}
	s.say("the intruder has deleted the instances, volumes, snapshots and keys of %s", bank)
	at := time.Now().Truncate(time.Second)
	if err := s.keep(at); err != nil {
		return err
	}
	report, err := s.Engine.Run(ctx, s.Plan, at)
	if err == nil || s.unexpected(err) {
		return fmt.Errorf("want an error of %s alone, got: %w", bank, err)
	}
	saved := 0
	for _, j := range report.Jobs {
		if j.Stage == backup.Done && j.Resource.Site.Account == shop {
			saved++
		}
	}
	if saved == 0 {
		return fmt.Errorf("nothing of %s was backed up: %w", shop, err)
	}
	pruned, err := s.prune(ctx)
	s.say("the next run protects %s (%d recovery point, %d pruned) and says of %s: %v", shop, saved, pruned, bank, report.Errors[0].Err)
	return err
}

// controls shows, for each attack, that its guard is what stopped it: in a
// world of its own, with that guard removed, it succeeds.
func (s *Story) controls(ctx context.Context) error {
	for i, a := range attacks() {
		w, err := NewWorld(ctx, s.opts.Seed+uint64(i)+1)
		if err != nil {
			return err
		}
		ok, err := a.control(ctx, w)
		if err != nil {
			return fmt.Errorf("control of attack %q: %w", a.Name, err)
		}
		s.result.Attacks.Named[i].Control = ok
		if ok {
			s.result.Attacks.Controls++
		}
	}
	s.say("with its one guard removed, %d of the %d attacks succeed", s.result.Attacks.Controls, s.result.Attacks.Tried)
	return nil
}

// remaining tells what is left, and why.
func (s *Story) remaining(ctx context.Context) error {
	plan, err := s.Engine.PlanPrune(ctx, s.Plan, time.Now())
	if s.unexpected(err) {
		return err
	}
	for _, g := range plan.Groups {
		for _, d := range g.Decisions {
			if g.Copy && d.Action != retention.Prune {
				s.result.Left++
			}
		}
	}
	s.say("what is left, and why:\n\n%s", indent(plan.String()))
	return nil
}

func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return "    " + strings.Join(lines, "\n    ") + "\n"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// A host is a program that has an engine and a plan.
type host struct {
	engine *backup.Engine
	plan   backup.Plan
}

func newHost(base aws.Config, ways []accounts.Account, plan backup.Plan, opts backup.Options) (*host, error) {
	sessions, err := accounts.New(base, ways, accounts.Options{})
	if err != nil {
		return nil, err
	}
	engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, opts)
	return &host{engine, plan}, err
}

// A task is what is to be done with a host's recovery points.
type task struct {
	whatIf *retention.Policy // compared with, never applied; nil means none
	page   string            // the file that the pictures are written to; empty means none
	dryRun bool
}

// do plans, shows and, unless it is a dry run, prunes, and shows what is left.
// What could not be read is told at the end.
func (h *host) do(ctx context.Context, t task, out io.Writer) error {
	plan, unread := h.engine.PlanPrune(ctx, h.plan, time.Now())
	if plan == nil {
		return unread
	}
	if t.dryRun {
		fmt.Fprintln(out, plan)
	}
	other, err := h.ask(ctx, t, plan, out)
	if err != nil {
		return errors.Join(unread, err)
	}
	if t.page != "" {
		if err := writePage(t.page, plan, other); err != nil {
			return err
		}
		fmt.Fprintf(out, "the pictures are in %s\n", t.page)
	}
	if t.dryRun {
		return unread
	}
	report, err := h.engine.Prune(ctx, plan)
	if report == nil {
		return err // it holds what could not be read, too
	}
	fmt.Fprintf(out, "\n%s", brief(report))
	left, unread := h.engine.PlanPrune(ctx, h.plan, time.Now())
	if left != nil {
		fmt.Fprintf(out, "\nwhat is left:\n\n%s", calendars(left))
	}
	return errors.Join(err, unread)
}

// ask shows what the plan does, beside what it would do with another policy.
func (h *host) ask(ctx context.Context, t task, plan *backup.PrunePlan, out io.Writer) (*backup.PrunePlan, error) {
	if t.whatIf == nil {
		fmt.Fprint(out, calendars(plan))
		return nil, nil
	}
	other, err := h.engine.PlanPrune(ctx, h.with(*t.whatIf), plan.Made)
	if other == nil {
		return nil, err
	}
	diff := other.Diff(plan)
	fmt.Fprintf(out, "%s\nwith the other policy: %s\n", beside("as planned\n\n"+calendars(plan), "what if\n\n"+calendars(other)), tally(diff))
	if t.dryRun && len(diff) > 0 {
		fmt.Fprintf(out, "\n%s", diff)
	}
	return other, nil
}

// with returns the plan with another policy: for the copies, if there are any,
// else for the originals.
func (h *host) with(policy retention.Policy) backup.Plan {
	p := h.plan
	if len(p.Copies) == 0 {
		p.Retention = policy
		return p
	}
	p.Copies = append([]backup.Copy(nil), p.Copies...)
	for i := range p.Copies {
		p.Copies[i].Retention = policy
	}
	return p
}

// tally says of how many points two plans decide otherwise.
func tally(diff backup.PruneDiff) string {
	kept, gone := 0, 0
	for _, c := range diff {
		switch {
		case c.Was == nil || c.Is == nil:
		case *c.Is == retention.Prune:
			gone++
		case *c.Was == retention.Prune:
			kept++
		}
	}
	return fmt.Sprintf("%d more go, %d more stay", gone, kept)
}

// brief returns the report without the points that were pruned and are gone
// for good.
func brief(r *backup.PruneReport) string {
	less := *r
	less.Results = nil
	for _, p := range r.Results {
		if p.Outcome != backup.Pruned || !p.Recoverable.IsZero() {
			less.Results = append(less.Results, p)
		}
	}
	head, _, _ := strings.Cut(r.String(), "\n")
	_, rest, _ := strings.Cut(less.String(), "\n")
	return head + "\n" + rest
}

// writePage writes the pictures to a file.
func writePage(name string, plan, other *backup.PrunePlan) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("-html: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return page(f, plan, other)
}

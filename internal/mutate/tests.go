package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// A test is one of the package's.
type test struct {
	name string
	took time.Duration   // of processor time, which does not depend on what else is running
	asks map[string]bool // ids of mutants
}

// measure runs each test by itself, without any mutant.
func (b *bench) measure() error {
	list, err := b.command(context.Background(), "-test.list="+b.run).Output()
	if err != nil {
		return fmt.Errorf("list the tests: %w", err)
	}
	b.tests = nil
	for _, name := range strings.Fields(string(list)) {
		b.tests = append(b.tests, test{name: name})
	}
	var g errgroup.Group
	g.SetLimit(b.workers)
	for i := range b.tests {
		g.Go(func() error { return b.learn(&b.tests[i]) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortFunc(b.tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	return nil
}

func (b *bench) learn(t *test) error {
	trace := filepath.Join(b.temp, t.name)
	run := b.command(context.Background(), only(t.name))
	run.Env = append(run.Environ(), "SNAPKEEP_ASKED="+trace)
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s fails without any mutant: %w\n%s", t.name, err, out)
	}
	t.took, t.asks = run.ProcessState.UserTime()+run.ProcessState.SystemTime(), map[string]bool{}
	asked, err := os.ReadFile(trace)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, id := range strings.Fields(string(asked)) {
		t.asks[id] = true
	}
	return nil
}

// command runs the tests, in the directory that they expect.
func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, b.binary(), append(args, "-test.short", "-test.failfast")...)
	c.Dir = dir
	return c
}

func only(names ...string) string { return "-test.run=^(" + strings.Join(names, "|") + ")$" }

// notices returns what fails with a mutant, "" if nothing does. The tests that
// can are run in portions, of which the first, of few and short tests, tells of
// most mutants. What takes far longer than without a mutant has failed, too.
func (b *bench) notices(m mutant) string {
	id := fmt.Sprint(m.id)
	var names []string
	var took time.Duration
	portion := time.Second / 5
	for i, t := range b.tests {
		if t.asks[id] {
			names, took = append(names, t.name), took+t.took
		}
		if len(names) == 0 || took < portion && i < len(b.tests)-1 {
			continue
		}
		if failed := b.fails(id, names, time.Second+5*took); failed != "" {
			return failed
		}
		names, took, portion = nil, 0, time.Second
	}
	return ""
}

// fails returns the first test that fails with a mutant, or with a deadlock or
// more than so much processor time.
func (b *bench) fails(id string, names []string, most time.Duration) string {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	run := exec.CommandContext(ctx, "sh", "-c", fmt.Sprintf(`ulimit -t %d && exec "$0" "$@"`, int(most.Seconds())+1),
		b.binary(), only(names...), "-test.short", "-test.failfast")
	run.Dir, run.Env = dir, append(os.Environ(), "SNAPKEEP_MUTANT="+id)
	out, err := run.CombinedOutput()
	if err == nil {
		return ""
	}
	if _, after, ok := strings.Cut(string(out), "--- FAIL: "); ok {
		return strings.Fields(after)[0]
	}
	return fmt.Sprintf("one of %d tests, by its end: %v", len(names), err)
}

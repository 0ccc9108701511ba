package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// dir is the package whose conditions are negated, and whose tests are run.
const dir = "backup"

// files hold what a run that was cut off is taken up by, and what keeps it from
// making anything twice or taking anything forged.
var files = []string{
	"act.go", "adopt.go", "advance.go", "archive_move.go", "archive_thaw.go", "copies.go", "decide.go", "history.go", "id.go",
	"images.go", "jobs.go", "locks.go", "making.go", "narrow.go", "older.go", "originals.go", "proof.go", "quiesce.go", "quiesce_job.go",
	"quiesce_vss.go", "settle.go", "sight.go", "slot.go", "tag.go", "tagvalue.go", "trial.go", "view.go",
}

func main() {
	sample := flag.Int("sample", 0, "how many mutants, drawn by the seed; 0 is all")
	seed := flag.Uint64("seed", 1, "of the sample")
	only := flag.String("only", "", "mutants whose names this regular expression matches")
	listed := flag.Bool("listed", false, "also those that are listed as survivors")
	tests := flag.String("run", "^(Test|Example|Fuzz)", "tests that may notice, as for go test -run")
	tell := flag.Bool("v", false, "tell what notices each mutant")
	workers := flag.Int("workers", runtime.NumCPU(), "how many tests run at a time")
	flag.Parse()
	known, err := survivors()
	if err == nil {
		b := bench{run: *tests, workers: *workers, tell: *tell, known: known}
		err = b.build()
		defer os.RemoveAll(b.temp)
		if err == nil {
			b.choose(regexp.MustCompile(*only), *listed, *sample, *seed)
			err = b.try()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func (b *bench) choose(only *regexp.Regexp, listed bool, sample int, seed uint64) {
	b.mutants = slices.DeleteFunc(b.mutants, func(m mutant) bool {
		return !only.MatchString(m.name) || !listed && b.known[m.name] != ""
	})
	if sample == 0 || sample >= len(b.mutants) {
		return
	}
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(b.mutants), func(i, k int) { b.mutants[i], b.mutants[k] = b.mutants[k], b.mutants[i] })
	b.mutants = b.mutants[:sample]
}

// try tries the mutants that were chosen, and fails if the list of survivors is
// not right.
func (b *bench) try() error {
	begun := time.Now()
	if err := b.measure(); err != nil {
		return err
	}
	if b.tell {
		fmt.Printf("%d tests, %d conditions, %v\n", len(b.tests), len(b.mutants), time.Since(begun).Round(time.Second))
	}
	var mu sync.Mutex // guards wrong and noticed
	wrong, noticed := 0, 0
	var g errgroup.Group
	g.SetLimit(b.workers)
	for _, m := range b.mutants {
		g.Go(func() error {
			by, known := b.notices(m), b.known[m.name] != ""
			seen := by != ""
			mu.Lock()
			defer mu.Unlock()
			switch {
			case !seen && !known:
				wrong++
				fmt.Printf("%s/%s:%d: no test notices it: %s\n", dir, m.file, m.line, m.name)
			case seen && known:
				wrong++
				fmt.Printf("%s/%s:%d: listed as a survivor, and noticed: %s\n", dir, m.file, m.line, m.name)
			case seen:
				noticed++
				if b.tell {
					fmt.Printf("%s/%s:%d: %s: noticed by %s\n", dir, m.file, m.line, m.name, by)
				}
			}
			return nil
		})
	}
	_ = g.Wait()
	fmt.Printf("%d conditions negated, %d noticed\n", len(b.mutants), noticed)
	if wrong > 0 {
		return fmt.Errorf("%d conditions to look at", wrong)
	}
	return nil
}

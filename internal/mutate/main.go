package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// dir is the package whose conditions are negated, and whose tests are run.
const dir = "backup"

// files hold what a run that was cut off is taken up by, and what keeps it from
// making anything twice or taking anything forged.
var files = []string{
	"act.go", "adopt.go", "copies.go", "history.go", "making.go", "older.go", "originals.go", "proof.go", "settle.go", "sight.go",
}

func main() {
	sample := flag.Int("sample", 0, "how many mutants, drawn by the seed; 0 is all")
	seed := flag.Uint64("seed", 1, "of the sample")
	only := flag.String("only", "", "mutants whose names hold this text")
	tests := flag.String("run", "", "tests to run, as for go test -run; none is all")
	patience := flag.Duration("timeout", 2*time.Minute, "for one mutant; one that takes longer was noticed")
	flag.Parse()
	b := bench{tests: *tests, patience: *patience}
	err := b.build()
	if err == nil {
		defer os.RemoveAll(b.temp)
		b.choose(*only, *sample, *seed)
		err = b.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// A bench is a test binary with all mutants in it.
type bench struct {
	tests    string
	patience time.Duration
	temp     string
	mutants  []mutant
}

// build compiles the tests, with the instrumented files laid over the others.
func (b *bench) build() (err error) {
	if b.temp, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	over := map[string]string{}
	put := func(name string, text []byte) error {
		full, err := filepath.Abs(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		over[full] = filepath.Join(b.temp, name)
		return os.WriteFile(over[full], text, 0o600)
	}
	for _, name := range files {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		text, found, err := instrument(name, source, len(b.mutants)+1)
		if err != nil {
			return err
		}
		b.mutants = append(b.mutants, found...)
		if err := put(name, text); err != nil {
			return err
		}
	}
	if err := put("mutated.go", []byte("package "+filepath.Base(dir)+enable)); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": over})
	if err != nil {
		return err
	}
	list := filepath.Join(b.temp, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return err
	}
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", filepath.Join(b.temp, "test"), "./"+dir)
	build.Stderr = os.Stderr
	return build.Run()
}

func (b *bench) choose(only string, sample int, seed uint64) {
	b.mutants = slices.DeleteFunc(b.mutants, func(m mutant) bool { return !strings.Contains(m.name, only) })
	if sample == 0 || sample >= len(b.mutants) {
		return
	}
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(b.mutants), func(i, k int) { b.mutants[i], b.mutants[k] = b.mutants[k], b.mutants[i] })
	b.mutants = b.mutants[:sample]
}

// run tries all mutants, and fails if the list of survivors is not right.
func (b *bench) run() error {
	known, err := survivors()
	if err != nil {
		return err
	}
	if !b.survives(0) {
		return errors.New("the tests fail without any mutant")
	}
	var errs []error
	noticed := 0
	for _, m := range b.mutants {
		survived, reason := b.survives(m.id), known[m.name]
		switch {
		case survived && reason == "":
			errs = append(errs, fmt.Errorf("%s/%s:%d: no test notices it: %s", dir, m.file, m.line, m.name))
			fmt.Println(errs[len(errs)-1])
		case !survived && reason != "":
			errs = append(errs, fmt.Errorf("%s/%s:%d: listed as a survivor, and noticed: %s", dir, m.file, m.line, m.name))
			fmt.Println(errs[len(errs)-1])
		case !survived:
			noticed++
		}
	}
	fmt.Printf("%d conditions negated, %d noticed\n", len(b.mutants), noticed)
	if len(errs) > 0 {
		return fmt.Errorf("%d conditions to look at", len(errs))
	}
	return nil
}

// survives says whether all tests pass with a mutant.
func (b *bench) survives(id int) bool {
	ctx, stop := context.WithTimeout(context.Background(), b.patience)
	defer stop()
	test := exec.CommandContext(ctx, filepath.Join(b.temp, "test"), "-test.short", "-test.failfast", "-test.run="+b.tests)
	test.Dir = dir
	test.Env = append(os.Environ(), fmt.Sprint("SNAPKEEP_MUTANT=", id))
	out, err := test.CombinedOutput()
	if id == 0 && err != nil {
		fmt.Printf("%s%v\n", out, err)
	}
	return err == nil
}

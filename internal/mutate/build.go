package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
)

// A bench is a test binary with all mutants in it.
type bench struct {
	run     string // which tests
	workers int
	tell    bool
	known   map[string]string // survivors
	temp    string            // directory
	mutants []mutant
	tests   []test // the shortest first
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
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", b.binary(), "./"+dir)
	build.Stderr = os.Stderr
	return build.Run()
}

func (b *bench) binary() string { return filepath.Join(b.temp, "test") }

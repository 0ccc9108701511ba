package main

import (
	"errors"
	"os"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/report"
)

// A pageFile is the name of the file that a page about a run is written to;
// empty if none is.
type pageFile string

func (p pageFile) write(r *backup.Report) error {
	if p == "" || r == nil {
		return nil
	}
	f, err := os.Create(string(p))
	if err != nil {
		return err
	}
	return errors.Join(report.HTML(f, r), f.Close())
}

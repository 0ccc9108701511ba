package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/snapkeep/snapkeep/examples/quickstart/story"
)

// A show tells the steps of the story as they come: plain lines, and below
// them a progress bar where there is a terminal. As JSON it tells nothing.
type show struct {
	out io.Writer
	bar *progressbar.ProgressBar // nil without a terminal
}

// parts of the progress bar.
const parts = 1000

func newShow(stdout, stderr io.Writer, quiet bool) *show {
	s := &show{out: stdout}
	if quiet {
		s.out = io.Discard
	}
	if isTerminal(stderr) {
		s.bar = progressbar.NewOptions(parts, progressbar.OptionSetWriter(stderr), progressbar.OptionSetWidth(40),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
	}
	return s
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (s *show) step(done float64, text string) {
	if s.bar != nil {
		_ = s.bar.Clear() // a bar that cannot be drawn is no reason to stop
	}
	fmt.Fprintln(s.out, text)
	if s.bar != nil {
		_ = s.bar.Set(int(done * parts))
	}
}

func (s *show) end() {
	if s.bar != nil {
		_ = s.bar.Finish()
	}
}

// result prints what the story came to.
func (s *show) result(r *story.Result) error {
	fmt.Fprintln(s.out, "\nwhat the intruder tried, and what stopped it (with that one guard removed, does it succeed?):")
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, a := range r.Attacks.Named {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", a.Name, word(a.Succeeded, "SUCCEEDED", "stopped"), a.Guard, word(a.Control, "yes", "NO"))
	}
	fmt.Fprintln(w)
	for _, row := range []struct {
		what  string
		value any
	}{
		{"recovery points", r.RecoveryPoints},
		{"copies in the vault, verified", r.Copies},
		{"pruned, originals and copies", r.Pruned},
		{"copies left", r.Left},
		{"volumes restored", r.RestoredVolumes},
		{"identical, byte for byte", r.Identical},
		{"API calls", r.APICalls},
		{"throttled", r.Throttled},
		{"calls a volume, snapshotted and copied", fmt.Sprintf("%.1f", r.CallsPerVolume)},
		{"virtual time", time.Duration(r.Virtual).Round(time.Minute)},
	} {
		fmt.Fprintf(w, "%s\t%v\n", row.what, row.value)
	}
	return w.Flush()
}

func word(yes bool, ifYes, ifNo string) string {
	if yes {
		return ifYes
	}
	return ifNo
}

package preflight

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/snapkeep/snapkeep/accounts"
)

// An Outcome is what came of a probe.
type Outcome uint8

// The outcomes. The zero value is Unknown: what was not seen is not fine.
const (
	Unknown Outcome = iota // it could not be seen; never a hidden no
	OK                     // it is as it must be
	Wrong                  // it is not, by AWS's own answer or by a policy that was read
)

// String returns "unknown", "ok" or "wrong".
func (o Outcome) String() string {
	switch o {
	case OK:
		return "ok"
	case Wrong:
		return "wrong"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText returns what String does.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (o *Outcome) UnmarshalText(text []byte) error {
	for _, known := range []Outcome{Unknown, OK, Wrong} {
		if known.String() == string(text) {
			*o = known
			return nil
		}
	}
	return fmt.Errorf("preflight: %q is not an outcome", text)
}

// A Finding is what one probe came to. It holds no external id, no policy and
// no credentials.
type Finding struct {
	// Check that was made.
	Check Probe `json:"check"`
	// Outcome of it.
	Outcome Outcome `json:"outcome"`
	// Account that it is about; empty for what concerns all of them.
	Account accounts.ID `json:"account,omitempty"`
	// Purpose whose role it is about; empty for what concerns the account.
	Purpose accounts.Purpose `json:"purpose,omitempty"`
	// Regions that it is about; none for what is the same in all.
	Regions []string `json:"regions,omitempty"`
	// Subject is the ARN of a role, principal or key, the id of a snapshot, or
	// a field of the installation. Empty means the account or purpose itself.
	Subject string `json:"subject,omitempty"`
	// Evidence for the outcome, in words.
	Evidence string `json:"evidence"`
	// Remedy in words; empty where there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
}

// A Report is all that was found, by account and probe. It prints as a table
// and marshals to JSON.
type Report struct {
	Findings []Finding `json:"findings"` // those that are fine, too
}

// OK says that there are findings and that all of them are fine.
func (r *Report) OK() bool { return len(r.Findings) > 0 && len(r.Problems()) == 0 }

// Problems returns the findings that are wrong or unknown.
func (r *Report) Problems() []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Outcome == OK })
}

// MarshalJSON writes the findings and, beside them, whether all is fine.
func (r Report) MarshalJSON() ([]byte, error) {
	findings := r.Findings
	if findings == nil {
		findings = []Finding{}
	}
	return json.Marshal(struct {
		OK       bool      `json:"ok"`
		Findings []Finding `json:"findings"`
	}{r.OK(), findings})
}

// String prints the findings as a table, with what to do under each that is
// not fine, and counts them in the last line.
func (r *Report) String() string {
	// The remedies are put in afterwards: they must not widen the columns.
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OUTCOME\tACCOUNT\tPURPOSE\tCHECK\tEVIDENCE")
	counts := map[Outcome]int{}
	for _, f := range r.Findings {
		counts[f.Outcome]++
		fmt.Fprintf(w, "%v\t%s\t%s\t%s\t%s\n", f.Outcome, dash(string(f.Account)), dash(string(f.Purpose)), f.Check, f.told())
	}
	_ = w.Flush() // into memory
	var out strings.Builder
	n := -1
	for line := range strings.Lines(table.String()) {
		out.WriteString(line)
		if n >= 0 && r.Findings[n].Remedy != "" {
			out.WriteString("         → " + r.Findings[n].Remedy + "\n")
		}
		n++
	}
	fmt.Fprintf(&out, "%d ok, %d wrong, %d unknown\n", counts[OK], counts[Wrong], counts[Unknown])
	return out.String()
}

// told is the evidence with the subject and the Regions before it.
func (f Finding) told() string {
	text := f.Evidence
	if f.Subject != "" {
		text = f.Subject + ": " + text
	}
	if len(f.Regions) > 0 {
		text = strings.Join(f.Regions, ", ") + ": " + text
	}
	return text
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// collapsed sorts findings and makes one of those that differ in their
// Regions only.
func collapsed(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int { return a.place().compare(b.place()) })
	var kept []Finding
	for _, f := range all {
		n := len(kept) - 1
		if n < 0 || kept[n].place() != f.place() {
			f.Regions = slices.Clone(f.Regions)
			kept = append(kept, f)
			continue
		}
		for _, region := range f.Regions {
			if !slices.Contains(kept[n].Regions, region) {
				kept[n].Regions = append(kept[n].Regions, region)
			}
		}
	}
	for i := range kept {
		slices.Sort(kept[i].Regions)
	}
	return kept
}

// A place is where a finding stands in a report, and all that tells it from
// others but its Regions.
type place struct {
	account          accounts.ID
	check            int
	purpose          accounts.Purpose
	outcome          Outcome
	subject          string
	evidence, remedy string
	regional         bool
}

func (f Finding) place() place {
	return place{
		account: f.Account, check: slices.Index(Probes(), f.Check), purpose: f.Purpose, outcome: f.Outcome,
		subject: f.Subject, evidence: f.Evidence, remedy: f.Remedy, regional: len(f.Regions) > 0,
	}
}

func (p place) compare(o place) int {
	return cmp.Or(
		cmp.Compare(p.account, o.account), cmp.Compare(p.purpose, o.purpose), cmp.Compare(p.check, o.check),
		cmp.Compare(p.outcome, o.outcome), cmp.Compare(p.subject, o.subject),
		cmp.Compare(p.evidence, o.evidence), cmp.Compare(p.remedy, o.remedy),
	)
}

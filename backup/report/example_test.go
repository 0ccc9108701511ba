package report_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/report"
)

// A report that was stored as JSON becomes a page.
func ExampleHTML() {
	stored, err := os.ReadFile("testdata/report.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	var r backup.Report
	if err := json.Unmarshal(stored, &r); err != nil {
		fmt.Println(err)
		return
	}
	if err := report.HTML(io.Discard, &r); err != nil { // a file, as a rule
		fmt.Println(err)
		return
	}
	fmt.Println("the page of", r.Run())
	// Output: the page of nightly@2026-05-01T02:00:00Z
}

func ExampleTimelines() {
	stored, err := os.ReadFile("testdata/report.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	var r backup.Report
	if err := json.Unmarshal(stored, &r); err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range report.Timelines(&r) {
		fmt.Printf("%s: at most %d at once\n", l.Site, l.Lanes)
		for _, b := range l.Bars {
			fmt.Printf("  %s %s of %s for %v\n", b.Start.Format("15:04"), b.Kind, b.Volume, b.End.Sub(b.Start))
		}
	}
	// Output:
	// 111111111111/eu-west-1: at most 2 at once
	//   02:00 original of vol-root for 10m0s
	//   02:00 original of vol-data for 14m0s
	//   02:14 rekeyed of vol-data for 6m0s
	// 999999999999/eu-central-1: at most 2 at once
	//   02:12 copy of vol-root for 13m0s
	//   02:21 copy of vol-data for 12m0s
	//   02:30 copy of vol-loose for 25m0s
}

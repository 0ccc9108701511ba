package restore

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/snapkeep/snapkeep/backup"
)

// A Report says what a Run has made and what it has left behind.
type Report struct {
	// ID of the restore, and where it was made.
	ID   string      `json:"id"`
	Site backup.Site `json:"site"` // that was restored into
	// Volumes that are there, in the order of the point's members.
	Volumes []Volume `json:"volumes"`
	// Instance that runs; empty if only volumes were asked for, or it does not.
	Instance string `json:"instance,omitempty"`
	// Image that the instance was started from. It is deregistered unless Left
	// names it, or it is the point's own, which stays. Empty if an earlier Run had done with it.
	Image string `json:"image,omitempty"`
	// Left is what is there and should not be. After a Run that succeeded that
	// can only be volumes of an instance of this restore that was terminated.
	Left []Leftover `json:"left,omitempty"`
}

// A Volume is a restored volume.
type Volume struct {
	Source  string `json:"source"`           // the volume that was backed up
	Volume  string `json:"volume"`           // the one that was made: "vol-…"
	Device  string `json:"device,omitempty"` // where it was, and is again on a restored instance
	SizeGiB int32  `json:"sizeGiB"`          // of the one that was made
}

// A Leftover is something temporary that is still there.
type Leftover struct {
	Site backup.Site `json:"site"` // that owns it
	Kind string      `json:"kind"` // "share", "snapshot", "image" or "volume"
	ID   string      `json:"id"`   // as AWS names it; of a share, the snapshot's
	Why  string      `json:"why"`  // in words
}

// String tells the report in a table.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "restore %s in %s\n", r.ID, r.Site)
	if r.Instance != "" {
		fmt.Fprintf(&b, "instance %s\n", r.Instance)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, v := range r.Volumes {
		fmt.Fprintf(w, "volume\t%s\tof %s\t%d GiB\t%s\n", v.Volume, v.Source, v.SizeGiB, v.Device)
	}
	for _, l := range r.Left {
		fmt.Fprintf(w, "left\t%s %s\tin %s\t%s\n", l.Kind, l.ID, l.Site, l.Why)
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}

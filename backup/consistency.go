package backup

import (
	"fmt"
	"strings"
	"time"
)

// A Consistency says in what state a recovery point caught its resource. It is
// in the tags of originals, where it is a claim of the protected account like
// all tags there, and on copies, where the vault writes what it saw itself.
type Consistency string

// The kinds of consistency.
const (
	// CrashConsistent points hold all volumes at one moment, as after a loss of
	// power: what CreateSnapshots makes.
	CrashConsistent Consistency = ""
	// ApplicationConsistent points were made while the plan's script had brought
	// the applications to rest.
	ApplicationConsistent Consistency = "application"
	// VSSConsistent points were made by Windows' Volume Shadow Copy Service.
	VSSConsistent Consistency = "vss"
	// FellBack points are crash-consistent though the plan asked for more: a
	// script failed, and the plan prefers such a point to none.
	FellBack Consistency = "fallback"
)

// A mark is what the tags of a snapshot say of its consistency.
type mark struct {
	kind Consistency
	// until is how long the resource was sure to stay at rest; originals only.
	until time.Time
}

// text writes "application/2026-05-01T02:04:00Z". The call that makes a
// snapshot cannot know when it will be made, and tags cannot be changed later:
// so the tag says until when the claim holds.
func (m mark) text() string {
	if m.until.IsZero() {
		return string(m.kind)
	}
	return string(m.kind) + "/" + m.until.UTC().Format(time.RFC3339)
}

func parseMark(s string) (m mark, err error) {
	kind, until, timed := strings.Cut(s, "/")
	m.kind = Consistency(kind)
	switch m.kind {
	case ApplicationConsistent, VSSConsistent, FellBack:
	default:
		return mark{}, fmt.Errorf("%q is no kind of consistency", kind)
	}
	if timed {
		if m.until, err = time.Parse(time.RFC3339, until); err != nil || m.text() != s {
			return mark{}, fmt.Errorf("%q is not a time", until)
		}
	}
	return m, nil
}

// tagVSSDone is the tag that AWS's VSS components put on snapshots that came
// out consistent, and on no other (EC2 User Guide, "Create VSS based EBS
// snapshots").
const tagVSSDone = "AppConsistent"

// of returns what a mark is worth on originals that were made as they are: of
// one that came too late, or that VSS itself does not vouch for, nothing.
func (m mark) of(snaps []Snapshot) Consistency {
	for _, s := range snaps {
		switch {
		case m.kind == ApplicationConsistent && (m.until.IsZero() || s.Started.After(m.until)):
			return FellBack
		case m.kind == VSSConsistent && !strings.EqualFold(s.Tags[tagVSSDone], "true"):
			return FellBack
		}
	}
	return m.kind
}

// markOf reads the mark of originals, which is the same on all of a set.
func markOf(snaps []Snapshot) Consistency {
	if len(snaps) == 0 || snaps[0].Tags[tagConsistency] == "" {
		return CrashConsistent
	}
	m, err := parseMark(snaps[0].Tags[tagConsistency])
	if err != nil {
		return CrashConsistent
	}
	return m.of(snaps)
}

package ebs_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

var updateEncryption = flag.Bool("update-encryption", false, "rewrite ENCRYPTION.md from what the simulation does")

// cells is the whole table.
func cells() (all []cell) {
	for _, source := range []string{noKey, ofAWS, customer, closed, multi} {
		for _, target := range []string{customer, multi, ofAWS} {
			for _, sameAccount := range []bool{false, true} {
				for _, sameRegion := range []bool{true, false} {
					all = append(all, cell{source, target, sameAccount, sameRegion})
				}
			}
		}
	}
	return all
}

// want is what is to come of a cell, by what AWS documents of keys.
func (c cell) want() string {
	switch {
	case c.target == ofAWS:
		return "refused"
	case c.source == closed && !c.sameAccount:
		return "the copy fails"
	case c.source == ofAWS && !c.sameAccount:
		return "rekeyed, then copied"
	}
	return "copied"
}

// An outcome is what a cell came to, in two nights.
type outcome struct {
	what  string
	calls map[string]int // of the first night
	full  bool           // the second night's copy holds everything again
	again bool           // and so does the second night's intermediate
	uses  []string
}

// TestEveryCombinationOfKeys runs each cell of the table on the simulated AWS,
// with the generated roles and key policies, and holds it against what is
// wanted and what ENCRYPTION.md says.
func TestEveryCombinationOfKeys(t *testing.T) {
	var rows []string
	for _, c := range cells() {
		var o outcome
		synctest.Test(t, func(t *testing.T) { o = c.try(t) })
		require.Equal(t, c.want(), o.what, "%+v", c)
		shares := 0
		if !c.sameAccount && c.target != ofAWS {
			shares = 2 // it is given and taken back
		}
		require.Equal(t, shares, o.calls["ModifySnapshotAttribute"], "%+v", c)
		require.LessOrEqual(t, o.calls["DescribeKey"], 4, "%+v: each key is looked at once by who uses it", c)
		rows = append(rows, row(c, o))
	}
	require.Len(t, rows, 60)
	checkDocument(t, "table", "| volume's key | copy's key | account | Region | outcome | calls of a first run | second copy | keys asked for, by role |\n"+
		"|---|---|---|---|---|---|---|---|\n"+strings.Join(rows, "\n")+"\n")
}

func (c cell) try(t *testing.T) outcome {
	w := newKeyWorld(t, c)
	w.open()
	calls, err := w.run()
	o := outcome{calls: calls, uses: w.uses()}
	var k *backup.Fault
	switch {
	case err == nil && calls["CopySnapshot"] == 1:
		o.what = "copied"
	case err == nil:
		o.what = "rekeyed, then copied"
	case errors.Is(err, backup.ErrKey) && errors.As(err, &k) && calls["CreateSnapshot"] == 0:
		o.what = "refused"
	case errors.Is(err, backup.ErrSnapshot):
		require.ErrorContains(t, err, "Given key ID is not accessible")
		o.what = "the copy fails"
	default:
		o.what = err.Error()
	}
	if err != nil {
		return o
	}
	require.NoError(t, w.cloud.WriteVolume(w.volume, 1, []byte("changed")))
	time.Sleep(24 * time.Hour)
	at := time.Now()
	var looking sync.WaitGroup
	w.cloud.SetFault(func(call backuptest.Call) backuptest.Fault {
		if call.Operation == "CopySnapshot" {
			looking.Go(func() { o.again = w.intermediateIsFull(at) || o.again })
		}
		return backuptest.Fault{}
	})
	_, err = w.run()
	looking.Wait()
	require.NoError(t, err)
	for _, s := range w.cloud.Snapshots() {
		if s.KeyARN == w.keys["destination"] && !s.Start.Before(at) && s.Tags["snapkeep:source"] != "" {
			o.full = s.Full
		}
	}
	return o
}

// intermediateIsFull says whether there is an intermediate made since, and it
// holds everything. It waits until the call has had its effect.
func (w *keyWorld) intermediateIsFull(since time.Time) bool {
	for _, s := range w.cloud.Snapshots() {
		if s.KeyARN == w.keys["rekey"] && s.KeyARN != "" && !s.Start.Before(since) {
			return s.Full
		}
	}
	return false
}

func row(c cell, o outcome) string {
	place := map[bool]string{true: "same", false: "other"}
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(o.calls)) {
		calls = append(calls, fmt.Sprintf("%s %d", name, o.calls[name]))
	}
	second := "–"
	if strings.HasSuffix(o.what, "copied") {
		second = map[bool]string{true: "full", false: "incremental"}[o.full]
		if o.again {
			second += ", the intermediate full"
		}
	}
	uses := strings.Join(o.uses, "; ")
	if uses == "" {
		uses = "–"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |", c.source, c.target, place[c.sameAccount], place[c.sameRegion],
		o.what, strings.Join(calls, ", "), second, uses)
}

// checkDocument holds a part of ENCRYPTION.md against what was found.
func checkDocument(t *testing.T, part, found string) {
	t.Helper()
	const name = "ENCRYPTION.md"
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	begin, end := "<!-- "+part+" -->\n", "<!-- end of "+part+" -->"
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	old, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *updateEncryption {
		require.NoError(t, os.WriteFile(name, []byte(before+begin+found+end+after), 0o644))
		return
	}
	require.Equal(t, old, found, "run go test ./backup/ebs -run 'Encryption|Keys' -update-encryption")
}

package backuptest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

func TestVirtualTime(t *testing.T) {
	began := time.Now()
	var first time.Time
	got := backuptest.Simulate(func() {
		first = time.Now()
		ticks := time.NewTicker(time.Hour)
		defer ticks.Stop()
		for range 3 * 7 * 24 {
			<-ticks.C
		}
	})
	require.Equal(t, 21*24*time.Hour, got)
	require.True(t, first.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.Less(t, time.Since(began), time.Minute)
}

func TestAPanicIsNotLost(t *testing.T) {
	cause := errors.New("the cause")
	var p any
	func() {
		defer func() { p = recover() }()
		backuptest.Simulate(func() {
			time.Sleep(time.Hour)
			panic(cause)
		})
	}()
	err, ok := p.(error)
	require.True(t, ok)
	require.ErrorIs(t, err, cause)
	require.ErrorContains(t, err, "TestAPanicIsNotLost", "the stack of the panic")
}

func TestWaitingForEverIsNotLost(t *testing.T) {
	require.PanicsWithError(t, "deadlock: all goroutines in bubble are blocked", func() {
		backuptest.Simulate(func() { <-make(chan int) })
	})
}

// caseKey is the environment variable that says what a process of the test
// binary is to do instead of its tests.
const caseKey = "BACKUPTEST_CASE"

// TestMain lets the test binary be a program: it simulates outside of any test.
func TestMain(m *testing.M) {
	switch os.Getenv(caseKey) {
	case "program":
		fmt.Println(backuptest.Simulate(func() { time.Sleep(500 * time.Hour) }))
	case "program that panics":
		backuptest.Simulate(func() { panic("asked to") })
	default:
		os.Exit(m.Run())
	}
}

// process runs the test binary for a case; its exit status is what is tested.
func process(t *testing.T, name string) (out string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFatal$", "-test.v")
	cmd.Env = append(os.Environ(), caseKey+"="+name)
	text, err := cmd.CombinedOutput()
	return string(text), err == nil
}

func TestPrograms(t *testing.T) {
	out, ok := process(t, "program")
	require.True(t, ok, out)
	require.Equal(t, "500h0m0s\n", out)

	out, ok = process(t, "program that panics")
	require.False(t, ok)
	require.Contains(t, out, "panic in backuptest.Simulate: asked to")
	require.NotContains(t, out, "nil pointer")
}

func TestFatal(t *testing.T) {
	switch os.Getenv(caseKey) {
	case "fatal":
		backuptest.Simulate(func() {
			time.Sleep(time.Hour)
			t.Fatal("fatal in the simulation")
		})
		t.Error("Fatal was lost")
		return
	case "error":
		backuptest.Simulate(func() { t.Error("error in the simulation") })
		t.Log("and went on")
		return
	case "pass":
		backuptest.Simulate(func() { t.Log("fine") })
		return
	}
	out, ok := process(t, "fatal")
	require.False(t, ok)
	require.Contains(t, out, "fatal in the simulation")
	require.NotContains(t, out, "Fatal was lost")
	require.NotContains(t, out, "panic")

	out, ok = process(t, "error")
	require.False(t, ok)
	require.Contains(t, out, "and went on")

	out, ok = process(t, "pass")
	require.True(t, ok, out)
}

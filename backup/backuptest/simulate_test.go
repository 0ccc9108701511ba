package backuptest_test

import (
	"context"
	"errors"
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

// These run in a process of their own: its exit status is what is tested.
func TestFatalAndPrograms(t *testing.T) {
	const key = "SIMULATE_CASE"
	switch os.Getenv(key) {
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
	run := func(name string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestFatalAndPrograms$", "-test.v")
		if len(args) > 0 {
			cmd = exec.CommandContext(ctx, args[0], args[1:]...)
		}
		cmd.Env = append(os.Environ(), key+"="+name)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("fatal")
	require.Error(t, err)
	require.Contains(t, out, "fatal in the simulation")
	require.NotContains(t, out, "Fatal was lost")
	require.NotContains(t, out, "panic")

	out, err = run("error")
	require.Error(t, err)
	require.Contains(t, out, "and went on")

	_, err = run("pass")
	require.NoError(t, err)

	out, err = run("", "go", "run", "./testdata/program")
	require.NoError(t, err, out)
	require.Equal(t, "500h0m0s\n", out)
	out, err = run("", "go", "run", "./testdata/program", "panic")
	require.Error(t, err)
	require.Contains(t, out, "panic in backuptest.Simulate: asked to")
}

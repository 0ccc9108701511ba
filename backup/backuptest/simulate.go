package backuptest

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// Simulate runs f in virtual time and returns how much of it passed: whenever
// all goroutines that f started are waiting, the clock jumps to the next timer.
// It works in programs and in tests; f may call Fatal of the test around it.
//
// The clock starts at midnight UTC 2000-01-01; f may sleep to a later date.
// Simulate returns when all goroutines that f started have ended. Nothing in f
// may wait for what virtual time does not know: sockets, files that block,
// goroutines from outside. That everything waits for ever is a panic, and a
// panic of f goes on in the caller. Simulate must not be nested.
func Simulate(f func()) time.Duration {
	var (
		virtual  time.Duration
		crash    *crash
		finished bool
		t        testing.T
	)
	synctest.Test(&t, func(*testing.T) {
		start := time.Now()
		done := make(chan struct{})
		// f runs beside the goroutine that package testing watches: it would
		// take a panic, or the end of that goroutine, for its own.
		go func() {
			defer close(done)
			defer func() {
				if finished {
					return
				}
				// Nil means that f ended its goroutine, as Fatal does.
				if p := recover(); p != nil {
					crash = newCrash(p)
				}
			}()
			f()
			finished = true
		}()
		<-done
		virtual = time.Since(start)
	})
	switch {
	case crash != nil:
		panic(crash)
	case !finished:
		runtime.Goexit()
	}
	return virtual
}

// A crash is a panic of f on its way to the caller of Simulate.
type crash struct {
	value any
	stack []byte
}

func newCrash(value any) *crash { return &crash{value, debug.Stack()} }

// Error tells the panic's value and where it came from.
func (c *crash) Error() string {
	return fmt.Sprintf("panic in backuptest.Simulate: %v\n\n%s", c.value, c.stack)
}

// Unwrap returns the panic's value if it is an error.
func (c *crash) Unwrap() error {
	err, _ := c.value.(error)
	return err
}

package backup

import (
	"maps"
	"time"
)

// promptly is how soon after its moment a run is begun by who begins it.
const promptly = 5 * time.Second

// believe returns the moment from which listings prove that something was not
// made for a run; zero if nothing can have been: the run is of this very
// moment, this engine was there before it, and has made no call for it. Else
// somebody may have made what is not listed yet. A moment that is still to come
// may be the past of a machine whose clock is ahead.
func (e *Engine) believe(run string, at, now time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, begun := e.begun[run]; begun || at.Before(e.born) || at.After(now) || now.Sub(at) > promptly {
		return now.Add(e.opts.Settle)
	}
	return time.Time{}
}

// ownWindows is for how many windows a run counts as the engine's own after its
// last call for it. Copies that take longer are there to prove it.
const ownWindows = 10

// begin remembers that this engine has made calls for a job's run, for as long
// as believe needs to know; and that the run is its own, unless the job settles
// it: what is settled may have been made up by others.
func (e *Engine) begin(j *Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(e.begun, func(_ string, at time.Time) bool { return now.Sub(at) > 2*promptly })
	e.begun[j.Run()] = j.At
	maps.DeleteFunc(e.own, func(_ string, last time.Time) bool { return now.Sub(last) > ownWindows*e.opts.Window })
	if !j.Settle {
		e.own[j.Run()] = now
	}
}

// startMaking says whether a job may make what has the key: no other job is
// making it, or has made it since this one decided to. Two jobs may be after
// the same where two runs of one engine overlap, one of which finishes the
// other.
func (e *Engine) startMaking(key string, seen viewID) bool {
	if v := e.sight(seen).latest(); v != nil && len(v.madeWith(key)) > 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.making[key] {
		return false
	}
	e.making[key] = true
	return true
}

func (e *Engine) endMaking(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.making, key)
}

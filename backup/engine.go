package backup

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/snapkeep/snapkeep/internal/pace"
)

// An Engine runs plans. All its methods may be called concurrently; one engine
// should serve a whole program, since listings, request rates and copy slots
// are shared through it. It holds nothing that must survive: what it has made
// is found again in the cloud. It starts no goroutine that outlives a call.
//
// Two engines, in two processes perhaps, must not work on one run at the same
// time: each could make what the other is just making.
type Engine struct {
	sessions Sessions
	drivers  []Driver
	kinds    map[string]int // index into drivers
	opts     Options        // resolved
	born     time.Time
	pacer    *pace.Pacer
	clients  clientCache
	slots    slotCounter
	observer *observer
	// describer shares what resources are described as.
	describer describer
	habits    habits
	ears      ears
	journal   journalNotes
	news      atomic.Int64 // counts what lines may wait for: listings, what was made, changes

	mu     sync.Mutex // guards all below
	sights map[viewID]*sight
	queues map[*queue]bool      // of the runs that are under way
	swept  time.Time            // when sights were last looked through
	lost   map[string]time.Time // by point: when an answer was lost
	own    map[string]time.Time // runs that calls were made for as this engine's, with when the last was
	begun  map[string]time.Time // runs that calls were made for, with their moments
	making map[string]bool      // keys of what is being made just now

	telling sync.Mutex // held while OnEvent runs; guards nothing else
}

// New returns an engine. It makes no call; its error joins all that is wrong
// with the arguments.
func New(s Sessions, drivers []Driver, opts Options) (*Engine, error) {
	opts, err := opts.resolve()
	errs := []error{err, opts.narrows(s)}
	if s == nil {
		errs = append(errs, errors.New("backup: no Sessions"))
	}
	if len(drivers) == 0 {
		errs = append(errs, errors.New("backup: no drivers"))
	}
	kinds := map[string]int{}
	for i, d := range drivers {
		for _, k := range d.Kinds() {
			if _, ok := kinds[k]; ok {
				errs = append(errs, fmt.Errorf("backup: two drivers for resources of kind %q", k))
			}
			kinds[k] = i
		}
	}
	watch, err := newObserver(opts.Tracer, opts.Meter)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	e := &Engine{
		sessions: s, drivers: append([]Driver(nil), drivers...), kinds: kinds, opts: opts, born: time.Now(),
		pacer: pace.New(opts.kept), sights: map[viewID]*sight{}, lost: map[string]time.Time{},
		own: map[string]time.Time{}, begun: map[string]time.Time{}, making: map[string]bool{}, queues: map[*queue]bool{}, observer: watch,
	}
	e.clients.made = map[clientID]Client{}
	e.journal = journalNotes{turn: make(chan struct{}, 1), noted: map[string]time.Time{}}
	e.slots.sites = map[Site]*slot{}
	e.habits.sites, e.ears.sites = map[Site][2]*habit{}, map[Site]*hearing{}
	return e, nil
}

func (e *Engine) rules() rules {
	return rules{
		maxAge: e.opts.MaxAge, maxPoll: max(e.opts.MaxPoll, e.opts.MaxAge), grace: e.opts.Grace, settle: e.opts.Settle, window: e.opts.Window,
		manifests: e.opts.Manifests != nil, throughput: float64(e.opts.CopyThroughput),
	}
}

// driver returns the index of the driver for a kind of resource.
func (e *Engine) driver(kind string) (int, error) {
	i, ok := e.kinds[kind]
	if !ok {
		return 0, fmt.Errorf("backup: no driver for resources of kind %q", kind)
	}
	return i, nil
}

// tell calls OnEvent.
func (e *Engine) tell(ev Event) {
	if e.opts.OnEvent == nil {
		return
	}
	ev.Time = time.Now()
	e.telling.Lock()
	defer e.telling.Unlock()
	e.opts.OnEvent(ev)
}

package enginebench_test

import (
	"context"
	"runtime"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// measure runs an algorithm in a new world. It must not be called in a
// synctest bubble.
func measure(s scale, seed uint64, run algorithm) (o outcome, err error) {
	backuptest.Simulate(func() {
		var w *world
		if w, err = newWorld(s, seed); err != nil {
			return
		}
		err = run(context.Background(), w)
		o = w.observe()
	})
	return o, err
}

// memory returns how many bytes our engine and its jobs hold, for each job:
// in the middle of a run, when half of the volumes are copied, which is when it
// knows most. The run is cut off there, and what the collector then finds to
// be free once the engine and its report are dropped was theirs.
func memory(s scale, seed uint64) (perJob float64, err error) {
	backuptest.Simulate(func() {
		var w *world
		if w, err = newWorld(s, seed); err != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		copied, with := 0, uint64(0)
		engine, broken := w.engine(func(e backup.Event) {
			if e.Stage != backup.Copied {
				return
			}
			if copied++; copied == max(len(w.machines)/2, 1) {
				with = held()
				cancel()
			}
		})
		if err = broken; err != nil {
			return
		}
		report, _ := engine.Run(ctx, w.plan(), time.Now())
		jobs := len(report.Jobs)
		runtime.KeepAlive(engine)
		engine, report = nil, nil
		perJob = (float64(with) - float64(held())) / float64(jobs)
		runtime.KeepAlive(w)
	})
	return perJob, err
}

// held returns how many bytes are in use, once what is not was collected.
func held() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first found to have a finalizer
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

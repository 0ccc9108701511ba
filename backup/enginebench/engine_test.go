package enginebench_test

import (
	"context"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// An algorithm protects all volumes of a world. The error is for what is wrong
// with the benchmark: what a run came to is for observe to see.
type algorithm func(ctx context.Context, w *world) error

// ours is the engine of package backup, with the driver of package ebs, as a
// host program runs it.
func ours(ctx context.Context, w *world) error {
	engine, err := w.engine(nil)
	if err != nil {
		return err
	}
	report, err := engine.Run(ctx, w.plan(), time.Now())
	if report == nil {
		return err
	}
	return nil
}

// remember does nothing but keep the world.
func remember(to **world) algorithm {
	return func(_ context.Context, w *world) error {
		*to = w
		return nil
	}
}

func (w *world) engine(onEvent func(backup.Event)) (*backup.Engine, error) {
	sessions, err := accounts.New(w.base, w.ways, accounts.Options{})
	if err != nil {
		return nil, err
	}
	opts := backup.Options{Vault: vault, OnEvent: onEvent, MaxAge: w.poll, Slots: w.slots}
	if w.slots == 0 {
		opts.Slots, opts.MaxPending = 1<<30, 1<<30
	}
	return backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, opts)
}

// plan protects everything there is.
func (w *world) plan() backup.Plan {
	p := backup.Plan{
		Name: "bench", Retention: retention.Policy{Last: 7},
		Copies: []backup.Copy{{Account: vault, Region: home, KMSKey: w.key}},
	}
	for _, a := range w.ways {
		if a.ID != vault {
			p.Sources = append(p.Sources, backup.Source{Account: a.ID, Regions: []string{there}, Select: backup.Selector{All: true}})
		}
	}
	return p
}

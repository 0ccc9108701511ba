package backup

import (
	"context"
	"log/slog"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// An Event is one thing that happened in a run. Events are told to
// Options.OnEvent one at a time, in order; they only observe.
type Event struct {
	Time     time.Time   // by the clock of the host, at the telling
	Stage    Stage       // of the job or restore at that moment; empty if it is of neither
	Account  accounts.ID // of the site where it happened: 12 digits
	Region   string      // "eu-west-1"
	Resource string      // ARN
	Point    string      // recovery point id
	Step     StepKind    // the call that was made, if the event is one; else Stage was reached
	Snapshot string      // what was made or acted upon, if one thing; of an image its id
	Err      error       // what failed, AWS's own error included; nil if nothing did
}

// LogValue groups the fields that are set. An Event has no secrets.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("stage", string(e.Stage))}
	for _, f := range []struct{ key, value string }{
		{"account", string(e.Account)},
		{"region", e.Region},
		{"resource", e.Resource},
		{"point", e.Point},
		{"step", string(e.Step)},
		{"snapshot", e.Snapshot},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.key, f.value))
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// LogTo returns an OnEvent hook that writes to a logger: failures as errors,
// all else as information.
func LogTo(l *slog.Logger) func(Event) {
	return func(e Event) {
		level := slog.LevelInfo
		if e.Err != nil {
			level = slog.LevelError
		}
		l.LogAttrs(context.Background(), level, "snapkeep", slog.Any("event", e))
	}
}

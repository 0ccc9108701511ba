package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A tracer keeps the spans that end: their names below those of their parents.
type tracer struct {
	mu    sync.Mutex // guards ended
	ended map[string]int
}

func (t *tracer) Tracer(string, ...tracing.TracerOption) tracing.Tracer { return t }

func (t *tracer) StartSpan(ctx context.Context, name string, opts ...tracing.SpanOption) (context.Context, tracing.Span) {
	if parent, ok := tracing.GetSpan(ctx); ok {
		name = parent.Name() + "/" + name
	}
	s := &span{Span: nop(), t: t, name: name}
	return tracing.WithSpan(ctx, s), s
}

type span struct {
	tracing.Span
	t      *tracer
	name   string
	status tracing.SpanStatus
}

func nop() tracing.Span {
	_, s := tracing.NopTracerProvider{}.Tracer("").StartSpan(context.Background(), "")
	return s
}

func (s *span) Name() string                    { return s.name }
func (s *span) SetStatus(st tracing.SpanStatus) { s.status = st }

func (s *span) End() {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	name := s.name
	if s.status == tracing.SpanStatusError {
		name += "!"
	}
	s.t.ended[name]++
}

// A meter sums counters up, by what they are told.
type meter struct {
	metrics.NopMeter
	mu   sync.Mutex // guards sums
	sums map[string]int64
}

func (m *meter) Meter(string, ...metrics.MeterOption) metrics.Meter { return m }

func (m *meter) Int64Counter(name string, _ ...metrics.InstrumentOption) (metrics.Int64Counter, error) {
	return counter{m, name}, nil
}

type counter struct {
	m    *meter
	name string
}

func (c counter) Add(_ context.Context, n int64, opts ...metrics.RecordMetricOption) {
	var o metrics.RecordMetricOptions
	for _, f := range opts {
		f(&o)
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	key := c.name
	for _, p := range []string{"snapkeep.call", "snapkeep.stage", "snapkeep.outcome", "cloud.account.id"} {
		if o.Properties.Has(p) {
			key += fmt.Sprint(" ", o.Properties.Get(p))
		}
	}
	c.m.sums[key] += n
}

func TestSpansAndCountsOfARun(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, spans, counts := story(t), &tracer{ended: map[string]int{}}, &meter{sums: map[string]int64{}}
		e := engine(t, c, backup.Options{Tracer: spans, Meter: counts})
		broken := true
		c.after = func(call call) error {
			if call.op == string(backup.StepShare) && broken {
				broken = false
				return fmt.Errorf("broken pipe: %w", backup.ErrUnknownOutcome)
			}
			return nil
		}
		_, err := e.Run(t.Context(), nightly(copyTo(home)), time.Now())
		require.NoError(t, err)

		require.Equal(t, 1, spans.ended["snapkeep.run"])
		require.Equal(t, 3, spans.ended["snapkeep.run/snapkeep.snapshot"])
		require.Equal(t, 6, spans.ended["snapkeep.run/snapkeep.copy"], "five members, one of them rekeyed first")
		require.Equal(t, 1, spans.ended["snapkeep.run/snapkeep.share!"])
		require.Equal(t, 5, spans.ended["snapkeep.run/snapkeep.share"])
		require.Positive(t, spans.ended["snapkeep.run/snapkeep.list"])
		require.EqualValues(t, 2, counts.sums["snapkeep.jobs done "+string(alpha)], slices.Sorted(maps.Keys(counts.sums)))
		require.EqualValues(t, 1, counts.sums["snapkeep.jobs done "+string(beta)])
		require.EqualValues(t, 5, counts.sums["snapkeep.calls copy ok "+string(vault)])
		require.EqualValues(t, 1, counts.sums["snapkeep.calls share error "+string(alpha)])
	})
}

// A report survives JSON, errors included.
func TestAReportIsData(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		c.badKeys[keyAt(home)] = true
		r, err := engine(t, c, backup.Options{}).Run(t.Context(), nightly(copyTo(home)), time.Now())
		require.Error(t, err)
		require.NotEmpty(t, r.Errors)
		text, err := json.Marshal(r)
		require.NoError(t, err)
		var back backup.Report
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, r.String(), back.String())
		for i, e := range back.Errors {
			require.ErrorIs(t, e, backup.ErrSnapshot)
			require.EqualError(t, e, r.Errors[i].Error())
		}
		require.Error(t, json.Unmarshal([]byte(`{"errors":[{"account":"111111111111"}]}`), &back))
	})
}

// A job remembers when its snapshots were seen to be done.
func TestTracesSayWhenSnapshotsEnded(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		r, err := engine(t, c, backup.Options{}).Run(t.Context(), nightly(copyTo(home)), time.Now())
		require.NoError(t, err)
		for _, j := range r.Jobs {
			for _, trace := range append(slices.Clone(j.Originals), j.Copies[0].Snapshots...) {
				done := c.snaps[trace.Snapshot].done
				require.False(t, trace.Ended.Before(done))
			}
		}
	})
}

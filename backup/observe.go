package backup

import (
	"context"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
)

// instrumentation is whom the engine's spans and counts belong to.
const instrumentation = "github.com/snapkeep/snapkeep/backup"

// An observer turns what the engine does into spans and counts. Its zero value
// is of no use, see newObserver.
type observer struct {
	tracer tracing.Tracer
	calls  metrics.Int64Counter
	jobs   metrics.Int64Counter
}

// newObserver makes the instruments. What is nil observes nothing.
func newObserver(spans tracing.TracerProvider, counts metrics.MeterProvider) (*observer, error) {
	if spans == nil {
		spans = tracing.NopTracerProvider{}
	}
	if counts == nil {
		counts = metrics.NopMeterProvider{}
	}
	meter := counts.Meter(instrumentation)
	o := &observer{tracer: spans.Tracer(instrumentation)}
	var err error
	if o.calls, err = meter.Int64Counter("snapkeep.calls", func(o *metrics.InstrumentOptions) {
		o.UnitLabel, o.Description = "{call}", "Steps that the engine took and listings that it made, retries of the SDK not counted."
	}); err != nil {
		return nil, err
	}
	o.jobs, err = meter.Int64Counter("snapkeep.jobs", func(o *metrics.InstrumentOptions) {
		o.UnitLabel, o.Description = "{job}", "Jobs that came to their end."
	})
	return o, err
}

// during observes one piece of work at a site. The context that it returns
// carries the span, so that those of the SDK's clients become its children;
// the function returned ends it.
func (o *observer) during(ctx context.Context, what string, at Site) (context.Context, func(error)) {
	ctx, span := o.tracer.StartSpan(ctx, "snapkeep."+what, func(opts *tracing.SpanOptions) {
		opts.Properties = propertiesOf(at)
	})
	return ctx, func(err error) {
		outcome := "ok"
		if err != nil {
			outcome = "error"
			span.SetProperty("snapkeep.error", classOf(err).String())
			span.SetStatus(tracing.SpanStatusError)
		} else {
			span.SetStatus(tracing.SpanStatusOK)
		}
		span.End()
		o.calls.Add(ctx, 1, func(opts *metrics.RecordMetricOptions) {
			opts.Properties = propertiesOf(at)
			opts.Properties.Set("snapkeep.call", what)
			opts.Properties.Set("snapkeep.outcome", outcome)
		})
	}
}

// run observes a call of Run.
func (o *observer) run(ctx context.Context, plan string) (context.Context, func(*Report)) {
	ctx, span := o.tracer.StartSpan(ctx, "snapkeep.run", func(opts *tracing.SpanOptions) {
		opts.Properties.Set("snapkeep.plan", plan)
	})
	return ctx, func(r *Report) {
		if len(r.Errors) > 0 {
			span.SetStatus(tracing.SpanStatusError)
		} else {
			span.SetStatus(tracing.SpanStatusOK)
		}
		span.End()
	}
}

// ended counts a job that came to its end.
func (o *observer) ended(ctx context.Context, j Job) {
	o.jobs.Add(ctx, 1, func(opts *metrics.RecordMetricOptions) {
		opts.Properties = propertiesOf(j.Resource.Site)
		opts.Properties.Set("snapkeep.plan", j.Plan)
		opts.Properties.Set("snapkeep.stage", string(j.Stage))
	})
}

// propertiesOf names a site as OpenTelemetry's conventions for clouds do
// (Semantic Conventions, "Cloud").
func propertiesOf(at Site) smithy.Properties {
	var p smithy.Properties
	p.Set("cloud.account.id", string(at.Account))
	p.Set("cloud.region", at.Region)
	return p
}

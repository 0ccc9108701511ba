package preflight

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
)

// clients makes all clients that an examination calls AWS with. aws.Config has
// no place for providers of spans and metrics, so each is given them.
type clients struct {
	spans  tracing.TracerProvider
	counts metrics.MeterProvider
}

func (o Options) clients() clients {
	c := clients{spans: o.Tracer, counts: o.Meter}
	if c.spans == nil {
		c.spans = tracing.NopTracerProvider{}
	}
	if c.counts == nil {
		c.counts = metrics.NopMeterProvider{}
	}
	return c
}

// ec2 makes a client that can change nothing: see onlyDryRuns.
func (c clients) ec2(cfg aws.Config) *ec2.Client {
	return ec2.NewFromConfig(cfg, guard, func(o *ec2.Options) { o.TracerProvider, o.MeterProvider = c.spans, c.counts })
}

func (c clients) iam(cfg aws.Config) *iam.Client {
	return iam.NewFromConfig(cfg, func(o *iam.Options) { o.TracerProvider, o.MeterProvider = c.spans, c.counts })
}

func (c clients) kms(cfg aws.Config) *kms.Client {
	return kms.NewFromConfig(cfg, func(o *kms.Options) { o.TracerProvider, o.MeterProvider = c.spans, c.counts })
}

func (c clients) sts(cfg aws.Config) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) { o.TracerProvider, o.MeterProvider = c.spans, c.counts })
}

func (c clients) organizations(cfg aws.Config) *organizations.Client {
	return organizations.NewFromConfig(cfg, func(o *organizations.Options) { o.TracerProvider, o.MeterProvider = c.spans, c.counts })
}

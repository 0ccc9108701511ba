package runcommand_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/tracing"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/ebs/runcommand"
)

// options of all that has clients of AWS.
type options struct {
	accounts accounts.Options
	ebs      ebs.Options
	scripts  runcommand.Options
}

// observed gives the world's provider to every client, service by service, as
// aws.Config has no place for it.
func (w *world) observed() (o options) {
	if w.tracer == nil {
		return o
	}
	o.accounts.ClientOptions = []func(*sts.Options){func(o *sts.Options) { o.TracerProvider = w.tracer }}
	o.ebs.EC2 = []func(*ec2.Options){func(o *ec2.Options) { o.TracerProvider = w.tracer }}
	o.ebs.KMS = []func(*kms.Options){func(o *kms.Options) { o.TracerProvider = w.tracer }}
	o.scripts.SSM = []func(*ssm.Options){func(o *ssm.Options) { o.TracerProvider = w.tracer }}
	return o
}

// spans is a provider that keeps the path to each span, by the names of those above it.
type spans struct {
	mu    sync.Mutex // guards paths
	paths map[string]bool
}

func (s *spans) Tracer(string, ...tracing.TracerOption) tracing.Tracer { return s }

func (s *spans) StartSpan(ctx context.Context, name string, _ ...tracing.SpanOption) (context.Context, tracing.Span) {
	if parent, ok := tracing.GetSpan(ctx); ok {
		name = parent.Name() + "/" + name
	}
	s.mu.Lock()
	s.paths[name] = true
	s.mu.Unlock()
	_, none := tracing.NopTracerProvider{}.Tracer("").StartSpan(ctx, name)
	child := span{none, name}
	return tracing.WithSpan(ctx, child), child
}

type span struct {
	tracing.Span
	name string
}

func (s span) Name() string { return s.name }

// One provider makes one tree of a run: what each service of AWS was called for
// is below the engine's own span, the session of a call included.
func TestTheSpansOfEveryServiceAreOneTree(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := &spans{paths: map[string]bool{}}
		w.tracer = s
		_, err := w.night()
		require.NoError(t, err)
		for _, want := range [][]string{
			{"snapkeep.run/snapkeep.quiesce/", "SSM.SendCommand"},
			{"snapkeep.run/snapkeep.resume/", "SSM.SendCommand"},
			{"snapkeep.run/snapkeep.snapshot/", "EC2.CreateSnapshots"},
			{"snapkeep.run/snapkeep.copy/", "EC2.CopySnapshot"},
			{"snapkeep.run/snapkeep.list/", "EC2.DescribeSnapshots"},
			{"snapkeep.run/", "KMS.DescribeKey"},
			{"snapkeep.run/", "STS.AssumeRole"},
		} {
			found := false
			for path := range s.paths {
				found = found || strings.HasPrefix(path, want[0]) && strings.Contains(path, want[1])
			}
			require.True(t, found, "no %s below %s: %v", want[1], want[0], s.paths)
		}
		for path := range s.paths {
			require.True(t, strings.HasPrefix(path, "snapkeep.run"), "%s is no part of the run", path)
		}
	})
}

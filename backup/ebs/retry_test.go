package ebs_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
)

// The SDK's retryers share 500 tokens among all calls of a client, and that of
// adaptive mode never gets one back (aws-sdk-go-v2 issue 3550): a hundred
// throttled calls would end all retries of a run. Whatever the host's config
// says, a thousand throttled attempts leave ours as they were.
func TestThrottledCallsNeverUseUpRetries(t *testing.T) {
	for name, host := range map[string]aws.Config{
		"no retryer":     {},
		"adaptive mode":  {RetryMode: aws.RetryModeAdaptive, Retryer: func() aws.Retryer { return retry.NewAdaptiveMode() }},
		"standard":       {RetryMode: aws.RetryModeStandard, Retryer: func() aws.Retryer { return retry.NewStandard() }},
		"one attempt":    {RetryMaxAttempts: 1},
		"never again":    {Retryer: func() aws.Retryer { return aws.NopRetryer{} }, RetryMaxAttempts: 1},
		"ten, and again": {RetryMode: aws.RetryModeAdaptive, RetryMaxAttempts: 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked, refusals atomic.Int64
				w := &wire{t: t, answer: func(r request) answer {
					if asked.Add(1)%5 != 0 { // the fifth attempt is answered
						refusals.Add(1)
						return refused(503, "RequestLimitExceeded", "slow down")
					}
					return ok(r.action, "<snapshotSet/>")
				}}
				host.Region, host.HTTPClient, host.Credentials = site.Region, w, aws.AnonymousCredentials{}
				client := ebs.New(ebs.Options{}).Open(host, site)
				for range 250 {
					for _, err := range client.List(context.Background(), backup.Query{}) {
						require.NoError(t, err)
					}
				}
				require.EqualValues(t, 1000, refusals.Load())
			})
		})
	}
}

// The engine paces what it changes, so it must hear of each refusal: a step
// that is throttled is sent once. One whose answer was lost is repeated, if it
// may be.
func TestAThrottledStepIsTheEnginesToRepeat(t *testing.T) {
	for _, kind := range []backup.StepKind{backup.StepShare, backup.StepRevoke, backup.StepDelete, backup.StepCopy} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				step := backup.Step{Kind: kind, Snapshot: "snap-1", With: "999999999999", KMSKey: "arn:key", SourceRegion: "eu-west-1"}
				client, w := open(t, func(request) answer { return refused(503, "RequestLimitExceeded", "slow down") })
				_, err := client.Do(context.Background(), step)
				require.ErrorIs(t, err, backup.ErrThrottled)
				require.Len(t, w.calls, 1)

				client, w = open(t, func(request) answer { return refused(500, "InternalError", "x") })
				_, err = client.Do(context.Background(), step)
				require.Error(t, err)
				want := 5
				if kind == backup.StepCopy {
					want = 1
				}
				require.Len(t, w.calls, want)
			})
		})
	}
}

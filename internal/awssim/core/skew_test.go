package core_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// overSocket is a client that reaches the world through a real server.
func overSocket(t *testing.T, w *world) *ec2.Client {
	t.Helper()
	server := httptest.NewServer(w.Cloud)
	t.Cleanup(server.Close)
	cfg := w.config(w.user(), "")
	cfg.HTTPClient, cfg.BaseEndpoint = nil, aws.String(server.URL)
	return ec2.NewFromConfig(cfg)
}

// The SDK signs with the server's time once it has seen it in the Date of an
// answer. Where the code is one that it takes for a skew, the first call
// already succeeds in a second attempt; EC2's RequestExpired is none of them
// (aws/retry, clockSkewCodes), so there the first call fails and the next does not.
func TestTheSDKCorrectsItsClock(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour, 16 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, core.Options{ClockSkew: skew})
			cfg := w.config(w.user(), "")
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			require.Equal(t, "SignatureDoesNotMatch", code(t, err), "without retries")

			cfg.Retryer = nil
			_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)

			client := ec2.NewFromConfig(cfg)
			_, err = deleteSnapshot(t.Context(), client)
			require.Equal(t, "RequestExpired", code(t, err))
			for range 3 {
				_, err = deleteSnapshot(t.Context(), client)
				require.NoError(t, err)
			}

			w.SetClockSkew(0) // the host's clock is set right
			_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)
			_, err = deleteSnapshot(t.Context(), client)
			require.Equal(t, "RequestExpired", code(t, err))
			_, err = deleteSnapshot(t.Context(), client)
			require.NoError(t, err)
		})
	}
}

func TestASmallSkewIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{ClockSkew: 14 * time.Minute})
		_, err := deleteSnapshot(t.Context(), w.ec2(w.user()))
		require.NoError(t, err)
		require.Zero(t, w.Stats().Rejected)
	})
}

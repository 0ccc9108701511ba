package core_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A process that dies at its nth call that changes something has made all
// calls before it and none after, and never makes another one.
func TestAProcessDies(t *testing.T) {
	for line, effects := range map[string]int{"mutating nth 3: die": 2, "mutating nth 3: die after": 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, core.Options{OnCall: script(t, line).Decide()})
			cfg := w.config(w.user(), "")
			one := ec2.NewFromConfig(cfg)
			cfg.Region = "us-east-1"
			two := ec2.NewFromConfig(cfg) // of the same process
			for i := range 6 {
				client := one
				if i%2 == 1 {
					client = two
				}
				start := time.Now()
				_, err := deleteSnapshot(t.Context(), client)
				if i < 2 {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, core.ErrDead)
				if i > 2 {
					require.Zero(t, time.Since(start))
				}
			}
			require.Equal(t, effects, w.deletions, line)
			require.Equal(t, 3, w.Stats().Total, "nothing else has reached the cloud")
			<-cfg.HTTPClient.(*core.Client).Dead()

			_, err := deleteSnapshot(t.Context(), w.ec2(w.user()))
			require.NoError(t, err, "another process lives")
		})
	}
}

// What a process has under way when it dies comes to nothing, hung calls included.
func TestDeathEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Latency: 2 * time.Second, OnCall: script(t, "nth 1: hang").Decide()})
		cfg := w.config(w.user(), "")
		cfg.Retryer = nil
		client := ec2.NewFromConfig(cfg)
		done := make(chan error)
		call := func() {
			_, err := deleteSnapshot(t.Context(), client)
			done <- err
		}
		go call()
		time.Sleep(5 * time.Second)
		go call() // on its way to the cloud when the process dies
		time.Sleep(500 * time.Millisecond)
		process := cfg.HTTPClient.(*core.Client)
		process.Kill()
		process.Kill()
		require.ErrorIs(t, <-done, core.ErrDead)
		require.ErrorIs(t, <-done, core.ErrDead)
		require.Zero(t, w.deletions)
	})
}

func TestADeathOverASocketIsAReset(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1, OnCall: script(t, "nth 1: die after").Decide()})
	client := overSocket(t, w)
	_, err := deleteSnapshot(t.Context(), client)
	require.ErrorContains(t, err, "EOF")
	_, err = client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)})
	require.NoError(t, err)
}

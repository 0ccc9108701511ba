package core_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

func TestFaults(t *testing.T) {
	hasCode := func(want string, httpStatus int) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			require.Equal(t, want, code(t, err))
			require.Equal(t, httpStatus, status(err))
		}
	}
	reset := func(t *testing.T, err error) { require.ErrorIs(t, err, syscall.ECONNRESET) }
	tests := []struct {
		name    string
		fault   core.Fault
		check   func(*testing.T, error)
		effects int
	}{
		{name: "none", check: func(t *testing.T, err error) { require.NoError(t, err) }, effects: 1},
		{name: "error before", fault: core.Fault{Way: core.Refuse, Error: core.Error{Code: "Unavailable", Status: 503}}, check: hasCode("Unavailable", 503)},
		{name: "error after", fault: core.Fault{Way: core.Refuse, After: true, Error: core.Error{Code: "Unavailable", Status: 503}}, check: hasCode("Unavailable", 503), effects: 1},
		{name: "internal error before", fault: core.Fault{Way: core.Refuse}, check: hasCode("InternalError", 500)},
		{name: "internal error after", fault: core.Fault{Way: core.Refuse, After: true}, check: hasCode("InternalError", 500), effects: 1},
		{name: "reset before", fault: core.Fault{Way: core.Reset}, check: reset},
		{name: "reset after", fault: core.Fault{Way: core.Reset, After: true}, check: reset, effects: 1},
		{name: "garbage before", fault: core.Fault{Way: core.Garbage}, check: func(t *testing.T, err error) { require.Equal(t, 503, status(err)) }},
		{name: "garbage after", fault: core.Fault{Way: core.Garbage, After: true}, check: func(t *testing.T, err error) { require.Equal(t, 503, status(err)) }, effects: 1},
		{name: "internal error with a status", fault: core.Fault{Way: core.Refuse, Error: core.Error{Status: 503}}, check: hasCode("InternalError", 503)},
		{name: "garbage 500", fault: core.Fault{Way: core.Garbage, Status: 500}, check: func(t *testing.T, err error) { require.Equal(t, 500, status(err)) }},
		{name: "throttled", fault: core.Fault{Way: core.Throttle}, check: hasCode("RequestLimitExceeded", 503)},
		{name: "throttled after", fault: core.Fault{Way: core.Throttle, After: true}, check: hasCode("RequestLimitExceeded", 503), effects: 1},
		{name: "expired", fault: core.Fault{Way: core.Expire}, check: hasCode("RequestExpired", 400)},
		{name: "cut", fault: core.Fault{Way: core.Cut}, check: func(t *testing.T, err error) { require.ErrorContains(t, err, "deserialization failed") }, effects: 1},
		{name: "truncated", fault: core.Fault{Way: core.Truncate}, check: func(t *testing.T, err error) { require.ErrorContains(t, err, "unexpected EOF") }, effects: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, core.Options{Latency: -1, OnCall: func(core.CallInfo) core.Fault { return tt.fault }})
			_, err := copySnapshot(t.Context(), w.ec2(w.user()))
			if tt.name == "none" {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
			_, err = deleteSnapshot(t.Context(), w.ec2(w.user()))
			if tt.name != "truncated" && tt.name != "cut" { // DeleteSnapshot's answer is too short for the SDK to look at
				tt.check(t, err)
			}
			require.Equal(t, tt.effects, w.deletions)
			faults := 2
			if tt.name == "none" {
				faults = 0
			}
			require.Equal(t, faults, w.Stats().Faults)
		})
	}
}

func deleteSnapshot(ctx context.Context, c *ec2.Client) (*ec2.DeleteSnapshotOutput, error) {
	return c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s")})
}

func copySnapshot(ctx context.Context, c *ec2.Client) (*ec2.CopySnapshotOutput, error) {
	return c.CopySnapshot(ctx, &ec2.CopySnapshotInput{SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: aws.String("s")})
}

// A hung call ends with its context, with and without effect.
func TestHang(t *testing.T) {
	for _, after := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, core.Options{OnCall: func(core.CallInfo) core.Fault { return core.Fault{Way: core.Hang, After: after} }})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
			defer cancel()
			start := time.Now()
			_, err := deleteSnapshot(ctx, w.ec2(w.user()))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 3*time.Hour, time.Since(start))
			require.Equal(t, after, w.deletions == 1)
		})
	}
}

func TestWhoDecidesOnFaultsIsToldOfTheCall(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	var seen []core.CallInfo
	w.SetFault(func(i core.CallInfo) core.Fault {
		seen = append(seen, i)
		return core.Fault{}
	})
	client := w.ec2(w.user())
	_, err := client.DescribeSnapshots(t.Context(), nil)
	require.NoError(t, err)
	_, err = client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s"), DryRun: aws.Bool(true)})
	require.Error(t, err)
	_, err = client.DescribeVolumes(t.Context(), nil) // not simulated: nobody is asked
	require.Error(t, err)
	_, err = deleteSnapshot(t.Context(), client)
	require.NoError(t, err)
	require.NoError(t, calls(t.Context(), w.config(w.user(), ""))["sts"]())

	type brief struct {
		N         int
		Operation string
		Mutating  bool
	}
	var got []brief
	for _, i := range seen {
		require.Equal(t, account, i.Account)
		require.Equal(t, "eu-west-1", i.Region)
		require.Equal(t, "arn:aws:iam::111111111111:user/alice", i.Caller)
		got = append(got, brief{i.N, i.Service + ":" + i.Operation, i.Mutating})
	}
	require.Equal(t, []brief{
		{1, "ec2:DescribeSnapshots", false}, {2, "ec2:DeleteSnapshot", false}, {3, "ec2:DeleteSnapshot", true}, {4, "sts:GetCallerIdentity", false},
	}, got)
	require.Equal(t, "s", *seen[2].Input.(*ec2.DeleteSnapshotInput).SnapshotId)

	w.SetFault(nil)
	_, err = deleteSnapshot(t.Context(), client)
	require.NoError(t, err)
	require.Len(t, seen, 4)
}

// A client that gives up while its request is under way prevents the effect;
// while the answer is under way it only misses it.
func TestGivingUp(t *testing.T) {
	tests := []struct {
		name    string
		after   time.Duration
		effects int
	}{
		{name: "before", after: 40 * time.Millisecond, effects: 0},
		{name: "after", after: 60 * time.Millisecond, effects: 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, core.Options{Latency: 100 * time.Millisecond})
			ctx, cancel := context.WithTimeout(t.Context(), tt.after)
			defer cancel()
			_, err := deleteSnapshot(ctx, w.ec2(w.user()))
			require.ErrorIs(t, err, context.DeadlineExceeded, tt.name)
			require.Equal(t, tt.effects, w.deletions, tt.name)
		})
	}
	w := newWorld(t, core.Options{Latency: -1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := deleteSnapshot(ctx, w.ec2(w.user()))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, w.deletions)
}

func TestLatency(t *testing.T) {
	for latency, want := range map[time.Duration]time.Duration{0: 50 * time.Millisecond, 3 * time.Second: 3 * time.Second, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, core.Options{Latency: latency})
			start := time.Now()
			_, err := deleteSnapshot(t.Context(), w.ec2(w.user()))
			require.NoError(t, err)
			require.Equal(t, want, time.Since(start))
		})
	}
}

// Calls wait for their latency side by side: the lock is not held.
func TestCallsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Latency: time.Second})
		client := w.ec2(w.user())
		start := time.Now()
		done := make(chan error)
		for range 50 {
			go func() {
				_, err := deleteSnapshot(t.Context(), client)
				done <- err
			}()
		}
		for range 50 {
			require.NoError(t, <-done)
		}
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, 50, w.deletions)
	})
}

// A bug in an operation is no answer: it reaches the test, and the lock is free.
func TestPanicsGoThrough(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	w.describe = func(*core.Call, *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
		panic(errors.New("bug"))
	}
	client := w.ec2(w.user())
	require.Panics(t, func() { _, _ = client.DescribeSnapshots(t.Context(), nil) })
	_, err := deleteSnapshot(t.Context(), client)
	require.NoError(t, err)
}

func TestOtherHostsAreNotReached(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	r, err := http.NewRequest(http.MethodGet, "https://example.com/", nil)
	require.NoError(t, err)
	_, err = w.Client().Do(r)
	require.ErrorContains(t, err, `Get "https://example.com/": dial tcp: lookup example.com: no such host`)
}

func TestSlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Latency: -1, OnCall: script(t, "nth 1: slow 40s; nth 2: refuse 503 Unavailable delay 5s").Decide()})
		start := time.Now()
		_, err := deleteSnapshot(t.Context(), w.ec2(w.user()))
		require.NoError(t, err)
		require.Equal(t, 40*time.Second, time.Since(start))
		_, err = deleteSnapshot(t.Context(), w.ec2(w.user()))
		require.Equal(t, "Unavailable", code(t, err))
		require.Equal(t, 45*time.Second, time.Since(start))
		require.Equal(t, 2, w.Stats().Faults)

		w.SetFault(script(t, "*: slow 40s").Decide())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = deleteSnapshot(ctx, w.ec2(w.user()))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 2, w.deletions, "who gives up waiting has missed the answer only")
	})
}

// Bytes that do not fit their checksum are for the client to find out.
func TestCorruptBytes(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	data := []byte("what was on the disk")
	w.Register(&core.Service{Name: "ebs", Protocol: wire.EBS(), Operations: map[string]core.Operation{
		"GetSnapshotBlock": core.Op(func(*core.Call, *ebs.GetSnapshotBlockInput) (*ebs.GetSnapshotBlockOutput, error) {
			return &ebs.GetSnapshotBlockOutput{BlockData: io.NopCloser(bytes.NewReader(data)), Checksum: aws.String("of data")}, nil
		}),
	}})
	read := func() []byte {
		out, err := ebs.NewFromConfig(w.config(w.user(), "")).GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{
			SnapshotId: aws.String("snap-1"), BlockIndex: aws.Int32(0), BlockToken: aws.String("x"),
		})
		require.NoError(t, err)
		require.Equal(t, "of data", *out.Checksum)
		got, err := io.ReadAll(out.BlockData)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, data, read())
	w.SetFault(script(t, "*: corrupt").Decide())
	require.NotEqual(t, data, read())
	require.Len(t, read(), len(data))
	require.Equal(t, "what was on the disk", string(data))
	_, err := w.ec2(w.user()).DescribeSnapshots(t.Context(), nil)
	require.NoError(t, err, "XML is left as it is")
}

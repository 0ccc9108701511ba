package core_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func TestPresignedURLOfCopySnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{})
		want := core.Presigned{Region: "us-east-1", Operation: "CopySnapshot"}
		change := func(s string) string { return s }
		w.copySnapshot = func(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error) {
			want.URL = change(*in.PresignedUrl)
			form, err := c.CheckPresigned(want)
			if err == nil {
				require.Equal(t, "snap-1", form.Get("SourceSnapshotId"))
				require.Equal(t, "us-east-1", form.Get("SourceRegion"))
				require.Equal(t, "eu-west-1", form.Get("DestinationRegion"))
				require.Equal(t, "eu-west-1", c.Region)
			}
			return &ec2.CopySnapshotOutput{}, err
		}
		var before func(*http.Request)
		cfg := w.config(w.user(), "")
		inner := cfg.HTTPClient
		cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			if before != nil {
				before(r)
			}
			return inner.Do(r)
		})
		send := func(in ec2.CopySnapshotInput) error {
			in.SourceRegion, in.SourceSnapshotId = aws.String("us-east-1"), aws.String("snap-1")
			_, err := ec2.NewFromConfig(cfg).CopySnapshot(t.Context(), &in)
			return err
		}
		require.NoError(t, send(ec2.CopySnapshotInput{}))

		refused := func(why string) {
			t.Helper()
			err := send(ec2.CopySnapshotInput{})
			require.Equal(t, "InvalidParameterValue", code(t, err))
			require.ErrorContains(t, err, why)
		}
		change = func(s string) string { return strings.Replace(s, "snap-1", "snap-2", 1) }
		refused("not able to validate")
		change = func(s string) string { return strings.Replace(s, "X-Amz-Signature", "X-Amz-Other", 1) }
		refused("X-Amz-Signature")
		change = func(string) string { return ":" }
		refused("cannot be parsed")
		change = func(s string) string { return s }

		want.Region = "us-west-2"
		refused("it is not signed for us-west-2")
		want.Region, want.Operation = "us-east-1", "CopyImage"
		refused("another operation")
		want.Operation = "CopySnapshot"

		w.Lock()
		other := w.Account(account).RootKey()
		w.Unlock()
		var foreign string
		change = func(s string) string { foreign = s; return s }
		cfg = w.config(other, "")
		require.NoError(t, send(ec2.CopySnapshotInput{}))
		cfg = w.config(w.user(), "")
		change = func(string) string { return foreign }
		refused("somebody else")
		change = func(s string) string { return s }

		// The SDK keeps the URL in the input, where it goes stale.
		old := ec2.CopySnapshotInput{SourceRegion: aws.String("us-east-1"), SourceSnapshotId: aws.String("snap-1")}
		_, err := ec2.NewFromConfig(cfg).CopySnapshot(t.Context(), &old)
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		_, err = ec2.NewFromConfig(cfg).CopySnapshot(t.Context(), &old)
		require.ErrorContains(t, err, "Request has expired")
	})
}

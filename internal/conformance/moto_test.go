package conformance_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/conformance"
)

var update = flag.Bool("update", false, "rewrite the recorded results of other emulators")

// motoKey is the environment variable that says where moto listens:
//
//	MOTO_EC2_LOAD_DEFAULT_AMIS=false moto_server -H 127.0.0.1 -p 5001
//	SNAPKEEP_MOTO=http://127.0.0.1:5001 go test ./internal/conformance
const motoKey = "SNAPKEEP_MOTO"

const recorded = "testdata/moto-5.2.txt"

// moto returns the emulator as a target, or skips the test.
func moto(t *testing.T) (endpoint string, target conformance.Target) {
	t.Helper()
	endpoint = os.Getenv(motoKey)
	if endpoint == "" {
		t.Skipf("moto is not there: %s names no endpoint", motoKey)
	}
	return endpoint, conformance.Target{
		Config: aws.Config{
			Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: numbers{},
			Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
		},
		// Nothing takes time there: what is not so at once never will be.
		Poll: 5 * time.Millisecond, Patience: 500 * time.Millisecond,
	}
}

// reset makes moto forget everything.
func reset(ctx context.Context, t *testing.T, endpoint string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/moto-api/reset", nil)
	require.NoError(t, err)
	resp, err := fresh.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// fresh takes a new connection for each request, since moto closes the one of
// a request that it fails upon.
var fresh = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// quoted are the numbers that moto sends as strings in answers of EBS direct,
// which the Go SDK does not read.
var quoted = regexp.MustCompile(`"(BlockIndex|VolumeSize)": ?"(\d+)"`)

// numbers is an HTTP client that takes the quotes off those numbers, so that
// the rest of the answers can be judged. It reads answers whole, so that what
// moto does to a connection is not taken for an answer.
type numbers struct{}

func (numbers) Do(r *http.Request) (*http.Response, error) {
	resp, err := fresh.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(strings.ToLower(r.URL.Path), "blocks") {
		body = quoted.ReplaceAll(body, []byte(`"$1": $2`))
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// TestMotoDoesAsRecorded puts the table to an independent emulator. Where it
// deviates from AWS is known by name; a change there is looked at.
func TestMotoDoesAsRecorded(t *testing.T) {
	endpoint, target := moto(t)
	var out strings.Builder
	counts := map[conformance.Verdict]int{}
	fmt.Fprintln(&out, "# moto 5.2.1 against the conformance table, one case a line.")
	fmt.Fprintln(&out, "# Rewritten by: go test ./internal/conformance -run Moto -update")
	for _, c := range conformance.Cases() {
		reset(t.Context(), t, endpoint)
		got := c.Run(t.Context(), target)
		counts[got.Verdict]++
		fmt.Fprintf(&out, "%s: %s\n", c, got)
	}
	t.Log(counts)
	if *update {
		require.NoError(t, os.WriteFile(recorded, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(recorded)
	require.NoError(t, err)
	for _, line := range differences(string(want), out.String()) {
		t.Error(line)
	}
}

// differences are the lines that only one of two texts has.
func differences(want, got string) (lines []string) {
	in := func(text string) map[string]bool {
		set := map[string]bool{}
		for line := range strings.Lines(text) {
			set[strings.TrimSpace(line)] = true
		}
		return set
	}
	old, now := in(want), in(got)
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); !now[line] {
			lines = append(lines, "recorded: "+line)
		}
	}
	for line := range strings.Lines(got) {
		if line = strings.TrimSpace(line); !old[line] {
			lines = append(lines, "now:      "+line)
		}
	}
	return lines
}

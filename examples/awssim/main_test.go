package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

// start runs the program and returns what it announces. stop interrupts it and
// returns its exit status and what it complained of.
func start(t *testing.T, args ...string) (env map[string]string, stop func() (int, string)) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var complaints bytes.Buffer
	status := make(chan int, 1)
	go func() { status <- run(ctx, args, w, &complaints) }()
	// The pipe ends because the program closes its output.
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	env = map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "export "), "\n"), "=")
		require.True(t, ok && strings.HasPrefix(line, "export "), "%q", line)
		env[name] = value
	}
	return env, func() (int, string) {
		interrupt()
		s := <-status
		return s, complaints.String()
	}
}

func client(env map[string]string, suffix string) aws.Config {
	return aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"+suffix], env["AWS_SECRET_ACCESS_KEY"+suffix], ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func TestServesOverLoopback(t *testing.T) {
	env, stop := start(t, "-seed", "3")
	require.Regexp(t, `^http://127\.0\.0\.1:[0-9]+$`, env["AWS_ENDPOINT_URL"])
	who, err := sts.NewFromConfig(client(env, "_222222222222")).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::222222222222:user/admin", *who.Arn)
	volumes, err := ec2.NewFromConfig(client(env, "_222222222222")).DescribeVolumes(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, env["AWSSIM_VOLUME_222222222222_LEDGER"], *volumes.Volumes[0].VolumeId)
	resp, err := http.Get(env["AWS_ENDPOINT_URL"])
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "nobody gets in without a signature")
	status, complaints := stop()
	require.Zero(t, status, complaints)
	_, err = http.Get(env["AWS_ENDPOINT_URL"])
	require.Error(t, err)
}

func TestTheProbesWorldHasItsKey(t *testing.T) {
	env, stop := start(t, "-world", "probes", "-speed", "1000")
	require.Equal(t, "AKIAIOSFODNN7EXAMPLE", env["AWS_ACCESS_KEY_ID"])
	require.Equal(t, "secret", env["AWS_SECRET_ACCESS_KEY"])
	for _, account := range []string{"111111111111", "222222222222"} {
		out, err := sts.NewFromConfig(client(env, "")).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::" + account + ":role/Bootstrap"), RoleSessionName: aws.String("probe"),
		})
		require.NoError(t, err)
		require.Contains(t, *out.AssumedRoleUser.Arn, account)
	}
	status, complaints := stop()
	require.Zero(t, status, complaints)
}

func TestAScriptFromAFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("allow.json", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	script := write("world.yaml", `{"region":"eu-west-1","accounts":[{"id":"333333333333","users":[{"name":"it's","policies":[{"file":"allow.json"}]}]}]}`)
	env, stop := start(t, "-script", script)
	who, err := sts.NewFromConfig(client(env, "")).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "333333333333", *who.Account)
	status, complaints := stop()
	require.Zero(t, status, complaints)
}

// discard is an output that can be closed.
type discard struct{ io.Writer }

func (discard) Close() error { return nil }

func TestACommandGetsTheVariables(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	t.Setenv("AWS_PROFILE", "real")
	var out, complaints bytes.Buffer
	status := run(t.Context(), []string{"-world", "probes", "--", shell, "-c", `echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID [$AWS_PROFILE]"; exit 7`}, discard{&out}, &complaints)
	require.Equal(t, 7, status, complaints.String())
	require.Regexp(t, `^http://127\.0\.0\.1:[0-9]+ AKIAIOSFODNN7EXAMPLE \[\]\n$`, out.String())
	require.Zero(t, run(t.Context(), []string{"-world", "probes", "--", shell, "-c", "true"}, discard{&out}, &complaints))
	require.Equal(t, 1, run(t.Context(), []string{"-world", "probes", "--", "/there/is/no/such/program"}, discard{&out}, &complaints))
}

func TestBadFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown flag":       {[]string{"-port", "1"}, "flag provided but not defined"},
		"an unknown world":      {[]string{"-world", "mars"}, `there is no world "mars", but default, probes`},
		"no such script":        {[]string{"-script", "/there/is/no/such/script"}, "no such file"},
		"a negative speed":      {[]string{"-speed", "-1"}, "-speed -1"},
		"an impossible address": {[]string{"-listen", "127.0.0.1:x"}, "listen"},
	} {
		var complaints bytes.Buffer
		require.NotZero(t, run(t.Context(), c.args, discard{io.Discard}, &complaints), name)
		require.Contains(t, complaints.String(), c.want, name)
	}
	require.Zero(t, run(t.Context(), []string{"-h"}, discard{io.Discard}, io.Discard))
}

func TestQuotedForAShell(t *testing.T) {
	require.Equal(t, "a/b+c=", quote("a/b+c="))
	require.Equal(t, `'it'\''s $HOME'`, quote("it's $HOME"))
	require.Equal(t, "''", quote(""))
}

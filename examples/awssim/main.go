// Awssim is a simulated AWS for any client: the AWS CLI, boto3, Terraform, the
// SDKs of all languages. It listens on loopback, speaks the wire protocols of
// EC2, EBS direct, IAM, KMS, Organizations, S3, SSM and STS, and holds several
// accounts.
//
//	go run ./examples/awssim -listen 127.0.0.1:0 -seed 1
//
// prints where it listens and the access keys of its accounts as lines for a
// shell, and serves until it is interrupted:
//
//	export AWS_ENDPOINT_URL=http://127.0.0.1:41379
//	export AWS_REGION=us-east-1
//	export AWS_ACCESS_KEY_ID=AKIA…
//
// Nothing else goes to the standard output, which is closed then. Unsuffixed
// keys are those of the first account; AWS_ACCESS_KEY_ID_222222222222 belongs
// to another one. To use it from a shell:
//
//	go build -o awssim ./examples/awssim
//	eval "$(./awssim & echo "awssim=$!")"
//	aws ec2 describe-snapshots --owner-ids self
//	kill "$awssim"
//
// or give it a command to run with these variables, whose exit status becomes
// its own:
//
//	go run ./examples/awssim -- aws sts get-caller-identity
//
// What there is in the world comes from a script, -script FILE (YAML; package
// world says what it may hold), or is one of those that come with the program,
// -world NAME: "default", three accounts with some data; "probes"; "story". With -speed N
// snapshots and copies complete N times sooner than on AWS.
//
// Terraform's provider needs, beside the variables,
//
//	provider "aws" {
//	  skip_metadata_api_check = true
//	  s3_use_path_style       = true
//	}
//
// All of it is memory: nothing leaves the machine, and nothing is left when
// the program ends. At the end it lists, on the standard error, which requests
// asked for what is not simulated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/snapkeep/snapkeep/examples/awssim/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are what the flags say.
type settings struct {
	listen, script, world string
	seed                  uint64
	speed                 float64
	command               []string
}

// run is the program; it returns the exit status.
func run(ctx context.Context, args []string, stdout io.WriteCloser, stderr io.Writer) int {
	var set settings
	flags := flag.NewFlagSet("awssim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&set.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 is any that is free")
	flags.Uint64Var(&set.seed, "seed", 1, "seed of every id, key and fault")
	flags.StringVar(&set.script, "script", "", "file that describes the world")
	flags.StringVar(&set.world, "world", "default", "world that comes with the program, unless there is a script")
	flags.Float64Var(&set.speed, "speed", 0, "how many times sooner snapshots and copies complete; it replaces the script's")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	set.command = flags.Args()
	script, err := set.read()
	if err != nil {
		fmt.Fprintln(stderr, "awssim:", err)
		return 2
	}
	status, err := serve(ctx, set, script, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "awssim:", err)
		return 1
	}
	return status
}

// read reads the description of the world.
func (s settings) read() (*world.Script, error) {
	if s.speed < 0 {
		return nil, fmt.Errorf("-speed %v: want more than zero", s.speed)
	}
	text, open, err := s.text()
	if err != nil {
		return nil, err
	}
	script, err := world.Parse(text, open)
	if err != nil {
		return nil, err
	}
	if s.speed > 0 {
		script.Speed = s.speed
	}
	return script, nil
}

func (s settings) text() (text []byte, open func(string) ([]byte, error), err error) {
	if s.script == "" {
		return world.Named(s.world)
	}
	// Files are named from where the script is.
	open = func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(s.script), name)
		}
		return os.ReadFile(name)
	}
	text, err = os.ReadFile(s.script)
	return text, open, err
}

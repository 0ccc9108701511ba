package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/examples/awssim/world"
)

// farewell is how long a request may go on after the interrupt.
const farewell = 2 * time.Second

// serve builds the world, tells of it and answers until it is interrupted, or
// until the command ends whose exit status it returns.
func serve(ctx context.Context, set settings, script *world.Script, stdout io.WriteCloser, stderr io.Writer) (status int, err error) {
	listener, err := net.Listen("tcp", set.listen)
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	w, err := world.New(ctx, script, set.seed)
	if err != nil {
		return 0, err
	}
	// Requests may hang for as long as the client lets them: that is a fault
	// that a script can ask for.
	server := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	variables := append([]world.Variable{{Name: "AWS_ENDPOINT_URL", Value: "http://" + listener.Addr().String()}}, w.Variables...)

	if len(set.command) > 0 {
		status, err = command(ctx, set.command, variables, stdout, stderr)
	} else {
		err = announce(stdout, variables)
		if err == nil {
			select {
			case err = <-failed:
			case <-ctx.Done():
			}
		}
	}
	for _, m := range w.Cloud.Misuse() {
		fmt.Fprintln(stderr, "awssim: misuse:", m)
	}
	return status, errors.Join(err, shutdown(server))
}

// shutdown lets requests that are under way come to an end, if that is soon.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

// announce prints the variables for a shell, and closes the output so that
// the shell does not wait for more.
func announce(out io.WriteCloser, variables []world.Variable) error {
	var text strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&text, "export %s=%s\n", v.Name, quote(v.Value))
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return err
	}
	return out.Close()
}

// quote makes a value one word of a shell.
func quote(value string) string {
	if value != "" && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:/.,_+=@-") == "" {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// command runs a program with the variables and returns its exit status.
func command(ctx context.Context, line []string, variables []world.Variable, stdout, stderr io.Writer) (int, error) {
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	// What the shell has of another AWS must not reach the program.
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	for _, v := range variables {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = farewell
	err := cmd.Run()
	if err == nil {
		return 0, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	return 1, err
}

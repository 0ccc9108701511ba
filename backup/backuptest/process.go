package backuptest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Process is a host program that can be killed: what is configured by it
// reaches the cloud no more from then on. It is safe for concurrent use.
type Process struct {
	cloud  *Cloud
	client *core.Client
}

// Process returns a new one. Fault Die kills the one whose call it strikes.
func (c *Cloud) Process() *Process { return &Process{c, c.sim.Client()} }

// Config is Cloud.Config for clients of the process.
func (p *Process) Config(creds aws.CredentialsProvider, region string) aws.Config {
	cfg := p.cloud.Config(creds, region)
	cfg.HTTPClient = p.client
	return cfg
}

// Kill ends the process: every call that it has under way, and every further
// one, fails at once. What has taken effect stays.
func (p *Process) Kill() { p.client.Kill() }

// Context returns a context that ends when the process is killed, so that a
// program under test stops to work and not only to call.
func (p *Process) Context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-p.client.Dead():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

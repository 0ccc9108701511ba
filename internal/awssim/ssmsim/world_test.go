package ssmsim_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

const (
	account = "111111111111"
	other   = "222222222222"
	region  = "eu-west-1"
	shell   = "AWS-RunShellScript"
)

// A world is a cloud under test.
type world struct {
	*awssim.Cloud
	t   testing.TB
	ssm *ssm.Client // of an administrator
}

// inWorld runs a test in a bubble in which time is simulated.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}})}
		t.Cleanup(func() { require.Empty(t, w.Misuse()) })
		w.ssm = w.as(account, "admin", awssim.Admin())
		f(t, w)
	})
}

func (w *world) config(acct, name string, policies ...*iampolicy.Document) aws.Config {
	cfg := w.Config(w.User(acct, name, policies...), region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func (w *world) as(acct, name string, policies ...*iampolicy.Document) *ssm.Client {
	return ssm.NewFromConfig(w.config(acct, name, policies...))
}

func (w *world) ec2() *ec2.Client {
	return ec2.NewFromConfig(w.config(account, "admin", awssim.Admin()))
}

// instance runs an instance with tags and waits until it runs.
func (w *world) instance(tags ...string) ec2sim.Ref {
	w.t.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(region, ec2types.ArchitectureValuesX8664)), InstanceType: ec2types.InstanceTypeT3Micro,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	}
	if len(tags) > 0 {
		spec := ec2types.TagSpecification{ResourceType: ec2types.ResourceTypeInstance}
		for i := 0; i < len(tags); i += 2 {
			spec.Tags = append(spec.Tags, ec2types.Tag{Key: &tags[i], Value: &tags[i+1]})
		}
		in.TagSpecifications = []ec2types.TagSpecification{spec}
	}
	out, err := w.ec2().RunInstances(w.t.Context(), in)
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	return ec2sim.Ref{Site: ec2sim.Site{Account: account, Region: region}, ID: *out.Instances[0].InstanceId}
}

// managed is an instance with an agent.
func (w *world) managed(a ssmsim.Agent, tags ...string) ec2sim.Ref {
	w.t.Helper()
	ref := w.instance(tags...)
	require.NoError(w.t, w.SSM().SetAgent(ref, a))
	return ref
}

func script(lines ...string) map[string][]string { return map[string][]string{"commands": lines} }

// send sends a shell script to instances.
func (w *world) send(refs ...ec2sim.Ref) (id string) {
	w.t.Helper()
	in := &ssm.SendCommandInput{DocumentName: aws.String(shell), Parameters: script("true")}
	for _, ref := range refs {
		in.InstanceIds = append(in.InstanceIds, ref.ID)
	}
	return w.sendInput(in)
}

func (w *world) sendInput(in *ssm.SendCommandInput) (id string) {
	w.t.Helper()
	out, err := w.ssm.SendCommand(w.t.Context(), in)
	require.NoError(w.t, err)
	return *out.Command.CommandId
}

// look returns an invocation as it is now.
func (w *world) look(id string, ref ec2sim.Ref) *ssm.GetCommandInvocationOutput {
	w.t.Helper()
	out, err := w.ssm.GetCommandInvocation(w.t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: &ref.ID})
	require.NoError(w.t, err)
	return out
}

// command as it is now: status and details.
func (w *world) command(id string) string {
	w.t.Helper()
	out, err := w.ssm.ListCommands(w.t.Context(), &ssm.ListCommandsInput{CommandId: &id})
	require.NoError(w.t, err)
	require.Len(w.t, out.Commands, 1)
	return string(out.Commands[0].Status) + "/" + *out.Commands[0].StatusDetails
}

func status(out *ssm.GetCommandInvocationOutput) string {
	return string(out.Status) + "/" + *out.StatusDetails
}

func targets(pairs ...string) []types.Target {
	var out []types.Target
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, types.Target{Key: &pairs[i], Values: strings.Split(pairs[i+1], ",")})
	}
	return out
}

func policy(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`))
	require.NoError(t, err)
	return d
}

// code of an API error; empty for nil.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}

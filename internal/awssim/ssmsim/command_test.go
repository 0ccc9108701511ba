package ssmsim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

func TestACommandFromStartToEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var ran []ssmsim.Script
		ref := w.managed(ssmsim.Agent{Run: func(s ssmsim.Script) ssmsim.Outcome {
			ran = append(ran, s)
			return ssmsim.Outcome{Stdout: "frozen", Stderr: "a warning", Duration: 10 * time.Second}
		}})
		start := time.Now()
		out, err := w.ssm.SendCommand(t.Context(), &ssm.SendCommandInput{
			DocumentName: aws.String(shell), InstanceIds: []string{ref.ID}, Comment: aws.String("freeze"), Parameters: script("fsfreeze -f /data"),
		})
		require.NoError(t, err)
		id := *out.Command.CommandId
		require.Equal(t, types.CommandStatusPending, out.Command.Status)
		require.Equal(t, int32(1), out.Command.TargetCount)
		require.Equal(t, 2*time.Hour, out.Command.ExpiresAfter.Sub(*out.Command.RequestedDateTime), "an hour to start and one to run")
		_, err = w.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: &ref.ID})
		require.Equal(t, "InvocationDoesNotExist", code(t, err), "it takes a moment to be seen")
		list, err := w.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id})
		require.NoError(t, err)
		require.Empty(t, list.CommandInvocations)

		time.Sleep(5 * time.Second)
		now := w.look(id, ref)
		require.Equal(t, "InProgress/InProgress", status(now))
		require.Equal(t, int32(-1), now.ResponseCode)
		require.Empty(t, *now.StandardOutputContent)
		require.Empty(t, *now.ExecutionEndDateTime)
		require.Equal(t, "InProgress/InProgress", w.command(id))

		time.Sleep(10 * time.Second)
		now = w.look(id, ref)
		require.Equal(t, "Success/Success", status(now))
		require.Equal(t, int32(0), now.ResponseCode)
		require.Equal(t, "frozen", *now.StandardOutputContent)
		require.Equal(t, "a warning", *now.StandardErrorContent)
		require.Equal(t, "aws:runShellScript", *now.PluginName)
		require.Equal(t, "PT10.000S", *now.ExecutionElapsedTime)
		require.Equal(t, "Success/Success", w.command(id))
		require.Len(t, ran, 1)
		require.Equal(t, []string{"fsfreeze -f /data"}, ran[0].Parameters["commands"])
		require.WithinRange(t, ran[0].At, start, start.Add(3*time.Second))
		list, err = w.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id, Details: true})
		require.NoError(t, err)
		require.Contains(t, *list.CommandInvocations[0].CommandPlugins[0].Output, "frozen\n")
	})
}

// How commands end, on an instance and as a whole.
func TestHowCommandsEnd(t *testing.T) {
	run := func(o ssmsim.Outcome) func(ssmsim.Script) ssmsim.Outcome {
		return func(ssmsim.Script) ssmsim.Outcome { return o }
	}
	for _, tt := range []struct {
		name  string
		agent ssmsim.Agent
		in    ssm.SendCommandInput
		wait  time.Duration
		want  string // of the invocation
		all   string // of the command
		code  int32
	}{
		{name: "well", want: "Success/Success", all: "Success/Success"},
		{name: "badly", agent: ssmsim.Agent{Run: run(ssmsim.Outcome{ExitCode: 3, Duration: time.Second})}, want: "Failed/Failed", all: "Failed/Failed", code: 3},
		{
			name: "forgiven", agent: ssmsim.Agent{Run: run(ssmsim.Outcome{ExitCode: 3})}, in: ssm.SendCommandInput{MaxErrors: aws.String("1")},
			want: "Failed/Failed", all: "Failed/Incomplete", code: 3,
		},
		{
			name: "too slowly", agent: ssmsim.Agent{Run: run(ssmsim.Outcome{Duration: 2 * time.Hour})}, wait: 61 * time.Minute,
			want: "TimedOut/ExecutionTimedOut", all: "TimedOut/ExecutionTimedOut", code: -1,
		},
		{
			name: "slower than asked for", agent: ssmsim.Agent{Run: run(ssmsim.Outcome{Duration: time.Minute})},
			in:   ssm.SendCommandInput{Parameters: map[string][]string{"commands": {"x"}, "executionTimeout": {"30"}}},
			want: "TimedOut/ExecutionTimedOut", all: "TimedOut/ExecutionTimedOut", code: -1, wait: 40 * time.Second,
		},
		{name: "not yet", agent: ssmsim.Agent{Offline: true}, want: "Delayed/Delayed", all: "Pending/Pending", code: -1},
		{
			name: "never begun", agent: ssmsim.Agent{Offline: true}, in: ssm.SendCommandInput{TimeoutSeconds: aws.Int32(30)}, wait: 31 * time.Second,
			want: "TimedOut/DeliveryTimedOut", all: "TimedOut/DeliveryTimedOut", code: -1,
		},
		{name: "out of reach", agent: ssmsim.Agent{Undeliverable: true}, want: "Failed/Undeliverable", all: "Failed/Failed", code: -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ref := w.managed(tt.agent)
				tt.in.DocumentName, tt.in.InstanceIds = aws.String(shell), []string{ref.ID}
				if tt.in.Parameters == nil {
					tt.in.Parameters = script("x")
				}
				id := w.sendInput(&tt.in)
				time.Sleep(max(tt.wait, 10*time.Second))
				got := w.look(id, ref)
				require.Equal(t, tt.want, status(got))
				require.Equal(t, tt.code, got.ResponseCode)
				require.Equal(t, tt.all, w.command(id))
			})
		})
	}
}

func TestInstanceGoesAwayUnderACommand(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offline bool // so that the command waits
		stop    bool // and does not terminate
		soon    string
		end     string
	}{
		{"terminated while it runs", false, false, "InProgress/InProgress", "TimedOut/DeliveryTimedOut"},
		{"stopped while it runs", false, true, "InProgress/InProgress", "TimedOut/DeliveryTimedOut"},
		{"terminated before it began", true, false, "Failed/Undeliverable", "Failed/Undeliverable"},
		{"stopped before it began", true, true, "Delayed/Delayed", "TimedOut/DeliveryTimedOut"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ref := w.managed(ssmsim.Agent{Offline: tt.offline, Run: func(ssmsim.Script) ssmsim.Outcome { return ssmsim.Outcome{Duration: time.Minute} }})
				id := w.send(ref)
				time.Sleep(10 * time.Second)
				w.look(id, ref)
				var err error
				if tt.stop {
					_, err = w.ec2().StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{ref.ID}})
				} else {
					_, err = w.ec2().TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{ref.ID}})
				}
				require.NoError(t, err)
				time.Sleep(10 * time.Minute)
				require.Equal(t, tt.soon, status(w.look(id, ref)))
				time.Sleep(3 * time.Hour)
				require.Equal(t, tt.end, status(w.look(id, ref)))
			})
		})
	}
}

// An agent that comes back takes what waits for it.
func TestAgentComesBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref := w.managed(ssmsim.Agent{Offline: true})
		id := w.send(ref)
		time.Sleep(30 * time.Minute)
		require.Equal(t, "Delayed/Delayed", status(w.look(id, ref)))
		require.NoError(t, w.SSM().SetAgent(ref, ssmsim.Agent{}))
		time.Sleep(10 * time.Second)
		require.Equal(t, "Success/Success", status(w.look(id, ref)))
	})
}

func TestCancel(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		slow := ssmsim.Agent{Run: func(ssmsim.Script) ssmsim.Outcome { return ssmsim.Outcome{Duration: time.Hour} }}
		runs, waits := w.managed(slow), w.managed(ssmsim.Agent{Offline: true})
		id := w.send(runs, waits)
		time.Sleep(10 * time.Second)
		cancel := func(ids ...string) string {
			_, err := w.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: &id, InstanceIds: ids})
			return code(t, err)
		}
		require.Equal(t, "DuplicateInstanceId", cancel(runs.ID, runs.ID))
		require.Equal(t, "InvalidInstanceId", cancel("i-00000000000000000"))
		require.Empty(t, cancel())
		require.Equal(t, "Cancelling/Cancelling", status(w.look(id, runs)))
		require.Equal(t, "Cancelled/Cancelled", status(w.look(id, waits)))
		require.Equal(t, "Cancelling/Cancelling", w.command(id))
		time.Sleep(10 * time.Second)
		require.Equal(t, "Cancelled/Cancelled", status(w.look(id, runs)))
		require.Equal(t, "Cancelled/Cancelled", w.command(id))
		_, err := w.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: aws.String("00000000-0000-4000-8000-000000000000")})
		require.Equal(t, "InvalidCommandId", code(t, err))
	})
}

func TestConcurrencyAndErrors(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var starts []time.Time
		agent := func(code int32) ssmsim.Agent {
			return ssmsim.Agent{Run: func(s ssmsim.Script) ssmsim.Outcome {
				starts = append(starts, s.At)
				return ssmsim.Outcome{ExitCode: code, Duration: time.Minute}
			}}
		}
		for i := range 5 {
			w.managed(agent(int32(i%2)), "group", "db")
		}
		start := time.Now()
		id := w.sendInput(&ssm.SendCommandInput{
			DocumentName: aws.String(shell), Parameters: script("x"), Targets: targets("tag:group", "db"),
			MaxConcurrency: aws.String("20%"), MaxErrors: aws.String("1"),
		})
		time.Sleep(10 * time.Minute)
		list, err := w.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id})
		require.NoError(t, err)
		var got []string
		for _, v := range list.CommandInvocations {
			got = append(got, *v.StatusDetails)
		}
		require.Equal(t, []string{"Success", "Failed", "Success", "Failed", "Terminated"}, got)
		require.Equal(t, "Failed/Failed", w.command(id))
		for i, at := range starts {
			require.WithinRange(t, at, start.Add(time.Duration(i)*time.Minute), start.Add(time.Duration(i)*(time.Minute+3*time.Second)+3*time.Second), "one at a time")
		}
	})
}

func TestOutputsAreCut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		long := strings.Repeat("ü", 30000)
		ref := w.managed(ssmsim.Agent{Run: func(ssmsim.Script) ssmsim.Outcome { return ssmsim.Outcome{Stdout: long, Stderr: long} }})
		id := w.send(ref)
		time.Sleep(10 * time.Second)
		out := w.look(id, ref)
		require.Equal(t, strings.Repeat("ü", 24000), *out.StandardOutputContent)
		require.Equal(t, strings.Repeat("ü", 8000), *out.StandardErrorContent)
		list, err := w.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id, Details: true})
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("ü", 2500), *list.CommandInvocations[0].CommandPlugins[0].Output)
	})
}

func TestListsOfCommands(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref := w.managed(ssmsim.Agent{})
		var sent []string
		for range 5 {
			sent = append(sent, w.send(ref))
			time.Sleep(time.Minute)
		}
		var got []string
		p := ssm.NewListCommandsPaginator(w.ssm, &ssm.ListCommandsInput{MaxResults: aws.Int32(2)})
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, c := range out.Commands {
				got = append([]string{*c.CommandId}, got...)
			}
		}
		require.Equal(t, sent, got, "newest first")
		after := time.Now().Add(-150 * time.Second).UTC().Format(time.RFC3339)
		out, err := w.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{Filters: []types.CommandFilter{
			{Key: types.CommandFilterKeyInvokedAfter, Value: &after}, {Key: types.CommandFilterKeyStatus, Value: aws.String("Success")},
		}})
		require.NoError(t, err)
		require.Len(t, out.Commands, 2)
		out, err = w.as(other, "admin", policy(t, `{"Effect":"Allow","Action":"ssm:*","Resource":"*"}`)).ListCommands(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, out.Commands)
		_, err = w.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{NextToken: aws.String("%")})
		require.Equal(t, "InvalidNextToken", code(t, err))
		_, err = w.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{Filters: []types.CommandFilter{{Key: "Color", Value: &after}}})
		require.Equal(t, "InvalidFilterKey", code(t, err))
	})
}

func TestTheSameSeedGivesTheSameCommands(t *testing.T) {
	tell := func() (log string) {
		inWorld(t, func(t *testing.T, w *world) {
			a, b := w.managed(ssmsim.Agent{}), w.managed(ssmsim.Agent{})
			id := w.send(a, b)
			time.Sleep(time.Minute)
			log = fmt.Sprint(id, *w.look(id, a).ExecutionStartDateTime, *w.look(id, b).ExecutionEndDateTime)
		})
		return log
	}
	require.Equal(t, tell(), tell())
}

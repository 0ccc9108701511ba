package runcommand

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// Options pass settings to the SDK's client. The zero Options work.
type Options struct {
	// SSM is applied to every client, after the package's own settings; a
	// Retryer set here serves the listing only. Empty means none.
	SSM []func(*ssm.Options)
}

// New returns what ebs.Options.Scripts takes. It does no I/O, and neither does
// what it returns.
func New(opts Options) func(aws.Config, backup.Site) ebs.Scripts {
	own := slices.Clone(opts.SSM)
	return func(cfg aws.Config, site backup.Site) ebs.Scripts {
		cfg = cfg.Copy()
		cfg.Region = site.Region
		return &scripts{ssm.NewFromConfig(cfg, append([]func(*ssm.Options){func(o *ssm.Options) {
			o.Retryer, o.RetryMaxAttempts = awscall.Repeat(), 0
			o.APIOptions = append(o.APIOptions, awscall.BoundAttempts)
		}}, own...)...)}
	}
}

// scripts runs scripts in one site.
type scripts struct{ ssm *ssm.Client }

// Run sends the command of a step.
func (c *scripts) Run(ctx context.Context, s backup.Step) error {
	in := &ssm.SendCommandInput{InstanceIds: []string{s.Resource.ID()}, Comment: aws.String(s.Comment)}
	timeout := 0
	switch {
	case s.Kind == backup.StepVSS && s.VSS != nil:
		in.DocumentName, in.Parameters, timeout = aws.String(s.VSS.Document), vssParameters(s), s.VSS.TimeoutSeconds
	case s.Script != nil:
		in.DocumentName, in.Parameters, timeout = aws.String(s.Script.Document), s.Script.Parameters, s.Script.TimeoutSeconds
	default:
		return fmt.Errorf("step %q without a script: %w", s.Kind, backup.ErrUnsupported)
	}
	// What is not delivered in time must not be run at all: who waited for it
	// has gone on. Less than 30 s is refused (Systems Manager API Reference,
	// SendCommand).
	in.TimeoutSeconds = aws.Int32(int32(max(timeout, 30)))
	_, err := c.ssm.SendCommand(ctx, in, func(o *ssm.Options) { o.Retryer = awscall.Once() })
	return quiet("SendCommand of "+aws.ToString(in.DocumentName)+" to "+s.Resource.ID(), err)
}

// vssParameters are those of AWSEC2-CreateVssSnapshot (EC2 User Guide, "Use
// Systems Manager command documents to create VSS based snapshots").
func vssParameters(s backup.Step) map[string][]string {
	var tags []string
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		tags = append(tags, "Key="+key+",Value="+s.Tags[key])
	}
	flag := func(set bool) []string {
		if set {
			return []string{"True"}
		}
		return []string{"False"}
	}
	root := slices.ContainsFunc(s.Resource.Excluded, func(m backup.Member) bool { return m.Root })
	return map[string][]string{
		"description": {s.Description}, "tags": {strings.Join(tags, ";")},
		"ExcludeBootVolume": flag(root), "NoWriters": flag(s.VSS.NoWriters),
	}
}

// hints say what codes of SendCommand mean (Systems Manager API Reference).
var hints = map[string]string{
	"InvalidInstanceId":       "Systems Manager does not manage the instance, or it is shutting down",
	"InvalidDocument":         "there is no such document in its account and Region",
	"UnsupportedPlatformType": "the document is for another operating system",
	"InvalidParameters":       "the document does not take the parameters that the plan gives it",
}

// quiet wraps an error of SendCommand. Messages about parameters repeat them,
// so only that of a refusal by IAM is kept.
func quiet(what string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := awscall.WrapCreate(what, err)
	var api smithy.APIError
	if errors.Is(wrapped, backup.ErrDenied) || !errors.As(err, &api) {
		return wrapped
	}
	text := hints[api.ErrorCode()]
	if text == "" {
		text = "AWS's message is left out, since it may repeat parameters"
	}
	masked := &smithy.GenericAPIError{Code: api.ErrorCode(), Message: text, Fault: api.ErrorFault()}
	if errors.Is(wrapped, backup.ErrUnknownOutcome) {
		return fmt.Errorf("%s: %w: %w", what, backup.ErrUnknownOutcome, masked)
	}
	return awscall.Wrap(what, masked)
}

// Commands lists the commands of an instance, with one paged call.
func (c *scripts) Commands(ctx context.Context, q backup.CommandQuery) ([]backup.Command, error) {
	in := &ssm.ListCommandInvocationsInput{
		InstanceId: aws.String(q.Resource.ID()),
		Details:    true, // for when it ended and the exit code; what it wrote comes along
		MaxResults: aws.Int32(50),
	}
	if !q.Since.IsZero() {
		in.Filters = invokedAfter(q.Since)
	}
	var list []backup.Command
	pages := ssm.NewListCommandInvocationsPaginator(c.ssm, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awscall.Wrap("ListCommandInvocations of "+q.Resource.ID(), err)
		}
		for _, i := range page.CommandInvocations {
			if strings.HasPrefix(aws.ToString(i.Comment), backup.CommandComment) {
				list = append(list, command(i))
			}
		}
	}
	return list, nil
}

// moment is the form of times in filters (Systems Manager API Reference,
// CommandFilter).
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

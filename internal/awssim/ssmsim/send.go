package ssmsim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// Limits of SendCommand.
// Source: botocore, ssm 2014-11-06, service-2.json.
const (
	maxInstances = 50
	maxTargets   = 5
	maxComment   = 100
	minTimeout   = 30
	maxTimeout   = 2592000
	usualTimeout = 3600 // AWS Systems Manager User Guide, "Understanding command timeout values"
)

// notServed are the members of a request that are not simulated.
var notServed = []string{
	"AlarmConfiguration", "CloudWatchOutputConfig", "DocumentHash", "DocumentHashType", "NotificationConfig", "OutputS3BucketName",
	"OutputS3KeyPrefix", "ServiceRoleArn",
}

// SendCommand runs a document on instances, which it names or describes by
// their tags.
func (s *Service) SendCommand(c *core.Call, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
	if err := c.Refuse(in, notServed...); err != nil {
		return nil, err
	}
	if err := checkSend(in); err != nil {
		return nil, err
	}
	ids, err := named(in)
	if err != nil {
		return nil, err
	}
	needs := []core.Need{s.documentNeed(c, in.DocumentName)}
	for _, id := range ids {
		needs = append(needs, s.instanceNeed(c, ec2sim.Ref{Site: site(c), ID: id}))
	}
	if ids == nil {
		needs = append(needs, taggedNeed(c, in.Targets))
	}
	if err := c.Authorize(needs...); err != nil {
		return nil, err
	}
	cmd, err := s.plan(c, in)
	if err != nil {
		return nil, err
	}
	if err := s.address(c, cmd, ids); err != nil {
		return nil, err
	}
	if cmd.execution, err = cmd.document.check(in.Parameters); err != nil {
		return nil, err
	}
	s.commands[site(c)] = append(s.commands[site(c)], cmd)
	return &ssm.SendCommandOutput{Command: s.told(cmd, c.Now)}, nil
}

// checkSend checks what can be said of a request by itself.
func checkSend(in *ssm.SendCommandInput) error {
	invalid := func(format string, args ...any) error { return core.Errorf("ValidationException", format, args...) }
	switch {
	case (len(in.InstanceIds) > 0) == (len(in.Targets) > 0):
		return invalid("a command needs either InstanceIds or Targets")
	case len(in.InstanceIds) > maxInstances:
		return invalid("a command takes at most %d instance ids", maxInstances)
	case len(in.Targets) > maxTargets:
		return invalid("a command takes at most %d targets", maxTargets)
	case len(aws.ToString(in.Comment)) > maxComment:
		return invalid("a comment has at most %d characters", maxComment)
	case in.TimeoutSeconds != nil && (*in.TimeoutSeconds < minTimeout || *in.TimeoutSeconds > maxTimeout):
		return invalid("TimeoutSeconds must be between %d and %d", minTimeout, maxTimeout)
	}
	return nil
}

// named returns the ids that a command names, as such or as a target; nil if
// it goes by tags.
func named(in *ssm.SendCommandInput) ([]string, error) {
	ids := in.InstanceIds
	for _, t := range in.Targets {
		key := aws.ToString(t.Key)
		switch {
		case len(t.Values) == 0:
			return nil, core.Errorf("InvalidParameters", "the target %s has no values", key)
		case key == "InstanceIds" && len(in.Targets) == 1:
			ids = t.Values
		case !strings.HasPrefix(key, "tag:") && key != "tag-key":
			return nil, core.Errorf("InvalidParameters", "%s is not a key of targets, or goes with no others", key)
		}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			return nil, core.Errorf("DuplicateInstanceId", "%s is named twice", id)
		}
		seen[id] = true
	}
	return ids, nil
}

// plan makes a command that has no instances yet.
func (s *Service) plan(c *core.Call, in *ssm.SendCommandInput) (*command, error) {
	d, err := s.findDocument(c, in.DocumentName)
	if err != nil {
		return nil, err
	}
	if err := documentVersion(in.DocumentVersion); err != nil {
		return nil, err
	}
	cmd := &command{
		id: s.cloud.NewUUID(), document: d, parameters: maps.Clone(in.Parameters), comment: aws.ToString(in.Comment),
		ids: slices.Clone(in.InstanceIds), targets: slices.Clone(in.Targets), sent: c.Now,
		visible: c.Now.Add(s.draw(s.delays.Visible)), delivery: usualTimeout * time.Second,
	}
	if in.TimeoutSeconds != nil {
		cmd.delivery = time.Duration(*in.TimeoutSeconds) * time.Second
	}
	// Source of the defaults: AWS Systems Manager API Reference, SendCommand.
	if cmd.concurrency, err = parseVelocity(in.MaxConcurrency, "50", concurrencyPattern); err != nil {
		return nil, err
	}
	cmd.errors, err = parseVelocity(in.MaxErrors, "0", errorsPattern)
	return cmd, err
}

// address finds the instances of a command. Those named must all be managed
// and able to run the document; those found by tags are whatever is managed.
func (s *Service) address(c *core.Call, cmd *command, ids []string) error {
	at := site(c)
	var wrong []string
	platform := false
	for _, id := range ids {
		ref := ec2sim.Ref{Site: at, ID: id}
		a, _, ok := s.managed(ref)
		if !ok {
			wrong = append(wrong, id)
			continue
		}
		platform = platform || !slices.Contains(cmd.document.platforms, a.Platform)
		cmd.invocations = append(cmd.invocations, s.invocation(cmd, ref))
	}
	switch {
	case len(wrong) > 0:
		return core.Errorf("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", strings.Join(wrong, ", "), c.Account.ID)
	case platform:
		return core.Errorf("UnsupportedPlatformType", "%s does not run on the platform of an instance", cmd.document.name)
	case ids != nil:
		return nil
	}
	for _, inst := range s.ec2.InstancesNow(at) {
		a, _, ok := s.managed(inst.Ref)
		if !ok || !matches(cmd.targets, inst.Tags) {
			continue
		}
		v := s.invocation(cmd, inst.Ref)
		v.wrongOS = !slices.Contains(cmd.document.platforms, a.Platform)
		cmd.invocations = append(cmd.invocations, v)
	}
	return nil
}

func (s *Service) invocation(cmd *command, ref ec2sim.Ref) *invocation {
	return &invocation{command: cmd, instance: ref, delay: s.draw(s.delays.Delivery)}
}

// matches reports whether an instance has all the tags that targets ask for.
func matches(targets []types.Target, tags map[string]string) bool {
	for _, t := range targets {
		name, byValue := strings.CutPrefix(aws.ToString(t.Key), "tag:")
		value, has := tags[name]
		if byValue && !(has && slices.Contains(t.Values, value)) {
			return false
		}
		if !byValue && !slices.ContainsFunc(t.Values, func(name string) bool { _, has := tags[name]; return has }) {
			return false
		}
	}
	return true
}

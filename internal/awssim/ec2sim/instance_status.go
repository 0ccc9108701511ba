package ec2sim

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// checksTake is how long the status checks of an instance take after it was
// booted. AWS says that they run every minute and publishes no duration.
const checksTake = 2 * time.Minute

// health is what both status checks of an instance tell.
func (in *instance) health(now time.Time) types.SummaryStatus {
	if in.state(now) != types.InstanceStateNameRunning {
		return types.SummaryStatusNotApplicable
	}
	last := in.at
	for _, at := range in.boots {
		if at.After(last) && !at.After(now) {
			last = at
		}
	}
	if now.Before(last.Add(checksTake)) {
		return types.SummaryStatusInitializing
	}
	return types.SummaryStatusOk
}

// statusFilters are those of DescribeInstanceStatus, but for events, of which
// there are none.
// Source: EC2 API Reference, DescribeInstanceStatus.
var statusFilters = attributes[instanceView]{
	"availability-zone":      func(v instanceView) []string { return one(v.subnet.zone) },
	"availability-zone-id":   func(v instanceView) []string { return one(zoneID(v.subnet.zone)) },
	"event.code":             func(instanceView) []string { return nil },
	"event.description":      func(instanceView) []string { return nil },
	"instance-state-code":    func(v instanceView) []string { return one(strconv.Itoa(int(stateCodes[v.state(v.now)]))) },
	"instance-state-name":    func(v instanceView) []string { return one(string(v.state(v.now))) },
	"instance-status.status": func(v instanceView) []string { return one(string(v.health(v.now))) },
	"system-status.status":   func(v instanceView) []string { return one(string(v.health(v.now))) },
}.lacking(
	"event.instance-event-id", "event.not-after", "event.not-before", "event.not-before-deadline",
	"operator.principal",
)

// DescribeInstanceStatus tells how instances are: those that run, or all.
func (s *Service) DescribeInstanceStatus(c *core.Call, in *ec2.DescribeInstanceStatusInput) (*ec2.DescribeInstanceStatusOutput, error) {
	found, next, err := describe(s, c, in, search[*instance, instanceView]{
		shelf:  func(st *site) *shelf[*instance] { return &st.instances },
		ids:    in.InstanceIds,
		exists: func(id string) error { return failure(s.ownInstance(c, &id)) },
		id:     func(i *instance) string { return i.id },
		told:   func(i *instance) *instance { return s.toldInstance(c, i) },
		fits: func(i *instance) bool {
			return !i.gone(c.Now) && (aws.ToBool(in.IncludeAllInstances) || i.state(c.Now) == types.InstanceStateNameRunning)
		},
		view:    func(i *instance) instanceView { return instanceView{i, c.Now} },
		filters: statusFilters,
	})
	out := &ec2.DescribeInstanceStatusOutput{NextToken: next}
	for _, i := range found {
		out.InstanceStatuses = append(out.InstanceStatuses, i.apiStatus(c.Now))
	}
	return out, err
}

func (in *instance) apiStatus(now time.Time) types.InstanceStatus {
	health := in.health(now)
	summary := &types.InstanceStatusSummary{Status: health}
	if detail := map[types.SummaryStatus]types.StatusType{
		types.SummaryStatusOk: types.StatusTypePassed, types.SummaryStatusInitializing: types.StatusTypeInitializing,
	}[health]; detail != "" {
		summary.Details = []types.InstanceStatusDetails{{Name: types.StatusNameReachability, Status: detail}}
	}
	system := *summary
	system.Details = slices.Clone(summary.Details)
	return types.InstanceStatus{
		AvailabilityZone: aws.String(in.subnet.zone), AvailabilityZoneId: aws.String(zoneID(in.subnet.zone)), InstanceId: aws.String(in.id),
		InstanceState: apiState(in.state(now)), InstanceStatus: summary, SystemStatus: &system,
	}
}

package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// volumeFor returns the caller's volume once the call is allowed on it.
func (s *Service) volumeFor(c *core.Call, id *string, dryRun *bool) (*volume, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	v, err := s.ownVolume(c, id)
	if err != nil {
		return nil, err
	}
	return v, allowed(c, dryRun, needs(c.Operation, v.existing())...)
}

// health of a volume: that of one which is being created is not known yet.
func (v *volume) health(now time.Time) types.VolumeStatusInfoStatus {
	if v.state(now) == types.VolumeStateCreating {
		return types.VolumeStatusInfoStatusInsufficientData
	}
	return types.VolumeStatusInfoStatusOk
}

// volumeStatusFilters are those of DescribeVolumeStatus; there are no events
// here, nor anything to do.
// Source: EC2 API Reference, DescribeVolumeStatus.
var volumeStatusFilters = attributes[volumeView]{
	"action.code":                  func(volumeView) []string { return nil },
	"action.description":           func(volumeView) []string { return nil },
	"action.event-id":              func(volumeView) []string { return nil },
	"availability-zone":            func(v volumeView) []string { return one(v.zone) },
	"availability-zone-id":         func(v volumeView) []string { return one(zoneID(v.zone)) },
	"event.description":            func(volumeView) []string { return nil },
	"event.event-id":               func(volumeView) []string { return nil },
	"event.event-type":             func(volumeView) []string { return nil },
	"volume-status.details-name":   func(volumeView) []string { return []string{"io-enabled", "io-performance"} },
	"volume-status.details-status": func(volumeView) []string { return []string{"passed", "not-applicable"} },
	"volume-status.status":         func(v volumeView) []string { return one(string(v.health(v.now))) },
}.lacking(
	"event.not-after", "event.not-before",
)

// DescribeVolumeStatus tells how volumes are.
func (s *Service) DescribeVolumeStatus(c *core.Call, in *ec2.DescribeVolumeStatusInput) (*ec2.DescribeVolumeStatusOutput, error) {
	found, next, err := describe(s, c, in, search[*volume, volumeView]{
		shelf:   func(st *site) *shelf[*volume] { return &st.volumes },
		ids:     in.VolumeIds,
		exists:  func(id string) error { return failure(s.ownVolume(c, &id)) },
		id:      func(v *volume) string { return v.id },
		told:    func(v *volume) *volume { return s.toldVolume(c, v) },
		fits:    func(v *volume) bool { return !v.gone(c.Now) },
		view:    func(v *volume) volumeView { return volumeView{v, c.Now} },
		filters: volumeStatusFilters,
	})
	out := &ec2.DescribeVolumeStatusOutput{NextToken: next}
	for _, v := range found {
		out.VolumeStatuses = append(out.VolumeStatuses, v.apiStatus(c.Now))
	}
	return out, err
}

func (v *volume) apiStatus(now time.Time) types.VolumeStatusItem {
	out := types.VolumeStatusItem{
		AvailabilityZone: aws.String(v.zone), AvailabilityZoneId: aws.String(zoneID(v.zone)), VolumeId: aws.String(v.id),
		VolumeStatus: &types.VolumeStatusInfo{Status: v.health(now), Details: []types.VolumeStatusDetails{
			{Name: types.VolumeStatusNameIoEnabled, Status: aws.String("passed")},
			{Name: types.VolumeStatusNameIoPerformance, Status: aws.String("not-applicable")},
		}},
	}
	if v.attachment.active(now) {
		out.AttachmentStatuses = []types.VolumeStatusAttachmentStatus{{
			InstanceId: aws.String(v.attachment.instance.id), IoPerformance: aws.String("not-applicable"),
		}}
	}
	if v.rate > 0 {
		out.InitializationStatusDetails = v.initialization(now)
	}
	return out
}

// initialization of a volume with a rate of its own. How far one without is,
// depends on what is read from it, which nobody does here.
// Source: Amazon EBS User Guide, "Monitor the status of Amazon EBS volume initialization".
func (v *volume) initialization(now time.Time) *types.InitializationStatusDetails {
	total := time.Duration(v.full>>20) * time.Second / time.Duration(v.rate)
	left := v.ready.Add(total).Sub(now)
	out := &types.InitializationStatusDetails{InitializationType: types.InitializationTypeProvisionedRate}
	switch {
	case left <= 0 || total <= 0:
		out.Progress, out.EstimatedTimeToCompleteInSeconds = aws.Int64(100), aws.Int64(0)
	default:
		out.Progress = aws.Int64(min(99, max(0, int64(100-100*left/total))))
		out.EstimatedTimeToCompleteInSeconds = aws.Int64(int64(left / time.Second))
	}
	return out
}

// DescribeVolumeAttribute tells one attribute of a volume.
func (s *Service) DescribeVolumeAttribute(c *core.Call, in *ec2.DescribeVolumeAttributeInput) (*ec2.DescribeVolumeAttributeOutput, error) {
	v, err := s.volumeFor(c, in.VolumeId, in.DryRun)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeVolumeAttributeOutput{VolumeId: aws.String(v.id)}
	switch in.Attribute {
	case types.VolumeAttributeNameAutoEnableIO:
		out.AutoEnableIO = &types.AttributeBooleanValue{Value: aws.Bool(v.autoIO)}
	case types.VolumeAttributeNameProductCodes:
		out.ProductCodes = apiProducts(v.products)
	default:
		return nil, invalid("attribute", in.Attribute)
	}
	return out, nil
}

// ModifyVolumeAttribute says whether I/O is enabled again by itself after a
// volume was found to be inconsistent.
func (s *Service) ModifyVolumeAttribute(c *core.Call, in *ec2.ModifyVolumeAttributeInput) (*ec2.ModifyVolumeAttributeOutput, error) {
	v, err := s.volumeFor(c, in.VolumeId, in.DryRun)
	if err != nil {
		return nil, err
	}
	if in.AutoEnableIO == nil || in.AutoEnableIO.Value == nil {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter autoEnableIO")
	}
	v.autoIO = *in.AutoEnableIO.Value
	return &ec2.ModifyVolumeAttributeOutput{}, nil
}

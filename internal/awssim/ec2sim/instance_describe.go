package ec2sim

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An instanceView is an instance at one time.
type instanceView struct {
	*instance
	now time.Time
}

// eachVolume reads from every volume attached.
func eachVolume(read func(*volume, time.Time) string) func(instanceView) []string {
	return func(v instanceView) []string {
		var out []string
		for _, vol := range v.attached(v.now) {
			out = append(out, read(vol, v.now))
		}
		return out
	}
}

func (v instanceView) because(read func(*types.StateReason) *string) []string {
	if v.reason == nil || v.now.Before(v.at) {
		return nil
	}
	return one(aws.ToString(read(v.reason)))
}

// hostname of an instance that has an address.
func (v instanceView) hostname() string {
	if first := v.primary(); first != nil {
		return first.hostname()
	}
	return ""
}

// instanceFilters are those of DescribeInstances that speak of what the
// simulation has, but for tags.
// Source: EC2 API Reference, DescribeInstances.
var instanceFilters = attributes[instanceView]{
	"architecture":         func(v instanceView) []string { return one(string(v.image.arch)) },
	"availability-zone":    func(v instanceView) []string { return one(v.subnet.zone) },
	"availability-zone-id": func(v instanceView) []string { return one(zoneID(v.subnet.zone)) },
	"block-device-mapping.attach-time": eachVolume(func(vol *volume, _ time.Time) string {
		return timestamp(vol.attachment.since)
	}),
	"block-device-mapping.delete-on-termination": eachVolume(func(vol *volume, _ time.Time) string {
		return flag(vol.attachment.deleteOnTermination)
	}),
	"block-device-mapping.device-name":       eachVolume(func(vol *volume, _ time.Time) string { return vol.attachment.device }),
	"block-device-mapping.status":            eachVolume(func(vol *volume, now time.Time) string { return string(vol.attachment.state(now)) }),
	"block-device-mapping.volume-id":         eachVolume(func(vol *volume, _ time.Time) string { return vol.id }),
	"boot-mode":                              func(v instanceView) []string { return one(string(v.image.boot)) },
	"client-token":                           func(v instanceView) []string { return one(v.token) },
	"ebs-optimized":                          func(v instanceView) []string { return one(flag(v.ebsOptimized)) },
	"ena-support":                            func(v instanceView) []string { return one(flag(v.image.ena)) },
	"hypervisor":                             func(instanceView) []string { return one(string(types.HypervisorTypeXen)) },
	"iam-instance-profile.arn":               func(v instanceView) []string { return one(v.profileARN()) },
	"image-id":                               func(v instanceView) []string { return one(v.image.id) },
	"instance-id":                            func(v instanceView) []string { return one(v.id) },
	"instance-state-code":                    func(v instanceView) []string { return one(strconv.Itoa(int(stateCodes[v.state(v.now)]))) },
	"instance-state-name":                    func(v instanceView) []string { return one(string(v.state(v.now))) },
	"instance-type":                          func(v instanceView) []string { return one(string(v.kind)) },
	"instance.group-id":                      func(v instanceView) []string { return idsOf(v.groups()) },
	"key-name":                               func(v instanceView) []string { return one(v.keyName) },
	"launch-index":                           func(v instanceView) []string { return one(strconv.Itoa(int(v.index))) },
	"launch-time":                            func(v instanceView) []string { return one(timestamp(v.launched)) },
	"owner-id":                               func(v instanceView) []string { return one(v.site.Account) },
	"platform":                               func(v instanceView) []string { return one(strings.ToLower(string(v.platform.kind()))) },
	"platform-details":                       func(v instanceView) []string { return one(v.platform.details) },
	"private-ip-address":                     func(v instanceView) []string { return one(v.address()) },
	"product-code":                           func(v instanceView) []string { return v.products },
	"current-instance-boot-mode":             func(v instanceView) []string { return one(string(v.bootMode())) },
	"hibernation-options.configured":         func(v instanceView) []string { return one(flag(v.options.hibernation)) },
	"instance.group-name":                    func(v instanceView) []string { return namesOf(v.groups()) },
	"metadata-options.http-tokens":           func(v instanceView) []string { return one(string(v.options.metadata.HttpTokens)) },
	"monitoring-state":                       func(v instanceView) []string { return one(string(v.monitoring())) },
	"network-interface.network-interface-id": func(v instanceView) []string { return v.nicIDs() },
	"usage-operation":                        func(v instanceView) []string { return one(v.platform.operation) },
	"reservation-id":                         func(v instanceView) []string { return one(v.reservation) },
	"private-dns-name":                       func(v instanceView) []string { return one(v.hostname()) },
	"product-code.type": func(v instanceView) []string {
		if len(v.products) == 0 {
			return nil
		}
		return one(string(types.ProductCodeValuesMarketplace))
	},
	"reason":            func(v instanceView) []string { return one(v.by) },
	"source-dest-check": func(v instanceView) []string { return one(flag(v.primary().sourceDestCheck)) },
	"state-reason-code": func(v instanceView) []string { return v.because(func(r *types.StateReason) *string { return r.Code }) },
	"state-reason-message": func(v instanceView) []string {
		return v.because(func(r *types.StateReason) *string { return r.Message })
	},
	"metadata-options.http-endpoint": func(v instanceView) []string { return one(string(v.options.metadata.HttpEndpoint)) },
	"root-device-name":               func(v instanceView) []string { return one(v.rootDevice) },
	"root-device-type":               func(instanceView) []string { return one(string(types.DeviceTypeEbs)) },
	"subnet-id":                      func(v instanceView) []string { return one(v.subnet.id) },
	"tenancy":                        func(instanceView) []string { return one(string(types.TenancyDefault)) },
	"virtualization-type":            func(v instanceView) []string { return one(string(v.image.virtualization)) },
	"vpc-id":                         func(v instanceView) []string { return one(v.subnet.vpc.id) },
}.lacking(
	"affinity", "capacity-reservation-id", "dns-name", "host-id",
	"instance-lifecycle", "ip-address", "ipv6-address", "kernel-id",
	"operator.principal", "outpost-arn", "placement-group-name", "placement-partition-number",
	"ramdisk-id", "requester-id", "spot-instance-request-id",
)

// DescribeInstances lists the caller's instances by reservation. Instances are
// listed for an hour after they were terminated.
func (s *Service) DescribeInstances(c *core.Call, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
	found, next, err := describe(s, c, in, search[*instance, instanceView]{
		shelf:   func(st *site) *shelf[*instance] { return &st.instances },
		ids:     in.InstanceIds,
		exists:  func(id string) error { return failure(s.ownInstance(c, &id)) },
		id:      func(i *instance) string { return i.id },
		told:    func(i *instance) *instance { return s.toldInstance(c, i) },
		fits:    func(i *instance) bool { return !i.gone(c.Now) },
		view:    func(i *instance) instanceView { return instanceView{i, c.Now} },
		filters: instanceFilters,
		tags:    func(v instanceView) map[string]string { return v.tags[v.site.Account] },
	})
	out := &ec2.DescribeInstancesOutput{NextToken: next}
	for _, i := range found {
		// Instances of one reservation were made one after another.
		if n := len(out.Reservations); n == 0 || *out.Reservations[n-1].ReservationId != i.reservation {
			out.Reservations = append(out.Reservations, types.Reservation{
				OwnerId: aws.String(i.site.Account), ReservationId: aws.String(i.reservation),
			})
		}
		r := &out.Reservations[len(out.Reservations)-1]
		r.Instances = append(r.Instances, i.api(c.Now))
	}
	return out, err
}

package ec2sim

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A volumeView is a volume at one time.
type volumeView struct {
	*volume
	now time.Time
}

// ifAttached reads from the attachment, if there is one.
func ifAttached(read func(*attachment, time.Time) string) func(volumeView) []string {
	return func(v volumeView) []string {
		if !v.attachment.active(v.now) {
			return nil
		}
		return one(read(v.attachment, v.now))
	}
}

// volumeFilters are those of DescribeVolumes, but for tags.
// Source: EC2 API Reference, DescribeVolumes.
var volumeFilters = attributes[volumeView]{
	"attachment.attach-time":           ifAttached(func(a *attachment, _ time.Time) string { return timestamp(a.since) }),
	"attachment.delete-on-termination": ifAttached(func(a *attachment, _ time.Time) string { return flag(a.deleteOnTermination) }),
	"attachment.device":                ifAttached(func(a *attachment, _ time.Time) string { return a.device }),
	"attachment.instance-id":           ifAttached(func(a *attachment, _ time.Time) string { return a.instance.id }),
	"attachment.status":                ifAttached(func(a *attachment, now time.Time) string { return string(a.state(now)) }),
	"availability-zone":                func(v volumeView) []string { return one(v.zone) },
	"availability-zone-id":             func(v volumeView) []string { return one(zoneID(v.zone)) },
	"create-time":                      func(v volumeView) []string { return one(timestamp(v.created)) },
	"encrypted":                        func(v volumeView) []string { return one(flag(v.encrypted())) },
	"fast-restored":                    func(v volumeView) []string { return one(flag(v.fast)) },
	"multi-attach-enabled":             func(volumeView) []string { return one(flag(false)) },
	"size":                             func(v volumeView) []string { return one(strconv.Itoa(int(v.size))) },
	"snapshot-id":                      func(v volumeView) []string { return one(v.snapshot) },
	"status":                           func(v volumeView) []string { return one(string(v.state(v.now))) },
	"volume-id":                        func(v volumeView) []string { return one(v.id) },
	"volume-type":                      func(v volumeView) []string { return one(string(v.kind)) },
}.lacking(
	"operator.principal",
)

// DescribeVolumes lists the caller's volumes.
func (s *Service) DescribeVolumes(c *core.Call, in *ec2.DescribeVolumesInput) (*ec2.DescribeVolumesOutput, error) {
	found, next, err := describe(s, c, in, search[*volume, volumeView]{
		shelf:   func(st *site) *shelf[*volume] { return &st.volumes },
		ids:     in.VolumeIds,
		exists:  func(id string) error { return failure(s.ownVolume(c, &id)) },
		id:      func(v *volume) string { return v.id },
		told:    func(v *volume) *volume { return s.toldVolume(c, v) },
		fits:    func(v *volume) bool { return !v.gone(c.Now) },
		view:    func(v *volume) volumeView { return volumeView{v, c.Now} },
		filters: volumeFilters,
		tags:    func(v volumeView) map[string]string { return v.tags[v.site.Account] },
	})
	out := &ec2.DescribeVolumesOutput{NextToken: next}
	for _, v := range found {
		out.Volumes = append(out.Volumes, v.api(c.Now))
	}
	return out, err
}

package restore

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// mismatch is what EC2 answers to a client token that it knows with other
// parameters (EC2 API Developer Guide, "Ensuring idempotency").
const mismatch = "IdempotentParameterMismatch"

// makeVolumes makes a volume of every copy and waits until all are available.
func (w *run) makeVolumes(ctx context.Context) error {
	return poll(ctx, w, w.dest.volumes, func(found map[string][]types.Volume) (bool, error) {
		waiting := false
		w.report.Volumes = nil
		for _, m := range w.members {
			there, err := w.volume(ctx, m, found[w.req.volumeKey(m.PointMember)])
			if err != nil {
				return false, w.failed(w.req.site(), err)
			}
			waiting = waiting || !there
		}
		return !waiting, nil
	})
}

// volume makes a member's volume if there is none, and says whether it is
// available. The call is repeatable by its client token, so one that was
// answered by an error that may pass is simply made again.
func (w *run) volume(ctx context.Context, m *member, found []types.Volume) (bool, error) {
	for _, v := range found {
		id := aws.ToString(v.VolumeId)
		switch v.State {
		case types.VolumeStateAvailable, types.VolumeStateInUse:
			if m.volume == "" {
				w.tell(w.req.site(), MakeVolume, id)
			}
			m.volume = id
			w.report.Volumes = append(w.report.Volumes, restored(m, v))
			return true, nil
		case types.VolumeStateError:
			return false, fmt.Errorf("the volume %s of %s failed", id, m.copy)
		}
	}
	switch {
	case len(found) > 0: // being created
		return false, nil
	case m.making.open(w.Restorer):
		return false, nil
	case !m.making.sent.IsZero():
		return false, fmt.Errorf("the volume %s of %s has vanished, or was deleted after an earlier restore; "+
			"to make it anew, give the restore another id", m.making.made, m.Volume)
	}
	id, err := w.dest.createVolume(ctx, w.req, m)
	if err == nil || awserr.Code(err) == mismatch {
		// By a mismatch EC2 says that a volume was made of another copy.
		m.making.note(id)
		return false, nil
	}
	return false, m.making.bear(w.settle, err, awserr.Throttled, awserr.Unknown, awserr.NotFound)
}

func restored(m *member, v types.Volume) Volume {
	return Volume{Source: m.Volume, Volume: aws.ToString(v.VolumeId), Device: m.Device, SizeGiB: aws.ToInt32(v.Size)}
}

// tellMade puts into the report what was there when the run began.
func (w *run) tellMade() {
	live, _ := alive(w.view.instances[w.req.instanceKey()])
	if live != nil {
		w.report.Instance = aws.ToString(live.InstanceId)
	}
	for _, m := range w.members {
		found := slices.Concat(w.view.volumes[w.req.volumeKey(m.PointMember)], w.view.volumes[w.req.instanceKey()])
		for _, v := range found {
			if w.req.As == Volumes || attached(v, w.report.Instance, m.Device) {
				w.report.Volumes = append(w.report.Volumes, restored(m, v))
			}
		}
	}
}

// attached says whether a volume is attached to an instance under a device.
func attached(v types.Volume, instance, device string) bool {
	return slices.ContainsFunc(v.Attachments, func(a types.VolumeAttachment) bool {
		return instance != "" && aws.ToString(a.InstanceId) == instance && aws.ToString(a.Device) == device
	})
}

package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A launchDisk is one volume of each instance.
type launchDisk struct {
	mapping mapping
	volume  volume    // the model
	source  *snapshot // or nil
}

// launchDisks lays the request's mappings over the image's: volumes, and those
// of the computer that the instance runs on.
// Source: EC2 User Guide, "Block device mappings".
func (s *Service) launchDisks(c *core.Call, st *site, im *image, asked []types.BlockDeviceMapping) (disks []launchDisk, stores []mapping, err error) {
	merged := slices.Clone(im.mappings)
	specs := map[string]types.EbsBlockDevice{}
	for _, b := range asked {
		device := aws.ToString(b.DeviceName)
		i := slices.IndexFunc(merged, func(m mapping) bool { return m.device == device })
		switch {
		case device == "":
			return nil, nil, core.Errorf("MissingParameter", "The request must contain the parameter deviceName")
		case b.VirtualName != nil && b.Ebs == nil:
			m, _, err := storeMapping(device, *b.VirtualName)
			if err != nil {
				return nil, nil, err
			}
			merged = slices.DeleteFunc(merged, func(other mapping) bool { return other.device == device })
			merged = append(merged, m)
			continue
		case b.NoDevice != nil:
			if i >= 0 {
				merged = slices.Delete(merged, i, i+1)
			}
			continue
		case b.Ebs == nil:
			return nil, nil, core.Errorf("InvalidBlockDeviceMapping", "The mapping of '%s' says nothing of a volume", device)
		case i < 0:
			merged = append(merged, mapping{device: device, deleteOnTermination: true})
			i = len(merged) - 1
		}
		if b.Ebs.DeleteOnTermination != nil {
			merged[i].deleteOnTermination = *b.Ebs.DeleteOnTermination
		}
		specs[device] = *b.Ebs
	}
	for _, m := range merged {
		if m.virtual != "" {
			stores = append(stores, m)
			continue
		}
		d, err := s.launchDisk(c, st, m, specs[m.device])
		if err != nil {
			return nil, nil, err
		}
		disks = append(disks, d)
	}
	if !slices.ContainsFunc(disks, func(d launchDisk) bool { return d.mapping.device == im.rootDevice }) {
		return nil, nil, core.Errorf("InvalidBlockDeviceMapping", "The root device '%s' has no volume", im.rootDevice)
	}
	return disks, stores, nil
}

// launchDisk plans one volume: what the request leaves open is as the image
// has it. The image's snapshots need not be visible to whoever may launch it.
func (s *Service) launchDisk(c *core.Call, st *site, m mapping, asked types.EbsBlockDevice) (launchDisk, error) {
	source := s.snapshotByID(c.Now, m.snapshot)
	if id := aws.ToString(asked.SnapshotId); id != "" && id != m.snapshot {
		var err error
		if source, err = s.visibleSnapshot(c, c.Region, asked.SnapshotId); err != nil {
			return launchDisk{}, err
		}
	}
	spec := volumeSpec{
		size: asked.VolumeSize, kind: asked.VolumeType, iops: asked.Iops, throughput: asked.Throughput,
		encrypted: asked.Encrypted, key: asked.KmsKeyId, rate: asked.VolumeInitializationRate,
	}
	if spec.size == nil && m.size > 0 {
		spec.size = aws.Int32(m.size)
	}
	if spec.kind == "" || spec.kind == m.kind {
		spec.kind = m.kind
		if spec.iops == nil && m.iops > 0 {
			spec.iops = aws.Int32(m.iops)
		}
		if spec.throughput == nil && m.throughput > 0 {
			spec.throughput = aws.Int32(m.throughput)
		}
	}
	v, err := s.plan(c, st, source, spec)
	if err != nil {
		return launchDisk{}, err
	}
	return launchDisk{mapping: m, volume: *v, source: source}, nil
}

package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A volumeType is what one type of volume can be.
// Source: EC2 API Reference, CreateVolume (Size, Iops, Throughput); Amazon EBS
// User Guide, "Amazon EBS volume types" (ratios, gp2's IOPS).
type volumeType struct {
	minGiB, maxGiB   int32
	minIOPS, maxIOPS int32 // zero: cannot be chosen
	iopsPerGiB       int32
	standardIOPS     int32 // unless chosen; zero: must be chosen, if it can be
	throughput       bool  // can be chosen
}

var volumeTypes = map[types.VolumeType]volumeType{
	types.VolumeTypeGp2:      {minGiB: 1, maxGiB: 16384},
	types.VolumeTypeGp3:      {minGiB: 1, maxGiB: 65536, minIOPS: 3000, maxIOPS: 80000, iopsPerGiB: 500, standardIOPS: 3000, throughput: true},
	types.VolumeTypeIo1:      {minGiB: 4, maxGiB: 16384, minIOPS: 100, maxIOPS: 64000, iopsPerGiB: 50},
	types.VolumeTypeIo2:      {minGiB: 4, maxGiB: 65536, minIOPS: 100, maxIOPS: 256000, iopsPerGiB: 1000},
	types.VolumeTypeSt1:      {minGiB: 125, maxGiB: 16384},
	types.VolumeTypeSc1:      {minGiB: 125, maxGiB: 16384},
	types.VolumeTypeStandard: {minGiB: 1, maxGiB: 1024},
}

// Throughput of gp3 in MiB/s: by default and at most, and how many
// IOPS each MiB/s needs.
const (
	gp3Throughput    = 125
	gp3MaxThroughput = 2000
	iopsPerMiBSecond = 4
)

// setPerformance checks type, size, IOPS and throughput against each other.
// Without a type a volume is gp2.
func (v *volume) setPerformance(spec volumeSpec) error {
	if v.kind == "" {
		v.kind = types.VolumeTypeGp2
	}
	t, ok := volumeTypes[v.kind]
	if !ok {
		return invalid("volumeType", v.kind)
	}
	if v.size < t.minGiB || v.size > t.maxGiB {
		return core.Errorf("InvalidParameterValue", "Volume of %dGiB is not between %d and %dGiB for volume type %s.", v.size, t.minGiB, t.maxGiB, v.kind)
	}
	if err := v.setIOPS(t, spec.iops); err != nil {
		return err
	}
	return v.setThroughput(t, spec.throughput)
}

func (v *volume) setIOPS(t volumeType, iops *int32) error {
	switch {
	case iops == nil && t.maxIOPS > 0 && t.standardIOPS == 0:
		return core.Errorf("MissingParameter", "The parameter iops must be specified for %s volumes.", v.kind)
	case iops == nil && v.kind == types.VolumeTypeGp2:
		// Three IOPS for each GiB, from 100 to 16,000.
		v.iops = min(max(3*v.size, 100), 16000)
	case iops == nil:
		v.iops = t.standardIOPS
	case t.maxIOPS == 0:
		return core.Errorf("InvalidParameterCombination", "The parameter iops is not supported for %s volumes.", v.kind)
	case *iops < t.minIOPS || *iops > t.maxIOPS:
		return core.Errorf("InvalidParameterValue", "Volume iops of %d is not between %d and %d for volume type %s.", *iops, t.minIOPS, t.maxIOPS, v.kind)
	case *iops > t.standardIOPS && int64(*iops) > int64(t.iopsPerGiB)*int64(v.size):
		return core.Errorf("InvalidParameterValue", "Iops to volume size ratio of %d:%d is too high; maximum is %d:1.", *iops, v.size, t.iopsPerGiB)
	default:
		v.iops = *iops
	}
	return nil
}

func (v *volume) setThroughput(t volumeType, throughput *int32) error {
	switch {
	case !t.throughput && throughput != nil:
		return core.Errorf("InvalidParameterCombination", "The parameter throughput is not supported for %s volumes.", v.kind)
	case !t.throughput:
	case throughput == nil:
		v.throughput = gp3Throughput
	case *throughput < gp3Throughput || *throughput > gp3MaxThroughput:
		return core.Errorf("InvalidParameterValue", "Throughput of %d is not between %d and %d.", *throughput, gp3Throughput, gp3MaxThroughput)
	case *throughput*iopsPerMiBSecond > v.iops:
		return core.Errorf("InvalidParameterValue", "Throughput (MiBps) to iops ratio of %d:%d is too high; maximum is 0.25 MiBps per iops.", *throughput, v.iops)
	default:
		v.throughput = *throughput
	}
	return nil
}

// invalid is the answer to a value that is none of those there are.
func invalid(parameter string, value any) error {
	return core.Errorf("InvalidParameterValue", "Value (%v) for parameter %s is invalid.", value, parameter)
}

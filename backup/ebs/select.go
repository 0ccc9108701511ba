package ebs

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

// A picker decides what a selector chooses. What is asked of AWS only spares it
// the work of listing more; the decision is the selector's, and taken here.
type picker struct {
	backup.Selector
	// loose chooses at least what the selector does, whatever a volume is
	// attached to: it tells of which volumes the instances must be known.
	loose backup.Selector
}

func newPicker(sel backup.Selector) picker {
	loose := sel
	loose.Except, loose.Any = nil, slices.Clone(sel.Any)
	for i := range loose.Any {
		loose.Any[i].VPCs, loose.Any[i].Not = nil, nil
	}
	return picker{sel, loose}
}

// mayChoose says whether a volume may be chosen, once it is known what it is
// attached to. Of one with several instances all are always needed, since a
// Match that rules out must rule out each.
func (p picker) mayChoose(v types.Volume) bool {
	return len(owners(v)) > 1 || p.loose.Chooses(volumeSubject(v))
}

func instanceSubject(i types.Instance) backup.Subject {
	return backup.Subject{ID: aws.ToString(i.InstanceId), Tags: tagMap(i.Tags), VPC: aws.ToString(i.VpcId)}
}

// volumeSubject returns a volume without what it is attached to.
func volumeSubject(v types.Volume) backup.Subject {
	return backup.Subject{
		ID: aws.ToString(v.VolumeId), Tags: tagMap(v.Tags),
		Volume: true, VolumeType: string(v.VolumeType), SizeGiB: aws.ToInt32(v.Size),
	}
}

// tagMap returns EC2's list of tags as a map; nil if there are none.
func tagMap(tags []types.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

// tagList returns a map as EC2's list of tags, in the order of the keys.
func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

// keys are the two that are read, in lower case.
var keys = []string{"cpm backup", "cpm_backup"}

// A tagged is a resource that carries such a tag, or something that looks like one.
type tagged struct {
	site   backup.Site
	id     string            // "i-…" or "vol-…"
	values map[string]string // by key, in whatever case
}

func (t tagged) String() string { return t.site.String() + " " + t.id }

// scan finds the tagged instances and volumes of a site. It asks for keys that
// are as long as the two, in whatever case they are written.
func scan(ctx context.Context, cfg aws.Config, site backup.Site) ([]tagged, error) {
	api := ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.Region = site.Region })
	filters := []types.Filter{{Name: aws.String("tag-key"), Values: []string{strings.Repeat("?", len(keys[0]))}}}
	var found []tagged
	add := func(id *string, tags []types.Tag) {
		t := tagged{site: site, id: aws.ToString(id), values: map[string]string{}}
		for _, tag := range tags {
			if slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, aws.ToString(tag.Key)) }) {
				t.values[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
		}
		if len(t.values) > 0 {
			found = append(found, t)
		}
	}
	instances := ec2.NewDescribeInstancesPaginator(api, &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(1000)})
	for instances.HasMorePages() {
		page, err := instances.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scan %s: %w", site, err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				if i.State == nil || i.State.Name != types.InstanceStateNameTerminated {
					add(i.InstanceId, i.Tags)
				}
			}
		}
	}
	volumes := ec2.NewDescribeVolumesPaginator(api, &ec2.DescribeVolumesInput{Filters: filters, MaxResults: aws.Int32(500)})
	for volumes.HasMorePages() {
		page, err := volumes.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scan %s: %w", site, err)
		}
		for _, v := range page.Volumes {
			add(v.VolumeId, v.Tags)
		}
	}
	return found, nil
}

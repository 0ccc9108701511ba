package ebs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

// nameStores names the instance stores of resources: volumes of the computer
// that an instance runs on, which no snapshot can hold (EC2 User Guide,
// "Instance store temporary block storage"). What an instance has of them,
// only its type tells. Each type is asked about once; who may not ask, or gets
// no answer, is told of none, since nothing depends on it.
func (c *client) nameStores(ctx context.Context, all []backup.Resource) {
	unknown := map[string]bool{}
	c.mu.Lock()
	for _, r := range all {
		if _, known := c.stores[r.Machine.InstanceType]; !known && r.Machine.InstanceType != "" {
			unknown[r.Machine.InstanceType] = true
		}
	}
	c.mu.Unlock()
	_ = inChunks(slices.Sorted(maps.Keys(unknown)), func(kinds []string) error { return c.askStores(ctx, kinds) })
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range all {
		if what := c.stores[r.Machine.InstanceType]; what != "" {
			all[i].Unprotected = append(all[i].Unprotected, what)
		}
	}
}

// askStores asks about types of instances. Types are sent as a filter, not as
// such: one that the Region does not have would fail the call.
func (c *client) askStores(ctx context.Context, kinds []string) error {
	found := map[string]string{}
	pages := ec2.NewDescribeInstanceTypesPaginator(c.ec2, &ec2.DescribeInstanceTypesInput{
		Filters: []types.Filter{filter("instance-type", kinds...), filter("instance-storage-supported", "true")},
		// EC2 returns at most 100 a page (EC2 API Reference, DescribeInstanceTypes).
		MaxResults: aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range page.InstanceTypes {
			if t.InstanceStorageInfo != nil {
				found[string(t.InstanceType)] = storeOf(t.InstanceStorageInfo.Disks)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range kinds {
		c.stores[kind] = found[kind]
	}
	return nil
}

// storeOf returns "2 instance-store volumes of 300 GB".
func storeOf(disks []types.DiskInfo) string {
	var parts []string
	for _, d := range disks {
		n, volumes := aws.ToInt32(d.Count), "volumes"
		if n == 1 {
			volumes = "volume"
		}
		parts = append(parts, fmt.Sprintf("%d instance-store %s of %d GB", n, volumes, aws.ToInt64(d.SizeInGB)))
	}
	return strings.Join(parts, " and ")
}

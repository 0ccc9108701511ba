package ebs_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
)

// What a plan that selects the tag backup=daily protects in one Region of a
// simulated account: an instance but for its scratch volume, and a volume that
// is attached to nothing.
func ExampleNew() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		site := backup.Site{Account: "222222222222", Region: "eu-west-1"}
		cloud := backuptest.New(backuptest.Options{})
		cfg := cloud.Config(cloud.User(site.Account, "admin", backuptest.Admin()), site.Region)
		if err := furnish(ctx, ec2.NewFromConfig(cfg), site.Region); err != nil {
			fmt.Println(err)
			return
		}

		driver := ebs.New(ebs.Options{})
		client := driver.Open(cfg, site)
		for r, err := range client.Discover(ctx, backup.Selector{
			Tags:        map[string]string{"backup": "daily"},
			ExcludeTags: map[string]string{"scratch": ""},
		}) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Printf("%s %s, %d left out: %s\n", r.Kind, r.Name, len(r.Excluded),
				driver.API(backup.Step{Kind: backup.StepSnapshot, Resource: r}))
			for _, m := range r.Members {
				fmt.Printf("  %s %d GiB %s root=%v\n", m.Type, m.SizeGiB, m.Device, m.Root)
			}
		}
	})
	// Output:
	// instance web, 1 left out: CreateSnapshots
	//   gp3 8 GiB /dev/xvda root=true
	//   gp3 100 GiB /dev/sdf root=false
	// volume archive, 0 left out: CreateSnapshot
	//   gp3 500 GiB  root=false
}

// furnish runs an instance with three volumes, one of them for scratch data,
// and makes two volumes that are attached to nothing.
func furnish(ctx context.Context, api *ec2.Client, region string) error {
	tags := func(kind types.ResourceType, pairs ...string) []types.TagSpecification {
		s := types.TagSpecification{ResourceType: kind}
		for i := 0; i < len(pairs); i += 2 {
			s.Tags = append(s.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return []types.TagSpecification{s}
	}
	disk := func(device string, size int32) types.BlockDeviceMapping {
		return types.BlockDeviceMapping{DeviceName: &device, Ebs: &types.EbsBlockDevice{VolumeSize: &size, VolumeType: types.VolumeTypeGp3}}
	}
	images, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"amazon"}, Filters: []types.Filter{{Name: aws.String("name"), Values: []string{"base-linux-x86_64"}}},
	})
	if err != nil {
		return err
	}
	run, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: images.Images[0].ImageId, InstanceType: types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), BlockDeviceMappings: []types.BlockDeviceMapping{disk("/dev/sdf", 100), disk("/dev/sdg", 50)},
		TagSpecifications: tags(types.ResourceTypeInstance, "Name", "web", "backup", "daily"),
	})
	if err != nil {
		return err
	}
	time.Sleep(time.Minute)
	out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{*run.Instances[0].InstanceId}})
	if err != nil {
		return err
	}
	for _, b := range out.Reservations[0].Instances[0].BlockDeviceMappings {
		if *b.DeviceName != "/dev/sdg" {
			continue
		}
		if _, err := api.CreateTags(ctx, &ec2.CreateTagsInput{
			Resources: []string{*b.Ebs.VolumeId}, Tags: tags("", "scratch", "yes")[0].Tags,
		}); err != nil {
			return err
		}
	}
	for name, plan := range map[string]string{"archive": "daily", "old": "never"} {
		if _, err := api.CreateVolume(ctx, &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(500), VolumeType: types.VolumeTypeGp3,
			TagSpecifications: tags(types.ResourceTypeVolume, "Name", name, "backup", plan),
		}); err != nil {
			return err
		}
	}
	time.Sleep(time.Minute)
	return nil
}

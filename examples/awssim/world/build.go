package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// A builder makes the resources of one account as its root user would, with
// the SDK's clients.
type builder struct {
	world   *World
	account Account
	keys    map[string]string // ARNs by Region and alias
}

// resources makes what is in an account beside users and roles.
func (w *World) resources(ctx context.Context, a Account) error {
	b := &builder{world: w, account: a, keys: map[string]string{}}
	for _, k := range a.Keys {
		if err := b.makeKey(ctx, k); err != nil {
			return fmt.Errorf("key %s: %w", k.Alias, err)
		}
	}
	for _, v := range a.Volumes {
		if err := b.makeVolume(ctx, v); err != nil {
			return fmt.Errorf("volume %s: %w", v.Name, err)
		}
	}
	for _, in := range a.Instances {
		if err := b.makeInstance(ctx, in); err != nil {
			return fmt.Errorf("instance %s: %w", in.Name, err)
		}
	}
	return nil
}

func (b *builder) config(region string) aws.Config {
	cfg := b.world.Cloud.Config(b.world.Cloud.Root(b.id()), region)
	// A large script meets the limits on requests, and has the time to wait.
	cfg.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 50) }
	return cfg
}

func (b *builder) id() accounts.ID { return accounts.ID(b.account.ID) }

// tell names a resource in the environment: AWSSIM_KEY_111111111111_DATA.
func (b *builder) tell(kind, name, id string) {
	b.world.set("AWSSIM_"+kind+"_"+b.account.ID+"_"+word(name), id)
}

func (b *builder) makeKey(ctx context.Context, k Key) error {
	client := kms.NewFromConfig(b.config(k.Region))
	in := &kms.CreateKeyInput{Description: aws.String(k.Alias)}
	if k.Policy.doc != nil {
		text, err := k.Policy.doc.MarshalCompact()
		if err != nil {
			return err
		}
		in.Policy = aws.String(string(text))
	}
	made, err := client.CreateKey(ctx, in)
	if err != nil {
		return err
	}
	arn := *made.KeyMetadata.Arn
	b.keys[k.Region+" "+k.Alias] = arn
	b.tell("KEY", k.Alias, arn)
	_, err = client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/" + k.Alias), TargetKeyId: &arn})
	return err
}

func (b *builder) makeVolume(ctx context.Context, v Volume) error {
	client := ec2.NewFromConfig(b.config(v.Region))
	in := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(v.Region + v.Zone), Size: &v.Size, VolumeType: types.VolumeType(v.Type),
		Encrypted: aws.Bool(v.Encrypted || v.Key != ""), KmsKeyId: b.key(v),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: tags(v.Name, v.Tags)}},
	}
	made, err := client.CreateVolume(ctx, in)
	if err != nil {
		return err
	}
	b.tell("VOLUME", v.Name, *made.VolumeId)
	if err := b.fill(v, *made.VolumeId); err != nil || v.Snapshots == 0 {
		return err
	}
	ids := []string{*made.VolumeId}
	if err := ec2.NewVolumeAvailableWaiter(client, soon).Wait(ctx, &ec2.DescribeVolumesInput{VolumeIds: ids}, time.Minute); err != nil {
		return err
	}
	for range v.Snapshots {
		if _, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: made.VolumeId}); err != nil {
			return err
		}
	}
	return nil
}

// soon lets a waiter ask often: what it waits for is near.
func soon(o *ec2.VolumeAvailableWaiterOptions) {
	o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
}

func (b *builder) makeInstance(ctx context.Context, in Instance) error {
	client := ec2.NewFromConfig(b.config(in.Region))
	var mappings []types.BlockDeviceMapping
	devices := map[string]Volume{}
	for _, v := range in.Volumes {
		devices[v.Device] = v
		mappings = append(mappings, types.BlockDeviceMapping{DeviceName: aws.String(v.Device), Ebs: &types.EbsBlockDevice{
			VolumeSize: &v.Size, VolumeType: types.VolumeType(v.Type),
			Encrypted: aws.Bool(v.Encrypted || v.Key != ""), KmsKeyId: b.key(v),
		}})
	}
	all := tags(in.Name, in.Tags)
	out, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId:  aws.String(b.world.Cloud.BaseImage(in.Region, types.ArchitectureValuesX8664)),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceType(in.Type),
		BlockDeviceMappings: mappings,
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: all}, {ResourceType: types.ResourceTypeVolume, Tags: all},
		},
	})
	if err != nil {
		return err
	}
	id := *out.Instances[0].InstanceId
	b.tell("INSTANCE", in.Name, id)
	volumes, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{id}}},
	})
	if err != nil {
		return err
	}
	for _, made := range volumes.Volumes {
		if v, ok := devices[*made.Attachments[0].Device]; ok {
			if err := b.fill(v, *made.VolumeId); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) key(v Volume) *string {
	if v.Key == "" {
		return nil
	}
	return aws.String(b.keys[v.Region+" "+v.Key])
}

// fill writes what is on the volume.
func (b *builder) fill(v Volume, id string) error {
	ref := backuptest.Ref{Account: b.id(), Region: v.Region, ID: id}
	for _, index := range slices.Sorted(maps.Keys(v.Blocks)) {
		if err := b.world.Cloud.WriteVolume(ref, index, []byte(v.Blocks[index])); err != nil {
			return err
		}
	}
	return nil
}

func tags(name string, more map[string]string) []types.Tag {
	out := []types.Tag{{Key: aws.String("Name"), Value: &name}}
	for _, k := range slices.Sorted(maps.Keys(more)) {
		out = append(out, types.Tag{Key: &k, Value: aws.String(more[k])})
	}
	return out
}

package rolesim_test

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// in is the same credentials in another Region.
func (w *world) in(cfg aws.Config, other string) aws.Config {
	cfg.Region = other
	return cfg
}

// run starts an instance as an administrator of the target does, and waits.
func (w *world) run(ctx context.Context, where string, specs ...types.TagSpecification) string {
	w.t.Helper()
	out, err := ec2.NewFromConfig(w.in(w.admin(target), where)).RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(where, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeT3Micro,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), TagSpecifications: specs,
	})
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	return *out.Instances[0].InstanceId
}

// volumeOf is the root volume of an instance.
func (w *world) volumeOf(ctx context.Context, instance string) string {
	return w.volumeIn(ctx, region, instance)
}

func (w *world) volumeIn(ctx context.Context, where, instance string) string {
	w.t.Helper()
	out, err := ec2.NewFromConfig(w.in(w.admin(target), where)).DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{instance}}},
	})
	require.NoError(w.t, err)
	return *out.Volumes[0].VolumeId
}

// mixed runs an instance that is not tagged with a volume that is.
func (w *world) mixed(ctx context.Context) string {
	return w.run(ctx, region, tagged("volume", "backup", "yes")...)
}

// A place holds what is tagged for backup in a Region that is not backed up.
type place struct{ instance, volume string }

func (w *world) distant(ctx context.Context) place {
	id := w.run(ctx, "us-east-1", append(tagged("instance", "backup", "yes"), tagged("volume", "backup", "yes")...)...)
	return place{id, w.volumeIn(ctx, "us-east-1", id)}
}

// register makes an image of a snapshot.
func (w *world) register(ctx context.Context, snapshot string, pairs ...string) (string, error) {
	return registerAs(ctx, ec2.NewFromConfig(w.admin(target)), snapshot, pairs...)
}

// registerAs registers an image of a snapshot.
func registerAs(ctx context.Context, c *ec2.Client, snapshot string, pairs ...string) (string, error) {
	out, err := c.RegisterImage(ctx, &ec2.RegisterImageInput{
		Name: aws.String("image of " + snapshot), Architecture: types.ArchitectureValuesX8664, RootDeviceName: aws.String("/dev/xvda"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot}}},
		TagSpecifications:   tagged("image", pairs...), VirtualizationType: aws.String("hvm"),
	})
	if err != nil {
		return "", err
	}
	return *out.ImageId, nil
}

package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func (w *world) describe(at ec2sim.Site, id string) types.Instance {
	w.t.Helper()
	out, err := w.admin(at).DescribeInstances(w.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	require.NoError(w.t, err)
	return out.Reservations[0].Instances[0]
}

func TestLifeOfAnInstance(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		in := &ec2.RunInstancesInput{
			ImageId: aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesArm64)), InstanceType: "t4g.small",
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1), Placement: &types.Placement{AvailabilityZone: aws.String("eu-west-1c")},
			BlockDeviceMappings: []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(20)}},
				{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(30), DeleteOnTermination: aws.Bool(false)}},
			},
			TagSpecifications: []types.TagSpecification{{ResourceType: "instance", Tags: tags("Name", "web")}},
		}
		out, err := c.RunInstances(t.Context(), in)
		require.NoError(t, err)
		id := *out.Instances[0].InstanceId
		state := func() types.InstanceStateName { return w.describe(at, id).State.Name }
		require.Equal(t, types.InstanceStateNamePending, state())
		time.Sleep(time.Minute)
		got := w.describe(at, id)
		require.Equal(t, types.InstanceStateNameRunning, got.State.Name)
		require.Equal(t, types.ArchitectureValuesArm64, got.Architecture)
		require.Equal(t, "eu-west-1c", *got.Placement.AvailabilityZone)
		require.Equal(t, "/dev/xvda", *got.RootDeviceName)
		require.Equal(t, map[string]string{"Name": "web"}, tagMap(got.Tags))
		require.Len(t, got.BlockDeviceMappings, 2)
		require.Equal(t, "/dev/xvda", *got.BlockDeviceMappings[0].DeviceName)
		require.True(t, *got.BlockDeviceMappings[0].Ebs.DeleteOnTermination)
		root, data := *got.BlockDeviceMappings[0].Ebs.VolumeId, *got.BlockDeviceMappings[1].Ebs.VolumeId
		contents, err := w.EC2().ReadVolume(ec2sim.Ref{Site: at, ID: root})
		require.NoError(t, err)
		require.Equal(t, int32(20), contents.GiB)
		require.NotEmpty(t, contents.Blocks, "the image's")

		stop, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err)
		require.Equal(t, types.InstanceStateNameRunning, stop.StoppingInstances[0].PreviousState.Name)
		require.Equal(t, types.InstanceStateNameStopping, stop.StoppingInstances[0].CurrentState.Name)
		_, err = c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
		require.Equal(t, "IncorrectInstanceState", code(t, err), "not while it is stopping")
		time.Sleep(time.Minute)
		require.Equal(t, types.InstanceStateNameStopped, state())
		_, err = c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err, "it is stopped already")
		_, err = c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err)
		require.Equal(t, types.InstanceStateNamePending, state())
		time.Sleep(time.Minute)
		require.Equal(t, types.InstanceStateNameRunning, state())

		_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err)
		require.Equal(t, types.InstanceStateNameShuttingDown, state())
		require.Equal(t, types.VolumeStateInUse, w.volumeState(at, root))
		time.Sleep(time.Minute)
		require.Equal(t, types.InstanceStateNameTerminated, state())
		require.Empty(t, w.volumeState(at, root), "goes with the instance")
		require.Equal(t, types.VolumeStateAvailable, w.volumeState(at, data), "stays behind")
		_, err = c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
		require.Equal(t, "IncorrectInstanceState", code(t, err))
		_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err, "again is no error")
		time.Sleep(time.Hour)
		_, err = c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		require.Equal(t, "InvalidInstanceID.NotFound", code(t, err))
	})
}

func TestRunInstancesRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		x86, arm := ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664), ec2sim.BaseImage(ireland, types.ArchitectureValuesArm64)
		sn := w.snapshot(w.volume(at, ""))
		register := func(change func(*ec2.RegisterImageInput)) string {
			in := &ec2.RegisterImageInput{
				Name: aws.String("image " + time.Now().Format("15.04.05")), RootDeviceName: aws.String("/dev/sda1"),
				Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"), EnaSupport: aws.Bool(true),
				BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &sn.ID}}},
			}
			change(in)
			out, err := w.admin(at).RegisterImage(t.Context(), in)
			require.NoError(t, err)
			time.Sleep(time.Minute)
			return *out.ImageId
		}
		good := register(func(*ec2.RegisterImageInput) {})
		noArch := register(func(in *ec2.RegisterImageInput) { in.Architecture = "" })
		noHVM := register(func(in *ec2.RegisterImageInput) { in.VirtualizationType = nil })
		noENA := register(func(in *ec2.RegisterImageInput) { in.EnaSupport = nil })
		one := aws.Int32(1)
		type in = ec2.RunInstancesInput
		for _, tt := range []struct {
			name string
			in   in
			want string
		}{
			{"good", in{ImageId: &good, InstanceType: "t3.micro"}, ""},
			{"unknown image", in{ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: "t3.micro"}, "InvalidAMIID.NotFound"},
			{"malformed image", in{ImageId: aws.String("ami-x"), InstanceType: "t3.micro"}, "InvalidAMIID.Malformed"},
			{"image of another Region", in{ImageId: aws.String(ec2sim.BaseImage(oregon, types.ArchitectureValuesX8664)), InstanceType: "t3.micro"}, "InvalidAMIID.NotFound"},
			{"arm image on x86", in{ImageId: &arm, InstanceType: "m5.large"}, "InvalidParameterValue"},
			{"x86 image on arm", in{ImageId: &x86, InstanceType: "m6gd.large"}, "InvalidParameterValue"},
			{"registered without architecture", in{ImageId: &noArch, InstanceType: "t3.micro"}, "InvalidParameterValue"},
			{"registered without hvm", in{ImageId: &noHVM, InstanceType: "t3.micro"}, "InvalidParameterCombination"},
			{"registered without ENA", in{ImageId: &noENA, InstanceType: "t3.micro"}, "InvalidParameterCombination"},
			{"registered without ENA, on an old type", in{ImageId: &noENA, InstanceType: "t2.micro"}, ""},
			{"no such type", in{ImageId: &good, InstanceType: "big"}, "InvalidParameterValue"},
			{"no such subnet", in{ImageId: &good, InstanceType: "t3.micro", SubnetId: aws.String("subnet-1")}, "InvalidSubnetID.NotFound"},
			{"no such group", in{ImageId: &good, InstanceType: "t3.micro", SecurityGroupIds: []string{"sg-1"}}, "InvalidGroup.NotFound"},
			{"no such zone", in{ImageId: &good, InstanceType: "t3.micro", Placement: &types.Placement{AvailabilityZone: aws.String("x")}}, "InvalidZone.NotFound"},
			{"root too small", in{ImageId: &good, InstanceType: "t3.micro", BlockDeviceMappings: []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{VolumeSize: one}},
			}}, "InvalidParameterValue"},
			{"no root", in{ImageId: &good, InstanceType: "t3.micro", BlockDeviceMappings: []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/sda1"), NoDevice: aws.String("")},
			}}, "InvalidBlockDeviceMapping"},
			{"dry run", in{ImageId: &good, InstanceType: "t3.micro", DryRun: aws.Bool(true)}, "DryRunOperation"},
		} {
			tt.in.MinCount, tt.in.MaxCount = one, one
			_, err := w.admin(at).RunInstances(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
	})
}

func TestRunInstancesOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		run := func(count int32) (ids []string, refused string) {
			out, err := w.admin(at).RunInstances(t.Context(), &ec2.RunInstancesInput{
				ImageId: aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664)), InstanceType: "t3.micro",
				MinCount: aws.Int32(1), MaxCount: &count, ClientToken: aws.String("token"),
			})
			if err != nil {
				return nil, code(t, err)
			}
			for _, i := range out.Instances {
				ids = append(ids, *i.InstanceId)
			}
			return ids, ""
		}
		first, _ := run(2)
		require.Len(t, first, 2)
		again, _ := run(2)
		require.Equal(t, first, again)
		_, refused := run(3)
		require.Equal(t, "IdempotentParameterMismatch", refused)
		out, err := w.admin(at).DescribeInstances(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, out.Reservations, 1)
		require.Len(t, out.Reservations[0].Instances, 2)
	})
}

func TestLaunchNeedsItsKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		run := func(c *ec2.Client) types.Instance {
			out, err := c.RunInstances(t.Context(), &ec2.RunInstancesInput{
				ImageId: aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664)), InstanceType: "t3.micro",
				MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
				BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{
					VolumeSize: aws.Int32(10), Encrypted: aws.Bool(true), KmsKeyId: &key,
				}}},
			})
			require.NoError(t, err, "the caller is not told")
			require.Equal(t, types.InstanceStateNamePending, out.Instances[0].State.Name)
			time.Sleep(time.Minute)
			return w.describe(at, *out.Instances[0].InstanceId)
		}
		got := run(w.as(at, "launcher", policy(t, allow("ec2:*"))))
		require.Equal(t, types.InstanceStateNameTerminated, got.State.Name)
		require.Equal(t, "Client.InternalError", *got.StateReason.Code)
		got = run(w.admin(at))
		require.Equal(t, types.InstanceStateNameRunning, got.State.Name)
		require.Nil(t, got.StateReason)

		_, err := w.admin(at).StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{*got.InstanceId}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = w.kms(at).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key})
		require.NoError(t, err)
		_, err = w.admin(at).StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{*got.InstanceId}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		back := w.describe(at, *got.InstanceId)
		require.Equal(t, types.InstanceStateNameStopped, back.State.Name)
		require.Equal(t, "Client.InvalidKMSKey.InvalidState", *back.StateReason.Code)
		got = run(w.admin(at))
		require.Equal(t, types.InstanceStateNameTerminated, got.State.Name)
		require.Equal(t, "Client.InvalidKMSKey.InvalidState", *got.StateReason.Code)
		volumes, err := w.admin(at).DescribeVolumes(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, volumes.Volumes, 2, "those of the one that runs: nothing is left of a launch that failed")
	})
}

func TestInstanceFilters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		web, volumes := w.instance(at, 1)
		stopped, _ := w.instance(at, 0)
		_, err := w.admin(at).StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{stopped}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = w.admin(at).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{web}, Tags: tags("Backup", "daily")})
		require.NoError(t, err)
		for _, tt := range []struct {
			filter types.Filter
			want   []string
		}{
			{filter("instance-state-name", "running"), []string{web}},
			{filter("instance-state-name", "stopped", "running"), []string{web, stopped}},
			{filter("instance-state-code", "80"), []string{stopped}},
			{filter("tag:Backup", "dail*"), []string{web}},
			{filter("tag:Name", "web"), []string{web, stopped}},
			{filter("block-device-mapping.volume-id", volumes[1]), []string{web}},
			{filter("block-device-mapping.device-name", "/dev/sdf"), []string{web}},
			{filter("instance-type", "t3.*"), []string{web, stopped}},
			{filter("architecture", "arm64"), nil},
			{filter("availability-zone", "eu-west-1a"), []string{web, stopped}},
		} {
			out, err := w.admin(at).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{tt.filter}})
			require.NoError(t, err)
			var got []string
			for _, r := range out.Reservations {
				for _, i := range r.Instances {
					got = append(got, *i.InstanceId)
				}
			}
			require.Equal(t, tt.want, got, *tt.filter.Name)
		}
		_, err = w.admin(at).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("mood", "good")}})
		require.Equal(t, "InvalidParameterValue", code(t, err))
	})
}

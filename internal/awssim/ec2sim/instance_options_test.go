package ec2sim_test

import (
	"encoding/base64"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func truth(b bool) *types.AttributeBooleanValue { return &types.AttributeBooleanValue{Value: &b} }

func (w *world) run(at ec2sim.Site, in *ec2.RunInstancesInput) types.Instance {
	w.t.Helper()
	if in.ImageId == nil {
		in.ImageId = aws.String(ec2sim.BaseImage(at.Region, types.ArchitectureValuesX8664))
	}
	if in.InstanceType == "" {
		in.InstanceType = "t3.micro"
	}
	in.MinCount, in.MaxCount = aws.Int32(1), aws.Int32(1)
	out, err := w.admin(at).RunInstances(w.t.Context(), in)
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	return out.Instances[0]
}

func (w *world) stop(at ec2sim.Site, id string) {
	w.t.Helper()
	_, err := w.admin(at).StopInstances(w.t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
}

func TestInstanceAttributes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		script := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh"))
		id := *w.run(at, &ec2.RunInstancesInput{UserData: &script}).InstanceId
		read := func(a types.InstanceAttributeName) *ec2.DescribeInstanceAttributeOutput {
			out, err := w.admin(at).DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: a})
			require.NoError(t, err)
			return out
		}
		edit := func(in ec2.ModifyInstanceAttributeInput) string {
			in.InstanceId = &id
			_, err := w.admin(at).ModifyInstanceAttribute(t.Context(), &in)
			return code(t, err)
		}
		require.Equal(t, script, *read("userData").UserData.Value)
		require.Equal(t, "IncorrectInstanceState", edit(ec2.ModifyInstanceAttributeInput{UserData: &types.SecureBlobAttributeValue{Value: []byte("new")}}))
		require.Equal(t, "IncorrectInstanceState", edit(ec2.ModifyInstanceAttributeInput{InstanceType: &types.AttributeValue{Value: aws.String("t3.large")}}))
		w.stop(at, id)
		require.Empty(t, edit(ec2.ModifyInstanceAttributeInput{UserData: &types.SecureBlobAttributeValue{Value: []byte("new")}}))
		require.Equal(t, base64.StdEncoding.EncodeToString([]byte("new")), *read("userData").UserData.Value)
		require.Empty(t, edit(ec2.ModifyInstanceAttributeInput{Attribute: "instanceType", Value: aws.String("m5.large")}))
		require.Equal(t, types.InstanceType("m5.large"), w.describe(at, id).InstanceType)
		require.Equal(t, "InvalidParameterValue", edit(ec2.ModifyInstanceAttributeInput{InstanceType: &types.AttributeValue{Value: aws.String("m6g.large")}}))

		require.Empty(t, edit(ec2.ModifyInstanceAttributeInput{SourceDestCheck: truth(false)}))
		require.False(t, *w.describe(at, id).SourceDestCheck)
		require.False(t, *read("sourceDestCheck").SourceDestCheck.Value)
		require.Empty(t, edit(ec2.ModifyInstanceAttributeInput{BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{
			DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)},
		}}}))
		require.False(t, *read("blockDeviceMapping").BlockDeviceMappings[0].Ebs.DeleteOnTermination)
		g, err := w.admin(at).CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web")})
		require.NoError(t, err)
		require.Empty(t, edit(ec2.ModifyInstanceAttributeInput{Groups: []string{*g.GroupId}}))
		require.Equal(t, *g.GroupId, *read("groupSet").Groups[0].GroupId)
		require.Equal(t, "InvalidParameterCombination", edit(ec2.ModifyInstanceAttributeInput{SourceDestCheck: truth(true), EbsOptimized: truth(true)}))
		require.Equal(t, "InvalidParameterCombination", edit(ec2.ModifyInstanceAttributeInput{}))
	})
}

func TestProtectedInstances(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		id := *w.run(at, &ec2.RunInstancesInput{DisableApiTermination: aws.Bool(true), DisableApiStop: aws.Bool(true)}).InstanceId
		other, _ := w.instance(at, 0)
		_, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{other, id}})
		require.Equal(t, "OperationNotPermitted", code(t, err))
		_, err = c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		require.Equal(t, "OperationNotPermitted", code(t, err))
		require.Equal(t, types.InstanceStateNameRunning, w.describe(at, other).State.Name, "all or none")
		_, err = c.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: &id, DisableApiTermination: truth(false)})
		require.NoError(t, err)
		_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		got := w.describe(at, id)
		require.Equal(t, "Client.UserInitiatedShutdown", *got.StateReason.Code)
		require.Contains(t, *got.StateTransitionReason, "User initiated")
		require.Nil(t, got.PrivateIpAddress)
	})
}

func TestInstanceStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		id, _ := w.instance(at, 0)
		status := func(all bool) []types.InstanceStatus {
			out, err := w.admin(at).DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{IncludeAllInstances: &all})
			require.NoError(t, err)
			return out.InstanceStatuses
		}
		require.Equal(t, types.SummaryStatusInitializing, status(false)[0].InstanceStatus.Status)
		time.Sleep(5 * time.Minute)
		require.Equal(t, types.SummaryStatusOk, status(false)[0].SystemStatus.Status)
		_, err := w.admin(at).RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}})
		require.NoError(t, err)
		require.Equal(t, types.InstanceStateNameRunning, w.describe(at, id).State.Name)
		require.Equal(t, types.SummaryStatusInitializing, status(false)[0].InstanceStatus.Status)
		w.stop(at, id)
		require.Empty(t, status(false))
		require.Equal(t, types.SummaryStatusNotApplicable, status(true)[0].InstanceStatus.Status)
		_, err = w.admin(at).RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}})
		require.Equal(t, "IncorrectInstanceState", code(t, err))
	})
}

func TestInstanceProfiles(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		id, _ := w.instance(at, 0)
		web := &types.IamInstanceProfileSpecification{Name: aws.String("web")}
		pass := `{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111111111111:role/other"}`
		_, err := w.as(at, "operator", policy(t, allow("ec2:*"), pass)).AssociateIamInstanceProfile(t.Context(),
			&ec2.AssociateIamInstanceProfileInput{InstanceId: &id, IamInstanceProfile: web})
		require.Equal(t, "UnauthorizedOperation", code(t, err), "the role may not be passed")
		made, err := c.AssociateIamInstanceProfile(t.Context(), &ec2.AssociateIamInstanceProfileInput{InstanceId: &id, IamInstanceProfile: web})
		require.NoError(t, err)
		require.Equal(t, "arn:aws:iam::111111111111:instance-profile/web", *w.describe(at, id).IamInstanceProfile.Arn)
		_, err = c.AssociateIamInstanceProfile(t.Context(), &ec2.AssociateIamInstanceProfileInput{InstanceId: &id, IamInstanceProfile: web})
		require.Equal(t, "IncorrectState", code(t, err))
		again, err := c.ReplaceIamInstanceProfileAssociation(t.Context(), &ec2.ReplaceIamInstanceProfileAssociationInput{
			AssociationId: made.IamInstanceProfileAssociation.AssociationId, IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("app")},
		})
		require.NoError(t, err)
		list, err := c.DescribeIamInstanceProfileAssociations(t.Context(), &ec2.DescribeIamInstanceProfileAssociationsInput{
			Filters: []types.Filter{filter("instance-id", id)},
		})
		require.NoError(t, err)
		require.Len(t, list.IamInstanceProfileAssociations, 1)
		require.Equal(t, "arn:aws:iam::111111111111:instance-profile/app", *list.IamInstanceProfileAssociations[0].IamInstanceProfile.Arn)
		_, err = c.DisassociateIamInstanceProfile(t.Context(), &ec2.DisassociateIamInstanceProfileInput{AssociationId: again.IamInstanceProfileAssociation.AssociationId})
		require.NoError(t, err)
		require.Nil(t, w.describe(at, id).IamInstanceProfile)
	})
}

// Platform and product codes follow an image into its instances, and from
// there into images made of them, also those registered from snapshots.
func TestPlatformFollows(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		win, err := w.EC2().PublishImage(ireland, ec2sim.PublicImage{Name: "windows", Platform: "Windows", Products: []string{"abc123"}})
		require.NoError(t, err)
		inst := w.run(at, &ec2.RunInstancesInput{ImageId: &win})
		require.Equal(t, types.PlatformValuesWindows, inst.Platform)
		require.Equal(t, "RunInstances:0002", *inst.UsageOperation)
		require.Equal(t, "abc123", *inst.ProductCodes[0].ProductCodeId)
		root := *inst.BlockDeviceMappings[0].Ebs.VolumeId
		attribute, err := w.admin(at).DescribeVolumeAttribute(t.Context(), &ec2.DescribeVolumeAttributeInput{VolumeId: &root, Attribute: "productCodes"})
		require.NoError(t, err)
		require.Equal(t, "abc123", *attribute.ProductCodes[0].ProductCodeId)
		made := w.image(at, w.imageOf(at, *inst.InstanceId, "made of it"))
		require.Equal(t, types.PlatformValuesWindows, made.Platform)
		require.Equal(t, "Windows", *made.PlatformDetails)
		registered, err := w.admin(at).RegisterImage(t.Context(), imageInput("registered", *made.BlockDeviceMappings[0].Ebs.SnapshotId))
		require.NoError(t, err)
		got := w.image(at, *registered.ImageId)
		require.Equal(t, types.PlatformValuesWindows, got.Platform)
		require.Equal(t, "RunInstances:0002", *got.UsageOperation)
		require.Equal(t, made.ProductCodes, got.ProductCodes)
		found, err := w.admin(at).DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []types.Filter{filter("platform", "windows")}})
		require.NoError(t, err)
		require.Len(t, found.Images, 3)
		_, err = w.admin(at).CopyImage(t.Context(), copyImage(at, win, "copy"))
		require.Equal(t, "InvalidRequest", code(t, err), "not another's with a product code")
	})
}

func TestHibernation(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		in := &ec2.RunInstancesInput{HibernationOptions: &types.HibernationOptionsRequest{Configured: aws.Bool(true)}}
		in.ImageId, in.InstanceType = aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664)), "m5.large"
		in.MinCount, in.MaxCount = aws.Int32(1), aws.Int32(1)
		_, err := w.admin(at).RunInstances(t.Context(), in)
		require.Equal(t, "UnsupportedHibernationConfiguration", code(t, err), "the root volume is not encrypted")
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{Encrypted: aws.Bool(true)}}}
		in.ClientToken = nil
		inst := w.run(at, in)
		require.True(t, *inst.HibernationOptions.Configured)
		plain, _ := w.instance(at, 0)
		hibernate := func(id string) string {
			_, err := w.admin(at).StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}, Hibernate: aws.Bool(true)})
			return code(t, err)
		}
		require.Empty(t, hibernate(*inst.InstanceId))
		require.Equal(t, "UnsupportedHibernationConfiguration", hibernate(plain))
	})
}

func TestReplaceRootVolume(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		id, volumes := w.instance(at, 1)
		root := ec2sim.Ref{Site: at, ID: volumes[0]}
		w.write(root, "before", 1)
		snap := w.snapshot(root)
		w.write(root, "after", 1)
		replace := func(in ec2.CreateReplaceRootVolumeTaskInput) (types.ReplaceRootVolumeTask, string) {
			in.InstanceId = &id
			out, err := c.CreateReplaceRootVolumeTask(t.Context(), &in)
			if err != nil {
				return types.ReplaceRootVolumeTask{}, code(t, err)
			}
			return *out.ReplaceRootVolumeTask, ""
		}
		contents := func() []byte {
			v := *w.describe(at, id).BlockDeviceMappings[0].Ebs.VolumeId
			have, err := w.EC2().ReadVolume(ec2sim.Ref{Site: at, ID: v})
			require.NoError(t, err)
			return have.Blocks[1]
		}
		task, refused := replace(ec2.CreateReplaceRootVolumeTaskInput{SnapshotId: &snap.ID, TagSpecifications: tagged("replace-root-volume-task", "a", "b")})
		require.Empty(t, refused)
		require.Equal(t, types.ReplaceRootVolumeTaskStatePending, task.TaskState)
		require.Equal(t, []byte("after"), contents(), "not yet")
		time.Sleep(5 * time.Minute)
		out, err := c.DescribeReplaceRootVolumeTasks(t.Context(), &ec2.DescribeReplaceRootVolumeTasksInput{ReplaceRootVolumeTaskIds: []string{*task.ReplaceRootVolumeTaskId}})
		require.NoError(t, err)
		require.Equal(t, types.ReplaceRootVolumeTaskStateSucceeded, out.ReplaceRootVolumeTasks[0].TaskState)
		require.Equal(t, []byte("before"), contents())
		require.Equal(t, types.VolumeStateAvailable, w.volumeState(at, root.ID), "the old one is kept")
		require.Len(t, w.describe(at, id).BlockDeviceMappings, 2)

		_, refused = replace(ec2.CreateReplaceRootVolumeTaskInput{DeleteReplacedRootVolume: aws.Bool(true)})
		require.Empty(t, refused)
		second := *w.describe(at, id).BlockDeviceMappings[0].Ebs.VolumeId
		time.Sleep(5 * time.Minute)
		require.Empty(t, contents(), "as it was at launch")
		require.Empty(t, w.volumeState(at, second), "deleted")

		ready := w.volume(at, "")
		w.write(ready, "ready", 1)
		_, refused = replace(ec2.CreateReplaceRootVolumeTaskInput{VolumeId: &volumes[1]})
		require.Equal(t, "IncorrectState", refused, "attached")
		_, refused = replace(ec2.CreateReplaceRootVolumeTaskInput{VolumeId: &ready.ID})
		require.Empty(t, refused)
		time.Sleep(5 * time.Minute)
		require.Equal(t, []byte("ready"), contents())

		other := w.snapshot(ec2sim.Ref{Site: at, ID: volumes[1]})
		_, refused = replace(ec2.CreateReplaceRootVolumeTaskInput{SnapshotId: &other.ID})
		require.Equal(t, "InvalidParameterValue", refused, "not of the root volume")
		arm := ec2sim.BaseImage(ireland, types.ArchitectureValuesArm64)
		_, refused = replace(ec2.CreateReplaceRootVolumeTaskInput{ImageId: &arm})
		require.Equal(t, "InvalidParameterValue", refused, "another architecture")
		w.stop(at, id)
		_, refused = replace(ec2.CreateReplaceRootVolumeTaskInput{})
		require.Equal(t, "IncorrectInstanceState", refused)
	})
}

// Nothing that a request asks for is ignored in silence.
func TestUnservedMembersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}})}
		at := site(target, ireland)
		run := func(change func(*ec2.RunInstancesInput)) string {
			in := &ec2.RunInstancesInput{
				ImageId: aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664)), InstanceType: "t3.micro",
				MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			}
			change(in)
			_, err := w.admin(at).RunInstances(t.Context(), in)
			return code(t, err)
		}
		require.Equal(t, "UnsupportedOperation", run(func(in *ec2.RunInstancesInput) { in.CpuOptions = &types.CpuOptionsRequest{CoreCount: aws.Int32(1)} }))
		require.Equal(t, "UnsupportedOperation", run(func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{GroupName: aws.String("near")} }))
		require.Equal(t, "UnsupportedOperation", run(func(in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), Ipv6AddressCount: aws.Int32(1)}}
		}))
		require.Len(t, w.Misuse(), 3)
	})
}

func TestInstanceTypes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.admin(site(target, ireland))
		out, err := c.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"t2.micro", "m6gd.large"}})
		require.NoError(t, err)
		require.Len(t, out.InstanceTypes, 2)
		xen, arm := out.InstanceTypes[0], out.InstanceTypes[1]
		require.Equal(t, types.InstanceTypeHypervisorXen, xen.Hypervisor)
		require.Equal(t, []types.BootModeType{"legacy-bios"}, xen.SupportedBootModes)
		require.Equal(t, types.EbsNvmeSupportUnsupported, xen.EbsInfo.NvmeSupport)
		require.Equal(t, []types.ArchitectureType{"arm64"}, arm.ProcessorInfo.SupportedArchitectures)
		require.Equal(t, int64(118), *arm.InstanceStorageInfo.TotalSizeInGB)
		require.Equal(t, types.EnaSupportRequired, arm.NetworkInfo.EnaSupport)
		_, err = c.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m99.huge"}})
		require.Equal(t, "InvalidInstanceType", code(t, err))
		seen := 0
		pages := ec2.NewDescribeInstanceTypesPaginator(c, &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(5)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.InstanceTypes), 5)
			seen += len(page.InstanceTypes)
		}
		require.Greater(t, seen, 20)
	})
}

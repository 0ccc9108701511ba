package ec2sim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
)

// Nothing happens before a call is allowed, and nothing in a dry run.
func TestDeniedCallsChangeNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := newFixture(t, w)
		before := w.EC2().Snapshots()
		for name, c := range map[string]*ec2.Client{
			"nobody": w.as(f.at, "nobody"),
			"denied": w.as(f.at, "denied", policy(t, allow("*"), deny("ec2:*"))),
		} {
			calls := map[string]func() error{
				"CreateSnapshot": func() error {
					_, err := c.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &f.loose.ID})
					return err
				},
				"CreateSnapshots": func() error {
					_, err := c.CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: &f.inst}})
					return err
				},
				"CopySnapshot": func() error { _, err := c.CopySnapshot(t.Context(), copyInput(f.own, "")); return err },
				"DeleteSnapshot": func() error {
					_, err := c.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &f.own.ID})
					return err
				},
				"DeleteVolume": func() error {
					_, err := c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: &f.loose.ID})
					return err
				},
				"DetachVolume": func() error {
					_, err := c.DetachVolume(t.Context(), &ec2.DetachVolumeInput{VolumeId: &f.volumes[1]})
					return err
				},
				"StopInstances": func() error {
					_, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{f.inst}})
					return err
				},
				"TerminateInstances": func() error {
					_, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{f.inst}})
					return err
				},
				"DeregisterImage": func() error {
					_, err := c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &f.image})
					return err
				},
				"CreateImage": func() error {
					_, err := c.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &f.inst, Name: aws.String("denied")})
					return err
				},
				"CopyImage": func() error {
					_, err := c.CopyImage(t.Context(), copyImage(f.at, f.image, "denied"))
					return err
				},
				"ModifyImageAttribute": func() error {
					_, err := c.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{
						ImageId: &f.image, OperationType: "add", UserIds: []string{vault},
					})
					return err
				},
				"RebootInstances": func() error {
					_, err := c.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{f.inst}})
					return err
				},
				"ModifyInstanceAttribute": func() error {
					_, err := c.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: &f.inst, DisableApiStop: truth(true)})
					return err
				},
				"ModifyVolume": func() error {
					_, err := c.ModifyVolume(t.Context(), &ec2.ModifyVolumeInput{VolumeId: &f.loose.ID, Size: aws.Int32(100)})
					return err
				},
				"DeleteKeyPair": func() error {
					_, err := c.DeleteKeyPair(t.Context(), &ec2.DeleteKeyPairInput{KeyName: aws.String("k")})
					return err
				},
				"CreateTags": func() error {
					_, err := c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{f.own.ID}, Tags: tags("x", "y")})
					return err
				},
				"DeleteTags": func() error {
					_, err := c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{f.own.ID}})
					return err
				},
				"DescribeVolumes":   func() error { _, err := c.DescribeVolumes(t.Context(), nil); return err },
				"DescribeInstances": func() error { _, err := c.DescribeInstances(t.Context(), nil); return err },
				"DescribeImages":    func() error { _, err := c.DescribeImages(t.Context(), nil); return err },
				"DescribeVpcs":      func() error { _, err := c.DescribeVpcs(t.Context(), nil); return err },
				"DescribeSubnets":   func() error { _, err := c.DescribeSubnets(t.Context(), nil); return err },
				"DescribeKeyPairs":  func() error { _, err := c.DescribeKeyPairs(t.Context(), nil); return err },
				"DescribeTags":      func() error { _, err := c.DescribeTags(t.Context(), nil); return err },
				"DescribeRegions":   func() error { _, err := c.DescribeRegions(t.Context(), nil); return err },
			}
			for call, do := range calls {
				require.Equal(t, "UnauthorizedOperation", code(t, do()), "%s by %s", call, name)
			}
		}
		require.Equal(t, before, w.EC2().Snapshots())
		require.Equal(t, types.InstanceStateNameRunning, w.describe(f.at, f.inst).State.Name)
		require.Equal(t, types.VolumeStateInUse, w.volumeState(f.at, f.volumes[1]))
	})
}

package preflight

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// A dryRun asks EC2 about one action, as the caller. It returns false if the
// account has nothing that the call could speak of.
type dryRun func(ctx context.Context, client *ec2.Client, n need, s sample) (error, bool)

// dry sends every dry run: a call without this flag would change something.
var dry = aws.Bool(true)

// called drops the output of a dry run, which has none.
func called[T any](_ T, err error) (error, bool) { return err, true }

// dryRuns by action. CopySnapshot has one as well, but it does not look at the
// keys; that and what needs resources of a restore is left to the simulation.
var dryRuns = map[string]dryRun{
	"ec2:DescribeSnapshots": func(ctx context.Context, client *ec2.Client, _ need, _ sample) (error, bool) {
		return called(client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{DryRun: dry}))
	},
	"ec2:DescribeVolumes": func(ctx context.Context, client *ec2.Client, _ need, _ sample) (error, bool) {
		return called(client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{DryRun: dry}))
	},
	"ec2:DescribeInstances": func(ctx context.Context, client *ec2.Client, _ need, _ sample) (error, bool) {
		return called(client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{DryRun: dry}))
	},
	"ec2:DescribeImages": func(ctx context.Context, client *ec2.Client, _ need, _ sample) (error, bool) {
		return called(client.DescribeImages(ctx, &ec2.DescribeImagesInput{DryRun: dry, Owners: []string{"self"}}))
	},
	"ec2:CreateSnapshot": func(ctx context.Context, client *ec2.Client, n need, s sample) (error, bool) {
		if s.volume == "" {
			return nil, false
		}
		return called(client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
			DryRun: dry, VolumeId: aws.String(s.volume), TagSpecifications: tagsOf(n),
		}))
	},
	"ec2:CreateSnapshots": func(ctx context.Context, client *ec2.Client, n need, s sample) (error, bool) {
		if s.instance == "" {
			return nil, false
		}
		return called(client.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
			DryRun: dry, InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(s.instance)}, TagSpecifications: tagsOf(n),
		}))
	},
	"ec2:ModifySnapshotAttribute": func(ctx context.Context, client *ec2.Client, n need, s sample) (error, bool) {
		if s.own == "" {
			return nil, false
		}
		return called(client.ModifySnapshotAttribute(ctx, sharing(n, s.own)))
	},
	"ec2:DeleteSnapshot": func(ctx context.Context, client *ec2.Client, n need, s sample) (error, bool) {
		id := s.of(n)
		if id == "" {
			return nil, false
		}
		return called(client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{DryRun: dry, SnapshotId: aws.String(id)}))
	},
	"ec2:UnlockSnapshot": func(ctx context.Context, client *ec2.Client, n need, s sample) (error, bool) {
		id := s.of(n)
		if id == "" {
			return nil, false
		}
		return called(client.UnlockSnapshot(ctx, &ec2.UnlockSnapshotInput{DryRun: dry, SnapshotId: aws.String(id)}))
	},
	"ec2:DeleteVolume": func(ctx context.Context, client *ec2.Client, _ need, s sample) (error, bool) {
		if s.volume == "" {
			return nil, false
		}
		return called(client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{DryRun: dry, VolumeId: aws.String(s.volume)}))
	},
	"ec2:TerminateInstances": func(ctx context.Context, client *ec2.Client, _ need, s sample) (error, bool) {
		if s.instance == "" {
			return nil, false
		}
		return called(client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{DryRun: dry, InstanceIds: []string{s.instance}}))
	},
}

// of returns the snapshot that a need speaks of: the vault's if its context
// has the vault's tag.
func (s sample) of(n need) string {
	if n.context[taggedVault] != nil {
		return s.own
	}
	return s.foreign
}

// tagsOf returns the tags that a need sets.
func tagsOf(n need) []types.TagSpecification {
	spec := types.TagSpecification{ResourceType: types.ResourceTypeSnapshot}
	if value := n.context[requestedVault]; value != nil {
		spec.Tags = []types.Tag{{Key: aws.String(tagVault), Value: aws.String(value[0])}}
	}
	if spec.Tags == nil {
		return nil
	}
	return []types.TagSpecification{spec}
}

// sharing is the change of a share that a need speaks of.
func sharing(n need, snapshot string) *ec2.ModifySnapshotAttributeInput {
	in := &ec2.ModifySnapshotAttributeInput{
		DryRun: dry, SnapshotId: aws.String(snapshot), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationTypeAdd, UserIds: n.context["ec2:Add/userId"], GroupNames: n.context["ec2:Add/group"],
	}
	if to := n.context["ec2:Remove/userId"]; to != nil {
		in.OperationType, in.UserIds = types.OperationTypeRemove, to
	}
	return in
}

// ask makes the dry run of a need, if there is one.
func ask(ctx context.Context, client *ec2.Client, n need, s sample) answer {
	run, ok := dryRuns[n.action]
	if !ok {
		return answer{trouble: "it has no dry run"}
	}
	err, asked := run(ctx, client, n, s)
	if !asked {
		return answer{trouble: "there is nothing in the account that a dry run could name"}
	}
	if awserr.Code(err) == "DryRunOperation" {
		return answer{verdict: yes, source: "dry run"}
	}
	d, refused := denialOf(err)
	if !refused {
		// What else is wrong says nothing of permissions.
		return answer{trouble: "dry run: " + brief(err)}
	}
	return answer{verdict: no, source: "dry run", cause: d.cause, action: d.action}
}

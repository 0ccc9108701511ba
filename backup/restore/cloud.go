package restore

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// A place is a site, acted in for one purpose.
type place struct {
	site backup.Site
	ec2  *ec2.Client
}

// open returns a place. It assumes the purpose's role.
func (r *Restorer) open(ctx context.Context, site backup.Site, p accounts.Purpose) (*place, error) {
	cfg, err := r.sessions.Config(ctx, site.Account, p, site.Region)
	if err != nil {
		return nil, fmt.Errorf("session for %s: %w", p, err)
	}
	cfg = cfg.Copy()
	cfg.Region = site.Region
	return &place{site: site, ec2: ec2.NewFromConfig(cfg, append([]func(*ec2.Options){func(o *ec2.Options) {
		o.Retryer, o.RetryMaxAttempts = awscall.Repeat(), 0
		o.APIOptions = append(o.APIOptions, awscall.BoundAttempts)
	}}, r.ec2...)...)}, nil
}

// once sends a call that makes something, and has no client token, once.
func once(o *ec2.Options) { o.Retryer = awscall.Once() }

// share lets an account restore from a snapshot. Doing it twice is no error.
func (p *place) share(ctx context.Context, snapshot string, with accounts.ID) error {
	return p.modify(ctx, "share "+snapshot, snapshot, &types.CreateVolumePermissionModifications{
		Add: []types.CreateVolumePermission{{UserId: aws.String(string(with))}},
	})
}

// revoke takes the share back. That there is none, or no snapshot any more, is no error.
func (p *place) revoke(ctx context.Context, snapshot string, with accounts.ID) error {
	return absent(p.modify(ctx, "revoke the share of "+snapshot, snapshot, &types.CreateVolumePermissionModifications{
		Remove: []types.CreateVolumePermission{{UserId: aws.String(string(with))}},
	}))
}

func (p *place) modify(ctx context.Context, what, snapshot string, mods *types.CreateVolumePermissionModifications) error {
	_, err := p.ec2.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(snapshot), Attribute: types.SnapshotAttributeNameCreateVolumePermission, CreateVolumePermission: mods,
	})
	return awscall.Wrap(what, err)
}

// copySnapshot begins a copy. Its input serves one call: the SDK writes a
// presigned URL into it. The call has no client token and is sent once.
func (p *place) copySnapshot(ctx context.Context, q Request, m backup.PointMember) (string, error) {
	out, err := p.ec2.CopySnapshot(ctx, &ec2.CopySnapshotInput{
		SourceRegion: aws.String(q.Point.Site.Region), SourceSnapshotId: aws.String(m.Snapshot.ID),
		Encrypted: aws.Bool(true), KmsKeyId: aws.String(q.KMSKey),
		Description:       aws.String("snapkeep restore " + q.ID),
		TagSpecifications: q.tagSpec(q.copyKey(m), q.from(m.Volume), nil, types.ResourceTypeSnapshot),
	}, once)
	if err != nil {
		return "", awscall.WrapCreate("copy "+m.Snapshot.ID, err)
	}
	return aws.ToString(out.SnapshotId), nil
}

func (p *place) deleteSnapshot(ctx context.Context, id string) error {
	_, err := p.ec2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
	return absent(awscall.Wrap("delete snapshot "+id, err))
}

// createVolume makes a volume of a copy. The client token makes the call
// repeatable, also by a later Run.
func (p *place) createVolume(ctx context.Context, q Request, m *member) (string, error) {
	d := deviceOf(m.PointMember)
	out, err := p.ec2.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(q.Zone), SnapshotId: aws.String(m.copy), ClientToken: aws.String(q.volumeKey(m.PointMember)),
		Encrypted: aws.Bool(true), KmsKeyId: aws.String(q.KMSKey),
		VolumeType: d.VolumeType, Size: d.VolumeSize, Iops: d.Iops, Throughput: d.Throughput,
		TagSpecifications: q.tagSpec(q.volumeKey(m.PointMember), q.from(m.Volume), joined(q.Tags, q.VolumeTags[m.Volume]), types.ResourceTypeVolume),
	})
	if err != nil {
		return "", awscall.Wrap("create a volume of "+m.copy, err)
	}
	return aws.ToString(out.VolumeId), nil
}

// registerImage makes an image of the copies. What RegisterImage would default
// to is of another age: i386, paravirtual, no ENA. It has no client token, but
// the image's name serves for one. It is sent once all the same, so that a
// repetition's refusal is not taken for the answer.
func (p *place) registerImage(ctx context.Context, q Request, members []*member) (string, error) {
	in := &ec2.RegisterImageInput{
		Name:         aws.String("snapkeep-restore-" + q.imageKey()),
		Description:  aws.String("snapkeep restore " + q.ID),
		Architecture: types.ArchitectureValues(q.Point.Machine.Architecture), VirtualizationType: aws.String("hvm"),
		BootMode: types.BootModeValues(q.Point.Machine.BootMode), EnaSupport: aws.Bool(q.Point.Machine.ENA),
		SriovNetSupport: optional(q.Point.Machine.SRIOV), TpmSupport: types.TpmSupportValues(q.Point.Machine.TPM),
		RootDeviceName:    aws.String(q.Point.Machine.RootDevice),
		TagSpecifications: q.tagSpec(q.imageKey(), q.Point.ID, nil, types.ResourceTypeImage),
	}
	if q.Point.Machine.IMDSv2 {
		in.ImdsSupport = types.ImdsSupportValuesV20
	}
	for _, m := range members {
		d := deviceOf(m.PointMember)
		d.SnapshotId = aws.String(m.copy)
		// Restored data outlives its instance, but for what the request names.
		d.DeleteOnTermination = aws.Bool(slices.Contains(q.Instance.DeleteOnTermination, m.Device))
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: aws.String(m.Device), Ebs: &d})
	}
	out, err := p.ec2.RegisterImage(ctx, in, once)
	if err != nil {
		return "", awscall.WrapCreate("register an image of "+q.Point.ID, err)
	}
	return aws.ToString(out.ImageId), nil
}

func (p *place) deregisterImage(ctx context.Context, id string) error {
	_, err := p.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: aws.String(id)})
	return absent(awscall.Wrap("deregister image "+id, err))
}

// runInstance starts the instance. The client token makes the call
// repeatable; it holds the instances that came to nothing, since the same
// token would only return such a one again.
func (p *place) runInstance(ctx context.Context, q Request, image string, dead []string) (string, error) {
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(image), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		InstanceType:     types.InstanceType(q.instanceType()),
		SecurityGroupIds: q.Instance.SecurityGroupIDs, BlockDeviceMappings: q.mappings(),
		ClientToken: aws.String(digest(q.instanceKey(), image, dead)),
		TagSpecifications: slices.Concat(
			q.tagSpec(q.instanceKey(), q.Point.ID, joined(q.Tags, q.Instance.Tags), types.ResourceTypeInstance),
			q.tagSpec(q.instanceKey(), q.Point.ID, joined(q.Tags, q.Instance.VolumeTags), types.ResourceTypeVolume)),
	}
	q.Instance.options(in)
	if q.Instance.SubnetID != "" {
		in.SubnetId = aws.String(q.Instance.SubnetID)
	}
	if q.Instance.KeyName != "" {
		in.KeyName = aws.String(q.Instance.KeyName)
	}
	if q.Instance.InstanceProfileARN != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Arn: aws.String(q.Instance.InstanceProfileARN)}
	}
	if q.Zone != "" {
		in.Placement = &types.Placement{AvailabilityZone: aws.String(q.Zone)}
	}
	out, err := p.ec2.RunInstances(ctx, in)
	if err != nil {
		return "", awscall.Wrap("run an instance of "+image, err)
	}
	if len(out.Instances) != 1 {
		return "", fmt.Errorf("run an instance of %s: AWS started %d", image, len(out.Instances))
	}
	return aws.ToString(out.Instances[0].InstanceId), nil
}

// deviceOf returns a volume's type, size and performance. IOPS are a setting
// of gp3, io1 and io2 and throughput one of gp3; for other types AWS tells
// figures that it does not take back (EC2 API Reference, EbsBlockDevice). The
// snapshot may be larger than the volume was said to be, never the volume smaller.
func deviceOf(m backup.PointMember) types.EbsBlockDevice {
	d := types.EbsBlockDevice{
		VolumeType: types.VolumeType(m.Type), VolumeSize: aws.Int32(max(m.SizeGiB, m.Snapshot.SizeGiB)),
	}
	switch d.VolumeType {
	case types.VolumeTypeGp3:
		d.Iops, d.Throughput = positive(m.IOPS), positive(m.Throughput)
	case types.VolumeTypeIo1, types.VolumeTypeIo2:
		d.Iops = positive(m.IOPS)
	}
	return d
}

// optional returns nil for a text that is not set.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func positive(n int32) *int32 {
	if n <= 0 {
		return nil
	}
	return &n
}

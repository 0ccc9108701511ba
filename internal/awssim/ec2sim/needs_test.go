package ec2sim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// asked runs a call and returns what it needed, as "action resource", sorted.
func (w *world) asked(call func() error) []string {
	w.t.Helper()
	before := len(w.Authorizations())
	require.NoError(w.t, call())
	var out []string
	for _, a := range w.Authorizations()[before:] {
		line := a.Action + " " + a.Resource
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

// A fixture has one of everything that calls speak of.
type fixture struct {
	*world
	at, from     ec2sim.Site
	c            *ec2.Client
	inst         string
	volumes      []string
	loose        ec2sim.Ref
	own, foreign ec2sim.Ref
	image        string
}

func newFixture(t testing.TB, w *world) *fixture {
	t.Helper()
	f := &fixture{world: w, at: site(target, ireland), from: site(second, oregon)}
	f.c = w.admin(f.at)
	f.inst, f.volumes = w.instance(f.at, 1)
	f.loose = w.volume(f.at, "")
	f.own = w.snapshot(f.loose, "a", "1")
	f.foreign = w.snapshot(w.volume(f.from, ""))
	require.NoError(t, w.share(f.foreign, "add", target))
	w.keyPair(f.at, "k")
	out, err := f.c.RegisterImage(t.Context(), imageInput("fixture", f.own.ID))
	require.NoError(t, err)
	f.image = *out.ImageId
	time.Sleep(time.Minute)
	return f
}

// TestWhatEachCallNeeds is the table of needs, as a caller meets it.
func TestWhatEachCallNeeds(t *testing.T) {
	const (
		snaps   = "arn:aws:ec2:eu-west-1::snapshot/"
		account = "arn:aws:ec2:eu-west-1:111111111111:"
	)
	one := aws.Int32(1)
	for _, tt := range []struct {
		name string
		call func(*testing.T, *fixture) error
		want func(*fixture) []string
	}{
		{
			"CreateSnapshot",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &f.loose.ID})
				return err
			},
			func(f *fixture) []string {
				return []string{"ec2:CreateSnapshot " + account + "volume/" + f.loose.ID, "ec2:CreateSnapshot " + snaps + "*"}
			},
		},
		{
			"CreateSnapshots with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
					InstanceSpecification: &types.InstanceSpecification{InstanceId: &f.inst}, TagSpecifications: tagged("snapshot", "a", "b"),
				})
				return err
			},
			func(f *fixture) []string {
				return []string{
					"ec2:CreateSnapshots " + account + "instance/" + f.inst,
					"ec2:CreateSnapshots " + account + "volume/" + f.volumes[0], "ec2:CreateSnapshots " + account + "volume/" + f.volumes[1],
					"ec2:CreateSnapshots " + snaps + "*", "ec2:CreateTags " + snaps + "*",
				}
			},
		},
		{
			"CopySnapshot with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CopySnapshot(t.Context(), copyInput(f.foreign, "", "a", "b"))
				return err
			},
			func(f *fixture) []string {
				return []string{
					"ec2:CopySnapshot arn:aws:ec2:us-west-2::snapshot/" + f.foreign.ID, "ec2:CopySnapshot " + snaps + "*",
					"ec2:CreateTags " + snaps + "*",
				}
			},
		},
		{
			"ModifySnapshotAttribute",
			func(t *testing.T, f *fixture) error { return f.share(f.own, "add", vault) },
			func(f *fixture) []string { return []string{"ec2:ModifySnapshotAttribute " + snaps + f.own.ID} },
		},
		{
			"DescribeSnapshots",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.DescribeSnapshots(t.Context(), nil)
				return err
			},
			func(*fixture) []string { return []string{"ec2:DescribeSnapshots *"} },
		},
		{
			"CreateVolume with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
					AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: &f.own.ID, TagSpecifications: tagged("volume", "a", "b"),
				})
				return err
			},
			func(f *fixture) []string {
				return []string{
					"ec2:CreateTags " + account + "volume/*", "ec2:CreateVolume " + account + "volume/*", "ec2:CreateVolume " + snaps + f.own.ID,
				}
			},
		},
		{
			"AttachVolume",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: &f.loose.ID, InstanceId: &f.inst, Device: aws.String("/dev/sdz")})
				return err
			},
			func(f *fixture) []string {
				return []string{"ec2:AttachVolume " + account + "instance/" + f.inst, "ec2:AttachVolume " + account + "volume/" + f.loose.ID}
			},
		},
		{
			"RegisterImage with tags",
			func(t *testing.T, f *fixture) error {
				in := imageInput("another", f.own.ID)
				in.TagSpecifications = tagged("image", "a", "b")
				_, err := f.c.RegisterImage(t.Context(), in)
				return err
			},
			func(f *fixture) []string {
				images := "arn:aws:ec2:eu-west-1::image/*"
				return []string{"ec2:CreateTags " + images, "ec2:RegisterImage " + images, "ec2:RegisterImage " + snaps + f.own.ID}
			},
		},
		{
			"RunInstances with everything",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.RunInstances(t.Context(), &ec2.RunInstancesInput{
					ImageId: &f.image, InstanceType: "m5.large", MinCount: one, MaxCount: one, KeyName: aws.String("k"),
					IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: aws.String("web")},
					TagSpecifications: []types.TagSpecification{
						{ResourceType: "instance", Tags: tags("a", "b")}, {ResourceType: "volume", Tags: tags("a", "b")},
					},
				})
				return err
			},
			func(f *fixture) []string {
				inst := f.describe(f.at, f.inst)
				return []string{
					"ec2:CreateTags " + account + "instance/*", "ec2:CreateTags " + account + "volume/*",
					"ec2:RunInstances " + account + "instance/*", "ec2:RunInstances " + account + "key-pair/k",
					"ec2:RunInstances " + account + "network-interface/*",
					"ec2:RunInstances " + account + "security-group/" + *inst.SecurityGroups[0].GroupId,
					"ec2:RunInstances " + account + "subnet/" + *inst.SubnetId, "ec2:RunInstances " + account + "volume/*",
					"ec2:RunInstances arn:aws:ec2:eu-west-1::image/" + f.image, "iam:PassRole arn:aws:iam::111111111111:role/web",
				}
			},
		},
		{
			"CreateImage with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CreateImage(t.Context(), &ec2.CreateImageInput{
					InstanceId: &f.inst, Name: aws.String("made"), TagSpecifications: []types.TagSpecification{
						{ResourceType: "image", Tags: tags("a", "b")}, {ResourceType: "snapshot", Tags: tags("a", "b")},
					},
				})
				return err
			},
			func(f *fixture) []string {
				images := "arn:aws:ec2:eu-west-1::image/*"
				return []string{
					"ec2:CreateImage " + images, "ec2:CreateImage " + account + "instance/" + f.inst, "ec2:CreateImage " + snaps + "*",
					"ec2:CreateTags " + images, "ec2:CreateTags " + snaps + "*",
				}
			},
		},
		{
			"CopyImage with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CopyImage(t.Context(), &ec2.CopyImageInput{
					SourceRegion: aws.String(ireland), SourceImageId: &f.image, Name: aws.String("copied"), TagSpecifications: tagged("snapshot", "a", "b"),
				})
				return err
			},
			func(f *fixture) []string {
				images := "arn:aws:ec2:eu-west-1::image/"
				return []string{
					"ec2:CopyImage " + images + "*", "ec2:CopyImage " + images + f.image, "ec2:CopyImage " + snaps + "*", "ec2:CreateTags " + snaps + "*",
				}
			},
		},
		{
			"CopyVolumes with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CopyVolumes(t.Context(), &ec2.CopyVolumesInput{SourceVolumeId: &f.loose.ID, TagSpecifications: tagged("volume", "a", "b")})
				return err
			},
			func(f *fixture) []string {
				return []string{
					"ec2:CopyVolumes " + account + "volume/" + f.loose.ID, "ec2:CopyVolumes " + account + "volume/*", "ec2:CreateTags " + account + "volume/*",
				}
			},
		},
		{
			"CreateReplaceRootVolumeTask",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CreateReplaceRootVolumeTask(t.Context(), &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &f.inst, ImageId: f.describe(f.at, f.inst).ImageId})
				return err
			},
			func(f *fixture) []string {
				const action = "ec2:CreateReplaceRootVolumeTask "
				return []string{
					"ec2:DescribeInstances *", action + "arn:aws:ec2:eu-west-1::image/" + *f.describe(f.at, f.inst).ImageId, action + account + "instance/" + f.inst,
					action + account + "replace-root-volume-task/*", action + account + "volume/*",
				}
			},
		},
		{
			"CreateNetworkInterface with tags",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{
					SubnetId: f.describe(f.at, f.inst).SubnetId, TagSpecifications: tagged("network-interface", "a", "b"),
				})
				return err
			},
			func(f *fixture) []string {
				inst := f.describe(f.at, f.inst)
				return []string{
					"ec2:CreateNetworkInterface " + account + "network-interface/*", "ec2:CreateNetworkInterface " + account + "subnet/" + *inst.SubnetId,
					"ec2:CreateNetworkInterface " + account + "security-group/" + *inst.SecurityGroups[0].GroupId,
					"ec2:CreateTags " + account + "network-interface/*", "ec2:DescribeInstances *",
				}
			},
		},
		{
			"DeregisterImage",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &f.image})
				return err
			},
			func(f *fixture) []string {
				return []string{"ec2:DeregisterImage arn:aws:ec2:eu-west-1::image/" + f.image}
			},
		},
		{
			"TerminateInstances",
			func(t *testing.T, f *fixture) error {
				_, err := f.c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{f.inst}})
				return err
			},
			func(f *fixture) []string { return []string{"ec2:TerminateInstances " + account + "instance/" + f.inst} },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				f := newFixture(t, w)
				want := tt.want(f)
				slices.Sort(want)
				require.Equal(t, want, f.asked(func() error { return tt.call(t, f) }))
			})
		})
	}
}

// Policies that are written for one resource of a call hold on that one only.
func TestConditionsOfCopyAndShare(t *testing.T) {
	source := `"arn:aws:ec2:*::snapshot/snap-*"`
	copies := `"arn:aws:ec2:*::snapshot/${*}"`
	any1 := `"arn:aws:ec2:*::snapshot/*"`
	may := func(action, resource, condition string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":` + resource + `,"Condition":` + condition + `}`
	}
	const (
		plan   = `{"StringEquals":{"aws:RequestTag/plan":"daily"}}`
		onCopy = `{"StringEquals":{"ec2:CreateAction":"CopySnapshot","aws:RequestTag/plan":"daily"}}`
		owned  = `{"StringEquals":{"ec2:Owner":"222222222222"}}`
	)
	parts := []string{
		may("ec2:CopySnapshot", source, owned), may("ec2:CopySnapshot", copies, plan), may("ec2:CreateTags", any1, onCopy),
	}
	copyWith := func(statements []string, tags ...string) func(*testing.T, *fixture) error {
		return func(t *testing.T, f *fixture) error {
			_, err := f.as(f.at, "writer", policy(t, statements...)).CopySnapshot(t.Context(), copyInput(f.foreign, "", tags...))
			return err
		}
	}
	shareWith := func(condition, op string, account string) func(*testing.T, *fixture) error {
		return func(t *testing.T, f *fixture) error {
			require.NoError(t, f.share(f.own, "add", second))
			_, err := f.as(f.at, "sharer", policy(t, may("ec2:ModifySnapshotAttribute", any1, condition))).ModifySnapshotAttribute(t.Context(),
				&ec2.ModifySnapshotAttributeInput{SnapshotId: &f.own.ID, OperationType: types.OperationType(op), UserIds: []string{account}})
			return err
		}
	}
	const denied = "UnauthorizedOperation"
	for _, tt := range []struct {
		name string
		call func(*testing.T, *fixture) error
		want string
	}{
		{"copy as it should be", copyWith(parts, "plan", "daily"), ""},
		{"copy without tags", copyWith(parts), denied},
		{"copy with other tags", copyWith(parts, "plan", "weekly"), denied},
		{"copy without the source", copyWith(parts[1:], "plan", "daily"), denied},
		{"copy without the copy", copyWith([]string{parts[0], parts[2]}, "plan", "daily"), denied},
		{"copy without tagging", copyWith(parts[:2], "plan", "daily"), denied},
		{"copy of somebody else's", copyWith([]string{
			may("ec2:CopySnapshot", source, strings.Replace(owned, second, vault, 1)), parts[1], parts[2],
		}, "plan", "daily"), denied},
		{"one condition on the tags for both", copyWith([]string{may("ec2:CopySnapshot", any1, plan), parts[2]}, "plan", "daily"), denied},
		{"tagging on another create", copyWith([]string{parts[0], parts[1], may("ec2:CreateTags", any1, strings.Replace(onCopy, "CopySnapshot", "CreateSnapshot", 1))}, "plan", "daily"), denied},
		{"the source's tags are no key of copying", copyWith([]string{
			may("ec2:CopySnapshot", source, `{"Null":{"aws:ResourceTag/a":"true"}}`), parts[1], parts[2],
		}, "plan", "daily"), ""},
		{"encrypted copies only", copyWith([]string{
			parts[0], may("ec2:CopySnapshot", copies, `{"Bool":{"ec2:Encrypted":"true"}}`), parts[2],
		}, "plan", "daily"), denied},

		{"share with the vault", shareWith(`{"StringEquals":{"ec2:Add/userId":"999999999999","aws:ResourceTag/a":"1"}}`, "add", vault), ""},
		{"share with another", shareWith(`{"StringEquals":{"ec2:Add/userId":"999999999999"}}`, "add", second), denied},
		{"share what is not tagged so", shareWith(`{"StringEquals":{"ec2:Add/userId":"999999999999","aws:ResourceTag/a":"2"}}`, "add", vault), denied},
		{"remove where adding is allowed", shareWith(`{"StringEquals":{"ec2:Add/userId":"222222222222"}}`, "remove", second), denied},
		{"remove", shareWith(`{"StringEquals":{"ec2:Remove/userId":"222222222222"}}`, "remove", second), ""},
		{"snapshots of before today", shareWith(`{"DateLessThan":{"ec2:SnapshotTime":"1999-01-01T00:00:00Z"}}`, "remove", second), denied},
		{"snapshots of before the future", shareWith(`{"DateLessThan":{"ec2:SnapshotTime":"2100-01-01T00:00:00Z"}}`, "remove", second), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				f := newFixture(t, w)
				require.Equal(t, tt.want, code(t, tt.call(t, f)))
			})
		})
	}
}

// Tagging in a create call is a permission of its own, and one that need not
// allow tagging what exists.
func TestTagOnCreate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := newFixture(t, w)
		onCreate := `{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{"StringEquals":{"ec2:CreateAction":"CreateSnapshot"}}}`
		snap := func(name string, tags []types.TagSpecification, statements ...string) string {
			time.Sleep(time.Hour)
			_, err := f.as(f.at, name, policy(t, statements...)).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{
				VolumeId: &f.loose.ID, TagSpecifications: tags,
			})
			return code(t, err)
		}
		some := tagged("snapshot", "a", "b")
		require.Empty(t, snap("plain", nil, allow("ec2:CreateSnapshot")))
		require.Equal(t, "UnauthorizedOperation", snap("plain", some, allow("ec2:CreateSnapshot")))
		require.Empty(t, snap("tagger", some, allow("ec2:CreateSnapshot"), onCreate))
		_, err := f.as(f.at, "tagger", policy(t, allow("ec2:CreateSnapshot"), onCreate)).CreateTags(t.Context(), &ec2.CreateTagsInput{
			Resources: []string{f.own.ID}, Tags: tags("a", "forged"),
		})
		require.Equal(t, "UnauthorizedOperation", code(t, err))
	})
}

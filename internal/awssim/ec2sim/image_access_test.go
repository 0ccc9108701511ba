package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// permit adds launch permissions.
func (w *world) permit(at ec2sim.Site, image string, add ...types.LaunchPermission) error {
	_, err := w.admin(at).ModifyImageAttribute(w.t.Context(), &ec2.ModifyImageAttributeInput{
		ImageId: &image, LaunchPermission: &types.LaunchPermissionModifications{Add: add},
	})
	return err
}

func (w *world) sees(at ec2sim.Site, image string) bool {
	out, err := w.admin(at).DescribeImages(w.t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{image}})
	return err == nil && len(out.Images) == 1
}

func (w *world) registered(at ec2sim.Site, name, key string) string {
	w.t.Helper()
	out, err := w.admin(at).RegisterImage(w.t.Context(), imageInput(name, w.snapshot(w.volume(at, key)).ID))
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	return *out.ImageId
}

func TestLaunchPermissions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, other := site(target, ireland), site(second, ireland)
		account := w.Account(second)
		account.Organization, account.OrgPath = "o-abcdefghij", "o-abcdefghij/r-ab12/ou-ab12-cdefghij/"
		image := w.registered(at, "shared", "")
		const org = "arn:aws:organizations::999999999999:organization/o-abcdefghij"
		const unit = "arn:aws:organizations::999999999999:ou/o-abcdefghij/ou-ab12-cdefghij"
		for _, tt := range []struct {
			name  string
			entry types.LaunchPermission
			want  bool
		}{
			{"by account", types.LaunchPermission{UserId: aws.String(second)}, true},
			{"another account", types.LaunchPermission{UserId: aws.String(vault)}, false},
			{"by organization", types.LaunchPermission{OrganizationArn: aws.String(org)}, true},
			{"another organization", types.LaunchPermission{OrganizationArn: aws.String(org + "k")}, false},
			{"by organizational unit", types.LaunchPermission{OrganizationalUnitArn: aws.String(unit)}, true},
			{"another unit", types.LaunchPermission{OrganizationalUnitArn: aws.String(unit + "k")}, false},
		} {
			require.NoError(t, w.permit(at, image, tt.entry), tt.name)
			require.Equal(t, tt.want, w.sees(other, image), tt.name)
			out, err := w.admin(at).DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{ImageId: &image, Attribute: "launchPermission"})
			require.NoError(t, err)
			require.Equal(t, []types.LaunchPermission{tt.entry}, out.LaunchPermissions)
			_, err = w.admin(at).ResetImageAttribute(t.Context(), &ec2.ResetImageAttributeInput{ImageId: &image, Attribute: "launchPermission"})
			require.NoError(t, err)
			require.False(t, w.sees(other, image), tt.name)
		}
		run := func() string {
			_, err := w.admin(other).RunInstances(t.Context(), &ec2.RunInstancesInput{
				ImageId: &image, InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			})
			return code(t, err)
		}
		require.Equal(t, "InvalidAMIID.NotFound", run())
		_, err := w.admin(at).ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{
			ImageId: &image, Attribute: aws.String("launchPermission"), OperationType: "add", UserIds: []string{second},
		})
		require.NoError(t, err)
		require.Empty(t, run(), "the snapshots need not be shared for a launch")
		_, err = w.admin(other).DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{ImageId: &image, Attribute: "launchPermission"})
		require.Equal(t, "AuthFailure", code(t, err), "the owner's business")
	})
}

func TestWhatCannotBeShared(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		plain, under, managed := w.registered(at, "plain", ""), w.registered(at, "under a key", w.key(at)), w.registered(at, "default key", "alias/aws/ebs")
		user := types.LaunchPermission{UserId: aws.String(second)}
		everyone := types.LaunchPermission{Group: "all"}
		require.Equal(t, "OperationNotPermitted", code(t, w.permit(at, plain, everyone)), "blocked unless the account says otherwise")
		_, err := w.admin(at).DisableImageBlockPublicAccess(t.Context(), nil)
		require.NoError(t, err)
		for _, tt := range []struct {
			name  string
			image string
			entry types.LaunchPermission
			want  string
		}{
			{"plain with all", plain, everyone, ""},
			{"encrypted with one", under, user, ""},
			{"encrypted with all", under, everyone, "InvalidParameter"},
			{"default key with one", managed, user, "OperationNotPermitted"},
			{"no account", plain, types.LaunchPermission{UserId: aws.String("me")}, "InvalidAMIAttributeItemValue"},
			{"no organization", plain, types.LaunchPermission{OrganizationArn: aws.String("o-abc")}, "InvalidAMIAttributeItemValue"},
			{"no group", plain, types.LaunchPermission{Group: "some"}, "InvalidParameterValue"},
			{"nobody", plain, types.LaunchPermission{}, "InvalidParameterCombination"},
		} {
			require.Equal(t, tt.want, code(t, w.permit(at, tt.image, tt.entry)), tt.name)
		}
		require.True(t, w.sees(site(vault, ireland), plain))
		_, err = w.admin(at).EnableImageBlockPublicAccess(t.Context(), &ec2.EnableImageBlockPublicAccessInput{ImageBlockPublicAccessState: "block-new-sharing"})
		require.NoError(t, err)
		state, err := w.admin(at).GetImageBlockPublicAccessState(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "block-new-sharing", *state.ImageBlockPublicAccessState)
		require.True(t, w.sees(site(vault, ireland), plain), "what is public stays so")
	})
}

func TestExecutableUsers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, other := site(target, ireland), site(second, ireland)
		image := w.registered(at, "shared", "")
		require.NoError(t, w.permit(at, image, types.LaunchPermission{UserId: aws.String(second)}))
		list := func(who ec2sim.Site, users ...string) (ids []string) {
			out, err := w.admin(who).DescribeImages(t.Context(), &ec2.DescribeImagesInput{ExecutableUsers: users})
			require.NoError(t, err)
			for _, im := range out.Images {
				ids = append(ids, *im.ImageId)
			}
			return ids
		}
		require.Equal(t, []string{image}, list(other, "self"))
		require.Equal(t, []string{image}, list(at, second))
		require.Empty(t, list(at, "self"), "an owner has no explicit permission")
		require.NotContains(t, list(at, "all"), image)
	})
}

func TestDisabledAndDeprecatedImages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, other := site(target, ireland), site(second, ireland)
		image := w.registered(at, "old", "")
		require.NoError(t, w.permit(at, image, types.LaunchPermission{UserId: aws.String(second)}))
		c := w.admin(at)
		deprecate := func(in time.Duration) string {
			_, err := c.EnableImageDeprecation(t.Context(), &ec2.EnableImageDeprecationInput{ImageId: &image, DeprecateAt: aws.Time(time.Now().Add(in))})
			return code(t, err)
		}
		require.Equal(t, "InvalidParameterValue", deprecate(-time.Hour))
		require.Equal(t, "InvalidParameterValue", deprecate(11*365*24*time.Hour))
		require.Empty(t, deprecate(time.Hour))
		require.True(t, w.sees(other, image))
		time.Sleep(2 * time.Hour)
		require.False(t, w.sees(other, image))
		require.True(t, w.sees(at, image))
		out, err := w.admin(other).DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{image}, IncludeDeprecated: aws.Bool(true)})
		require.NoError(t, err)
		require.NotEmpty(t, *out.Images[0].DeprecationTime)
		_, err = c.DisableImageDeprecation(t.Context(), &ec2.DisableImageDeprecationInput{ImageId: &image})
		require.NoError(t, err)
		require.True(t, w.sees(other, image))

		_, err = c.DisableImage(t.Context(), &ec2.DisableImageInput{ImageId: &image})
		require.NoError(t, err)
		require.False(t, w.sees(at, image))
		require.Equal(t, types.ImageStateDisabled, w.image(at, image).State)
		_, err = c.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: &image, InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
		require.Equal(t, "InvalidAMIID.Unavailable", code(t, err))
		require.Equal(t, "OperationNotPermitted", code(t, w.permit(at, image, types.LaunchPermission{UserId: aws.String(second)})))
		_, err = c.EnableImage(t.Context(), &ec2.EnableImageInput{ImageId: &image})
		require.NoError(t, err)
		require.True(t, w.sees(at, image))
		require.False(t, w.sees(other, image), "its sharing does not come back")
	})
}

func TestDeregistrationProtection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		image := w.registered(at, "kept", "")
		c := w.admin(at)
		deregister := func() string {
			_, err := c.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &image})
			return code(t, err)
		}
		for _, cooled := range []bool{false, true} {
			_, err := c.EnableImageDeregistrationProtection(t.Context(), &ec2.EnableImageDeregistrationProtectionInput{ImageId: &image, WithCooldown: &cooled})
			require.NoError(t, err)
			require.Equal(t, "OperationNotPermitted", deregister())
			_, err = c.DisableImageDeregistrationProtection(t.Context(), &ec2.DisableImageDeregistrationProtectionInput{ImageId: &image})
			require.NoError(t, err)
			if !cooled {
				require.Equal(t, "disabled", *w.image(at, image).DeregistrationProtection)
			}
		}
		require.Equal(t, "OperationNotPermitted", deregister())
		time.Sleep(25 * time.Hour)
		require.Empty(t, deregister())
	})
}

func TestDeregisterWithSnapshots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		var snaps []string
		for range 3 {
			time.Sleep(time.Minute)
			snaps = append(snaps, w.snapshot(vol).ID)
		}
		in := imageInput("image", snaps...)
		image, err := w.admin(at).RegisterImage(t.Context(), in)
		require.NoError(t, err)
		_, err = w.admin(at).RegisterImage(t.Context(), imageInput("other", snaps[0]))
		require.NoError(t, err)
		keep := `{"Effect":"Deny","Action":"ec2:DeleteSnapshot","Resource":"arn:aws:ec2:*::snapshot/` + snaps[1] + `"}`
		out, err := w.as(at, "cleaner", policy(t, allow("ec2:*"), keep)).DeregisterImage(t.Context(), &ec2.DeregisterImageInput{
			ImageId: image.ImageId, DeleteAssociatedSnapshots: aws.Bool(true),
		})
		require.NoError(t, err)
		got := map[string]types.SnapshotReturnCodes{}
		for _, r := range out.DeleteSnapshotResults {
			got[*r.SnapshotId] = r.ReturnCode
		}
		require.Equal(t, map[string]types.SnapshotReturnCodes{snaps[0]: "skipped", snaps[1]: "missing-permissions", snaps[2]: "success"}, got)
		require.Len(t, w.listed(at, ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}), 2)
	})
}

func TestOneAttributeAtATime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		image := w.registered(at, "image", "")
		edit := func(in ec2.ModifyImageAttributeInput) string {
			in.ImageId = &image
			_, err := w.admin(at).ModifyImageAttribute(t.Context(), &in)
			return code(t, err)
		}
		text := &types.AttributeValue{Value: aws.String("text")}
		require.Empty(t, edit(ec2.ModifyImageAttributeInput{Description: text}))
		require.Equal(t, "text", *w.image(at, image).Description)
		require.Empty(t, edit(ec2.ModifyImageAttributeInput{Attribute: aws.String("description"), Value: aws.String("other")}))
		require.Equal(t, "other", *w.image(at, image).Description)
		require.Equal(t, "InvalidParameterCombination", edit(ec2.ModifyImageAttributeInput{Description: text, ImdsSupport: &types.AttributeValue{Value: aws.String("v2.0")}}))
		require.Equal(t, "InvalidParameterValue", edit(ec2.ModifyImageAttributeInput{Attribute: aws.String("kernel"), Value: aws.String("k")}))
		require.Equal(t, "MissingParameter", edit(ec2.ModifyImageAttributeInput{UserIds: []string{second}}))
		require.Empty(t, edit(ec2.ModifyImageAttributeInput{ImdsSupport: &types.AttributeValue{Value: aws.String("v2.0")}}))
		require.Equal(t, types.ImdsSupportValuesV20, w.image(at, image).ImdsSupport)
	})
}

package restore_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// withImage gives the point the image that a plan with Copy.Image registers.
func (w *world) withImage() {
	w.t.Helper()
	in := &ec2.RegisterImageInput{
		Name: aws.String("snapkeep-of-the-point"), Architecture: types.ArchitectureValues(w.point.Machine.Architecture), EnaSupport: aws.Bool(true),
		BootMode: types.BootModeValues(w.point.Machine.BootMode), VirtualizationType: aws.String("hvm"), RootDeviceName: aws.String(w.point.Machine.RootDevice),
	}
	for _, m := range w.point.Members {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: aws.String(m.Device), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(m.Snapshot.ID)},
		})
	}
	out, err := w.admin(vault, home).RegisterImage(context.Background(), in)
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	w.point.Image = &backup.Image{
		ID: *out.ImageId, State: backup.ImageAvailable, PlatformDetails: w.point.Machine.PlatformDetails, UsageOperation: w.point.Machine.UsageOperation,
	}
}

// platform tells what a restored instance is billed as.
func (w *world) platform(at backup.Site, id string) string {
	w.t.Helper()
	out, err := w.admin(string(at.Account), at.Region).DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	require.NoError(w.t, err)
	i := out.Reservations[0].Instances[0]
	return *i.PlatformDetails + " " + *i.UsageOperation
}

// A licensed instance comes back in another account, and in another Region, of
// copies: an image there is registered, looked at, and dropped.
func TestALicensedInstanceInAnotherAccount(t *testing.T) {
	for _, region := range []string{home, away} {
		for platform, want := range map[string]string{
			"Windows": "Windows RunInstances:0002", "Red Hat Enterprise Linux": "Red Hat Enterprise Linux RunInstances:0010",
		} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorldOf(t, platform)
				w.withImage()
				q := w.request(restore.Instance, region)
				r := w.restorer(restore.Options{})
				plan, err := r.Plan(t.Context(), q)
				require.NoError(t, err)
				report, err := r.Run(t.Context(), plan)
				require.NoError(t, err)
				w.verify(q, report)
				require.Equal(t, want, w.platform(backup.Site{Account: q.Account, Region: q.Region}, report.Instance))
			})
		}
	}
}

// Where AWS lost what the instance is billed as, no instance is started, and the
// image is deregistered.
func TestALicensedInstanceWhoseCodesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, "Windows")
		w.withImage()
		w.cloud.EC2().SetBillingLost(true)
		q := w.request(restore.Instance, home)
		r := w.restorer(restore.Options{})
		plan, err := r.Plan(t.Context(), q)
		require.NoError(t, err)
		report, err := r.Run(t.Context(), plan)
		require.ErrorIs(t, err, backup.ErrImage)
		require.ErrorContains(t, err, `its platform is "Linux/UNIX", want "Windows"; it was deregistered. Restore the point as volumes`)
		require.Empty(t, report.Instance)
		for _, l := range report.Left {
			require.Equal(t, "snapshot", l.Kind, "the copies are kept, and the image is not")
		}
		require.Equal(t, 1, w.cloud.Stats().Calls["ec2:RunInstances"], "that of the instance that was backed up")
		_, err = r.Clean(t.Context(), plan)
		require.NoError(t, err)
		w.nothingLeft(q)
	})
}

// A licensed instance without an image is refused before anything is done.
func TestALicensedInstanceWithoutAnImage(t *testing.T) {
	q := sound(restore.Instance)
	q.Point.Machine.PlatformDetails, q.Point.Machine.UsageOperation = "Windows", "RunInstances:0002"
	var wrong *restore.RequestError
	require.ErrorAs(t, q.Validate(), &wrong)
	require.Equal(t, "point.image", wrong.Field)
	require.Contains(t, wrong.Reason, `AWS bills the instance as "Windows" (RunInstances:0002)`)
	q.Point.Image = &backup.Image{ID: "ami-0123456789abcdef0", PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances"}
	require.ErrorContains(t, q.Validate(), `restore: point.image: ami-0123456789abcdef0 is not one of the instance: its platform is "Linux/UNIX", want "Windows"`)
	q.Point.Image.PlatformDetails, q.Point.Image.UsageOperation = "Windows", "RunInstances:0002"
	require.NoError(t, q.Validate())
	q.Point.Image.ID = "x"
	require.ErrorContains(t, q.Validate(), `restore: point.image.id: "x": want an image's id`)
	q = sound(restore.Volumes)
	q.Point.Machine.UsageOperation = "RunInstances:0002"
	require.NoError(t, q.Validate(), "volumes need no image")
}

// inVault restores in the account of the copies itself, as its administrator: no
// generated role runs instances in the vault, nor does the generated policy of
// its key let anybody.
type inVault struct{ w *world }

func (s inVault) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return s.w.cloud.Config(s.w.cloud.User(string(id), "operator", awssim.Admin()), region), nil
}

// In the account and Region of the image the instance is started from it: no
// copy is made, the volumes are under the request's key, and the image stays.
func TestAnInstanceFromThePointsImage(t *testing.T) {
	for n := range 3 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorldOf(t, "Windows")
			w.withImage()
			w.putKeyPolicy(vault, home, w.vaultKey, rootPolicy)
			q := w.request(restore.Instance, home)
			q.Account, q.KMSKey = vault, w.newKey(vault, home)
			r, err := restore.New(inVault{w}, restore.Options{})
			require.NoError(t, err)
			plan, err := r.Plan(t.Context(), q)
			require.NoError(t, err)
			require.Len(t, plan.Steps, 1)
			require.Contains(t, plan.String(), "from the point's image "+w.point.Image.ID)
			if n > 0 { // the process dies with the call, before its effect and after
				ctx, crash := context.WithCancel(t.Context())
				w.cloud.SetFault(func(c core.CallInfo) core.Fault {
					if c.Operation == "RunInstances" {
						crash()
						return core.Fault{Way: core.Reset, After: n == 2}
					}
					return core.Fault{}
				})
				_, err = r.Run(ctx, plan)
				require.ErrorIs(t, err, context.Canceled)
				w.cloud.SetFault(nil)
			}
			before := len(w.cloud.EC2().Snapshots())
			report, err := r.Run(t.Context(), plan)
			require.NoError(t, err)
			require.Equal(t, "Windows RunInstances:0002", w.platform(w.point.Site, report.Instance))
			require.Len(t, report.Volumes, 3)
			restored := w.restored(q)
			require.Len(t, restored, 3)
			for i, m := range q.Point.Members {
				w.compare(q, m, restored[report.Volumes[i].Volume])
			}
			require.Empty(t, report.Left)
			require.Len(t, w.cloud.EC2().Snapshots(), before)
			images, err := w.admin(vault, home).DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
			require.NoError(t, err)
			require.Len(t, images.Images, 1, "the image stays")
		})
	}
}

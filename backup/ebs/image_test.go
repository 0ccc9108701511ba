package ebs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/retention"
)

// An image of the copies is what the instance was: its platform, its codes, its
// volumes; and the tags carry all that is known of the machine.
func TestAnImageOfEachPoint(t *testing.T) {
	inImageWorld(t, true, func(w *imageWorld) {
		before := w.cloud.Stats().Calls["ec2:DescribeImages"]
		r := w.night()
		require.Equal(t, 1, r.Calls["RegisterImage"])
		require.Zero(t, r.Calls["DeregisterImage"])
		require.LessOrEqual(t, w.cloud.Stats().Calls["ec2:DescribeImages"]-before, 6, "a few listings, whatever there is")
		list, images := w.points(), w.images()
		require.Len(t, list, 1)
		require.Len(t, images, 1)
		is, m := images[0], list[0].Machine
		require.Equal(t, *is.ImageId, list[0].Image.ID)
		require.Equal(t, *is.ImageId, r.Jobs[0].Copies[0].Image.ID)
		require.Contains(t, r.String(), "1 of 1 copies  "+*is.ImageId)
		require.Equal(t, "Windows RunInstances:0002 a-code sold1", m.PlatformDetails+" "+m.UsageOperation+" "+m.ProductCodes)
		require.True(t, m.Licensed() && m.IMDSv2 && m.ENA)
		require.Equal(t, "Windows", *is.PlatformDetails)
		require.Equal(t, types.ImdsSupportValuesV20, is.ImdsSupport)
		require.Equal(t, types.BootModeValues(m.BootMode), is.BootMode)
		require.Equal(t, m.RootDevice, *is.RootDeviceName)
		require.Len(t, is.BlockDeviceMappings, len(list[0].Members))
		for _, b := range is.BlockDeviceMappings {
			require.False(t, *b.Ebs.DeleteOnTermination)
			if *b.DeviceName == "/dev/sdf" {
				require.Equal(t, int32(4000), *b.Ebs.Iops)
			}
		}
	})
}

// What a copy lost of its billing makes an image of another platform: it is
// discarded and told, and the point is good all the same.
func TestAnImageOfAnotherPlatformIsDiscarded(t *testing.T) {
	inImageWorld(t, true, func(w *imageWorld) {
		w.cloud.EC2().SetBillingLost(true)
		r, err := w.engine().Run(context.Background(), w.plan, time.Now())
		require.ErrorIs(t, err, backup.ErrImage)
		require.ErrorContains(t, err, `its platform is "Linux/UNIX", want "Windows"; it was deregistered`)
		require.Equal(t, backup.Unimaged, r.Jobs[0].Stage)
		require.Equal(t, 1, r.Copies)
		require.Equal(t, 1, r.Calls["DeregisterImage"])
		require.Empty(t, w.images())
		require.Nil(t, w.points()[0].Image)
		last := w.told[len(w.told)-1]
		require.Equal(t, backup.Unimaged, last.Stage)
		require.ErrorIs(t, last.Err, backup.ErrImage)
	})
}

// Without the right to register, each point is good and says what it lacks.
func TestImagesWithoutTheRight(t *testing.T) {
	inImageWorld(t, false, func(w *imageWorld) {
		r, err := w.engine().Run(context.Background(), w.plan, time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Equal(t, backup.Unimaged, r.Jobs[0].Stage)
		require.Len(t, w.points(), 1)
		for _, s := range w.cloud.EC2().Snapshots() {
			require.Empty(t, s.Shares)
		}
	})
}

// A run is cut at each call about images, and taken up by another engine: there
// is one image in the end, or none where it was another's platform.
func TestCrashesAroundImages(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for _, operation := range []string{"RegisterImage", "DeregisterImage"} {
			for _, after := range []bool{false, true} {
				if operation == "DeregisterImage" && !lost {
					continue
				}
				t.Run(fmt.Sprintf("%s after %v lost %v", operation, after, lost), func(t *testing.T) {
					inImageWorld(t, true, func(w *imageWorld) {
						w.cloud.EC2().SetBillingLost(lost)
						at := time.Now()
						_, err := w.engine().Run(w.cut(1, after, operation), w.plan, at)
						require.ErrorIs(t, err, context.Canceled)
						w.cloud.SetFault(nil)
						r, err := w.engine().Run(context.Background(), w.plan, at)
						if lost {
							require.ErrorIs(t, err, backup.ErrImage)
							require.Empty(t, w.images())
							return
						}
						require.NoError(t, err)
						require.Equal(t, backup.Done, r.Jobs[0].Stage)
						require.Len(t, w.images(), 1)
						require.NotNil(t, w.points()[0].Image)
					})
				})
			}
		}
	}
}

// An engine that survives loses an answer: the name is taken then, and the
// listing tells by whom.
func TestLostAnswersAboutImages(t *testing.T) {
	for _, after := range []bool{false, true} {
		inImageWorld(t, true, func(w *imageWorld) {
			n := 0
			w.cloud.SetFault(func(c core.CallInfo) core.Fault {
				if c.Operation == "RegisterImage" {
					if n++; n == 1 {
						return core.Fault{Way: core.Reset, After: after}
					}
				}
				return core.Fault{}
			})
			r := w.night()
			require.Equal(t, backup.Done, r.Jobs[0].Stage)
			require.Len(t, w.images(), 1)
		})
	}
}

// A point goes with its image, though the plan wants none any more; somebody
// else's image of it still holds it.
func TestPruningPointsWithImages(t *testing.T) {
	inImageWorld(t, true, func(w *imageWorld) {
		for range 4 {
			w.night()
		}
		w.plan.Copies[0].Image = false
		list := w.points()
		require.Len(t, list, 4)
		foreign, err := w.admin(vaultSite).RegisterImage(context.Background(), &ec2.RegisterImageInput{
			Name: aws.String("mine"), Architecture: types.ArchitectureValuesX8664, RootDeviceName: aws.String("/dev/sda1"), VirtualizationType: aws.String("hvm"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &list[2].Members[0].Snapshot.ID}}},
		})
		require.NoError(t, err)
		pp, err := w.engine().PlanPrune(context.Background(), w.plan, time.Now())
		require.NoError(t, err)
		require.Contains(t, pp.String(), list[3].Image.ID+" goes with it")
		byPoint := map[string]backup.PruneDecision{}
		for _, d := range pp.Groups[1].Decisions {
			byPoint[d.Point] = d
		}
		require.Equal(t, retention.Blocked, byPoint[list[2].ID].Action)
		require.Equal(t, []retention.Hold{{Kind: retention.InUse, Ref: *foreign.ImageId}}, byPoint[list[2].ID].Holds)
		require.Equal(t, retention.Prune, byPoint[list[1].ID].Action)
		require.Equal(t, list[1].Image.ID, byPoint[list[1].ID].Image)

		r, err := w.engine().Prune(context.Background(), pp)
		require.NoError(t, err)
		require.Equal(t, 5, r.Count(backup.Pruned), "three originals, two copies: %s", r)
		require.Equal(t, 5*2+2, r.Calls)
		require.Len(t, w.images(), 3, "those of the two that are left, and the foreign one")
		for _, pt := range w.points() {
			require.NotNil(t, pt.Image)
		}
	})
}

// A prune is cut at each call, before and after its effect; another one ends
// with what should be left, and no image is without its snapshots.
func TestPruneCrashesAroundImages(t *testing.T) {
	for cut := range 3 { // of one image and two snapshots
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d after %v", cut+1, after), func(t *testing.T) {
				inImageWorld(t, true, func(w *imageWorld) {
					w.plan.Retention.MinCount = 9 // of originals
					w.plan.Copies[0].Retention = retention.Policy{Last: 1}
					w.night()
					w.night()
					e := w.engine()
					pp, err := e.PlanPrune(context.Background(), w.plan, time.Now())
					require.NoError(t, err)
					require.Equal(t, 1, pp.Prunes())
					_, err = e.Prune(w.cut(cut+1, after, "DeregisterImage", "DeleteSnapshot"), pp)
					require.ErrorIs(t, err, context.Canceled)
					w.cloud.SetFault(nil)
					time.Sleep(time.Hour)
					pp, err = w.engine().PlanPrune(context.Background(), w.plan, time.Now())
					require.NoError(t, err)
					_, err = w.engine().Prune(context.Background(), pp)
					require.NoError(t, err)
					require.Len(t, w.points(), 1)
					require.Len(t, w.images(), 1)
				})
			})
		}
	}
}

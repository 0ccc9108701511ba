package restore_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// TestAnInterruptedRun ends by its context while copies are under way: the
// share is taken back all the same, the copies go on and serve the next Run.
func TestAnInterruptedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		report, err := w.restorer(restore.Options{}).Run(ctx, w.plan(q))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, map[string]int{"snapshot": 3}, left(report))
		w.nothingShared()
		copies := w.cloud.Stats().Calls["ec2:CopySnapshot"]
		w.runAgain(q, restore.Options{})
		require.Equal(t, copies, w.cloud.Stats().Calls["ec2:CopySnapshot"])
	})
}

func TestCleanGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		p := w.plan(q)
		w.failing("RunInstances", "InsufficientInstanceCapacity", 500)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.ErrorIs(t, err, backup.ErrQuota)
		require.Equal(t, map[string]int{"snapshot": 3, "image": 1}, left(report))
		require.Len(t, w.marked(q), 3)
		w.nothingShared()
		w.cloud.SetFault(nil)

		report, err = w.restorer(restore.Options{}).Clean(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, &restore.Report{ID: q.ID, Site: backup.Site{Account: clean, Region: away}}, report)
		w.nothingLeft(q)
		w.runAgain(q, restore.Options{})
	})
}

// TestCleanKeepsWhatIsRestored and names it.
func TestCleanKeepsWhatIsRestored(t *testing.T) {
	for _, as := range []restore.Kind{restore.Volumes, restore.Instance} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			q := w.request(as, away)
			w.runAgain(q, restore.Options{})
			report, err := w.restorer(restore.Options{}).Clean(t.Context(), w.plan(q))
			require.NoError(t, err)
			w.verify(q, report)
		})
	}
}

// TestAnotherTypeUsesTheSameCopies: a launch that failed is asked for again in
// another way, under the same ID.
func TestAnotherTypeUsesTheSameCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		w.failing("RunInstances", "InsufficientInstanceCapacity", 500)
		_, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.Error(t, err)
		w.cloud.SetFault(nil)
		copies := w.cloud.Stats().Calls["ec2:CopySnapshot"]
		images := w.cloud.Stats().Calls["ec2:RegisterImage"]
		q.Instance.InstanceType, q.Zone = "m5.xlarge", away+"b"
		w.runAgain(q, restore.Options{})
		require.Equal(t, copies, w.cloud.Stats().Calls["ec2:CopySnapshot"])
		require.Equal(t, images, w.cloud.Stats().Calls["ec2:RegisterImage"])
	})
}

// TestAnInstanceThatDies is started again by the next Run, not asked for by
// the token that would only return it.
func TestAnInstanceThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		keys := kms.NewFromConfig(w.cloud.Config(w.cloud.Root(clean), away))
		disabled := false
		_, err := w.restorer(restore.Options{OnEvent: func(e backup.Event) {
			if e.Stage == backup.Copied && !disabled {
				disabled = true
				_, err := keys.DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: aws.String(q.KMSKey)})
				require.NoError(t, err)
			}
		}}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "did not start")
		require.ErrorContains(t, err, "InvalidKMSKey")
		_, err = keys.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: aws.String(q.KMSKey)})
		require.NoError(t, err)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		w.verify(q, report)
	})
}

// TestAnInstanceThatWasTerminated is made anew; its old volumes outlived it,
// and the report says so.
func TestAnInstanceThatWasTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		first, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		_, err = w.admin(clean, away).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{first.Instance}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		second, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		require.NotEqual(t, first.Instance, second.Instance)
		require.Equal(t, map[string]int{"volume": 3}, left(second))
		for n, v := range second.Volumes {
			require.Equal(t, first.Volumes[n].Source, v.Source)
			require.NotEqual(t, first.Volumes[n].Volume, v.Volume)
		}
		w.nothingLeft(q)
	})
}

// TestARunThatIsDone looks, takes back the shares that may be there, and
// changes nothing else.
func TestARunThatIsDone(t *testing.T) {
	for as, images := range map[restore.Kind]int{restore.Volumes: 1, restore.Instance: 2} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			q := w.request(as, away)
			w.runAgain(q, restore.Options{})
			p := w.plan(q)
			changes := w.strike(0, blow{}, nil)
			before := w.cloud.Stats().Calls
			report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
			require.NoError(t, err)
			w.verify(q, report)
			require.Equal(t, 3, *changes)
			require.Equal(t, 3, w.cloud.Stats().Calls["ec2:ModifySnapshotAttribute"]-before["ec2:ModifySnapshotAttribute"])
			// verify has listed the images once.
			require.Equal(t, images, w.cloud.Stats().Calls["ec2:DescribeImages"]-before["ec2:DescribeImages"]-1)
		})
	}
}

// TestAListingThatForgets: volumes that were there a moment ago are waited
// for, not made again.
func TestAListingThatForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		w.runAgain(q, restore.Options{})
		p := w.plan(q)
		listings := 0
		opts := restore.Options{EC2: []func(*ec2.Options){func(o *ec2.Options) {
			o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
				return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("forget", func(
					ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
				) (middleware.InitializeOutput, middleware.Metadata, error) {
					out, meta, err := next.HandleInitialize(ctx, in)
					if r, ok := out.Result.(*ec2.DescribeVolumesOutput); ok {
						if listings++; listings == 2 {
							r.Volumes = nil
						}
					}
					return out, meta, err
				}), middleware.Before)
			})
		}}}
		before := w.cloud.Stats().Calls["ec2:CreateVolume"]
		report, err := w.restorer(opts).Run(t.Context(), p)
		require.NoError(t, err)
		w.verify(q, report)
		require.Equal(t, before, w.cloud.Stats().Calls["ec2:CreateVolume"])
		require.Equal(t, 3, listings)
	})
}

// TestAForgedCopy carries the tags of the restore and is not what was asked for.
func TestAForgedCopy(t *testing.T) {
	for name, encrypted := range map[string]bool{"under no key": false, "of another size": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				q := w.request(restore.Volumes, away)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				_, err := w.restorer(restore.Options{}).Run(ctx, w.plan(q))
				require.Error(t, err)
				w.forge(q, encrypted)
				_, err = w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
				require.ErrorIs(t, err, backup.ErrSnapshot)
				require.Empty(t, w.restored(q))
				w.nothingShared()
			})
		})
	}
}

// forge makes a snapshot of an empty volume with the tags of a pending copy,
// complete before that one.
func (w *world) forge(q restore.Request, encrypted bool) {
	there := w.admin(clean, away)
	in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String(away + "a"), Size: aws.Int32(1)}
	if encrypted {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), aws.String(q.KMSKey)
	}
	v, err := there.CreateVolume(context.Background(), in)
	require.NoError(w.t, err)
	time.Sleep(5 * time.Second)
	i := slices.IndexFunc(w.snapshots(clean), func(s ec2sim.Snapshot) bool { return s.State == types.SnapshotStatePending })
	require.GreaterOrEqual(w.t, i, 0)
	spec := types.TagSpecification{ResourceType: types.ResourceTypeSnapshot}
	for k, v := range w.snapshots(clean)[i].Tags {
		spec.Tags = append(spec.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	_, err = there.CreateSnapshot(context.Background(), &ec2.CreateSnapshotInput{VolumeId: v.VolumeId, TagSpecifications: []types.TagSpecification{spec}})
	require.NoError(w.t, err)
}

// TestAnIDOfAFailedRestore is of that restore still: it has copies and an image.
func TestAnIDOfAFailedRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		w.failing("RunInstances", "InsufficientInstanceCapacity", 500)
		_, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.Error(t, err)
		w.cloud.SetFault(nil)
		for want, change := range map[string]func(*restore.Request){
			"snapshot snap-": func(q *restore.Request) { q.Point.ID = "sk-other" },
			"image ami-":     func(q *restore.Request) { q.Point.Machine.BootMode = "legacy-bios" },
		} {
			other := q
			change(&other)
			_, err = w.restorer(restore.Options{}).Plan(t.Context(), other)
			require.ErrorContains(t, err, want)
		}
		w.runAgain(q, restore.Options{})
	})
}

// TestAnIDIsOfOneRestore: what another request has made under the ID is
// neither taken for the restore's own nor deleted.
func TestAnIDIsOfOneRestore(t *testing.T) {
	for name, test := range map[string]struct {
		first restore.Kind
		then  func(*restore.Request)
		want  string
	}{
		"volumes in another zone": {restore.Volumes, func(q *restore.Request) { q.Zone = away + "b" }, "volume vol-"},
		"other tags":              {restore.Volumes, func(q *restore.Request) { q.Tags = nil }, "volume vol-"},
		"an instance of it": {restore.Volumes, func(q *restore.Request) {
			q.As, q.Zone = restore.Instance, ""
		}, "volume vol-"},
		"another point":              {restore.Volumes, func(q *restore.Request) { q.Point.ID = "sk-other" }, "volume vol-"},
		"another type":               {restore.Instance, func(q *restore.Request) { q.Instance.InstanceType = "m5.xlarge" }, "volume vol-"},
		"volumes after the instance": {restore.Instance, func(q *restore.Request) { q.As, q.Zone = restore.Volumes, away+"a" }, "volume vol-"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				q := w.request(test.first, away)
				w.runAgain(q, restore.Options{})
				other := q
				test.then(&other)
				calls := w.strike(0, blow{}, nil)
				_, err := w.restorer(restore.Options{}).Plan(t.Context(), other)
				var field *restore.RequestError
				require.ErrorAs(t, err, &field)
				require.Equal(t, "id", field.Field)
				require.ErrorContains(t, err, test.want)
				report, err := w.restorer(restore.Options{}).Run(t.Context(), &restore.Plan{Request: other})
				require.Nil(t, report)
				require.ErrorAs(t, err, &field)
				_, err = w.restorer(restore.Options{}).Clean(t.Context(), &restore.Plan{Request: other})
				require.ErrorAs(t, err, &field)
				require.Zero(t, *calls)
				w.runAgain(q, restore.Options{})
			})
		})
	}
}

// TestOthersAreLeftAlone: a restore of another ID beside it keeps all it has.
func TestOthersAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q, other := w.request(restore.Volumes, away), w.request(restore.Volumes, away)
		other.ID = "drill-2"
		done := make(chan error)
		for _, one := range []restore.Request{q, other} {
			p := w.plan(one)
			go func() {
				_, err := w.restorer(restore.Options{}).Run(context.Background(), p)
				done <- err
			}()
			time.Sleep(100 * time.Second)
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		w.runAgain(q, restore.Options{})
		w.runAgain(other, restore.Options{})
	})
}

// TestADeletedVolumeIsNotMadeAnew: the ID stands for what was made under it.
func TestADeletedVolumeIsNotMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		_, err = w.admin(clean, away).DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: aws.String(report.Volumes[1].Volume)})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		report, err = w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.ErrorContains(t, err, "give the restore another id")
		require.Equal(t, map[string]int{"snapshot": 1}, left(report))
		w.nothingShared()
		_, err = w.restorer(restore.Options{}).Clean(t.Context(), w.plan(q))
		require.NoError(t, err)
		w.nothingLeft(q)
	})
}

package backup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A process dies while copies under a key that does not work are under way. The
// key is repaired and the run resumed: the copies are made again, and what
// failed is removed.
func TestCopiesThatFailedAreMadeAgain(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		c.badKeys[keyAt(home)] = true
		ctx, crash := withStop(t)
		n := 0
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) && k.site == home {
				if n++; n == 3 {
					crash()
				}
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.after = nil
		c.badKeys[keyAt(home)] = false
		time.Sleep(10 * time.Minute)
		run(t, c, p, at)
		intact(t, c, p, at)
	})
}

// A resumed run has the members that its snapshots were made of, though
// volumes were attached or have grown since.
func TestARunIsResumedAfterItsResourceChanged(t *testing.T) {
	for name, test := range map[string]struct {
		change func(r *backup.Resource)
		copies int // begun when the run was cut
		after  time.Duration
		want   int
	}{
		"attached, all copies begun":  {attach, 2, time.Minute, 2},
		"attached, one copy begun":    {attach, 1, time.Minute, 2},
		"attached, no copy begun":     {attach, 0, time.Minute, 3},
		"attached, and much later":    {attach, 0, 25 * time.Hour, 2},
		"has grown, all copies begun": {grow, 2, time.Minute, 2},
		"has grown, one copy begun":   {grow, 1, time.Minute, 2},
		"detached, one copy begun":    {detach, 1, time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p, at := story(t), nightly(), time.Now()
				p.Sources = p.Sources[1:]
				c.resources[siteB] = []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30), plain("vol-b2", 5))}
				ctx, crash := withStop(t)
				n := 0
				c.after = func(k call) error {
					if k.op == string(backup.StepCopy) || k.op == string(backup.StepShare) && test.copies == 0 {
						if n++; n >= test.copies {
							crash()
						}
					}
					return ctx.Err()
				}
				_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
				require.Error(t, err)
				c.after = nil
				test.change(&c.resources[siteB][0])
				time.Sleep(test.after)
				run(t, c, p, at)
				nothingShared(t, c)
				list := pointsAt(t, c, home)
				require.Len(t, list, 1)
				require.Equal(t, retention.Complete, list[0].State, fmt.Sprint(list[0].Members))
				require.Len(t, list[0].Members, test.want)
				require.Len(t, c.at(home), test.want)
			})
		})
	}
}

// A run that is taken up again knows under which keys its volumes are.
func TestAResumedRunKnowsItsKeys(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), fleetPlan(), time.Now()
		secret := plain("vol-b2", 5)
		secret.Encrypted, secret.KMSKey = true, keyAt(siteB)
		c.resources[siteB] = []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30), secret)}
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) {
				crash()
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.after = nil
		time.Sleep(time.Minute)
		for _, m := range jobs(t, engine(t, c, backup.Options{}), p, at)[0].Resource.Members {
			require.Equal(t, m.Volume == "vol-b2", m.Encrypted)
			require.Equal(t, m.Volume == "vol-b2", m.KMSKey == keyAt(siteB))
		}
	})
}

func attach(r *backup.Resource) { r.Members = append(r.Members, plain("vol-b3", 5)) }
func grow(r *backup.Resource)   { r.Members[0].SizeGiB = 60 }
func detach(r *backup.Resource) { r.Members = r.Members[:1] }

// Originals that failed while nobody looked are found as what they are: the run
// fails, removes them, and makes no others behind its own back.
func TestOriginalsThatFailedAreFound(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[1:]
		c.breaks["vol-b1"] = "internal error"
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == string(backup.StepSnapshot) {
				crash()
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.after = nil
		time.Sleep(time.Hour)
		_, err = engine(t, c, backup.Options{}).Run(t.Context(), p, at)
		require.ErrorContains(t, err, "ended in state error: internal error")
		require.Equal(t, 1, c.count(backup.StepSnapshot))
		require.Empty(t, c.at(siteB))
	})
}

package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// The root volume, or all others, are left out of an instance's points, and
// volumes that are attached to nothing are not concerned.
func TestVolumesThatThePlanLeavesOut(t *testing.T) {
	for name, test := range map[string]struct {
		volumes backup.Volumes
		want    []string // volumes of the points
		out     []string // of the instance
		fails   string
	}{
		"nothing":  {backup.Volumes{}, []string{"vol-a1", "vol-a2", "vol-a3", "vol-a9"}, nil, ""},
		"the root": {backup.Volumes{ExcludeRoot: true}, []string{"vol-a2", "vol-a3", "vol-a9"}, []string{"vol-a1"}, "i-a0: has no volumes to protect but those"},
		"the data": {backup.Volumes{ExcludeData: true}, []string{"vol-a1", "vol-a9"}, []string{"vol-a2", "vol-a3"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				p.Sources = p.Sources[:1]
				p.Sources[0].Volumes = test.volumes
				if test.fails != "" {
					c.resources[siteA] = append(c.resources[siteA], instance(siteA, "i-a0", root("vol-a0", 8)))
				}
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				if test.fails == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, test.fails)
				}
				var out, got []string
				for _, m := range report.Jobs[0].Resource.Excluded {
					out = append(out, m.Volume)
				}
				require.ElementsMatch(t, test.out, out)
				if test.fails == "" {
					got, err := engine(t, c, backup.Options{}).Coverage(t.Context(), []backup.Plan{p}, time.Now(), backup.CoverageOptions{})
					require.NoError(t, err)
					require.ElementsMatch(t, test.out, got.Resources[0].Left, "coverage tells what is left out")
				}
				for _, pt := range points(t, c, p) {
					for _, m := range pt.Members {
						if pt.Copy {
							got = append(got, m.Volume)
						}
					}
				}
				require.ElementsMatch(t, test.want, got)
			})
		})
	}
}

// What is attached and cannot be snapshotted is told, and is in the report.
func TestWhatCannotBeProtectedIsNamed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		c.resources[siteB][0].Unprotected = []string{"1 instance-store volume of 75 GB"}
		var told []error
		e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
			if ev.Err != nil {
				told = append(told, ev.Err)
			}
		}})
		report, err := e.Run(t.Context(), nightly(), time.Now())
		require.NoError(t, err)
		require.Len(t, told, 1)
		require.ErrorIs(t, told[0], backup.ErrUnsupported)
		require.ErrorContains(t, told[0], "instance-store volume of 75 GB")
		require.Contains(t, report.String(), "not protected: 222222222222/eu-west-1 i-b1: 1 instance-store volume of 75 GB\n")
	})
}

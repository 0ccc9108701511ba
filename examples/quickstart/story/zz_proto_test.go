package story_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
)

func TestZZProto(t *testing.T) {
	for range 2 {
		began := time.Now()
		synctest.Test(t, func(t *testing.T) {
			w, err := story.NewWorld(t.Context(), 1)
			require.NoError(t, err)
			start := time.Now()
			before := w.Cloud.Stats().Total
			var ops []string
			w.Cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
				if c.Mutating {
					ops = append(ops, fmt.Sprintf("%s %s/%s %s", time.Now().Sub(start), c.Account, c.Region, c.Operation))
				}
				return backuptest.Fault{}
			})
			r, err := w.Engine.Run(t.Context(), w.Plan, time.Now())
			require.NoError(t, err)
			for _, o := range ops {
				t.Log(o)
			}
			t.Log(len(ops), w.Cloud.Stats().Total-before, time.Since(start), r.Copies)
		})
		t.Log(time.Since(began))
	}
	for _, f := range []int{0, 1, 2} {
		began := time.Now()
		synctest.Test(t, func(t *testing.T) {
			w, err := story.NewWorld(t.Context(), 1)
			require.NoError(t, err)
			for range f {
				_, err := w.Engine.Run(t.Context(), w.Plan, time.Now())
				require.NoError(t, err)
				time.Sleep(24 * time.Hour)
			}
		})
		t.Log(f, time.Since(began))
	}
}

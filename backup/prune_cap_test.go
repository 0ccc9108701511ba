package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

func TestAPlanOverACapDeletesNothing(t *testing.T) {
	tests := []struct {
		name string
		opts backup.Options
		ok   bool
	}{
		{name: "no cap", ok: true},
		{name: "as many as planned", opts: backup.Options{MaxPrunes: 12}, ok: true},
		{name: "one fewer", opts: backup.Options{MaxPrunes: 11}},
		{name: "just the share", opts: backup.Options{MaxShare: 0.75}, ok: true},
		{name: "less than the share", opts: backup.Options{MaxShare: 0.74}},
		{name: "one cap of two", opts: backup.Options{MaxPrunes: 100, MaxShare: 0.5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, _, pp := full(t, 4)
				require.Equal(t, 12, pp.Prunes(), "of 16")
				r, err := engine(t, c, tt.opts).Prune(t.Context(), pp)
				if tt.ok {
					require.NoError(t, err)
					require.Equal(t, "12 pruned", outcomes(r))
					return
				}
				require.ErrorIs(t, err, backup.ErrOverCap)
				require.Nil(t, r)
				require.Empty(t, deletes(c))
				require.Empty(t, c.calls, "nothing is even read")
			})
		})
	}
}

func TestCapsThatAreNone(t *testing.T) {
	for _, opts := range []backup.Options{{MaxPrunes: -1}, {MaxShare: -0.1}, {MaxShare: 1.1}} {
		opts.Vault = "999999999999"
		_, err := backup.New(nil, nil, opts)
		require.ErrorContains(t, err, "Options.Max")
	}
}

func TestTheDifferenceOfTwoPrunePlans(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(2, copyTo(home))
		nights(t, c, p, 3)
		first := planPrune(t, c, p)
		require.Empty(t, first.Diff(first))
		require.Equal(t, "no difference\n", first.Diff(first).String())

		prune(t, c, first)
		nights(t, c, p, 1)
		p.Retention = retention.Policy{Last: 1}
		second := planPrune(t, c, p)
		changes := map[string]int{}
		for _, d := range second.Diff(first) {
			was, is := "new", "gone"
			if d.Was != nil {
				was = d.Was.String()
			}
			if d.Is != nil {
				is = d.Is.String()
			}
			require.NotEmpty(t, d.Why)
			changes[was+" → "+is]++
		}
		require.Equal(t, map[string]int{"prune → gone": 2, "retain → prune": 4, "new → retain": 2}, changes)
		golden(t, "prune-diff", second.Diff(first).String())
		require.True(t, second.Made.After(first.Made.Add(time.Hour)))
	})
}

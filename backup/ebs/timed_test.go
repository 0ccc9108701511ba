package ebs_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A time-based copy is asked for as such, is listed as such, and says when it
// was completed; any other is not.
func TestTimeBasedCopies(t *testing.T) {
	inBench(t, "of a detached volume", func(t *testing.T, b bench) {
		for _, set := range b.snapshotAll(t) {
			for minutes := range 2 {
				_, err := b.source.Do(t.Context(), backup.Step{Kind: backup.StepShare, Snapshot: set[0].ID, With: b.vaultSite.Account})
				require.NoError(t, err)
				_, err = b.vault.Do(t.Context(), backup.Step{
					Kind: backup.StepCopy, Snapshot: set[0].ID, SourceRegion: b.sourceSite.Region, KMSKey: b.key,
					Tags: map[string]string{"copy": "yes"}, CompletionMinutes: minutes * 30,
				})
				require.NoError(t, err)
			}
		}
		settle()
		timed := 0
		for _, s := range list(t, b.vault, backup.Query{Tags: map[string]string{"copy": "yes"}}) {
			require.False(t, s.Completed.IsZero())
			require.False(t, s.Completed.Before(s.Started))
			if s.CompletionMinutes > 0 {
				require.Equal(t, 30, s.CompletionMinutes)
				require.LessOrEqual(t, s.Completed.Sub(s.Started), 30*time.Minute)
				timed++
			}
		}
		require.Positive(t, timed)
	})
}

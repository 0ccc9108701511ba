package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A role that cannot be assumed is told once for its site.
func TestNoWayInForThePruner(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, _, pp := full(t, 3)
		e, err := backup.New(lockedOut{c}, []backup.Driver{c}, backup.Options{Vault: vault})
		require.NoError(t, err)
		r, err := e.Prune(t.Context(), pp)
		require.ErrorIs(t, err, accounts.ErrAccessDenied)
		require.EqualError(t, err, "111111111111/eu-west-1: prune: assume pruner: "+accounts.ErrAccessDenied.Error())
		require.Equal(t, "4 pruned, 4 refused", outcomes(r))
	})
}

// lockedOut is a cloud that the pruner of the protected account has no way into.
type lockedOut struct{ *cloud }

func (l lockedOut) Config(ctx context.Context, id accounts.ID, p accounts.Purpose, region string) (aws.Config, error) {
	if p == accounts.Pruner {
		return aws.Config{}, fmt.Errorf("assume pruner: %w", accounts.ErrAccessDenied)
	}
	return l.cloud.Config(ctx, id, p, region)
}

// A session may delete just what is old enough, and all of it: the time that
// IAM sees of a copy is that of the copy.
func TestPruneIsHeldDownToWhatIsOldEnough(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		p.Retention.MinAge = 36 * time.Hour
		nights(t, c, p, 3)
		for _, s := range c.at(home) {
			s.Started = s.Started.Add(20 * time.Hour)
		}
		at := time.Now()
		c.at(siteB)[1].Started = at.Add(-36 * time.Hour)
		n := &narrowing{cloud: c, t: t, policies: map[accounts.Purpose]string{}}
		e, err := backup.New(n, []backup.Driver{c}, backup.Options{Vault: vault})
		require.NoError(t, err)
		pp, err := e.PlanPrune(t.Context(), p, at)
		require.NoError(t, err)
		r, err := e.Prune(t.Context(), pp)
		require.NoError(t, err)
		require.Equal(t, "4 pruned", outcomes(r), "%s", pp)
		for purpose, before := range map[accounts.Purpose]time.Time{
			accounts.Pruner:      at.Add(-36*time.Hour + time.Second),
			accounts.VaultPruner: c.snaps[decision(group(t, pp, home, true), 1).Snapshots[0]].Started.Add(time.Second),
		} {
			want, err := json.Marshal(iampolicy.PruneSession("aws", string(vault), before))
			require.NoError(t, err)
			require.JSONEq(t, string(want), n.policies[purpose], purpose)
		}
	})
}

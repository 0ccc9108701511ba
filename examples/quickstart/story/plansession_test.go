package story_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// inPlan gives the engine sessions that are narrowed to one plan.
type inPlan struct {
	*accounts.Sessions
	of func(accounts.ID, accounts.Purpose) iampolicy.PlanSession
}

func (s inPlan) Config(ctx context.Context, id accounts.ID, p accounts.Purpose, region string) (aws.Config, error) {
	if p != accounts.Backup && p != accounts.VaultWriter {
		return s.Sessions.Config(ctx, id, p, region)
	}
	doc, err := s.of(id, p).Policy(string(p))
	if err != nil {
		return aws.Config{}, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return aws.Config{}, err
	}
	narrow, err := s.Narrow(id, p, string(text))
	if err != nil {
		return aws.Config{}, err
	}
	return narrow.Config(ctx, id, p, region)
}

// planSession is what the story's plan uses of a role.
func (s *stage) planSession(plan string) func(accounts.ID, accounts.Purpose) iampolicy.PlanSession {
	return func(id accounts.ID, p accounts.Purpose) iampolicy.PlanSession {
		out := iampolicy.PlanSession{Vault: string(theVault), Account: string(id), Plan: plan}
		if p == accounts.VaultWriter {
			out.Regions, out.Keys = s.Install.Regions, slices.Clone(s.Install.VaultKeys)
			for _, from := range s.Install.Protected {
				out.Sources = append(out.Sources, from.Account)
				out.Keys = slices.Concat(out.Keys, from.SourceKeys, from.RekeyKeys)
			}
			return out
		}
		from := s.protected(id)
		out.Regions, out.Keys = from.Regions, from.RekeyKeys
		out.Sources = []string{from.Account}
		return out
	}
}

// The engine does all its work in sessions that reach nothing of other plans,
// and does none in those of another plan.
func TestAPlanRunsInItsOwnSessions(t *testing.T) {
	for _, plan := range []string{"nightly", "another"} {
		backuptest.Simulate(func() {
			ctx := context.Background()
			s, err := newStage(ctx, backuptest.Options{Seed: 1})
			require.NoError(t, err)
			sessions, err := accounts.New(s.Base(), s.accounts(), accounts.Options{})
			require.NoError(t, err)
			s.Engine, err = backup.New(inPlan{sessions, s.planSession(plan)}, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: theVault})
			require.NoError(t, err)
			told := s.tell(ctx)
			if plan == s.Plan.Name {
				require.NoError(t, told.err, told.step)
				return
			}
			require.ErrorIs(t, told.err, backup.ErrDenied)
		})
	}
}

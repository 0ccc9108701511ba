package story_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
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
		out := iampolicy.PlanSession{Vault: string(theVault), Account: string(id), Plan: plan, Locks: s.Plan.Lock != nil}
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
			s.unnamed = true // 2,048 characters have no room for what nothing depends on
			told := s.tell(ctx)
			if plan == s.Plan.Name {
				require.NoError(t, told.err, told.step)
				return
			}
			require.ErrorIs(t, told.err, backup.ErrDenied)
		})
	}
}

// A muddled driver shares another snapshot than it is told to.
type muddled struct {
	*ebs.Driver
	other string
}

func (m muddled) Open(cfg aws.Config, site backup.Site) backup.Client {
	return muddledClient{m.Driver.Open(cfg, site), m.other}
}

type muddledClient struct {
	backup.Client
	other string
}

func (c muddledClient) Do(ctx context.Context, step backup.Step) ([]backup.Snapshot, error) {
	if step.Kind == backup.StepShare {
		step.Snapshot = c.other
	}
	return c.Client.Do(ctx, step)
}

// Asked to, the engine itself works in sessions of its plan, and a fault cannot
// reach another plan's snapshots from them, though the role could.
func TestTheEngineNarrowsItsSessions(t *testing.T) {
	for _, narrow := range []bool{true, false} {
		backuptest.Simulate(func() {
			ctx := context.Background()
			s, err := newStage(ctx, backuptest.Options{Seed: 1, RecordAuthorizations: true})
			require.NoError(t, err)
			s.opts.NarrowPlans = narrow
			require.NoError(t, s.restart())
			told := s.tell(ctx)
			require.NoError(t, told.err, told.step)
			held := map[string]bool{}
			for _, a := range s.Cloud.Authorizations() {
				inSession := slices.ContainsFunc(a.Decision.By, func(by iampolicy.Reason) bool { return by.Layer == "session" })
				switch a.Action {
				case "ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:CopySnapshot", "ec2:ModifySnapshotAttribute", "kms:CreateGrant":
					if strings.Contains(a.Principal, "role/snapkeep-backup") || strings.Contains(a.Principal, "role/snapkeep-vault-writer") {
						require.Equal(t, narrow, inSession, "%s by %s", a.Action, a.Principal)
						held[a.Action] = true
					}
				}
			}
			require.Len(t, held, 5)

			other, err := s.plain(ctx, theShop)
			require.NoError(t, err)
			s.Plan.Name, s.Plan.Sources = "weekly", s.Plan.Sources[:1]
			sessions, err := accounts.New(s.Base(), s.accounts(), accounts.Options{})
			require.NoError(t, err)
			s.Engine, err = backup.New(sessions, []backup.Driver{muddled{ebs.New(ebs.Options{}), other}}, backup.Options{
				Vault: theVault, NarrowPlans: narrow, Patience: 1,
			})
			require.NoError(t, err)
			_, err = s.Engine.Run(ctx, s.Plan, time.Now())
			require.Error(t, err)
			require.Equal(t, narrow, errors.Is(err, backup.ErrDenied), err)
		})
	}
}

// plain returns a snapshot that the plan has made in an account, under a key
// that can be shared.
func (s *stage) plain(ctx context.Context, in accounts.ID) (string, error) {
	out, err := ec2.NewFromConfig(s.admin(in, dublin)).DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		return "", err
	}
	for _, sn := range out.Snapshots {
		if slices.ContainsFunc(sn.Tags, func(t types.Tag) bool { return *t.Key == iampolicy.TagPlan && *t.Value == "nightly" }) && !aws.ToBool(sn.Encrypted) {
			return *sn.SnapshotId, nil
		}
	}
	return "", errors.New("no such snapshot")
}

// A plan that locks does so in sessions of its own that say it locks.
func TestAPlanLocksInItsOwnSessions(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		s, err := newStage(ctx, backuptest.Options{Seed: 1})
		require.NoError(t, err)
		bounds := &iampolicy.LockBounds{Min: 1, Max: 9}
		s.Install.Lock = bounds
		for i := range s.Install.Protected {
			s.Install.Protected[i].Lock = bounds
		}
		roles, err := s.Install.Roles()
		require.NoError(t, err)
		for _, r := range roles {
			s.Cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		}
		s.Plan.Lock = &backup.Lock{Mode: backup.Governance, Days: 1}
		s.Plan.Copies[0].Lock = &backup.Lock{Mode: backup.Compliance, Days: 9, CoolOffHours: 1}
		sessions, err := accounts.New(s.Base(), s.accounts(), accounts.Options{})
		require.NoError(t, err)
		for _, locks := range []bool{true, false} {
			of := s.planSession(s.Plan.Name)
			narrow := func(id accounts.ID, p accounts.Purpose) iampolicy.PlanSession {
				session := of(id, p)
				session.Locks = locks
				return session
			}
			engine, err := backup.New(inPlan{sessions, narrow}, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: theVault})
			require.NoError(t, err)
			report, err := engine.Run(ctx, s.Plan, time.Now())
			if locks {
				require.NoError(t, err)
				require.NotZero(t, report.Calls["LockSnapshot"])
				time.Sleep(24 * time.Hour)
				continue
			}
			require.ErrorIs(t, err, backup.ErrDenied)
			require.NotEmpty(t, report.Jobs[len(report.Jobs)-1].Unlocked())
		}
	})
}

package story_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// Whatever is wrong is told once, where it is and why; everything else is
// backed up; and when it is mended, the next run makes up for what was missed.
func TestBadInput(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			backuptest.Simulate(func() { f.check(context.Background(), t) })
		})
	}
}

func (f fault) check(ctx context.Context, t *testing.T) {
	t.Helper()
	s, err := newStage(ctx, backuptest.Options{Seed: 1})
	require.NoError(t, err)
	kept, err := s.write(ctx)
	require.NoError(t, err)
	require.NoError(t, f.breaks(ctx, s))
	at := time.Now()
	report, err := s.Engine.Run(ctx, s.Plan, at)
	require.NotNil(t, report)
	f.complains(t, s, err)
	require.Len(t, report.Errors, len(f.fails))
	require.Empty(t, s.leaks(s.told(err)))
	require.Empty(t, s.shared())
	require.Empty(t, s.broken())
	f.others(t, s, report, kept)

	require.NoError(t, f.mends(ctx, s))
	time.Sleep(24 * time.Hour)
	next := time.Now()
	report, err = s.Engine.Run(ctx, s.Plan, next)
	require.NoError(t, err, "%v", report)
	require.Empty(t, s.shared())
	require.Empty(t, s.broken())
	require.Empty(t, s.intermediates())
	have := s.copiesOf(t, next, nil)
	for _, name := range everything {
		require.True(t, have[name], "a copy of %s", name)
	}
	s.madeUp(t, at)
	require.Empty(t, s.Cloud.Misuse())
}

// complains checks the errors of the run, one by one.
func (f fault) complains(t *testing.T, s *stage, err error) {
	t.Helper()
	pieces := piecesOf(err)
	require.Len(t, pieces, len(f.fails), "%v", err)
	for _, want := range f.fails {
		i := slices.IndexFunc(pieces, func(piece error) bool {
			var e *backup.Error
			if !errors.As(piece, &e) {
				return false
			}
			site := backup.Site{Account: e.Account, Region: e.Region}.String()
			return cmp.Or(nameOf(e.Resource), site) == want.resource
		})
		require.GreaterOrEqual(t, i, 0, "no error of %s: %v", want.resource, err)
		text := pieces[i].Error()
		if want.is != nil {
			require.ErrorIs(t, pieces[i], want.is)
		}
		for _, part := range want.says {
			require.Contains(t, text, part)
		}
		require.NotContains(t, text, "\n", "one error, one line")
		pieces = slices.Delete(pieces, i, i+1)
	}
}

// others checks that all but what is lacking is done and copied, byte for byte.
func (f fault) others(t *testing.T, s *stage, report *backup.Report, kept map[string]backuptest.Contents) {
	t.Helper()
	have := s.copiesOf(t, report.At, kept)
	for _, name := range everything {
		require.Equal(t, !slices.Contains(f.lacking, name), have[name], "a copy of %s", name)
	}
	for _, j := range report.Jobs {
		name := nameOf(j.Resource.ARN)
		failed := slices.ContainsFunc(f.fails, func(c complaint) bool { return c.resource == name })
		want := backup.Done
		if slices.Contains(f.unrevoked, name) {
			want = backup.Unrevoked
		} else if failed {
			want = backup.Failed
		}
		require.Equal(t, want, j.Stage, name)
	}
}

// copiesOf returns the resources of which the vault has a whole copy of a run
// under its own key; with contents, what is in the copies is compared with
// them. It asks the simulation, not the library.
func (s *stage) copiesOf(t *testing.T, at time.Time, kept map[string]backuptest.Contents) map[string]bool {
	t.Helper()
	count := map[string]int{}
	for _, snap := range s.ofRun(at) {
		if snap.Account != theVault || snap.KeyARN != s.Install.VaultKeys[0] {
			continue
		}
		count[nameOf(snap.Tags["snapkeep:resource"])]++
		if kept != nil {
			got, err := s.Cloud.ReadSnapshot(snap.Ref)
			require.NoError(t, err)
			require.True(t, got.Equal(kept[snap.Origin]), "%s is not what %s was", snap.ID, snap.Origin)
		}
	}
	return whole(count)
}

// originalsOf is the same for what is left in the protected accounts.
func (s *stage) originalsOf(at time.Time) map[string]bool {
	count := map[string]int{}
	for _, snap := range s.ofRun(at) {
		if snap.Account != theVault && snap.Source.ID == "" {
			count[nameOf(snap.Tags["snapkeep:resource"])]++
		}
	}
	return whole(count)
}

// ofRun returns the completed snapshots that the tags say are of a run.
func (s *stage) ofRun(at time.Time) []backuptest.Snapshot {
	return slices.DeleteFunc(s.Cloud.Snapshots(), func(snap backuptest.Snapshot) bool {
		return snap.State != "completed" || snap.Tags["snapkeep:run"] != backup.RunID(s.Plan.Name, at)
	})
}

// whole returns the resources of which there are as many snapshots as volumes.
func whole(count map[string]int) map[string]bool {
	have := map[string]bool{}
	for name, volumes := range map[string]int{web: 2, box: 1, ledger: 3, archive: 1} {
		if count[name] == volumes {
			have[name] = true
		}
	}
	return have
}

// madeUp checks that every resource with originals of a run has copies of it now.
func (s *stage) madeUp(t *testing.T, at time.Time) {
	t.Helper()
	copies := s.copiesOf(t, at, nil)
	for name := range s.originalsOf(at) {
		require.True(t, copies[name], "no copy of %s was made up for", name)
	}
}

// isOf says whether a snapshot is one of a resource.
func (s *stage) isOf(id, name string) bool {
	return slices.ContainsFunc(s.Cloud.Snapshots(), func(snap backuptest.Snapshot) bool {
		return snap.ID == id && nameOf(snap.Tags["snapkeep:resource"]) == name
	})
}

// delete deletes a snapshot as an administrator does.
func (s *stage) delete(ctx context.Context, id accounts.ID, region, snapshot string) {
	_, err := ec2.NewFromConfig(s.admin(id, region)).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(snapshot)})
	if err != nil {
		panic(err)
	}
}

// broken returns snapshots of ours in state error, which somebody would pay for
// looking at for ever.
func (s *stage) broken() []string {
	return s.snapshots(func(snap backuptest.Snapshot) bool { return snap.State == "error" })
}

// intermediates returns what was made for rekeying.
func (s *stage) intermediates() []string {
	return s.snapshots(func(snap backuptest.Snapshot) bool {
		return snap.Source.ID != "" && snap.Source.Account == snap.Account
	})
}

func (s *stage) snapshots(which func(backuptest.Snapshot) bool) []string {
	var ids []string
	for _, snap := range s.Cloud.Snapshots() {
		if snap.Tags[iampolicy.TagVault] != "" && which(snap) {
			ids = append(ids, fmt.Sprintf("%s/%s/%s %s", snap.Account, snap.Region, snap.ID, snap.StateMessage))
		}
	}
	return ids
}

// reopen begins with a new engine whose file of accounts was edited.
func (s *stage) reopen(edit func([]accounts.Account) []accounts.Account) error {
	return s.restartWith(edit(s.accounts()))
}

// A plan that cannot be meant is refused before any call is made.
func TestPlansThatAreRefused(t *testing.T) {
	otherKey := "arn:aws:kms:eu-west-1:111111111111:key/k-1"
	backuptest.Simulate(func() {
		ctx := context.Background()
		s, err := newStage(ctx, backuptest.Options{Seed: 1})
		require.NoError(t, err)
		for _, c := range []struct {
			name, field, says string
			edit              func(*backup.Plan)
		}{
			{"no name", "name", `""`, func(p *backup.Plan) { p.Name = "" }},
			{"no sources", "sources", "is empty", func(p *backup.Plan) { p.Sources = nil }},
			{"an account that is none", "sources[1].account", `"2222"`, func(p *backup.Plan) {
				p.Sources[1].Account, p.Sources[1].RekeyKeys = "2222", nil
			}},
			{"a Region that is none", "sources[0].regions[1]", `"europe"`, func(p *backup.Plan) { p.Sources[0].Regions = []string{dublin, "europe"} }},
			{"a Region of another partition", "sources[0].regions[1]", "cn-north-1", func(p *backup.Plan) { p.Sources[0].Regions = []string{dublin, "cn-north-1"} }},
			{"a destination in no Region", "copies[0].region", `"eu_west_1"`, func(p *backup.Plan) { p.Copies[0].Region = "eu_west_1" }},
			{"no key", "copies[0].kmsKey", "is empty", func(p *backup.Plan) { p.Copies[0].KMSKey = "" }},
			{"an ARN that is none", "copies[0].kmsKey", `"key/1234" is not an ARN`, func(p *backup.Plan) { p.Copies[0].KMSKey = "key/1234" }},
			{"an ARN that is a role's", "copies[0].kmsKey", "999999999999:role/k", func(p *backup.Plan) {
				p.Copies[0].KMSKey = "arn:aws:iam::999999999999:role/k"
			}},
			{"an alias", "copies[0].kmsKey", "an alias will not do", func(p *backup.Plan) {
				p.Copies[0].KMSKey = "arn:aws:kms:eu-west-1:999999999999:alias/vault"
			}},
			{"another account's key", "copies[0].kmsKey", "want one of " + atVault, func(p *backup.Plan) { p.Copies[0].KMSKey = otherKey }},
			{"a rekey key that is none", "sources[0].rekeyKeys[eu-west-1]", `"arn:aws:kms" is not an ARN`, func(p *backup.Plan) {
				p.Sources[0].RekeyKeys = map[string]string{dublin: "arn:aws:kms"}
			}},
			{"an empty policy", "retention", retention.ErrEmptyPolicy.Error(), func(p *backup.Plan) { p.Retention = retention.Policy{} }},
			{"a policy of copies that is empty", "copies[0].retention", retention.ErrEmptyPolicy.Error(), func(p *backup.Plan) {
				p.Copies[0].Retention = retention.Policy{MinCount: 3}
			}},
			{"an empty selector", "sources[1].select", "chooses nothing", func(p *backup.Plan) { p.Sources[1].Select = backup.Selector{} }},
			{"a selector of exclusions only", "sources[1].select", "chooses nothing", func(p *backup.Plan) {
				p.Sources[1].Select = backup.Selector{ExcludeIDs: []string{"i-1"}}
			}},
			{"an id that is none", "sources[0].select.ids[0]", `"i 1"`, func(p *backup.Plan) { p.Sources[0].Select.IDs = []string{"i 1"} }},
		} {
			p := s.Plan
			p.Sources, p.Copies = slices.Clone(p.Sources), slices.Clone(p.Copies)
			c.edit(&p)
			before := s.Cloud.Stats().Total
			report, err := s.Engine.Run(ctx, p, time.Now())
			require.Nil(t, report, c.name)
			refused(t, c.name, err, c.field, c.says)
			for _, err := range s.Engine.Jobs(ctx, p, time.Now()) {
				refused(t, c.name, err, c.field, c.says)
			}
			pruning, err := s.Engine.PlanPrune(ctx, p, time.Now())
			require.Nil(t, pruning, c.name)
			refused(t, c.name, err, c.field, c.says)
			require.Equal(t, before, s.Cloud.Stats().Total, "%s: a call was made", c.name)
		}
		require.Empty(t, s.events)
	})
}

// refused checks that an error is one *backup.PlanError.
func refused(t *testing.T, name string, err error, field, says string) {
	t.Helper()
	pieces := piecesOf(err)
	require.Len(t, pieces, 1, "%s: %v", name, err)
	var e *backup.PlanError
	require.ErrorAs(t, pieces[0], &e, name)
	require.Equal(t, field, e.Field, name)
	require.Contains(t, e.Error(), says, name)
}

// So is a plan that cannot be read.
func TestPlansThatCannotBeRead(t *testing.T) {
	const good = `{"name": "nightly", "sources": [{"account": "111111111111", "regions": ["eu-west-1"], "select": {"all": true}}], "retention": "last=2"}`
	_, err := backup.ParsePlan([]byte(good))
	require.NoError(t, err)
	for name, c := range map[string]struct{ from, to, says string }{
		"nothing":                {good, "", "EOF"},
		"not JSON":               {good, "name: nightly", "invalid character"},
		"cut short":              {`}], "retention": "last=2"}`, "", "unexpected EOF"},
		"an unknown field":       {`"select"`, `"exclude": {}, "select"`, `unknown field "exclude"`},
		"a field's wrong kind":   {`["eu-west-1"]`, `"eu-west-1"`, "regions"},
		"an unparsable policy":   {"last=2", "dayly=7", "dayly"},
		"an empty policy":        {"last=2", "", "retention"},
		"something that follows": {`"last=2"}`, `"last=2"} {}`, "something follows"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.from, c.to, 1)
			require.NotEqual(t, good, text)
			p, err := backup.ParsePlan([]byte(text))
			require.Error(t, err)
			require.Len(t, piecesOf(err), 1)
			require.Contains(t, err.Error(), c.says)
			require.Contains(t, err.Error(), "plan: ")
			require.Zero(t, p)
		})
	}
}

// A call that AWS answers with an error for ever is given up: the run ends,
// and leaves nothing shared that it could take back.
func TestWhatNeverWorksIsGivenUp(t *testing.T) {
	for _, operation := range []string{"CreateSnapshots", "CopySnapshot", "ModifySnapshotAttribute", "DeleteSnapshot", "DescribeSnapshots"} {
		for _, code := range []string{"InternalError", "InvalidSnapshot.NotFound", "ResourceLimitExceeded", "RequestLimitExceeded", "InvalidParameterValue"} {
			t.Run(operation+" "+code, func(t *testing.T) {
				t.Parallel()
				backuptest.Simulate(func() { neverWorks(t, operation, code) })
			})
		}
	}
}

func neverWorks(t *testing.T, operation, code string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	s, err := newStage(ctx, backuptest.Options{Seed: 1})
	require.NoError(t, err)
	s.opts.Window = time.Hour
	require.NoError(t, s.restart())
	status := 400
	if code == "InternalError" {
		status = 500
	}
	s.Cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
		if c.Operation == operation {
			return backuptest.Fault{Way: backuptest.Refuse, Code: code, Status: status}
		}
		return backuptest.Fault{}
	})
	began := time.Now()
	_, err = s.Engine.Run(ctx, s.Plan, began)
	took := time.Since(began)
	require.NoError(t, ctx.Err(), "the run has no end")
	require.Less(t, took, 3*time.Hour)
	require.Empty(t, s.leaks(s.told(err)))
	if operation == "DeleteSnapshot" && code == "InvalidSnapshot.NotFound" {
		require.NoError(t, err, "what is not there is deleted")
		return
	}
	require.Error(t, err)
	for _, piece := range piecesOf(err) {
		var e *backup.Error
		require.ErrorAs(t, piece, &e)
		if !errors.Is(e, backup.ErrWindow) { // AWS has only ever asked for patience
			require.Contains(t, e.Error(), code)
		}
	}
	require.Empty(t, s.shared())
}

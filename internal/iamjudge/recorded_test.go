package iamjudge_test

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
	"github.com/snapkeep/snapkeep/internal/conformance"
)

// TestJudgeAgreesOnWhatTheEngineAsks puts the questions to the judge that the
// simulated AWS put to our evaluator, with the policies that had a say: while
// backups, prunes, an intruder's attacks and restores ran under the generated
// roles, and in all cases of the conformance table. Each is put once.
func TestJudgeAgreesOnWhatTheEngineAsks(t *testing.T) {
	needsJudge(t)
	samples := record(t)
	outcomes, actions, plain := map[string]int{}, map[string]bool{}, 0
	for i, theirs := range judge(t, samples) {
		s, names := samples[i], deviations(samples[i])
		if len(names) == 0 {
			plain++
		}
		if strings.Contains(s.Request.Resource, "::document/") {
			// The judge knows no documents that AWS owns; see reference.
			require.Contains(t, theirs, "no.resource.types")
			continue
		}
		require.False(t, strings.HasPrefix(theirs, "error: "), "%s of\n%s", theirs, s)
		outcomes[theirs]++
		actions[s.Request.Action] = true
		if ours := s.recorded.Outcome.String(); ours != theirs {
			require.NotEmpty(t, names, "we say %v, the judge says %s of\n%s", s.recorded, theirs, s)
		}
	}
	t.Logf("%d questions about %d actions: %v; %d outside all known deviations", len(samples), len(actions), outcomes, plain)
	require.Greater(t, plain, len(samples)*9/10, "the known deviations hide too much")
	require.Greater(t, len(actions), 80)
	for _, outcome := range []string{"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"} {
		require.Positive(t, outcomes[outcome], "nothing is asked that is %s", outcome)
	}
}

// record runs the story and the cases, once for all tests, and returns all
// different questions.
func record(t *testing.T) []*sample {
	t.Helper()
	samples, err := asked()
	require.NoError(t, err)
	return samples
}

var asked = sync.OnceValues(func() (samples []*sample, err error) {
	seen := map[string]bool{}
	heard := func(req iampolicy.Request, set iampolicy.PolicySet, d iampolicy.Decision) {
		if req.Action == "sts:GetCallerIdentity" {
			return // no policy has a say
		}
		if slices.ContainsFunc(d.By, func(r iampolicy.Reason) bool { return r.Layer == "grant" }) {
			return // the judge knows no grants of KMS
		}
		s := recorded(req, set, d)
		if key := s.key(); !seen[key] {
			seen[key] = true
			samples = append(samples, s)
		}
	}
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{Seed: 1, OnDecision: heard})
		_, err = story.Run(context.Background(), story.Options{Seed: 1, Days: 3, Cloud: cloud})
	})
	for _, c := range conformance.Cases() {
		backuptest.Simulate(func() { c.Run(context.Background(), target(heard)) })
	}
	return samples, err
})

// target returns a simulated AWS as the conformance table wants it.
func target(heard func(iampolicy.Request, iampolicy.PolicySet, iampolicy.Decision)) conformance.Target {
	cloud := awssim.New(awssim.Options{Seed: 1, OnDecision: heard})
	trust := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(conformance.Vault)}},
	}}}
	for _, account := range []string{conformance.Owner, conformance.Other} {
		cloud.PutRole(account, awssim.Role{Name: "Bootstrap", Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}})
	}
	cloud.SSM().ManageAll(&ssmsim.Agent{})
	return conformance.Target{Config: cloud.Config(cloud.User(conformance.Vault, "admin", awssim.Admin()), "us-east-1")}
}

// recorded makes a sample of a question and the answer that was given.
func recorded(req iampolicy.Request, set iampolicy.PolicySet, d iampolicy.Decision) *sample {
	s := &sample{
		Request: request{
			Principal: req.Principal.ARN, Action: req.Action, Resource: req.Resource,
			Account: cmp.Or(req.ResourceAccount, account(req.Resource), req.Principal.Account),
			Context: map[string]any{},
		},
		Policies: policies{
			Identity: set.Identity, Resource: set.Resource, Boundary: set.Boundary, Session: set.Session, SCP: set.SCP, RCP: set.RCP,
		},
		recorded: d,
	}
	if s.Policies.Identity == nil {
		s.Policies.Identity = []*iampolicy.Document{} // null is nothing that the judge understands
	}
	for key, values := range req.Context {
		s.Request.Context[key] = values
		if len(values) == 1 && !manyValued[key] {
			s.Request.Context[key] = values[0]
		}
	}
	return s
}

// manyValued are the keys that the Service Authorization Reference gives the
// type ArrayOfString: a list even with one value.
var manyValued = map[string]bool{
	"aws:TagKeys": true, "aws:PrincipalOrgPaths": true, "aws:ResourceOrgPaths": true, "aws:CalledVia": true,
	"kms:EncryptionContextKeys": true, "kms:GrantOperations": true, "sts:TransitiveTagKeys": true,
}

// account in an ARN; empty if it has none.
func account(arn string) string {
	if part := strings.SplitN(arn, ":", 6); len(part) == 6 {
		return part[4]
	}
	return ""
}

// passing are the keys that differ from call to call.
var passing = []string{"aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime"}

// key tells whether two samples ask the same: what passes with time, and
// which session of a role asks, does not count.
func (s *sample) key() string {
	same := *s
	same.ID = ""
	same.Request.Principal = same.Request.Principal[:strings.LastIndex(same.Request.Principal, "/")+1]
	same.Request.Context = maps.Clone(s.Request.Context)
	maps.DeleteFunc(same.Request.Context, func(k string, _ any) bool {
		return slices.Contains(passing, k) || k == "aws:userid"
	})
	text, err := json.Marshal(same)
	if err != nil {
		panic(err)
	}
	return string(text)
}

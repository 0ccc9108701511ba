package story_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// With the generated documents the whole story passes, nothing is refused that
// was asked for, and there is no statement without a part in it.
func TestTheGeneratedDocumentsSuffice(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		s, err := newStage(ctx, backuptest.Options{Seed: 1, RecordAuthorizations: true})
		require.NoError(t, err)
		began := len(s.Cloud.Authorizations())
		told := s.tell(ctx)
		require.NoError(t, told.err, told.step)
		require.Empty(t, s.Cloud.Misuse())
		require.Empty(t, s.shared())
		require.Empty(t, s.leaks(s.told(nil)))
		require.NotEmpty(t, s.leaks("sent "+s.Install.ExternalID), "the tap hears nothing")

		used := map[string]bool{}
		for _, a := range s.Cloud.Authorizations()[began:] {
			require.Equal(t, iampolicy.Allowed, a.Decision.Outcome, "%s by %s on %s: %v", a.Action, a.Principal, a.Resource, a.Decision)
			for _, by := range a.Decision.By {
				used[s.paperOf(a, by)+" - "+by.Statement] = true
			}
		}
		n := 0
		for _, p := range s.papers {
			for _, st := range p.doc.Statements {
				name := p.name + " - " + st.Sid
				if st.Effect != iampolicy.Allow {
					continue
				}
				n++
				require.True(t, used[name] || unneeded[name] != "", "%s has decided nothing", name)
			}
		}
		t.Logf("%d documents with %d statements that allow", len(s.papers), n)
	})
}

// What is excepted from the rule that every action is needed is not.
func TestWhatIsExceptedIsNotNeeded(t *testing.T) {
	for name, why := range unneeded {
		t.Run(name, func(t *testing.T) {
			backuptest.Simulate(func() {
				ctx := context.Background()
				s, err := newStage(ctx, backuptest.Options{Seed: 1})
				require.NoError(t, err)
				document, sid, _ := strings.Cut(name, " - ")
				p := s.paper(document)
				i := slices.IndexFunc(p.doc.Statements, func(st iampolicy.Statement) bool { return st.Sid == sid })
				require.GreaterOrEqual(t, i, 0, "there is no such statement")
				less := *p.doc
				less.Statements = slices.Delete(slices.Clone(less.Statements), i, i+1)
				require.NoError(t, p.put(ctx, &less))
				require.NoError(t, s.tell(ctx).err, "%s, it is said", why)
			})
		})
	}
}

// paperOf returns the name of the document that a reason is about.
func (s *stage) paperOf(a backuptest.Authorization, by iampolicy.Reason) string {
	if by.Layer == "identity" {
		if name, ok := strings.CutPrefix(a.Principal, "arn:aws:iam::"); ok {
			return strings.Replace(strings.Replace(name, ":role/", "/", 1), string(theVault)+":user/", "", 1)
		}
	}
	if role, ok := strings.CutPrefix(a.Resource, "arn:aws:iam::"); ok {
		return strings.Replace(role, ":role/", "/", 1) + " trust"
	}
	for _, p := range s.papers {
		if slices.Contains(p.keys, a.Resource) {
			return p.name
		}
	}
	return by.Layer
}

// Without any one action of any generated document some step of the story
// fails, and says which: the documents are minimal.
func TestEveryActionIsNeeded(t *testing.T) {
	var actions, statements []cut
	backuptest.Simulate(func() {
		s, err := newStage(context.Background(), backuptest.Options{})
		require.NoError(t, err)
		for _, p := range s.papers {
			a, b := cutsOf(p)
			actions, statements = append(actions, a...), append(statements, b...)
		}
	})
	require.Greater(t, len(actions), 90)
	require.Greater(t, len(statements), 40)
	var tried, needed [2]atomic.Int32
	t.Run("without", func(t *testing.T) {
		for kind, cuts := range [][]cut{actions, statements} {
			for i, c := range cuts {
				if testing.Short() && i%10 != 0 {
					continue
				}
				t.Run(c.String(), func(t *testing.T) {
					t.Parallel()
					tried[kind].Add(1)
					c.isNeeded(t)
					needed[kind].Add(1)
				})
			}
		}
	})
	t.Logf("%d of %d actions are needed, and %d of %d where several statements allow one or it has several resources",
		needed[0].Load(), tried[0].Load(), needed[1].Load(), tried[1].Load())
}

// isNeeded tells the story without what is cut.
func (c cut) isNeeded(t *testing.T) {
	t.Helper()
	backuptest.Simulate(func() {
		ctx := context.Background()
		s, err := newStage(ctx, backuptest.Options{Seed: 1})
		require.NoError(t, err)
		p := s.paper(c.paper)
		require.NoError(t, p.put(ctx, c.of(p.doc)))
		told := s.tell(ctx)
		require.Error(t, told.err, "the story passes without it")
		c.failsCleanly(t, s, told)
		if c.statement != "RevokeOwn" {
			require.Empty(t, s.shared())
		}
		require.Empty(t, s.Cloud.Misuse())
	})
}

// failsCleanly checks that each error says where, of what and why, and that
// what does not depend on the paper is not touched by it.
func (c cut) failsCleanly(t *testing.T, s *stage, told telling) {
	t.Helper()
	alone := c.protected(s)
	why := false
	for _, piece := range piecesOf(told.err) {
		var e *backup.Error
		require.ErrorAs(t, piece, &e)
		require.NotEmpty(t, e.Account)
		require.NotEmpty(t, e.Region)
		require.Contains(t, e.Error(), fmt.Sprintf("%s/%s: ", e.Account, e.Region))
		if e.Resource == "" {
			require.Regexp(t, "discover: |list ", e.Error(), "only what concerns a whole site names no resource")
		} else {
			require.Contains(t, e.Error(), e.Resource[strings.LastIndex(e.Resource, "/"):])
		}
		if alone != "" {
			require.Equal(t, alone, e.Account)
		}
		why = why || c.explains(e)
	}
	require.True(t, why, "no error says what is lacking: %v", told.err)
	require.Empty(t, s.leaks(s.told(told.err)))
	if alone == "" || told.run == nil {
		return
	}
	for _, j := range told.run.Jobs {
		if j.Resource.Site.Account != alone {
			require.Equal(t, backup.Done, j.Stage, "%s does not depend on it", j.Resource.ARN)
		}
	}
}

// protected returns the account whose resources alone depend on what is cut.
func (c cut) protected(s *stage) accounts.ID {
	for _, id := range []accounts.ID{theShop, theBank} {
		if strings.Contains(c.resource, string(id)) {
			return id
		}
	}
	return s.paper(c.paper).protected
}

// explains says whether an error names what is lacking, as far as AWS tells:
// EC2 names the action, STS none, and of keys only the snapshot speaks later.
func (c cut) explains(err error) bool {
	text := err.Error()
	switch service, _, _ := strings.Cut(c.action, ":"); service {
	case "sts":
		return errors.Is(err, backup.ErrDenied) && strings.Contains(text, "assume arn:aws:iam::") && strings.Contains(text, "its trust policy")
	case "kms":
		return strings.Contains(text, "Given key ID is not accessible") ||
			// The role could not see that AWS manages the key.
			c.action == "kms:DescribeKey" && strings.Contains(text, "Encrypted snapshots with EBS default key cannot be shared")
	case "ec2":
		if c.action == "ec2:DescribeInstanceTypes" { // nothing depends on it but that
			return strings.Contains(text, "its instance store is not named")
		}
		fallthrough
	default:
		return errors.Is(err, backup.ErrDenied) && strings.Contains(text, "not authorized to perform: "+c.action)
	}
}

// A cut takes one action out of one paper: out of one statement or, without
// one, out of all that allow it. With a resource, the action stays and the
// resource goes.
type cut struct{ paper, statement, action, resource string }

func (c cut) String() string {
	name := c.paper
	for _, part := range []string{c.statement, c.action, c.resource} {
		if part != "" {
			name += " - " + part
		}
	}
	return strings.ReplaceAll(name, "/", ":")
}

// of returns the document without what is cut. A statement of which nothing
// is left goes.
func (c cut) of(doc *iampolicy.Document) *iampolicy.Document {
	less := *doc
	less.Statements = nil
	without := func(list iampolicy.Strings, value string) iampolicy.Strings {
		return iampolicy.Of(slices.DeleteFunc(slices.Clone(list.Values), func(v string) bool { return v == value })...)
	}
	for _, st := range doc.Statements {
		if st.Effect == iampolicy.Allow && (c.statement == "" || st.Sid == c.statement) {
			if c.resource != "" {
				st.Resources = without(st.Resources, c.resource)
			} else {
				st.Actions = without(st.Actions, c.action)
			}
			if len(st.Actions.Values) == 0 || c.resource != "" && len(st.Resources.Values) == 0 {
				continue
			}
		}
		less.Statements = append(less.Statements, st)
	}
	return &less
}

// unneeded are the statements that the story does without, and why.
var unneeded = map[string]string{
	"vault key policy - Administer":               "it is for the people who change the policy; the engine has no part in it",
	"111111111111 source key policy - OwnAccount": ownAccount,
	"222222222222 source key policy - OwnAccount": ownAccount,
}

const ownAccount = "it is AWS's own statement, by which the account encrypts its volumes; to snapshot and share them takes no key"

// cutsOf returns all cuts of a paper: each action of the whole, and, where
// several statements allow it, of each of them. What the orchestrator may
// assume is cut role by role.
func cutsOf(p paper) (actions, statements []cut) {
	count := map[string]int{}
	for _, st := range p.doc.Statements {
		if st.Effect != iampolicy.Allow || unneeded[p.name+" - "+st.Sid] != "" {
			continue
		}
		for _, a := range st.Actions.Values {
			if count[a]++; count[a] == 1 {
				actions = append(actions, cut{paper: p.name, action: a})
			}
			statements = append(statements, cut{paper: p.name, statement: st.Sid, action: a})
		}
		for _, r := range st.Resources.Values {
			// The vault's own roles are open to the orchestrator by their trust
			// policies alone, since both are of one account.
			if p.name == "orchestrator" && !strings.Contains(r, string(theVault)) {
				statements = append(statements, cut{paper: p.name, statement: st.Sid, action: st.Actions.Values[0], resource: r})
			}
		}
	}
	// Where one statement allows an action, that cut is made already.
	statements = slices.DeleteFunc(statements, func(c cut) bool { return c.resource == "" && count[c.action] == 1 })
	return actions, statements
}

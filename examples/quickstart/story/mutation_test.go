package story_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A question is what the simulated AWS asked of the policies for one call.
type question struct {
	req     iampolicy.Request
	set     iampolicy.PolicySet
	allowed bool
	near    bool // made up from one that was asked
	alone   bool // but for one document, none limits anything
	in      []place
}

// A recording holds every different question once, by the documents that have
// a say in it.
type recording struct {
	seen      map[string]bool
	questions map[string][]*question // by the name of a document
	documents map[string]*iampolicy.Document
	engine    bool // what is asked now is asked for the engine, and not by an intruder
}

func (r *recording) heard(req iampolicy.Request, set iampolicy.PolicySet, d iampolicy.Decision) {
	q := &question{req: req, set: set, allowed: d.Outcome == iampolicy.Allowed}
	if key := q.key(); !r.seen[key] {
		r.seen[key] = true
		for _, p := range q.places() {
			r.questions[p.name] = append(r.questions[p.name], q)
			if r.engine && r.documents[p.name] == nil {
				r.documents[p.name] = p.doc
			}
		}
	}
}

var (
	ids     = regexp.MustCompile(`\b(snap|vol|i|ami)-[0-9a-f]+`)
	passing = []string{"aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime", "aws:userid", "aws:RequestTag/snapkeep:run"}
)

// key tells whether two questions are alike, whatever they are about.
func (q *question) key() string {
	var b strings.Builder
	fmt.Fprintln(&b, q.req.Principal.RoleARN, q.req.Action, q.req.Resource, q.allowed, q.alone, q.set.Session != nil)
	for _, key := range slices.Sorted(maps.Keys(q.req.Context)) {
		if !slices.Contains(passing, key) {
			fmt.Fprintln(&b, key, q.req.Context[key])
		}
	}
	return ids.ReplaceAllString(b.String(), "$1")
}

// A place is where a document has its say in a question.
type place struct {
	name string
	doc  *iampolicy.Document
	put  func(*iampolicy.PolicySet, *iampolicy.Document)
}

var (
	ourRoles = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):role/(?:.*/)?(snapkeep-[a-z-]+)$`)
	keys     = regexp.MustCompile(`^arn:aws:kms:[a-z0-9-]+:([0-9]{12}):key/`)
)

// places returns the documents of ours in a question.
func (q *question) places() []place {
	if q.in == nil {
		q.in = q.find()
	}
	return q.in
}

func (q *question) find() (all []place) {
	who := ""
	if m := ourRoles.FindStringSubmatch(q.req.Principal.RoleARN); m != nil {
		who = m[1] + " " + m[2]
	} else if strings.HasSuffix(q.req.Principal.ARN, "/orchestrator") {
		who = "orchestrator"
	}
	if who != "" {
		for _, d := range q.set.Identity { // our roles have one each
			all = append(all, place{who, d, func(s *iampolicy.PolicySet, d *iampolicy.Document) { s.Identity = []*iampolicy.Document{d} }})
		}
		if q.set.Session != nil {
			kind := "plan's"
			switch first := q.set.Session.Statements[0].Sid; {
			case strings.HasSuffix(first, "OfRun"):
				kind = "run's"
			case strings.HasSuffix(first, "Old"):
				kind = "prune's"
			case strings.HasPrefix(who, "snapkeep-backup") && len(q.set.Session.Statements) > 8:
				kind = "copying plan's"
			}
			all = append(all, place{who + ", a " + kind + " session", q.set.Session, func(s *iampolicy.PolicySet, d *iampolicy.Document) { s.Session = d }})
		}
	}
	inResource := func(s *iampolicy.PolicySet, d *iampolicy.Document) { s.Resource = d }
	if m := ourRoles.FindStringSubmatch(q.req.Resource); m != nil && q.set.Resource != nil {
		all = append(all, place{m[1] + " " + m[2] + " trust", q.set.Resource, inResource})
	} else if m := keys.FindStringSubmatch(q.req.Resource); m != nil && q.set.Resource != nil && !managed(q.set.Resource) {
		all = append(all, place{m[1] + " key policy", q.set.Resource, inResource})
	}
	return all
}

// managed says whether a key's policy is that of `aws/ebs`, which AWS wrote.
func managed(d *iampolicy.Document) bool {
	return slices.ContainsFunc(d.Statements, func(s iampolicy.Statement) bool { return strings.Contains(s.Sid, "through EBS") })
}

// A mutation takes one action, resource or condition out of a statement.
type mutation struct{ document, sid, what, item string }

func (m mutation) String() string {
	return strings.Join([]string{m.document, m.sid, m.what, m.item}, " - ")
}

// of returns the document without what is taken out, or nil if it is not there.
// A statement that is left without action or resource goes.
func (m mutation) of(doc *iampolicy.Document) *iampolicy.Document {
	i := 0
	for i < len(doc.Statements) && sid(doc, i) != m.sid {
		i++
	}
	if i == len(doc.Statements) {
		return nil
	}
	s, found := doc.Statements[i], false
	without := func(list iampolicy.Strings) iampolicy.Strings {
		left := slices.DeleteFunc(slices.Clone(list.Values), func(v string) bool { return v == m.item })
		found = len(left) < len(list.Values)
		return iampolicy.Of(left...)
	}
	gone := false
	switch m.what {
	case "action":
		s.Actions = without(s.Actions)
		gone = len(s.Actions.Values) == 0
	case "resource":
		s.Resources = without(s.Resources)
		gone = len(s.Resources.Values) == 0
	case "condition":
		s.Conditions = slices.DeleteFunc(slices.Clone(s.Conditions), func(c iampolicy.Condition) bool { return c.Operator+" "+c.Key == m.item })
		found = len(s.Conditions) < len(doc.Statements[i].Conditions)
	}
	if !found {
		return nil
	}
	less := *doc
	less.Statements = slices.Clone(doc.Statements)
	less.Statements[i] = s
	if gone {
		less.Statements = slices.Delete(less.Statements, i, i+1)
	}
	return &less
}

// sid names a statement, by its place if it has no Sid.
func sid(doc *iampolicy.Document, i int) string {
	return cmp.Or(doc.Statements[i].Sid, fmt.Sprint("statement ", i))
}

func mutationsOf(name string, doc *iampolicy.Document) (all []mutation) {
	for i, s := range doc.Statements {
		s.Sid = sid(doc, i)
		for _, a := range s.Actions.Values {
			all = append(all, mutation{name, s.Sid, "action", a})
		}
		for _, r := range s.Resources.Values {
			all = append(all, mutation{name, s.Sid, "resource", r})
		}
		for _, c := range s.Conditions {
			all = append(all, mutation{name, s.Sid, "condition", c.Operator + " " + c.Key})
		}
	}
	return all
}

// told returns a question that is answered otherwise with the mutated document.
func (r *recording) told(m mutation) *question {
	for _, q := range r.questions[m.document] {
		for _, p := range q.places() {
			if p.name != m.document {
				continue
			}
			less := m.of(p.doc)
			if less == nil {
				continue
			}
			set := q.set
			p.put(&set, less)
			if q.allowed != (iampolicy.Evaluate(q.req, set).Outcome == iampolicy.Allowed) {
				return q
			}
		}
	}
	return nil
}

// imagine adds, for every question that was allowed, those that differ from it
// in one condition key of the statement and are denied: the calls next to it.
// They are put to all documents as they are, and to each alone, with all others
// open: what one of them lets slip the others may hold up, and whoever weakens
// one must not get through.
func (r *recording) imagine(m mutation) {
	for _, q := range slices.Clone(r.questions[m.document]) {
		if !q.allowed || q.near {
			continue
		}
		for _, p := range q.places() {
			if p.name != m.document {
				continue
			}
			alone := *q
			alone.set, alone.alone, alone.in = only(p), true, nil
			for i, s := range p.doc.Statements {
				if sid(p.doc, i) != m.sid {
					continue
				}
				r.administered(q, p.doc, i)
				for _, c := range s.Conditions {
					r.alter(q, c)
					r.alter(&alone, c)
				}
			}
		}
	}
}

// only returns a set in which nothing but one document limits anything.
func only(p place) iampolicy.PolicySet {
	open := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{anything}}
	set := iampolicy.PolicySet{Identity: []*iampolicy.Document{open}, Resource: withAnything(nil)}
	p.put(&set, p.doc)
	return set
}

// withAnything returns a resource's policy to which somebody has added a
// statement that lets in whoever his account lets.
func withAnything(d *iampolicy.Document) *iampolicy.Document {
	open := anything
	open.Principal = &iampolicy.Principals{By: map[string]iampolicy.Strings{}}
	var all []string
	for _, id := range []accounts.ID{theVault, theShop, theBank, theClean} {
		all = append(all, string(id))
	}
	open.Principal.By["AWS"] = iampolicy.Of(all...)
	out := &iampolicy.Document{Version: iampolicy.Version}
	if d != nil {
		out.Statements = slices.Clone(d.Statements)
	}
	out.Statements = append(out.Statements, open)
	return out
}

// administered adds what the people do and try whom a key's policy names.
func (r *recording) administered(q *question, doc *iampolicy.Document, i int) {
	s := doc.Statements[i]
	if s.Principal == nil || !strings.HasPrefix(q.req.Action, "kms:") || s.Sid != "Administer" && s.Effect != iampolicy.Deny {
		return
	}
	admin := "arn:aws:iam::" + string(theVault) + ":role/key-admin"
	if named := s.Principal.By["AWS"].Values; len(named) > 0 && s.Effect == iampolicy.Allow {
		admin = named[0]
	}
	for _, action := range s.Actions.Values {
		did := question{req: iampolicy.Request{
			Principal: iampolicy.Principal{ARN: admin}, Action: action, Resource: q.req.Resource,
			Context: map[string][]string{"kms:CallerAccount": {string(theVault)}},
		}, set: iampolicy.PolicySet{Resource: doc}, near: true}
		if s.Effect == iampolicy.Deny {
			did.set = iampolicy.PolicySet{Identity: []*iampolicy.Document{{Version: iampolicy.Version, Statements: []iampolicy.Statement{anything}}}, Resource: withAnything(doc)}
		}
		did.allowed = iampolicy.Evaluate(did.req, did.set).Outcome == iampolicy.Allowed
		r.add(&did)
	}
}

var anything = iampolicy.Statement{Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*")}

func (r *recording) alter(q *question, c iampolicy.Condition) {
	values := [][]string{nil, {"other"}, {"false"}, {"true"}, {"2099-01-01T00:00:00Z"}, {"123456789012"}, {"ap-south-1"}, c.Values.Values}
	if had := q.req.Context[c.Key]; len(had) > 0 {
		values = append(values, append(slices.Clone(had), "other"))
	}
	for _, v := range values {
		near := *q
		near.near, near.allowed = true, false
		near.req.Context = maps.Clone(q.req.Context)
		if near.req.Context[c.Key] = v; v == nil {
			delete(near.req.Context, c.Key)
		}
		if iampolicy.Evaluate(near.req, near.set).Outcome != iampolicy.Allowed {
			r.add(&near)
		}
	}
}

func (r *recording) add(q *question) {
	key := q.key()
	for _, p := range q.places() {
		if at := fmt.Sprintf("%s %x %s", p.name, p.doc.Digest(), key); !r.seen[at] {
			r.seen[at] = true
			r.questions[p.name] = append(r.questions[p.name], q)
		}
	}
}

// A survivor is a kind of mutation that makes no difference to any question.
type survivor struct {
	mutation *regexp.Regexp
	why      string
}

var survivors = []survivor{
	{
		regexp.MustCompile(`^orchestrator - .* - resource - arn:aws:iam::999999999999:`),
		"within one account a trust policy that names the caller is enough",
	},
	{
		regexp.MustCompile(`^999999999999 snapkeep-vault-writer - .* - resource - arn:aws:kms:eu-west-1:999999999999:`),
		"within one account a key policy that names the caller is enough",
	},
	{
		regexp.MustCompile(`, a (copying )?plan's session - Read - `),
		"the engine lists in the role's own session; who narrows all sessions reads by it, as TestAPlanRunsInItsOwnSessions does",
	},
	{
		regexp.MustCompile(` snapkeep-(vault-)?pruner, a (prune|run)'s session - DropImages(OfRun)? - `),
		"the story makes no images; the table of requests of package iampolicy has them in these sessions",
	},
	{
		regexp.MustCompile(`^555555555555 snapkeep-restore - PlaceInstances - resource - .*:key-pair/`),
		"the story gives its instance no key pair; the table of requests of package iampolicy does",
	},
}

// Every action, resource and condition of every document that the engine works
// under makes a difference to a call: without it one that the engine made fails,
// or one that an intruder tried, or that is next to one of the engine's, succeeds.
func TestEveryMutationIsTold(t *testing.T) {
	if testing.Short() {
		t.Skip("all calls of the engine and of the intruder are put to hundreds of mutants")
	}
	r := &recording{seen: map[string]bool{}, questions: map[string][]*question{}, documents: map[string]*iampolicy.Document{}}
	for _, narrow := range []bool{false, true} {
		backuptest.Simulate(func() {
			ctx := context.Background()
			s, err := newStage(ctx, backuptest.Options{Seed: 1, OnDecision: r.heard})
			require.NoError(t, err)
			s.opts.NarrowPlans = narrow
			require.NoError(t, s.restart())
			r.engine = true
			told := s.tell(ctx)
			require.NoError(t, told.err, told.step)
			r.engine = false
		})
	}
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{Seed: 1, OnDecision: r.heard})
		_, err := story.Run(context.Background(), story.Options{Seed: 1, Days: 2, Cloud: cloud})
		require.NoError(t, err)
	})
	var mutations []mutation
	for _, name := range slices.Sorted(maps.Keys(r.documents)) {
		mutations = append(mutations, mutationsOf(name, r.documents[name])...)
	}
	byCall, byAttack, byNear := 0, 0, 0
	var left []mutation
	for _, m := range mutations {
		switch q := r.told(m); {
		case q == nil:
			left = append(left, m)
		case q.allowed:
			byCall++
		default:
			byAttack++
		}
	}
	survived := map[string]int{}
	for _, m := range left {
		r.imagine(m)
		if r.told(m) != nil {
			byNear++
			continue
		}
		at := slices.IndexFunc(survivors, func(s survivor) bool { return s.mutation.MatchString(m.String()) })
		require.GreaterOrEqual(t, at, 0, "nothing tells: %s", m)
		survived[survivors[at].why]++
	}
	for _, s := range survivors {
		require.Positive(t, survived[s.why], "it is told after all: %s", s.mutation)
	}
	require.Greater(t, len(mutations), 400)
	t.Logf("%d mutations of %d documents: %d told by a call of the engine's, %d by an attack, %d by a call next to one; %d named: %v",
		len(mutations), len(r.documents), byCall, byAttack, byNear, len(mutations)-byCall-byAttack-byNear, survived)
}

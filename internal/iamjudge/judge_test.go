package iamjudge_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

var (
	seed  = flag.Uint64("seed", 1, "seed of the random cases")
	cases = flag.Int("cases", 20_000, "how many random cases")
)

// A sample is one question, in the form judge.mjs reads it.
type sample struct {
	ID       string   `json:"id"`
	Request  request  `json:"request"`
	Policies policies `json:"policies"`

	recorded iampolicy.Decision // what was answered when the question was recorded
	// grant that our evaluator gets, with the resource's policy without the
	// statement that the judge gets for it; nil for none.
	grant        *iampolicy.Grant
	withoutGrant *iampolicy.Document
}

type request struct {
	Principal string         `json:"principal"`
	Action    string         `json:"action"`
	Resource  string         `json:"resource"`
	Account   string         `json:"account"`
	Context   map[string]any `json:"context"` // a string, or a list for a key that is one
}

type policies struct {
	Identity []*iampolicy.Document   `json:"identity"`
	Resource *iampolicy.Document     `json:"resource,omitempty"`
	Boundary []*iampolicy.Document   `json:"boundary,omitempty"`
	Session  *iampolicy.Document     `json:"session,omitempty"`
	SCP      [][]*iampolicy.Document `json:"scp,omitempty"`
	RCP      [][]*iampolicy.Document `json:"rcp,omitempty"`
}

// ours answers a sample with our evaluator.
func (s *sample) ours() iampolicy.Decision {
	context := map[string][]string{}
	for key, value := range s.Request.Context {
		switch v := value.(type) {
		case string:
			context[key] = []string{v}
		case []string:
			context[key] = v
		}
	}
	p := &s.Policies
	set := iampolicy.PolicySet{
		Identity: p.Identity, Resource: p.Resource, Boundary: p.Boundary, Session: p.Session, SCP: p.SCP, RCP: p.RCP,
	}
	if s.grant != nil {
		set.Resource, set.Grants = s.withoutGrant, []iampolicy.Grant{*s.grant}
	}
	return iampolicy.Evaluate(iampolicy.Request{
		Principal:       iampolicy.Principal{ARN: s.Request.Principal},
		Action:          s.Request.Action,
		Resource:        s.Request.Resource,
		ResourceAccount: s.Request.Account,
		Context:         context,
	}, set)
}

func (s *sample) String() string {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// needsJudge skips a test where there is no judge, and returns where it is.
func needsJudge(t *testing.T) (modules string) {
	t.Helper()
	modules = os.Getenv("SNAPKEEP_IAM_SIMULATE")
	if modules == "" {
		t.Skip("SNAPKEEP_IAM_SIMULATE does not name a node_modules folder with @cloud-copilot/iam-simulate")
	}
	modules, err := filepath.Abs(modules)
	require.NoError(t, err)
	return modules
}

// judge asks iam-simulate. An answer that starts with "error: " says that it
// does not take the policies for valid.
func judge(t *testing.T, samples []*sample) (answers []string) {
	t.Helper()
	modules := needsJudge(t)
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for i, s := range samples {
		s.ID = fmt.Sprint(i)
		require.NoError(t, enc.Encode(s))
	}
	cmd := exec.CommandContext(t.Context(), "node", "judge.mjs", modules)
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	for line := range strings.Lines(string(out)) {
		var answer struct{ ID, Decision, Error string }
		require.NoError(t, json.Unmarshal([]byte(line), &answer))
		require.Equal(t, fmt.Sprint(len(answers)), answer.ID)
		if answer.Error != "" {
			answer.Decision = "error: " + answer.Error
		}
		answers = append(answers, answer.Decision)
	}
	require.Len(t, answers, len(samples))
	return answers
}

// TestJudgeAgrees compares random requests with random policies of all kinds.
// Only what the judge is known to see otherwise may differ.
func TestJudgeAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(*seed, 0))
	samples := make([]*sample, *cases)
	for i := range samples {
		samples[i] = draw(r)
	}
	outcomes, differ, refused, plain := map[string]int{}, map[string]int{}, 0, 0
	for i, theirs := range judge(t, samples) {
		if strings.HasPrefix(theirs, "error: ") {
			refused++
			require.Less(t, refused, 20+len(samples)/50, "the judge refuses too many cases, this one with %s:\n%s", theirs, samples[i])
			continue
		}
		ours, names := samples[i].ours(), deviations(samples[i])
		if len(names) == 0 {
			plain++
		}
		outcomes[theirs]++
		if ours.Outcome.String() == theirs {
			continue
		}
		require.NotEmpty(t, names, "seed %d: we say %v, the judge says %s of\n%s", *seed, ours, theirs, samples[i])
		differ[strings.Join(names, ", ")]++
	}
	t.Logf("%d cases: %v; %d refused; %d outside all known deviations; differences: %v", len(samples), outcomes, refused, plain, differ)
	require.Greater(t, plain, len(samples)*3/4, "the known deviations hide too much")
	for _, outcome := range []string{"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"} {
		require.Greater(t, outcomes[outcome], len(samples)/20, "the cases are lopsided: %v", outcomes)
	}
}

// TestJudgeDeviations shows each known deviation, so that one which is gone
// does not stay on the list.
func TestJudgeDeviations(t *testing.T) {
	var samples []*sample
	for _, d := range known {
		samples = append(samples, d.example())
	}
	for i, theirs := range judge(t, samples) {
		t.Run(known[i].name, func(t *testing.T) {
			require.Contains(t, deviations(samples[i]), known[i].name)
			require.Equal(t, known[i].ours, samples[i].ours().Outcome.String(), "what AWS documents")
			require.Equal(t, known[i].theirs, theirs, "what the judge says")
		})
	}
}

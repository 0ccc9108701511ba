package conformance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The accounts that a Target has. Vault's administrator may assume the role
// Bootstrap in the other two, which may do everything there.
const (
	Vault = "123456789012"
	Owner = "111111111111"
	Other = "222222222222"
)

// The Regions that the cases use.
const (
	virginia = "us-east-1"
	ireland  = "eu-west-1"
)

// A Target is what the cases are put to.
type Target struct {
	// Config is that of Vault's administrator. Its Region is replaced.
	Config aws.Config
	// Poll is how long to wait between two looks at what takes time, and
	// Patience how long in all. Zero means 1 s and 100 h: archives take up to 72.
	Poll, Patience time.Duration
}

// A Case is one thing that AWS is documented to do.
type Case struct {
	Area   string // "sts", "ec2", "snapshots" …
	Name   string // what is tried; unique in its area
	AWS    string // what AWS does
	Source string // who says so
	run    func(*scene)
}

// String returns the area and the name.
func (c Case) String() string { return c.Area + ": " + c.Name }

// A Verdict says whether a target does as AWS.
type Verdict string

// The verdicts.
const (
	// Match: it does.
	Match Verdict = "match"
	// Deviates: it answers something else.
	Deviates Verdict = "deviates"
	// Absent: it cannot do what the case needs.
	Absent Verdict = "absent"
)

// A Result is how a case ended.
type Result struct {
	Verdict Verdict
	What    string // how it deviates, without ids or times; empty for a match
}

// String returns both on one line.
func (r Result) String() string {
	if r.What == "" {
		return string(r.Verdict)
	}
	return string(r.Verdict) + ": " + r.What
}

// Cases returns the whole table in a fixed order.
func Cases() []Case {
	return slices.Concat(
		stsCases, ec2Cases, snapshotCases, listingCases, shareCases, copyCases, copyKeyCases, deleteCases, tierCases,
		imageCases, volumeCases, ebsWriteCases, ebsReadCases, kmsCases, organizationsCases, ssmCases, iamCases,
	)
}

// Run puts the case to a target.
func (c Case) Run(ctx context.Context, t Target) (result Result) {
	if t.Poll == 0 {
		t.Poll = time.Second
	}
	if t.Patience == 0 {
		t.Patience = 100 * time.Hour
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case verdict:
			result = Result(p)
		default:
			panic(fmt.Sprintf("conformance: %s: %v", c, p))
		}
	}()
	c.run(&scene{ctx: ctx, target: t, actors: map[string]aws.Config{}})
	return Result{Verdict: Match}
}

// A verdict ends a case before its last line. It is the value of a panic that
// Run recovers, as testing.T ends a test.
type verdict Result

package conformance_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// gaps are where moto is known to do otherwise than AWS, and why a sequence
// steers clear of it. Whoever takes a line out sees what it is good for.
var gaps = map[string]string{
	"volume of a copy":     "moto keeps the source's volume id on a copy; AWS answers vol-ffffffff",
	"snapshot in use":      "moto lets a snapshot be deleted that a registered image holds",
	"snapshot of an image": "moto puts a snapshot of its own behind a registered image",
	"untag what is gone":   "moto takes tags off ids that name nothing",
	"architecture":         "moto forgets the architecture that an image is registered with",
	"several tag keys":     "moto lists what has all the keys of a filter tag-key; AWS what has one of them",
	"deregistered image":   "moto lists an image that was deregistered when it is asked for by id, and deregisters it twice",
}

// sequences is how many random ones are put to both, and steps how long each is.
const sequences, steps = 24, 40

// sites are the Regions that sequences act in.
var sites = []string{"us-east-1", "eu-west-1"}

// A thing is a resource that a sequence made, by its ids on both sides.
type thing struct {
	kind  string // "volume", "snapshot", "image"
	site  int
	ids   [2]string
	gone  bool
	held  bool // a snapshot behind an image
	holds int  // what an image holds
	copy  bool
}

// A run is one sequence on both sides.
type run struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	clients [2]map[int]*ec2.Client // ours, moto's, by site
	things  []*thing
	log     []string
}

// TestMotoAndTheSimulatedAWSDoTheSame puts seeded random sequences of calls of
// one account to both and compares every answer and the state in the end:
// without times, and ids by the order in which they were made.
func TestMotoAndTheSimulatedAWSDoTheSame(t *testing.T) {
	endpoint, target := moto(t)
	for seed := range uint64(sequences) {
		reset(t.Context(), t, endpoint)
		r := &run{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0))}
		cloud := instant(seed)
		for side, cfg := range []aws.Config{cloud.Config(cloud.User("123456789012", "admin", awssim.Admin()), ""), target.Config} {
			r.clients[side] = map[int]*ec2.Client{}
			for i, region := range sites {
				r.clients[side][i] = ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.Region, o.Retryer = region, aws.NopRetryer{} })
			}
		}
		for range steps {
			r.step()
		}
		r.compare("the state in the end", func(side int) string { return r.state(side) })
		require.Empty(t, cloud.Misuse())
	}
}

// instant returns a simulated AWS in which everything is done at once.
func instant(seed uint64) *awssim.Cloud {
	cloud := awssim.New(awssim.Options{Seed: seed, Latency: -1, Limits: core.Limits{Off: true}})
	cloud.EC2().SetLimits(ec2sim.Limits{PendingPerVolume: -1, Spacing: -1, PendingPerSite: -1, CopiesPerRegion: -1})
	cloud.EC2().SetDurations(ec2sim.Durations{Snapshot: -1, SnapshotBlock: -1, Copy: -1, CopyBlock: -1, Volume: -1, Image: -1})
	return cloud
}

// step draws one call and makes it on both sides.
func (r *run) step() {
	draw := []struct {
		weight int
		do     func()
	}{
		{3, r.makeVolume}, {6, r.makeSnapshot}, {3, r.makeCopy}, {2, r.makeImage}, {4, r.tag}, {3, r.untag}, {2, r.dropSnapshot}, {1, r.dropVolume}, {1, r.dropImage}, {6, r.list},
	}
	total := 0
	for _, d := range draw {
		total += d.weight
	}
	n := r.rng.IntN(total)
	for _, d := range draw {
		if n -= d.weight; n < 0 {
			d.do()
			return
		}
	}
}

// pick draws a thing of a kind, seldom one that is gone, or returns nil.
func (r *run) pick(kind string) *thing {
	var live, gone []*thing
	for _, th := range r.things {
		switch {
		case th.kind != kind:
		case th.gone:
			gone = append(gone, th)
		default:
			live = append(live, th)
		}
	}
	if len(gone) > 0 && r.rng.IntN(8) == 0 {
		return gone[r.rng.IntN(len(gone))]
	}
	if len(live) == 0 {
		return nil
	}
	return live[r.rng.IntN(len(live))]
}

// call makes a call on both sides, logs it, and compares how it went. It
// reports whether it went well.
func (r *run) call(what string, do func(side int) error) bool {
	r.log = append(r.log, what)
	errs := [2]error{do(0), do(1)}
	r.compare("the answer", func(side int) string { return errorCode(errs[side]) })
	return errs[0] == nil
}

func errorCode(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return err.Error()
}

// compare fails the test if both sides differ, and prints the sequence.
func (r *run) compare(what string, of func(side int) string) {
	r.t.Helper()
	ours, theirs := of(0), of(1)
	require.Equalf(r.t, theirs, ours, "seed %d: %s\nof the sequence\n  %s\nexpected is moto's, actual is ours", r.seed, what, strings.Join(r.log, "\n  "))
}

// made keeps a new thing.
func (r *run) made(th *thing) { r.things = append(r.things, th) }

// name is what a thing is called on both sides.
func (r *run) name(th *thing) string {
	return fmt.Sprintf("%s %d", th.kind, slices.Index(r.things, th))
}

// named replaces an id of one side by the thing's name.
func (r *run) named(side int, id string) string {
	for _, th := range r.things {
		if th.ids[side] == id {
			return r.name(th)
		}
	}
	return id
}

// someTags draws up to three tags of few keys and values.
func (r *run) someTags() []types.Tag {
	var tags []types.Tag
	for _, k := range []string{"plan", "run", "Owner"} {
		if r.rng.IntN(3) == 0 {
			tags = append(tags, types.Tag{Key: &k, Value: aws.String(fmt.Sprint("v", r.rng.IntN(3)))})
		}
	}
	return tags
}

func spec(kind types.ResourceType, tags []types.Tag) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: kind, Tags: tags}}
}

func show(tags []types.Tag) string {
	var all []string
	for _, t := range tags {
		all = append(all, aws.ToString(t.Key)+"="+aws.ToString(t.Value))
	}
	slices.Sort(all)
	return "[" + strings.Join(all, " ") + "]"
}

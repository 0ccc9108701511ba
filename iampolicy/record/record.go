package record

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// A Recorder remembers calls. The zero Recorder is ready, and it may be used by
// many clients at once.
type Recorder struct {
	mu    sync.Mutex       // guards calls
	calls map[string]*Call // by all but Count
}

// A Call is one operation in one Region with what it named. Calls that differ
// in nothing else are counted.
type Call struct {
	// Service is the prefix of its actions: "ec2".
	Service string `json:"service"`
	// Operation as the API names it: "CopySnapshot".
	Operation string `json:"operation"`
	// Region that was asked. Empty for a service that has none.
	Region string `json:"region,omitempty"`
	// Resources it named, by id or ARN, sorted: snap-…, arn:aws:kms:….
	Resources []string `json:"resources,omitempty"`
	// SourceRegion that something is copied from; empty if nothing is.
	SourceRegion string `json:"sourceRegion,omitempty"`
	// Tagged are the kinds of EC2 resources that the call tags as it makes
	// them: "snapshot".
	Tagged []string `json:"tagged,omitempty"`
	// Features that ask for more than the operation itself, sorted.
	Features []Feature `json:"features,omitempty"`
	// Count says how often the call was made.
	Count int `json:"count"`
}

// A Feature of a call asks for more permissions than its operation.
type Feature string

// The features.
const (
	Encrypts      Feature = "encrypts"       // a copy or volume under a key
	PassesProfile Feature = "passes profile" // an instance profile, and so its role
	TagsSession   Feature = "tags session"   // session tags of an assumed role
	SetsSource    Feature = "sets source"    // source identity of an assumed role
)

// pending is a call that was not sent yet.
type pending struct {
	call Call
	once sync.Once // a call that is sent again counts once
}

type pendingKey struct{}

// AddTo hangs the recorder into a client's stack of middleware. It is made for
// aws.Config.APIOptions.
//
// A call counts once it is sent. One that is only signed is none: the client
// of EC2 signs a CopySnapshot in the source's Region with each that it sends.
func (r *Recorder) AddTo(stack *middleware.Stack) error {
	read := middleware.InitializeMiddlewareFunc("ReadPermissions", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		c := callOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), awsmiddleware.GetRegion(ctx), in.Parameters)
		return next.HandleInitialize(middleware.WithStackValue(ctx, pendingKey{}, &pending{call: c}), in)
	})
	count := middleware.DeserializeMiddlewareFunc("RecordPermissions", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		if p, ok := middleware.GetStackValue(ctx, pendingKey{}).(*pending); ok {
			p.once.Do(func() { r.add(p.call) })
		}
		return next.HandleDeserialize(ctx, in)
	})
	if err := stack.Initialize.Add(read, middleware.After); err != nil {
		return err
	}
	return stack.Deserialize.Add(count, middleware.After)
}

func (r *Recorder) add(c Call) {
	key := strings.Join(slices.Concat(
		[]string{c.Service, c.Operation, c.Region, c.SourceRegion, "resources"}, c.Resources,
		[]string{"tagged"}, c.Tagged, []string{"features"}, texts(c.Features)), "\x00")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[string]*Call{}
	}
	if r.calls[key] == nil {
		r.calls[key] = &c
	}
	r.calls[key].Count++
}

func texts(all []Feature) (out []string) {
	for _, f := range all {
		out = append(out, string(f))
	}
	return out
}

// Calls returns what was recorded, sorted by service, operation, Region and
// resources.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Call
	for _, c := range r.calls {
		one := *c
		one.Resources, one.Tagged, one.Features = slices.Clone(c.Resources), slices.Clone(c.Tagged), slices.Clone(c.Features)
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Call) int {
		return cmp.Or(
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Region, b.Region),
			slices.Compare(a.Resources, b.Resources), cmp.Compare(a.SourceRegion, b.SourceRegion),
			slices.Compare(a.Tagged, b.Tagged), slices.Compare(a.Features, b.Features))
	})
	return all
}

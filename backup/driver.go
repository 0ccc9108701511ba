package backup

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Driver knows how one family of resources is listed and snapshotted.
// Implementations are safe for concurrent use.
type Driver interface {
	// Kinds of resources the driver discovers; no two drivers of an engine share one.
	Kinds() []string
	// Open returns a client for a site that acts with the given config. It
	// does no I/O; the engine keeps one client for each site and purpose.
	Open(cfg aws.Config, site Site) Client
	// API names the call a step becomes, such as "CopySnapshot", for pacing
	// and forecasts.
	API(Step) string
}

// A Client lists and changes one site.
type Client interface {
	// Discover lists the resources that the selector chooses, with all their
	// members, sorted by ARN. Resources that are being deleted are left out. An
	// error beside a resource that has an ARN is about that resource, and the
	// others follow; any other ends the listing.
	Discover(ctx context.Context, sel Selector) iter.Seq2[Resource, error]
	// List returns the site's own snapshots that fit the query. The listing is
	// one paginated, filtered call, never one by ids.
	List(ctx context.Context, q Query) iter.Seq2[Snapshot, error]
	// Do makes the step's one call and returns what it made, as far as the
	// answer tells: of each snapshot its ID, and for StepSnapshot its Volume,
	// SizeGiB and Started. It sends a create at most once: an answer that was lost
	// is an error that wraps ErrUnknownOutcome, and the engine looks the
	// result up by its tags before it asks again. Deleting what is not there,
	// sharing what is shared and revoking what is not are successes.
	// For StepRegister the ID is that of the image; a name that is taken counts
	// as a lost answer, since an earlier call may have taken it.
	// Errors wrap ErrNotFound, ErrDenied, ErrThrottled, ErrQuota or
	// ErrUnsupported where they are one of these.
	Do(ctx context.Context, step Step) ([]Snapshot, error)
}

// A Query narrows a listing.
type Query struct {
	// Tags that a snapshot must carry; "" matches any value.
	Tags map[string]string
	// SharedWith lists only what this account may restore from. Empty lists all.
	SharedWith accounts.ID
	// Started narrows the listing to what was started in one of these spans. A
	// driver that cannot tell may list more, and never less. Nil lists all.
	Started []Span
}

// A Span is the time from one moment until just before another, in UTC.
type Span struct {
	From time.Time // the first moment in it
	To   time.Time // the first one that is not
}

// Holds says whether a moment is in the span.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Sessions gives the engine its credentials: a config for a purpose in an
// account and Region. *accounts.Sessions is one. It is safe for concurrent
// use, and fast after the first call for an account and purpose.
type Sessions interface {
	Config(ctx context.Context, id accounts.ID, p accounts.Purpose, region string) (aws.Config, error)
}

package backup

import (
	"errors"
	"time"

	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/pace"
)

// Options are what an engine can be told. The zero value of every field but
// Vault is fit for use.
type Options struct {
	// Vault is the account that the copies belong to, as a rule, and whose id
	// marks every snapshot of this installation. It is required.
	Vault accounts.ID
	// OnEvent is told what happens. It is called synchronously, one call at a
	// time whatever the number of goroutines that advance jobs, so it must be
	// quick and must not call the engine. Nil means nobody is told.
	OnEvent func(Event)

	// Tracer is given a span for each Run ("snapkeep.run"), each listing
	// ("snapkeep.list", "snapkeep.discover") and each step ("snapkeep.snapshot",
	// "snapkeep.copy", …), which are the parents of the spans of the SDK's own
	// clients, if those are given the provider too: aws.Config has no place for
	// it, so each service has an option of its own, which sets TracerProvider
	// (ebs.Options.EC2 and KMS, runcommand.Options.SSM, accounts.Options's
	// ClientOptions, restore.Options.EC2; preflight.Options takes the provider
	// itself). smithy-go's module tracing/smithyoteltracing adapts
	// OpenTelemetry's. Nil means no spans.
	Tracer tracing.TracerProvider
	// Meter is given two counts: "snapkeep.calls", by call, outcome and site,
	// and "snapkeep.jobs" that came to their ends, by stage, plan and site.
	// smithy-go's module metrics/smithyotelmetrics adapts OpenTelemetry's. Nil
	// means no counts.
	Meter metrics.MeterProvider

	// Concurrency is how many jobs Run advances at once, and how many sites
	// are listed at once. Zero means 16.
	Concurrency int
	// MaxAge is how old a listing may be on which it is decided to make
	// something, and the shortest time between two listings of one site. Zero
	// means 15 s.
	MaxAge time.Duration
	// MaxPoll is the longest time between two listings of a site where somebody
	// waits for what is pending there. In between the engine looks by what is
	// pending: it learns how long snapshots take by their size, and times its
	// looks so that what is lost until an end is noticed, and the looks themselves,
	// cost least. Less than MaxAge means MaxAge. Zero means 5 min.
	MaxPoll time.Duration
	// Grace is how long a snapshot may be missing from listings after it was
	// made, or last seen, before it counts as gone. Zero means 5 min.
	Grace time.Duration
	// Settle is how long after a call whose answer was lost a listing must be
	// begun to prove that the call had no effect. A run that may have been
	// begun by another process waits as long before it makes anything. Zero
	// means 30 s, which is many times what EC2's listings are seen to lag.
	Settle time.Duration
	// Window is how long after a run's moment its originals may be made; what
	// was made later, or before, is not adopted as this run's. Zero means 24 h.
	Window time.Duration
	// Rest is how long nothing must have been made for another process's run,
	// with none of its copies under way, before a later run finishes what it
	// left: until then that process may be at work on it. Runs that this engine
	// began itself need no rest. Zero means 1 h.
	Rest time.Duration
	// Patience is how many attempts in a row may come to nothing before one
	// part of a job is given up. The time between attempts doubles from 5 s to
	// 5 min; being throttled and reaching a quota do not count, but nothing is
	// tried for longer than Window. Zero means 10: about half an hour.
	Patience int

	// Slots is how many copies may be under way into one site at a time. Zero
	// means 20 (EBS User Guide, "Copy an Amazon EBS snapshot": concurrent
	// copies to a destination Region).
	Slots int
	// CopyThroughput is how much time-based copies may need together between
	// two Regions, in MiB/s, reckoned by the volumes' sizes: one more is begun
	// only while less is in use. Zero means 2,000 (EBS User Guide, "Time-based
	// copies": cumulative snapshot copy throughput quota).
	CopyThroughput int
	// MaxPending is how many originals may be pending in one site. Zero means
	// 100: more were refused as PendingSnapshotLimitExceeded where people have
	// met that limit, which AWS does not publish.
	MaxPending int
	// Rates replaces the published request rates of APIs, by name; Service
	// Quotas shows an account's own. Nil means those of the EC2 Developer
	// Guide, "Request throttling for the Amazon EC2 API".
	Rates map[string]Rate

	// Feed tells of snapshots that have ended, so that sites are listed when it
	// is worth while and else every MaxPoll. Nil means that nobody tells.
	Feed Feed
	// Limiter shares request rates and copy slots with other engines. Nil means
	// that this engine has them to itself, see NewLimiter.
	Limiter Limiter

	// MaxPrunes is how many recovery points one Prune may delete, and MaxShare
	// which share of all that its plan knows, from 0 to 1. A plan over a cap is
	// refused as a whole with ErrOverCap. Zero means no cap.
	MaxPrunes int
	MaxShare  float64 // 0.5 is half of the points

	// MaxArchives is how many recovery points one Archive may move. A plan over
	// it is refused as a whole with ErrOverCap. Zero means no cap.
	MaxArchives int

	// Manifests stores, for each recovery point, what a restore needs beyond
	// blocks; the digest is in the tags of its snapshots. Nil means that there
	// are no manifests.
	Manifests Manifests
	// ManifestDetails is what manifests hold beyond what a few calls tell of
	// all resources of a site. The zero value adds nothing.
	ManifestDetails ManifestDetails

	// Journal remembers which runs were begun, so that a later run copies what one
	// left that died before its first copy. Nil means that only the vault's copies
	// prove a run, see ErrUnproven.
	Journal Journal

	// NarrowPlans holds every session in which snapshots are made, shared and
	// copied down to the plan it is for, by a session policy: a fault in one
	// plan, or a forged tag, does not reach what is another's. The price is one
	// more AssumeRole an hour for each plan, site and pair of keys, so that false
	// is the default. Sessions must have a Narrow, as *accounts.Sessions has, and
	// every account a role. Listings, and calls beside snapshots, stay in the
	// role's own session.
	NarrowPlans bool

	// Estimate is what Forecast reckons with, and what puts first copies in order.
	Estimate Estimate
	// Prices are what Forecast's costs follow from. The zero Prices are
	// ListPrices.
	Prices Prices
}

// A Rate is a token bucket: Burst calls at once, then PerSecond. Zero PerSecond
// means that there is no limit.
type Rate struct {
	Burst, PerSecond float64 // calls, and calls in a second; a Burst below 1 counts as 1
}

// An Estimate is how long snapshots take. AWS publishes no figures, and
// incremental snapshots take far less than first ones, so the defaults are
// meant to be replaced by what an account has seen.
type Estimate struct {
	// Overhead is what even an empty snapshot or copy takes. Zero means 2 min.
	Overhead time.Duration
	// SnapshotRate and CopyRate are in MiB/s of volume size. Zero means 200
	// and 100.
	SnapshotRate, CopyRate float64
	// Changed is the share of a volume that is copied where an earlier copy of
	// it exists, from 0 to 1: for time and cost of all but first copies, and for
	// time only where AWS does not tell how long the last one took. Zero means
	// 1: the whole volume, as if all had changed.
	Changed float64
}

// resolve checks the options and fills in the defaults.
func (o Options) resolve() (Options, error) {
	var errs []error
	if _, err := accounts.ParseID(string(o.Vault)); err != nil {
		errs = append(errs, errors.New("backup: Options.Vault is not an account id of 12 digits: "+string(o.Vault)))
	}
	errs = append(errs,
		orDefault("Concurrency", &o.Concurrency, 16),
		orDefault("Patience", &o.Patience, 10),
		orDefault("Slots", &o.Slots, 20),
		orDefault("CopyThroughput", &o.CopyThroughput, 2000),
		orDefault("MaxPending", &o.MaxPending, 100),
		orDefault("MaxPrunes", &o.MaxPrunes, 0),
		orDefault("MaxArchives", &o.MaxArchives, 0),
		orDefault("MaxAge", &o.MaxAge, 15*time.Second),
		orDefault("MaxPoll", &o.MaxPoll, 5*time.Minute),
		orDefault("Grace", &o.Grace, 5*time.Minute),
		orDefault("Settle", &o.Settle, 30*time.Second),
		orDefault("Rest", &o.Rest, time.Hour),
		orDefault("Window", &o.Window, 24*time.Hour),
		orDefault("Estimate.Overhead", &o.Estimate.Overhead, 2*time.Minute),
		orDefault("MaxShare", &o.MaxShare, 0),
		orDefault("Estimate.Changed", &o.Estimate.Changed, 1),
		orDefault("Estimate.SnapshotRate", &o.Estimate.SnapshotRate, 200),
		orDefault("Estimate.CopyRate", &o.Estimate.CopyRate, 100),
	)
	if o.MaxShare > 1 {
		errs = append(errs, errors.New("backup: Options.MaxShare is more than 1"))
	}
	if o.Estimate.Changed > 1 {
		errs = append(errs, errors.New("backup: Options.Estimate.Changed is more than 1"))
	}
	if o.Prices.isZero() {
		o.Prices = ListPrices()
	}
	errs = append(errs, o.Prices.check())
	return o, errors.Join(errs...)
}

// orDefault refuses a negative option and replaces a zero one.
func orDefault[T int | float64 | time.Duration](name string, v *T, zero T) error {
	if *v < 0 {
		return errors.New("backup: Options." + name + " is negative")
	}
	if *v == 0 {
		*v = zero
	}
	return nil
}

// limits returns the limits of APIs: what Rates says, else what is published;
// and the spacing of snapshots of a volume, under keys of volumeAPI.
func (o Options) limits() func(string) pace.Limit {
	rates := make(map[string]pace.Limit, len(o.Rates))
	for api, r := range o.Rates {
		if r.PerSecond > 0 {
			rates[api] = pace.Limit{Burst: max(r.Burst, 1), Refill: r.PerSecond}
		} else {
			rates[api] = pace.Limit{}
		}
	}
	return func(api string) pace.Limit {
		if l, ok := rates[api]; ok {
			return l
		}
		if isVolumeAPI(api) {
			return pace.Limit{Burst: 1, Refill: 1 / volumeSpacing.Seconds()}
		}
		return pace.Published(api)
	}
}

// kept returns the pacer's limit of an API, which is a little below what limits
// says.
func (o Options) kept(api string) pace.Limit { return o.limits()(api).Kept() }

package backup_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A path is a way in which things go if nothing goes wrong.
type path struct {
	name  string
	build func(*testing.T) *lab
	deeds func() []deed
}

// A deed is something that a host program does, and does again if it was cut.
type deed struct {
	name string
	// ready is what happens once before.
	ready func(*lab)
	do    func(context.Context, *lab) error
	// then notes what should be there now.
	then func(*lab)
	// at is the moment of a run; nil if it is none.
	at func() time.Time
	// tells says that an answer which was lost may end it in an error.
	tells bool
}

// aNight is a run of the plan, a day after what came before.
func aNight(name string) deed {
	var at time.Time
	return deed{
		name: name,
		ready: func(*lab) {
			time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(26 * time.Hour)))
			at = time.Now()
		},
		do: func(ctx context.Context, l *lab) error {
			_, err := l.engine.Run(ctx, l.plan, at)
			return err
		},
		then: func(l *lab) {
			l.want.originals = append(l.want.originals, at)
			for _, c := range l.plan.Copies {
				l.want.copies[c.Site()] = append(l.want.copies[c.Site()], at)
			}
		},
		at: func() time.Time { return at },
	}
}

// aPruning leaves of the originals, and of the copies at home, the last ones.
func aPruning() deed {
	last := func(list []time.Time) []time.Time { return list[len(list)-1:] }
	return deed{
		name:  "prune",
		ready: func(*lab) { time.Sleep(11 * 24 * time.Hour) }, // until the locks have ended
		do: func(ctx context.Context, l *lab) error {
			time.Sleep(l.lag)
			plan, err := l.engine.PlanPrune(ctx, l.plan, time.Now())
			if err != nil {
				return err
			}
			if len(plan.Notes) > 0 {
				return errors.New(plan.String())
			}
			report, err := l.engine.Prune(ctx, plan)
			if err == nil && report.Count(backup.Pruned)+report.Count(backup.AlreadyGone) < plan.Prunes() {
				err = errors.New(report.String())
			}
			return err
		},
		then: func(l *lab) {
			l.want.originals, l.want.copies[home] = last(l.want.originals), last(l.want.copies[home])
		},
	}
}

// anArchiving moves all but the last copies in the other Region to the archive.
func anArchiving() deed {
	return deed{
		name:  "archive",
		ready: func(*lab) { time.Sleep(60 * 24 * time.Hour) },
		do: func(ctx context.Context, l *lab) error {
			time.Sleep(l.lag)
			plan, err := l.engine.PlanArchive(ctx, l.plan, time.Now())
			if err != nil {
				return err
			}
			if len(plan.Notes) > 0 {
				return errors.New(plan.String())
			}
			report, err := l.engine.Archive(ctx, plan)
			if err == nil && report.Count(backup.Archived) < plan.Moves() {
				err = errors.New(report.String())
			}
			return err
		},
		then:  func(l *lab) { l.want.cold = l.want.copies[second][:1] },
		tells: true,
	}
}

// aThawing brings back what was archived.
func aThawing() deed {
	return deed{
		name:  "thaw",
		ready: func(*lab) { time.Sleep(24 * time.Hour) },
		do: func(ctx context.Context, l *lab) error {
			points, err := l.catalog(ctx)
			if err != nil {
				return err
			}
			for _, pt := range points {
				if pt.Site != second || !pt.Run.Equal(l.want.cold[0].UTC()) {
					continue
				}
				for done := false; !done; {
					out, err := l.engine.Thaw(ctx, pt, 30)
					if err == nil {
						err = ctx.Err()
					}
					if err != nil {
						return err
					}
					if done = out.Done; !done {
						time.Sleep(time.Until(out.NotBefore))
					}
				}
			}
			return nil
		},
		then: func(l *lab) { l.want.thawed = true },
	}
}

// rests are the ways in which an instance is brought to rest.
var rests = map[string]*backup.Quiesce{
	"at rest by scripts": {Before: &backup.Script{Document: "freeze"}, After: &backup.Script{Document: "thaw"}, Fallback: true},
	"by VSS":             {VSS: &backup.VSS{}, Fallback: true},
}

// paths are all ways to back up an instance of two volumes to two Regions, and
// all that can be done with what comes of it.
func paths() (all []path) {
	night := func() []deed { return []deed{aNight("a night")} }
	for _, rest := range []string{"", "at rest by scripts", "by VSS"} {
		for _, lock := range []string{"", "locked"} {
			for _, image := range []string{"", "with images"} {
				for _, rekey := range []string{"", "rekeyed"} {
					name := fmt.Sprintf("crash-consistent %s %s %s", lock, image, rekey)
					if rest != "" {
						name = fmt.Sprintf("%s %s %s %s", rest, lock, image, rekey)
					}
					all = append(all, path{name, func(t *testing.T) *lab {
						l := newLab(t, rekey != "")
						l.plan.Sources[0].Quiesce = rests[rest]
						if lock != "" {
							l.lock()
						}
						for i := range l.plan.Copies {
							l.plan.Copies[i].Image = image != ""
						}
						return l
					}, night})
				}
			}
		}
	}
	own := path{"into another Region of the same account", func(t *testing.T) *lab {
		l := newLab(t, true)
		l.plan.Copies = []backup.Copy{copyTo(backup.Site{Account: beta, Region: other})}
		l.lock()
		return l
	}, night}
	everything := path{"all of it", allOfIt, func() []deed {
		return []deed{aNight("day 1"), aNight("day 2"), aPruning(), anArchiving(), aThawing()}
	}}
	return append(all, own, everything)
}

// newLab builds a world with one instance of two volumes, one of which may have
// to be rekeyed, and a plan that copies it to two Regions of the vault.
func newLab(t *testing.T, rekey bool) *lab {
	t.Helper()
	l := &lab{cloud: newCloud(t), safe: map[string]bool{}, want: wanted{copies: map[backup.Site][]time.Time{}}}
	l.agent.lag = 2 * time.Second
	data := plain("vol-b2", 4)
	if rekey {
		data = managed(siteB, "vol-b2", 4)
	}
	l.resources[siteB] = []backup.Resource{instance(siteB, db, root("vol-b1", 8), data)}
	l.plan = backup.Plan{
		Name: "matrix", Retention: retention.Policy{Last: 7}, Copies: []backup.Copy{copyTo(home), copyTo(second)},
		Sources: []backup.Source{{
			Account: beta, Regions: []string{region}, Select: backup.Selector{All: true}, RekeyKeys: map[string]string{region: keyAt(siteB)},
		}},
	}
	l.begin()
	return l
}

// lock has the plan lock originals in the one mode, and copies in either.
func (l *lab) lock() {
	l.plan.Lock = governance(2)
	for i := range l.plan.Copies {
		l.plan.Copies[i].Lock = compliance(10, 0)
		if i > 0 {
			l.plan.Copies[i].Lock = governance(10)
		}
	}
}

// allOfIt is a lab in which a plan wants everything at once: what is at home
// gets images and is pruned, what is in the other Region goes to the archive.
func allOfIt(t *testing.T) *lab {
	l := newLab(t, true)
	l.resources[siteA] = []backup.Resource{volume(siteA, plain("vol-a9", 20))}
	l.plan.Sources[0].Quiesce = rests["at rest by scripts"]
	l.plan.Sources = append(l.plan.Sources, backup.Source{Account: alpha, Regions: []string{region}, Select: backup.Selector{All: true}})
	l.lock()
	l.plan.Retention, l.plan.Copies[0].Retention = retention.Policy{Last: 1}, retention.Policy{Last: 1}
	l.plan.Copies[0].Image = true
	l.plan.Copies[1].Retention = retention.Policy{Last: retention.All}
	l.plan.Copies[1].Archive = &backup.Archive{AfterDays: 30, DailyChange: 1}
	return l
}

// begin begins with a new engine, as a host program does that was killed.
func (l *lab) begin() {
	e, err := backup.New(l.cloud, []backup.Driver{l.cloud}, backup.Options{Vault: vault, Concurrency: 1})
	require.NoError(l.t, err)
	l.engine = e
}

// catalog returns all points of the plan.
func (l *lab) catalog(ctx context.Context) (list []backup.Point, err error) {
	time.Sleep(l.lag)
	f := l.plan.Filter(vault)
	f.Images = true
	for pt, err := range l.engine.Points(ctx, f) {
		if err != nil {
			return nil, err
		}
		list = append(list, pt)
	}
	return list, ctx.Err()
}

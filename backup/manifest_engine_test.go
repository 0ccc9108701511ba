package backup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// Every point, originals and copies, has a manifest, which the tags name; a
// site's resources are described together.
func TestEveryPointHasAManifest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(copyTo(home), copyTo(second)), time.Now()
		report, err := d.engine(t, backup.Options{}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, 3, report.Points)
		require.Equal(t, 3, report.Manifests)
		intact(t, d.cloud, p, at)
		all := d.manifests(t, p)
		require.Len(t, all, 3*3, "at three sites each")
		require.Equal(t, "ops", all[home.String()+" i-a1"].Instance.KeyName)
		require.Equal(t, all[siteA.String()+" i-a1"], all[second.String()+" i-a1"])
		require.Len(t, d.asked, 2, "one call a site")
		require.Equal(t, 3, d.puts)
		require.Zero(t, d.gets-9, "a job that stored its manifest reads none")
		require.Zero(t, d.detail)
	})
}

// Without a store nothing is described, and no tag is set.
func TestNoStoreNoManifest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p := describingCloud(t), nightly()
		e, err := backup.New(d, []backup.Driver{d}, backup.Options{Vault: vault})
		require.NoError(t, err)
		_, err = e.Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Empty(t, d.asked)
		require.Equal(t, []string{""}, d.digests(home))
		pt := points(t, d.cloud, p)[0]
		_, err = e.Manifest(t.Context(), pt)
		require.ErrorContains(t, err, "no store")
		_, err = d.engine(t, backup.Options{}).Manifest(t.Context(), pt)
		require.ErrorIs(t, err, backup.ErrNotFound)
	})
}

// A run is cut at every call that changes something, the store's among them,
// before and after its effect, and taken up by another engine; the resource has
// changed in between. Originals and copies name one manifest in the end, and it
// is there.
func TestCrashAnywhereKeepsOneManifest(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	p.Sources = p.Sources[:1]
	for _, when := range []string{"before", "after"} {
		for cut, more := 0, true; more; cut++ {
			more = t.Run(fmt.Sprintf("call %d %s", cut+1, when), func(t *testing.T) {
				inTime(t, func(t *testing.T) { more = crashOnce(t, p, cut, when) })
			}) && more
		}
	}
}

// crashOnce reports whether the run had so many calls.
func crashOnce(t *testing.T, p backup.Plan, cut int, when string) bool {
	d, at := describingCloud(t), time.Now()
	d.resources[siteB] = nil
	ctx, crash := withStop(t)
	n := 0
	step := func() error {
		if n++; n == cut+1 {
			crash()
		}
		return ctx.Err()
	}
	call := func(k call) error {
		if !k.mutates() {
			return nil
		}
		return step()
	}
	if when == "before" {
		d.cloud.before, d.before = call, step
	} else {
		d.cloud.after, d.after = call, step
	}
	_, err := d.engine(t, backup.Options{Concurrency: 1}).Run(ctx, p, at)
	if err == nil {
		require.Greater(t, n, 15, "the story has become short")
		return false
	}
	require.ErrorIs(t, err, context.Canceled)
	d.cloud.before, d.cloud.after, d.before, d.after = nil, nil, nil, nil
	d.state = "changed"
	time.Sleep(time.Second)
	_, err = d.engine(t, backup.Options{}).Run(t.Context(), p, at)
	require.NoError(t, err)
	intact(t, d.cloud, p, at)
	all := d.manifests(t, p)
	require.Len(t, all, 2*3)
	for _, of := range []string{" i-a1", " vol-a9"} {
		require.Equal(t, all[siteA.String()+of], all[home.String()+of])
		require.Equal(t, all[siteA.String()+of], all[second.String()+of])
	}
	return true
}

// A run that finds everything as it was stores the same manifest again.
func TestTheSameStateIsTheSameManifest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(), time.Now()
		ctx, crash := withStop(t)
		d.after = func() error { crash(); return nil }
		_, err := d.engine(t, backup.Options{Concurrency: 1}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		d.after = nil
		time.Sleep(time.Minute)
		_, err = d.engine(t, backup.Options{}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Len(t, d.stored, 3)
		require.Greater(t, d.puts, 3)
	})
}

// What an intruder writes into the tags of originals: a copy names the manifest
// that the store has for its own point, or none; and nothing else about the
// point changes.
func TestAForgedDigestDoesNotReachTheVault(t *testing.T) {
	for name, forged := range map[string]func(d *describing, s *fakeSnap) string{
		"none":                func(*describing, *fakeSnap) string { return "" },
		"no digest":           func(*describing, *fakeSnap) string { return "../../../etc/passwd" },
		"of nothing":          func(*describing, *fakeSnap) string { return strings.Repeat("a", 64) },
		"of another point":    func(d *describing, s *fakeSnap) string { return other2(d, s).Digest },
		"of another resource": func(d *describing, s *fakeSnap) string { return other2(d, s).Digest },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				d, p, at := describingCloud(t), nightly(), time.Now()
				ctx, crash := withStop(t)
				d.cloud.after = func(k call) error { // the originals are made; nothing is copied yet
					if k.op == string(backup.StepShare) {
						crash()
					}
					return ctx.Err()
				}
				_, err := d.engine(t, backup.Options{}).Run(ctx, p, at)
				require.ErrorIs(t, err, context.Canceled)
				d.cloud.after = nil
				for _, site := range []backup.Site{siteA, siteB} {
					for _, s := range d.at(site) {
						s.Tags["snapkeep:manifest"] = forged(d, s)
					}
				}
				var told []error
				report, err := d.engine(t, backup.Options{OnEvent: func(e backup.Event) {
					if e.Step == backup.StepManifest && e.Err != nil {
						told = append(told, e.Err)
					}
				}}).Run(t.Context(), p, at)
				require.NoError(t, err)
				require.Equal(t, 3, report.Copies)
				intact(t, d.cloud, p, at)
				require.Equal(t, []string{""}, d.digests(home), "the copies are marked with none")
				if name != "none" && name != "no digest" {
					require.Len(t, told, 3)
					require.ErrorIs(t, told[0], backup.ErrNotFound)
					require.Contains(t, report.String(), "no manifest: i-b1 of "+siteB.String())
				}
			})
		})
	}
}

// other2 returns a manifest that is stored for another point.
func other2(d *describing, s *fakeSnap) backup.ManifestRef {
	for _, ref := range slices.SortedFunc(maps.Keys(d.stored), func(a, b backup.ManifestRef) int { return strings.Compare(a.Key(), b.Key()) }) {
		if ref.Point != s.Tags["snapkeep:point"] {
			return ref
		}
	}
	panic("none")
}

// A store, or a description, that fails for a while is tried again; one that
// fails for good costs the point its manifest and nothing else.
func TestAPointIsMadeWithoutAManifest(t *testing.T) {
	down := errors.New("the store is down")
	for name, test := range map[string]struct {
		fails int // of the first calls; -1: all
		err   error
		want  int // manifests
	}{
		"once":     {1, down, 3},
		"for good": {-1, down, 0},
		"denied":   {-1, fmt.Errorf("put: %w", backup.ErrDenied), 0},
	} {
		for _, where := range []string{"put", "describe"} {
			t.Run(name+" "+where, func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					d, p, at, n := describingCloud(t), nightly(), time.Now(), 0
					fail := func() error {
						if n++; test.fails < 0 || n <= test.fails {
							return test.err
						}
						return nil
					}
					if where == "put" {
						d.before = fail
					} else {
						d.refuse = fail
					}
					report, err := d.engine(t, backup.Options{}).Run(t.Context(), p, at)
					require.NoError(t, err)
					require.Equal(t, 3, report.Copies)
					require.Equal(t, test.want, report.Manifests)
					intact(t, d.cloud, p, at)
					require.Less(t, report.Jobs[0].Originals[0].Started.Sub(at), 2*time.Minute, "the snapshot does not wait for long")
					if test.want > 0 {
						d.manifests(t, p)
						require.LessOrEqual(t, len(d.asked), 3, "what failed is asked for together again")
						return
					}
					require.Contains(t, report.String(), "no manifest: i-b1 of "+siteB.String())
					require.Equal(t, []string{""}, d.digests(siteA))
				})
			})
		}
	}
}

// A store that hangs costs a minute each time, and nothing else.
func TestAStoreThatHangsIsNotWaitedForLong(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(), time.Now()
		report, err := d.engine(t, backup.Options{Manifests: hanging{}}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, 3, report.Copies)
		require.Zero(t, report.Manifests)
		require.Less(t, report.Jobs[0].Originals[0].Started.Sub(at), 10*time.Minute)
	})
}

type hanging struct{}

func (hanging) Put(ctx context.Context, _ backup.ManifestRef, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}

func (hanging) Get(ctx context.Context, _ backup.ManifestRef) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// User data is in the manifest if it is asked for, and in nothing else: not in
// events, jobs, reports, errors, tags or anything printed.
func TestUserDataShowsNowhere(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(), time.Now()
		var shown strings.Builder
		opts := backup.Options{
			ManifestDetails: backup.ManifestDetails{UserData: true},
			OnEvent:         func(e backup.Event) { fmt.Fprintf(&shown, "%v %+v %#v %v\n", e, e, e, e.LogValue()) },
		}
		e := d.engine(t, opts)
		report, err := e.Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, 3, d.detail)
		body, err := json.Marshal(report)
		require.NoError(t, err)
		fmt.Fprintf(&shown, "%s %v %+v\n", body, report, report)
		for _, call := range d.calls {
			fmt.Fprintf(&shown, "%+v\n", call)
		}
		m := d.manifests(t, p)[home.String()+" i-b1"]
		require.Equal(t, marker, m.Instance.UserData.Reveal())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, verb+verb, m, *m.Instance)
		}
		fmt.Fprintln(&shown, m.Instance.UserData.String())
		for ref, stored := range d.stored {
			require.Equal(t, strings.Contains(ref.Key(), "/"), true)
			_, err := backup.ParseManifest(append(stored, `{"userData":"`+marker+`"}`...))
			fmt.Fprintln(&shown, err)
			_, err = backup.ParseManifest([]byte(strings.Replace(string(stored), `"keyName":"ops"`, `"`+marker+`":1`, 1)))
			fmt.Fprintln(&shown, err)
		}
		if at := strings.Index(shown.String(), marker); at >= 0 {
			require.Fail(t, "it shows", shown.String()[max(0, at-200):at])
		}
		require.NotContains(t, shown.String(), fmt.Sprintf("%x", marker))
		require.Contains(t, shown.String(), "[redacted]")
	})
}

// A job between two processes carries the digest, and no more.
func TestAJobCarriesTheDigest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(), time.Now()
		p.Sources = p.Sources[1:]
		var j backup.Job
		for job, err := range d.engine(t, backup.Options{}).Jobs(t.Context(), p, at) {
			require.NoError(t, err)
			j = job
		}
		body, err := json.Marshal(j)
		require.NoError(t, err)
		require.NotContains(t, string(body), "manifest", "nothing while there is none")
		for done := false; !done; {
			var out backup.Outcome
			j, out, err = d.engine(t, backup.Options{}).Advance(t.Context(), j) // another process each time
			require.NoError(t, err)
			body, err := json.Marshal(j)
			require.NoError(t, err)
			j = backup.Job{}
			require.NoError(t, json.Unmarshal(body, &j))
			time.Sleep(max(0, time.Until(out.NotBefore)))
			done = out.Done
		}
		require.Equal(t, []string{j.Manifest.Digest}, d.digests(home))
		require.Len(t, d.asked, 1)
		j.Stage, j.Reached, j.Manifest.Digest = backup.Planned, backup.Planned, "../x"
		_, _, err = d.engine(t, backup.Options{}).Advance(t.Context(), j)
		require.ErrorContains(t, err, "manifest")
	})
}

// Forecast tells the manifests and what reading them takes.
func TestForecastCountsManifests(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p := describingCloud(t), nightly()
		e := d.engine(t, backup.Options{ManifestDetails: backup.ManifestDetails{UserData: true}})
		var jobs []backup.Job
		for j, err := range e.Jobs(t.Context(), p, time.Now()) {
			require.NoError(t, err)
			jobs = append(jobs, j)
		}
		f := e.Forecast(jobs)
		require.Equal(t, 3, f.Manifests)
		require.Equal(t, map[string]int{"Describe instance": 2, "Describe volume": 1, "Detail": 3}, f.Reads)
		require.Contains(t, f.String(), "Detail for 3 manifests")
		require.Zero(t, engine(t, d.cloud, backup.Options{}).Forecast(jobs).Manifests)
	})
}

// Who writes tags in the protected account can choose among the manifests that
// engines have stored for that very point; what reads originals believes no more.
func TestAForgedDigestChoosesAmongThePointsOwn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(), time.Now()
		p.Sources = p.Sources[1:]
		ctx, crash := withStop(t)
		d.after = func() error { crash(); return nil } // stored, and nothing else
		_, err := d.engine(t, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		d.after, d.state = nil, "changed"
		first := slices.Collect(maps.Keys(d.stored))
		require.Len(t, first, 1)
		time.Sleep(time.Minute)
		ctx, crash = withStop(t)
		d.cloud.after = func(k call) error {
			if k.op == string(backup.StepShare) {
				crash()
			}
			return ctx.Err()
		}
		_, err = d.engine(t, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		d.cloud.after = nil
		require.Len(t, d.stored, 2)
		d.at(siteB)[0].Tags["snapkeep:manifest"] = first[0].Digest
		_, err = d.engine(t, backup.Options{}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, []string{first[0].Digest}, d.digests(home))
		require.Empty(t, d.manifests(t, p)[home.String()+" i-b1"].Tags["state"], "as it was when the first process looked")

		d.at(siteB)[0].Tags["snapkeep:manifest"] = strings.Repeat("b", 64)
		for _, pt := range points(t, d.cloud, p) {
			if !pt.Copy {
				_, err = d.engine(t, backup.Options{}).Manifest(t.Context(), pt)
				require.ErrorIs(t, err, backup.ErrNotFound)
			}
		}
	})
}

// What a copy in the vault says counts for more than what the originals say,
// which anybody in the protected account can write.
func TestACopyInTheVaultSpeaksForTheManifest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(copyTo(home), copyTo(second)), time.Now()
		p.Sources = p.Sources[1:]
		ctx, crash := withStop(t)
		d.cloud.after = func(k call) error {
			if k.op == string(backup.StepCopy) {
				crash()
			}
			return ctx.Err()
		}
		_, err := d.engine(t, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		d.cloud.after = nil
		d.at(siteB)[0].Tags["snapkeep:manifest"] = strings.Repeat("b", 64)
		_, err = d.engine(t, backup.Options{}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Len(t, d.digests(home)[0], 64)
		require.Equal(t, d.digests(home), d.digests(second))
	})
}

// What was described a while ago is described anew.
func TestAnOldDescriptionIsNotStored(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d, p, at := describingCloud(t), nightly(), time.Now()
		p.Sources = p.Sources[:1] // two resources, described together
		e := d.engine(t, backup.Options{})
		var jobs []backup.Job
		for j, err := range e.Jobs(t.Context(), p, at) {
			require.NoError(t, err)
			jobs = append(jobs, j)
		}
		for i := range jobs {
			for jobs[i].Manifest.Digest == "" {
				var out backup.Outcome
				var err error
				jobs[i], out, err = e.Advance(t.Context(), jobs[i])
				require.NoError(t, err)
				time.Sleep(max(0, time.Until(out.NotBefore)))
			}
			time.Sleep(6 * time.Minute)
		}
		require.Len(t, d.asked, 2)
		require.Len(t, d.asked[0], 2)
		require.Equal(t, []string{jobs[1].Resource.ARN}, d.asked[1])
	})
}

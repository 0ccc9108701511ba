package story_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

// A setKey names what one run has of one resource at one site.
type setKey struct {
	site          backup.Site
	run, resource string
}

// sets sorts what is tagged as snapkeep's, but for intermediates.
func (l *lab) sets(snapshots []backuptest.Snapshot) map[setKey][]backuptest.Snapshot {
	sets := map[setKey][]backuptest.Snapshot{}
	for _, s := range snapshots {
		if s.Tags["snapkeep:vault"] != string(l.vault()) || s.Tags["snapkeep:step"] != "" {
			continue
		}
		k := setKey{backup.Site{Account: s.Account, Region: s.Region}, s.Tags["snapkeep:run"], s.Tags["snapkeep:resource"]}
		sets[k] = append(sets[k], s)
	}
	return sets
}

// A verdict collects what is wrong.
type verdict []string

func (v *verdict) add(format string, args ...any) { *v = append(*v, fmt.Sprintf(format, args...)) }

// check is the invariant checker. It returns all that is not as it must be
// whenever nothing is under way: nothing lost, nothing doubled, nothing left
// shared, nothing untagged, nothing left over, and all of it what it should be.
func (l *lab) check() []string {
	l.watching.Go(l.look)
	l.watching.Wait()
	l.mu.Lock()
	v := verdict(slices.Clone(l.seen))
	l.mu.Unlock()
	for _, m := range l.Cloud.Misuse() {
		v.add("misuse: %s", m)
	}
	snapshots := l.Cloud.Snapshots()
	l.checkEach(&v, snapshots)
	l.checkLocks(&v, snapshots)
	sets := l.sets(snapshots)
	l.checkImages(&v, sets)
	l.checkTiers(&v, snapshots)
	l.checkRests(&v)
	l.checkSets(&v, sets)
	l.checkRestored(&v)
	l.checkCatalog(&v)
	return v
}

// checkEach looks at every snapshot by itself.
func (l *lab) checkEach(v *verdict, snapshots []backuptest.Snapshot) {
	clean, _ := l.clean()
	there := map[string]bool{}
	for _, s := range snapshots {
		there[s.ID] = true
		if len(s.Shares) > 0 {
			v.add("%s of %s is still shared with %v", s.ID, s.Account, s.Shares)
		}
		if l.others[s.ID] {
			continue
		}
		switch {
		case s.Account == clean.Account:
			v.add("snapshot %s is left in the restore account", s.ID)
		case s.Tags["snapkeep:vault"] != string(l.vault()) || s.Tags["snapkeep:key"] == "" || s.Tags["snapkeep:point"] == "":
			v.add("%s of %s is untagged: %v", s.ID, s.Account, s.Tags)
		case s.Tags["snapkeep:step"] != "":
			v.add("intermediate %s of %s is left", s.ID, s.Account)
		}
		if s.State != types.SnapshotStateCompleted {
			v.add("%s of %s is %s: %s", s.ID, s.Account, s.State, s.StateMessage)
		}
	}
	for id := range l.others {
		if !there[id] {
			v.add("somebody else's snapshot %s is gone", id)
		}
	}
}

// checkSets holds what is there against what is wanted: every resource has its
// originals once and its copies once at each destination, and nothing else is there.
func (l *lab) checkSets(v *verdict, sets map[setKey][]backuptest.Snapshot) {
	for _, at := range l.want.runs() {
		for _, p := range l.resources {
			places := l.placesOf(p, at)
			n := 0
			for _, place := range places {
				n += len(sets[setKey{place.Site(), backup.RunID(l.Plan.Name, at), p.arn}])
			}
			if n == 0 && slices.Contains(l.want.perhaps, at) {
				continue
			}
			for _, place := range places {
				key := setKey{place.Site(), backup.RunID(l.Plan.Name, at), p.arn}
				l.checkSet(v, p, at, place.KMSKey, sets[key])
				delete(sets, key)
			}
		}
	}
	for key, set := range sets {
		v.add("%d snapshots too many: of %s of %s at %s", len(set), key.resource, key.run, key.site)
	}
}

// placesOf returns where a resource's snapshots of a run should be; the place
// of the originals is the one without a key.
func (l *lab) placesOf(p protected, at time.Time) (places []backup.Copy) {
	perhaps := slices.Contains(l.want.perhaps, at)
	if perhaps || slices.Contains(l.want.originals, at) {
		places = append(places, backup.Copy{Account: p.site.Account, Region: p.site.Region})
	}
	if perhaps && !slices.Contains(l.want.unproven, at) || slices.Contains(l.want.copies, at) {
		for _, c := range l.Plan.Copies {
			if !slices.Contains(l.want.gone[c.Site()], at) {
				places = append(places, c)
			}
		}
	}
	return places
}

// placeAt returns the plan's destination at a site.
func (l *lab) placeAt(site backup.Site) backup.Copy {
	i := slices.IndexFunc(l.Plan.Copies, func(c backup.Copy) bool { return c.Site() == site })
	if i < 0 {
		return backup.Copy{}
	}
	return l.Plan.Copies[i]
}

// checkSet looks at the originals, or with a key at the copies, of a resource.
func (l *lab) checkSet(v *verdict, p protected, at time.Time, key string, set []backuptest.Snapshot) {
	kind := "originals"
	if key != "" {
		kind = "copies"
	}
	name := fmt.Sprintf("%s of %s of %s", kind, p.arn[strings.LastIndex(p.arn, ":")+1:], at.Format(time.DateOnly))
	var origins, keys []string
	moments := map[time.Time]bool{}
	for _, s := range set {
		taken := s.Start
		if key != "" {
			taken = l.takenOf(v, s)
		}
		moments[taken] = true
		origins, keys = append(origins, s.Origin), append(keys, s.Tags["snapkeep:key"])
		l.checkMember(v, name, p, key, s)
		if taken.Before(at.Add(-clocksApart)) || taken.After(at.Add(24*time.Hour)) {
			v.add("%s: %s is of %v", name, s.ID, taken)
		}
		got, err := l.Cloud.ReadSnapshot(s.Ref)
		want := l.held(s.Origin, taken)
		if err != nil || len(want.Blocks) == 0 || !got.Equal(want) {
			v.add("%s: %s is not what %s held at %v (%v)", name, s.ID, s.Origin, taken, err)
		}
	}
	slices.Sort(origins)
	if want := slices.Sorted(slices.Values(p.volumes)); !slices.Equal(origins, want) {
		v.add("%s: there are %v, want one of each of %v", name, origins, want)
	}
	if len(moments) > 1 {
		v.add("%s are of %d moments", name, len(moments))
	}
	slices.Sort(keys)
	if key != "" && len(slices.Compact(keys)) != len(set) {
		v.add("%s share keys: %v", name, keys)
	}
}

// takenOf returns when the data of a copy is from: as its tag says, and as its
// source says too, while that is there.
func (l *lab) takenOf(v *verdict, copied backuptest.Snapshot) time.Time {
	taken, err := time.Parse(time.RFC3339Nano, copied.Tags["snapkeep:taken"])
	if err != nil {
		v.add("%s: %v", copied.ID, err)
	}
	for _, s := range l.Cloud.Snapshots() {
		if s.Ref == copied.Source && s.Tags["snapkeep:step"] == "" && !s.Start.Equal(taken) {
			v.add("%s says it was taken at %v, and %s was at %v", copied.ID, taken, s.ID, s.Start)
		}
	}
	return taken
}

// checkMember compares one snapshot's own fields and tags.
func (l *lab) checkMember(v *verdict, name string, p protected, key string, s backuptest.Snapshot) {
	if got, want := s.Tags["snapkeep:members"], strconv.Itoa(len(p.volumes)); got != want {
		v.add("%s: %s says it is one of %s, want %s", name, s.ID, got, want)
	}
	if key == "" {
		if s.Source != (backuptest.Ref{}) {
			v.add("%s: %s is a copy of %v", name, s.ID, s.Source)
		}
		return
	}
	if s.KeyARN != key {
		v.add("%s: %s is under %q, want %q", name, s.ID, s.KeyARN, key)
	}
	if s.Source.Account != p.site.Account || s.Source.Region != p.site.Region {
		v.add("%s: %s is a copy of %v", name, s.ID, s.Source)
	}
	if !strings.HasPrefix(s.Tags["snapkeep:volume"], s.Origin) || s.Tags["snapkeep:source"] != p.site.String() {
		v.add("%s: %s says it is of %s at %s", name, s.ID, s.Tags["snapkeep:volume"], s.Tags["snapkeep:source"])
	}
}

// checkRestored looks into the restore account: what was restored is there
// once, and nothing else.
func (l *lab) checkRestored(v *verdict) {
	site, key := l.clean()
	client := l.ec2(site.Account, site.Region)
	images, err := client.DescribeImages(l.ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}})
	require.NoError(l.t, err)
	for _, i := range images.Images {
		v.add("image %s is left: %s", aws.ToString(i.ImageId), i.State)
	}
	instances, err := client.DescribeInstances(l.ctx, &ec2.DescribeInstancesInput{})
	require.NoError(l.t, err)
	running := map[string]bool{}
	for _, r := range instances.Reservations {
		for _, i := range r.Instances {
			if i.State.Name != types.InstanceStateNameRunning {
				v.add("instance %s is %s", aws.ToString(i.InstanceId), i.State.Name)
			}
			running[aws.ToString(i.InstanceId)] = true
		}
	}
	found, err := client.DescribeVolumes(l.ctx, &ec2.DescribeVolumesInput{})
	require.NoError(l.t, err)
	volumes := map[string]types.Volume{}
	for _, vol := range found.Volumes {
		volumes[aws.ToString(vol.VolumeId)] = vol
	}
	for _, r := range l.want.restored {
		if r.of.instance && !running[r.report.Instance] {
			v.add("%s: instance %q does not run", r.of.arn, r.report.Instance)
		}
		delete(running, r.report.Instance)
		l.checkVolumes(v, r, key, volumes)
	}
	for id := range running {
		v.add("instance %s is too many", id)
	}
	for id := range volumes {
		v.add("volume %s is too many", id)
	}
}

// checkVolumes looks at the volumes of one restore and takes them out of the list.
func (l *lab) checkVolumes(v *verdict, r restored, key string, volumes map[string]types.Volume) {
	site, _ := l.clean()
	var sources []string
	for _, made := range r.report.Volumes {
		sources = append(sources, made.Source)
		vol, ok := volumes[made.Volume]
		if !ok {
			v.add("%s: volume %s is not there, or twice in the report", r.of.arn, made.Volume)
			continue
		}
		delete(volumes, made.Volume)
		if aws.ToString(vol.KmsKeyId) != key {
			v.add("%s: volume %s is under %q", r.of.arn, made.Volume, aws.ToString(vol.KmsKeyId))
		}
		if r.of.instance != (len(vol.Attachments) == 1 && aws.ToString(vol.Attachments[0].InstanceId) == r.report.Instance) {
			v.add("%s: volume %s is attached %d times", r.of.arn, made.Volume, len(vol.Attachments))
		}
		got, err := l.Cloud.ReadVolume(backuptest.Ref{Account: site.Account, Region: site.Region, ID: made.Volume})
		if want := l.held(made.Source, r.at); err != nil || len(want.Blocks) == 0 || !got.Equal(want) {
			v.add("%s: volume %s is not what %s held at %v (%v)", r.of.arn, made.Volume, made.Source, r.at, err)
		}
	}
	slices.Sort(sources)
	if want := slices.Sorted(slices.Values(r.of.volumes)); !slices.Equal(sources, want) {
		v.add("%s: restored %v, want %v", r.of.arn, sources, want)
	}
}

// checkCatalog asks the engine for its recovery points: all are complete, and
// none has anything that no restore needs.
func (l *lab) checkCatalog(v *verdict) {
	n, least := 0, len(l.resources)*(len(l.want.originals)+len(l.want.copies)*len(l.Plan.Copies))
	for _, gone := range l.want.gone {
		least -= len(l.resources) * len(gone)
	}
	for p, err := range l.Engine.Points(l.ctx, backup.PointFilter{Sites: l.Plan.Sites()}) {
		switch {
		case err != nil:
			v.add("catalog: %v", err)
		case p.State != retention.Complete:
			v.add("catalog: %s of %s at %s is %v", p.ID, p.Resource, p.Site, p.State)
		case len(p.Extra) > 0:
			v.add("catalog: %s of %s at %s has %d snapshots too many", p.ID, p.Resource, p.Site, len(p.Extra))
		case p.Consistency == backup.ApplicationConsistent && !l.atRest(p.Resource, p.Time):
			v.add("catalog: %s of %s at %s was made at %v, not at rest", p.ID, p.Resource, p.Site, p.Time)
		}
		n++
	}
	if n < least || n > least && len(l.want.perhaps) == 0 {
		v.add("catalog: %d recovery points, want %d", n, least)
	}
}

// print is the end state without what differs from one way to it to another:
// the ids that AWS gives, and times.
func (l *lab) print() []string {
	var lines []string
	for _, s := range l.Cloud.Snapshots() {
		var tags []string
		for k, v := range s.Tags {
			if k == "snapkeep:taken" || k == "snapkeep:consistency" {
				v = "then"
			}
			tags = append(tags, k+"="+v)
		}
		slices.Sort(tags)
		lines = append(lines, fmt.Sprintf("%s/%s: %s of %s, %d GiB, key %q, of %s/%s, shared with %v, in %s, %s",
			s.Account, s.Region, s.State, s.Origin, s.SizeGiB, s.KeyARN, s.Source.Account, s.Source.Region, s.Shares, s.Tier, strings.Join(tags, " ")))
	}
	for _, r := range l.want.restored {
		for _, m := range r.report.Volumes {
			lines = append(lines, fmt.Sprintf("%s: %s restored at %s, %d GiB", r.of.arn, m.Source, m.Device, m.SizeGiB))
		}
		if len(r.report.Left) > 0 {
			lines = append(lines, fmt.Sprintf("%s: left %v", r.of.arn, r.report.Left))
		}
	}
	slices.Sort(lines)
	return lines
}

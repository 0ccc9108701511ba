package backup

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// The tags on snapshots are the catalog. Those of an original are the same on
// all snapshots of a set; a copy speaks of its own volume alone.
const (
	tagSchema   = "snapkeep:schema"
	tagVault    = iampolicy.TagVault
	tagPlan     = "snapkeep:plan"
	tagRun      = iampolicy.TagRun
	tagPoint    = "snapkeep:point"
	tagKey      = "snapkeep:key"
	tagResource = "snapkeep:resource"
	tagMembers  = "snapkeep:members"
	tagMachine  = "snapkeep:machine"
	tagPlatform = "snapkeep:platform"
	tagVolumes  = "snapkeep:volumes-" // 1, 2, …; originals
	tagVolume   = "snapkeep:volume"   // copies and intermediates
	tagSource   = "snapkeep:source"   // copies: the site of the original
	tagTaken    = "snapkeep:taken"    // copies: when the original was taken
	tagStep     = "snapkeep:step"     // intermediates: "rekey"
	tagManifest = "snapkeep:manifest" // originals and copies: the digest of the manifest, if there is one
	// tagConsistency is missing on crash-consistent points of plans that ask for
	// no more, and on intermediates.
	tagConsistency = "snapkeep:consistency"

	schema = "1"
)

// EC2 allows 50 tags a resource, with values of up to 256 characters (EC2 User
// Guide, "Tag restrictions").
const (
	maxTags     = 50
	maxTagValue = 256
)

// maxMembers is how many volumes CreateSnapshots takes: the root volume and
// 127 data volumes (EC2 API Reference, CreateSnapshots).
const maxMembers = 128

// A label is what the tags of one snapshot say, once they were found to be
// well-formed and consistent. In a protected account anyone may have written
// them: a label is a claim, and what AWS says of the snapshot decides.
type label struct {
	plan     string
	at       time.Time
	run      string
	point    string
	key      string
	resource string
	members  int
	machine  Machine
	kind     labelKind
	volumes  []Member  // originals: all members of the set
	volume   Member    // copies and intermediates
	source   Site      // copies
	taken    time.Time // copies
	manifest string    // to be written: the digest, empty if there is none; manifestTag reads it
	mark     mark      // originals and copies
}

// A labelKind is what role a snapshot claims.
type labelKind int

const (
	original labelKind = iota
	intermediate
	duplicate // a copy at a destination
)

// base returns the tags that every snapshot of a point carries.
func (l label) base(vault accounts.ID) map[string]string {
	tags := map[string]string{
		tagSchema: schema, tagVault: string(vault), tagPlan: l.plan, tagRun: l.run, tagPoint: l.point,
		tagKey: l.key, tagResource: l.resource, tagMembers: strconv.Itoa(l.members),
	}
	for key, text := range map[string]string{tagMachine: encodeMachine(l.machine), tagPlatform: encodePlatform(l.machine)} {
		if text != "" {
			tags[key] = text
		}
	}
	return tags
}

// tags writes the label as tags. It fails if EC2 would not store them.
func (l label) tags(vault accounts.ID) (map[string]string, error) {
	tags := l.base(vault)
	switch l.kind {
	case original:
		for i, value := range packMembers(l.volumes) {
			tags[tagVolumes+strconv.Itoa(i+1)] = value
		}
	case intermediate:
		tags[tagVolume] = encodeMember(l.volume)
		tags[tagStep] = keyRekey
	case duplicate:
		tags[tagVolume] = encodeMember(l.volume)
		tags[tagSource] = l.source.String()
		tags[tagTaken] = takenTag(l.taken)
	}
	if l.manifest != "" && l.kind != intermediate {
		tags[tagManifest] = l.manifest
	}
	if l.kind != intermediate && l.mark.kind != CrashConsistent {
		tags[tagConsistency] = l.mark.text()
	}
	if len(tags) > maxTags {
		return nil, fmt.Errorf("%d volumes need %d tags, and EC2 allows %d", len(l.volumes), len(tags), maxTags)
	}
	for k, v := range tags {
		if len(v) > maxTagValue {
			return nil, fmt.Errorf("tag %s has %d characters, and EC2 allows %d: %q", k, len(v), maxTagValue, v)
		}
	}
	return tags, nil
}

// takenTag returns a moment as the tag snapkeep:taken has it.
func takenTag(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

var errNotOurs = errors.New("not a snapshot of this vault")

// readLabel reads the tags of a snapshot. What is derived from other tags must
// agree with them, so that a label that was put together from parts of others
// is refused. errNotOurs means that the tags do not claim to be this vault's.
func readLabel(tags map[string]string, vault accounts.ID) (label, error) {
	if tags[tagVault] != string(vault) {
		return label{}, errNotOurs
	}
	if s := tags[tagSchema]; s != schema {
		return label{}, fmt.Errorf("tag %s: %q, want %q", tagSchema, s, schema)
	}
	l := label{
		plan: tags[tagPlan], run: tags[tagRun], point: tags[tagPoint], key: tags[tagKey], resource: tags[tagResource],
	}
	plan, at, ok := parseRunID(l.run)
	if !ok || plan != l.plan {
		return label{}, fmt.Errorf("tag %s: %q is not a run of plan %q", tagRun, l.run, l.plan)
	}
	l.at = at
	if _, err := parseARN(l.resource); err != nil {
		return label{}, fmt.Errorf("tag %s: %w", tagResource, err)
	}
	if l.point != pointID(vault, l.run, l.resource) {
		return label{}, fmt.Errorf("tag %s: %q is not the point of that run and resource", tagPoint, l.point)
	}
	var err error
	if l.members, err = strconv.Atoi(tags[tagMembers]); err != nil || l.members < 1 || l.members > maxMembers {
		return label{}, fmt.Errorf("tag %s: %q is not a number from 1 to %d", tagMembers, tags[tagMembers], maxMembers)
	}
	if text, ok := tags[tagMachine]; ok {
		if l.machine, err = decodeMachine(text); err != nil {
			return label{}, fmt.Errorf("tag %s: %w", tagMachine, err)
		}
	}
	if text, ok := tags[tagConsistency]; ok {
		if l.mark, err = parseMark(text); err != nil {
			return label{}, fmt.Errorf("tag %s: %w", tagConsistency, err)
		}
	}
	if text, ok := tags[tagPlatform]; ok {
		if err := l.machine.decodePlatform(text); err != nil {
			return label{}, fmt.Errorf("tag %s: %w", tagPlatform, err)
		}
	}
	return l, l.readKind(tags)
}

// readKind reads the tags that differ between originals, intermediates and
// copies. The key of an original or an intermediate is checked here; that of
// a copy by who knows at which site it was found.
func (l *label) readKind(tags map[string]string) error {
	_, isCopy := tags[tagSource]
	step, isStep := tags[tagStep]
	switch {
	case isCopy && isStep:
		return fmt.Errorf("tags %s and %s exclude each other", tagSource, tagStep)
	case isCopy:
		l.kind = duplicate
		return l.readCopy(tags)
	case isStep && step != keyRekey:
		return fmt.Errorf("tag %s: unknown step %q", tagStep, step)
	case isStep:
		l.kind = intermediate
		return l.readVolume(tags)
	}
	l.kind = original
	return l.readVolumes(tags)
}

func (l *label) readVolume(tags map[string]string) (err error) {
	if l.volume, err = decodeMember(tags[tagVolume]); err != nil {
		return fmt.Errorf("tag %s: %w", tagVolume, err)
	}
	return nil
}

func (l *label) readCopy(tags map[string]string) error {
	if err := l.readVolume(tags); err != nil {
		return err
	}
	account, region, _ := strings.Cut(tags[tagSource], "/")
	id, err := accounts.ParseID(account)
	if _, ok := partitionOf(region); err != nil || !ok {
		return fmt.Errorf("tag %s: %q is not a site", tagSource, tags[tagSource])
	}
	l.source = Site{Account: id, Region: region}
	if a, err := parseARN(l.resource); err != nil || a.site != l.source {
		return fmt.Errorf("tag %s: %q is not the site of %s", tagSource, tags[tagSource], l.resource)
	}
	if l.taken, err = time.Parse(time.RFC3339Nano, tags[tagTaken]); err != nil {
		return fmt.Errorf("tag %s: %q is not a time", tagTaken, tags[tagTaken])
	}
	l.taken = l.taken.UTC()
	return nil
}

// readVolumes reads the set-wide list of volumes: as many as there are
// members, no volume twice.
func (l *label) readVolumes(tags map[string]string) error {
	seen := map[string]bool{}
	for i := 1; ; i++ {
		text, ok := tags[tagVolumes+strconv.Itoa(i)]
		if !ok {
			break
		}
		for _, one := range strings.Split(text, " ") {
			m, err := decodeMember(one)
			if err != nil {
				return fmt.Errorf("tag %s%d: %w", tagVolumes, i, err)
			}
			if seen[m.Volume] {
				return fmt.Errorf("tag %s%d: volume %s is listed twice", tagVolumes, i, m.Volume)
			}
			seen[m.Volume] = true
			l.volumes = append(l.volumes, m)
		}
	}
	if len(l.volumes) != l.members {
		return fmt.Errorf("tags %sN list %d volumes, %s says %d", tagVolumes, len(l.volumes), tagMembers, l.members)
	}
	return nil
}

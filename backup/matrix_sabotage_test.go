package backup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// TestTheMatrixBites spoils a lab in which all is well, in each way that its
// checker is about: each is reported.
func TestTheMatrixBites(t *testing.T) {
	for name, sabotage := range map[string]struct {
		report string
		do     func(*lab)
	}{
		"nothing":                     {"", func(*lab) {}},
		"an original gone":            {"want one of each of", func(l *lab) { l.at(siteB)[0].gone = true }},
		"a copy gone":                 {"want one of each of", func(l *lab) { l.at(second)[0].gone = true }},
		"a copy doubled":              {"want one of each of", func(l *lab) { l.double(l.at(home)[0]) }},
		"an original doubled":         {"want one of each of", func(l *lab) { l.double(l.at(siteB)[0]) }},
		"a copy of another moment":    {"moments", func(l *lab) { l.at(home)[1].Tags["snapkeep:taken"] = "2000-01-02T00:00:00Z" }},
		"an original left shared":     {"is still shared", func(l *lab) { l.at(siteB)[0].shared[vault] = true }},
		"an untagged copy":            {"is untagged", func(l *lab) { delete(l.at(home)[0].Tags, "snapkeep:key") }},
		"an intermediate left":        {"is an intermediate", func(l *lab) { l.at(siteB)[0].Tags["snapkeep:step"] = "rekey" }},
		"a copy pending":              {"is pending", func(l *lab) { l.at(home)[0].done = time.Now().Add(time.Hour) }},
		"an original unlocked":        {`is locked as ""`, func(l *lab) { l.unlock(l.at(siteB)[0]) }},
		"a copy unlocked":             {`is locked as ""`, func(l *lab) { l.unlock(l.at(second)[0]) }},
		"a lock too short":            {"is locked as", func(l *lab) { l.locks[l.at(home)[0].ID] = time.Now() }},
		"a lock too weak":             {"is locked as", func(l *lab) { l.lockOf[l.at(home)[0].ID] = l.lockOf[l.at(second)[0].ID] }},
		"an image gone":               {"has no image", func(l *lab) { l.left()[0].gone = true }},
		"an image of others":          {"is of [", func(l *lab) { l.left()[0].Snapshots[0] = l.at(second)[0].ID }},
		"an image too many":           {"is too many", func(l *lab) { l.imageLike(l.left()[0], "another") }},
		"an image doubled":            {"there are two images", func(l *lab) { l.imageLike(l.left()[0], l.left()[0].Name) }},
		"a copy archived":             {"was archived", func(l *lab) { l.cold[l.at(second)[0].ID] = time.Now() }},
		"an instance at rest":         {"is left at rest", func(l *lab) { l.agent.scripts = l.agent.scripts[:1] }},
		"a point not made at rest":    {"not at rest", func(l *lab) { l.agent.scripts[1].sent = l.agent.scripts[0].ends }},
		"a run that was never made":   {"want one of each of", func(l *lab) { l.want.originals = append(l.want.originals, time.Now()) }},
		"a run that nobody asked for": {"are too many", func(l *lab) { l.want.originals = nil }},
		"the last good copies gone for a moment": {"the last good copy is gone", func(l *lab) {
			s := l.at(second)[0]
			s.gone = true
			l.look(call{})
			s.gone = false
		}},
		"shared before it is locked": {"before it was locked", func(l *lab) {
			s := l.at(siteB)[0]
			l.unlock(s)
			l.look(call{op: string(backup.StepShare), step: backup.Step{Snapshot: s.ID}})
		}},
		"a call before the end of a rest": {"comes before the end of the rest", func(l *lab) {
			l.resting = instance(siteB, db).ARN
			l.disturbs(call{op: string(backup.StepShare), step: backup.Step{Snapshot: l.at(siteB)[0].ID}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				l := allOfIt(t)
				l.pass(aNight("a night"))
				sabotage.do(l)
				found := strings.Join(l.check(), "\n")
				require.Contains(t, found, sabotage.report)
				require.Equal(t, sabotage.report == "", found == "", found)
			})
		})
	}
}

// double makes another snapshot with the tags of one.
func (l *lab) double(s *fakeSnap) {
	again := l.put(s.site, s.Snapshot, s.Tags)
	again.done = s.done
}

func (l *lab) unlock(s *fakeSnap) {
	delete(l.locks, s.ID)
	delete(l.lockOf, s.ID)
}

func (l *lab) imageLike(i *fakeImage, name string) {
	again := *i
	again.Name, again.ID = name, "ami-again"
	l.imaged = append(l.imaged, &again)
}

package backuptest

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Check returns every violation so far, and what is not as it must be at rest:
// call it when nothing is under way. A test wants the answer to be empty.
func (w *Watcher) Check() []Violation {
	w.cloud.sim.Lock()
	w.look()
	all := w.list()
	rest := &Watcher{
		cloud: w.cloud, of: w.of, foreign: w.foreign, told: map[string]bool{},
		want: slices.Clone(w.want), seen: slices.Clone(w.seen),
	}
	for _, v := range rest.seen {
		rest.told[v.String()] = true
	}
	w.cloud.sim.Unlock()
	there := map[string]Snapshot{}
	for _, s := range all {
		there[s.ID] = s
	}
	for _, s := range all {
		if _, foreign := w.foreign[s.ID]; !foreign {
			rest.checkOne(s, there)
		}
	}
	rest.checkSets(rest.sets(all))
	return rest.seen
}

// checkOne looks at a snapshot by itself.
func (w *Watcher) checkOne(s Snapshot, there map[string]Snapshot) {
	if len(s.Shares) > 0 {
		w.note(Shared, s.Ref, "it is still shared with %v", s.Shares)
	}
	switch {
	case !w.ours(s) || s.Tags[tagKey] == "" || s.Tags[tagPoint] == "":
		w.note(Untagged, s.Ref, "it does not carry the tags of a recovery point")
	case s.Tags[tagStep] != "":
		w.note(Left, s.Ref, "it is an intermediate: %s", s.Tags[tagStep])
	}
	if s.State != types.SnapshotStateCompleted {
		w.note(Left, s.Ref, "it is %s: %s", s.State, s.StateMessage)
		return
	}
	source, ok := there[s.Source.ID]
	if !ok {
		return
	}
	if block, err := w.cloud.FirstDifference(s.Ref, source.Ref); err == nil && block >= 0 {
		w.note(Changed, s.Ref, "its block %d is not that of %s", block, source.ID)
	}
}

// checkSets looks at the recovery points: all that are there are whole, and
// all that are wanted are there.
func (w *Watcher) checkSets(sets map[setKey][]Snapshot) {
	for _, key := range slices.SortedFunc(maps.Keys(sets), setKey.compare) {
		if set := sets[key]; !complete(set) {
			w.note(Lost, set[0].Ref, "of %s members of %s in run %s there are %d",
				set[0].Tags[tagMembers], set[0].Tags[tagResource], set[0].Tags[tagRun], len(set))
		}
	}
	for _, want := range w.want {
		if !complete(sets[setKey{place{want.Account, want.Region, want.Resource}, want.Run}]) {
			w.note(Lost, Ref{}, "%s has no complete recovery point of run %s at %s in %s", want.Resource, want.Run, want.Account, want.Region)
		}
	}
}

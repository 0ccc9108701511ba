package backup

import (
	"slices"

	"github.com/snapkeep/snapkeep/accounts"
)

// restByVSS lets the resource snapshot itself. It says that the engine is to
// make the snapshots only if that failed and the plan falls back.
func (d *decision) restByVSS() (ready bool, v *verdict) {
	j, q := d.j, d.j.Quiesce
	i := q.last(StepVSS)
	switch {
	case slices.ContainsFunc(j.Resource.Excluded, func(m Member) bool { return !m.Root }):
		return d.fallBack(unquiet("VSS cannot leave data volumes out")), nil
	case q.Trial.Fault != nil:
		return d.fallBack(unquiet("VSS: %v", q.Trial.Fault)), nil
	case i >= 0 && q.failed(i, d.w.now) == "" && q.Commands[i].State == CommandPending:
		return false, nil // followed
	case i >= 0 && q.Commands[i].State == CommandSucceeded && d.w.now.Sub(q.Commands[i].Over) <= d.w.rules.grace:
		d.wait(d.w.now.Add(d.w.rules.maxAge), "the listing to show what VSS has made")
		return false, nil
	case q.count(StepVSS) >= q.attempts():
		why := q.failed(i, d.w.now)
		if why == "" {
			why = "made no complete set of snapshots"
		}
		return d.fallBack(unquiet("VSS: %s, in the last of %d attempts", why, q.attempts())), nil
	}
	return false, d.begin(func() *verdict { return d.vss() })
}

// vss is the verdict to send the command that makes the snapshots.
func (d *decision) vss() *verdict {
	j := d.j
	j.Consistency = VSSConsistent
	tags, err := j.label(original, 0, Site{}).tags(j.Vault)
	if err != nil {
		d.fail(scope{kind: scopeSource}, err)
		return nil
	}
	vss := *j.Quiesce.VSS
	if vss.Document == "" {
		vss.Document = vssDocument
	}
	vss.TimeoutSeconds = int(j.Quiesce.timeout(StepVSS).Seconds())
	return &verdict{
		step: &Step{
			Kind: StepVSS, Resource: j.Resource, VSS: &vss, Tags: tags, Description: j.describe(),
			Comment: j.comment(StepVSS, len(j.Quiesce.Commands)),
		},
		at: actor{site: j.Resource.Site, purpose: accounts.Backup}, scope: scope{kind: scopeQuiesce}, fold: fold{copy: -1},
	}
}

// vouched says whether snapshots may be adopted already: those that VSS makes
// are listed before it says that they came out well, which it does with a tag.
func (d *decision) vouched(snaps []Snapshot) bool {
	q := d.j.Quiesce
	if q == nil || q.VSS == nil {
		return true
	}
	i := q.last(StepVSS)
	switch {
	case i < 0 || q.failed(i, d.w.now) != "" || markOf(snaps) == VSSConsistent:
		return true
	case q.Commands[i].State == CommandPending:
		return false
	}
	return d.w.now.Sub(q.Commands[i].Over) > d.w.rules.grace
}

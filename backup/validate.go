package backup

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// A PlanError says which field of a Plan is wrong, and why.
type PlanError struct {
	Field  string // as in JSON: "copies[1].kmsKey"
	Reason string // in words: what is wrong, and what is wanted
}

// Error names the field.
func (e *PlanError) Error() string { return "plan: " + e.Field + ": " + e.Reason }

// Validate returns nil for a plan that can be run, else all that is wrong with
// it: *PlanErrors, joined. It makes no call: whether accounts, keys and
// resources exist is seen when the plan is run.
func (p Plan) Validate() error {
	c := planCheck{sources: map[Site]string{}, copies: map[Site]string{}}
	if !isPlanName(p.Name) {
		c.wrong("name", "%q: want 1 to 64 of A-Z, a-z, 0-9 and . _ -", p.Name)
	}
	if len(p.Sources) == 0 {
		c.wrong("sources", "is empty: nothing would be protected")
	}
	for i, s := range p.Sources {
		c.source(fmt.Sprintf("sources[%d]", i), s)
	}
	c.policy("retention", p.Retention)
	if p.Deadline < 0 {
		c.wrong("deadline", "%v is negative", p.Deadline)
	}
	c.lock("lock", p.Lock)
	for i, d := range p.Copies {
		c.copy(fmt.Sprintf("copies[%d]", i), d, p.Retention)
	}
	return errors.Join(c.errs...)
}

// A planCheck collects what is wrong.
type planCheck struct {
	errs      []error
	partition string // of the first Region; snapshots do not leave theirs
	sources   map[Site]string
	copies    map[Site]string
}

func (c *planCheck) wrong(field, format string, args ...any) {
	c.errs = append(c.errs, &PlanError{field, fmt.Sprintf(format, args...)})
}

func (c *planCheck) source(field string, s Source) {
	c.account(field+".account", s.Account)
	if len(s.Regions) == 0 {
		c.wrong(field+".regions", "is empty")
	}
	for i, region := range s.Regions {
		at := fmt.Sprintf("%s.regions[%d]", field, i)
		if c.region(at, region) {
			c.once(at, Site{s.Account, region}, c.sources)
		}
	}
	c.selector(field+".select", s.Select)
	c.volumes(field+".volumes", s.Volumes)
	c.quiesce(field+".quiesce", s.Quiesce)
	for region, key := range s.RekeyKeys {
		at := fmt.Sprintf("%s.rekeyKeys[%s]", field, region)
		if !slices.Contains(s.Regions, region) {
			c.wrong(at, "the source has no Region %q", region)
			continue
		}
		c.key(at, key, Site{s.Account, region})
	}
}

func (c *planCheck) copy(field string, d Copy, inherited retention.Policy) {
	c.account(field+".account", d.Account)
	site := Site{d.Account, d.Region}
	if c.region(field+".region", d.Region) {
		c.once(field, site, c.copies)
		c.key(field+".kmsKey", d.KMSKey, site)
	}
	if !isZero(d.Retention) {
		c.policy(field+".retention", d.Retention)
	}
	c.lock(field+".lock", d.Lock)
	c.archive(field+".archive", d.Archive)
	if d.Every < 0 {
		c.wrong(field+".every", "%d is negative", d.Every)
	}
	if m := d.CompletionMinutes; m != 0 && (m < 15 || m > 2880 || m%15 != 0) {
		c.wrong(field+".completionMinutes", "%d: want 15 to 2880 in steps of 15", m)
	}
	if most, bounded := mostKept(inherited); bounded && d.Every > most+1 {
		c.wrong(field+".every", "a copy is due when %d originals follow the last one, and the retention keeps at most %d", d.Every-1, most)
	}
}

// once reports a site that was named before, under what.
func (c *planCheck) once(field string, s Site, seen map[Site]string) {
	if first, ok := seen[s]; ok {
		c.wrong(field, "%s is %s already", s, first)
		return
	}
	seen[s] = field
}

func (c *planCheck) account(field string, id accounts.ID) {
	if _, err := accounts.ParseID(string(id)); err != nil {
		c.wrong(field, "%q is not an account id of 12 digits", string(id))
	}
}

// region says whether a Region's name is well-formed and in the plan's partition.
func (c *planCheck) region(field, region string) bool {
	partition, ok := partitionOf(region)
	switch {
	case !ok:
		c.wrong(field, "%q is not a Region's name like eu-west-1", region)
	case c.partition == "":
		c.partition = partition
	case c.partition != partition:
		c.wrong(field, "%s is in partition %s, others in %s: snapshots cannot be copied between them", region, partition, c.partition)
		return false
	}
	return ok
}

// key checks the ARN of a key that must be the site's own: EBS takes no key
// of another Region, and a copy under another account's key is not the site's.
func (c *planCheck) key(field, key string, site Site) {
	if key == "" {
		c.wrong(field, "is empty: want the ARN of a customer key of %s", site)
		return
	}
	a, err := parseKey(key)
	if err != nil {
		c.wrong(field, "%v", err)
		return
	}
	if a.site != site {
		c.wrong(field, "%q is a key of %s, want one of %s", key, a.site, site)
	}
}

func (c *planCheck) policy(field string, p retention.Policy) {
	if err := p.Validate(); err != nil {
		c.wrong(field, "%v", err)
	}
}

// mostKept returns the most originals a policy can keep, if the counts of its
// rules bound that.
func mostKept(p retention.Policy) (most int, bounded bool) {
	most = max(p.MinCount, 1)
	if p.Last == retention.All || p.Within != (retention.Span{}) || len(p.Tags) > 0 {
		return 0, false
	}
	most += int(p.Last)
	for _, k := range []retention.Keep{p.Hourly, p.Daily, p.Weekly, p.Monthly, p.Quarterly, p.Yearly} {
		if k.Count == retention.All || k.Within != (retention.Span{}) {
			return 0, false
		}
		most += int(k.Count)
	}
	return most, true
}

func isZero(p retention.Policy) bool { return reflect.ValueOf(p).IsZero() }

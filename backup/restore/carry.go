package restore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/backup"
)

// A Mapping says what takes the place of what a manifest names and another
// account, or Region, does not have. A key is what the manifest names; an empty
// value leaves it out without saying so.
type Mapping struct {
	// Subnets and Groups are by id. Groups without an entry are dropped; if all
	// are, the instance gets the default group.
	Subnets map[string]string `json:"subnets,omitempty"`
	Groups  map[string]string `json:"groups,omitempty"` // security groups, by id
	// Profiles are ARNs of instance profiles.
	Profiles map[string]string `json:"profiles,omitempty"`
	// KeyNames are names of SSH key pairs.
	KeyNames map[string]string `json:"keyNames,omitempty"`
}

// A Dropped is something in a manifest that a restore does not carry over.
type Dropped struct {
	Field string `json:"field"` // of the manifest, as in JSON: "instance.place.subnet"
	Value string `json:"value"` // what stood there; empty for what may be secret
	Why   string `json:"why"`   // in words
}

// String returns "instance.place.subnet subnet-1: why".
func (d Dropped) String() string {
	return strings.TrimRight(d.Field+" "+d.Value, " ") + ": " + d.Why
}

// Carry fills a request with what the manifest of its point says and the
// request does not, and names what it leaves out: what a restore cannot set,
// and what belongs to the account or Region that was protected and has no entry
// in the mapping. The manifest must be one that Engine.Manifest, or
// backup.ReadManifest, has verified. It makes no call, and changes none of its
// arguments.
//
// Of an instance are carried: its type, tags, metadata options, monitoring, EBS
// optimization, hibernation, what protects it, what a shutdown does, user data,
// which volumes go with it, subnet, groups, profile and key pair; of its volumes
// those tags that all have alike. Of volumes that are restored as such: their
// tags. Tags of AWS ("aws:…") and of snapkeep are not carried.
func Carry(m backup.Manifest, q Request, to Mapping) (Request, []Dropped, error) {
	if m.Point != q.Point.ID || m.Resource != q.Point.Resource {
		return q, nil, &RequestError{"point", "is not the one that the manifest is of"}
	}
	c := &carrier{q: q, to: to, same: m.Site == q.site()}
	c.q.Tags, c.q.VolumeTags = maps.Clone(q.Tags), maps.Clone(q.VolumeTags)
	switch {
	case q.As == Volumes:
		c.volumes(m)
	case m.Instance == nil:
		return q, nil, &RequestError{"as", "the manifest is not that of an instance"}
	default:
		c.instance(m)
	}
	slices.SortStableFunc(c.dropped, func(a, b Dropped) int { return strings.Compare(a.Field, b.Field) })
	return c.q, c.dropped, nil
}

// A carrier is one call of Carry.
type carrier struct {
	q       Request
	to      Mapping
	same    bool // account and Region are those that were protected
	dropped []Dropped
}

func (c *carrier) drop(field, value, why string, args ...any) {
	c.dropped = append(c.dropped, Dropped{field, value, fmt.Sprintf(why, args...)})
}

// own returns the tags that a restore may set, and drops the others.
func (c *carrier) own(field string, tags map[string]string) map[string]string {
	kept := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		switch {
		case reserved(k):
			c.drop(field+"["+k+"]", tags[k], "the key is reserved")
		case len(kept) == maxTags-ownTags:
			c.drop(field+"["+k+"]", tags[k], "%d tags and %d that mark the restore are all that EC2 allows", maxTags-ownTags, ownTags)
		default:
			kept[k] = tags[k]
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// volumes carries the tags of volumes that are restored as such.
func (c *carrier) volumes(m backup.Manifest) {
	for i, v := range m.Volumes {
		if !c.restored(v.Volume) || len(v.Tags) == 0 || c.q.VolumeTags[v.Volume] != nil {
			continue
		}
		tags := c.own(fmt.Sprintf("volumes[%d].tags", i), v.Tags)
		if tags != nil && c.q.VolumeTags == nil {
			c.q.VolumeTags = map[string]map[string]string{}
		}
		if tags != nil {
			c.q.VolumeTags[v.Volume] = tags
		}
	}
	if m.Instance != nil {
		c.drop("instance", m.Instance.InstanceType, "volumes are restored, and no instance")
	}
}

// restored says whether a volume is in the point.
func (c *carrier) restored(volume string) bool {
	return slices.ContainsFunc(c.q.Point.Members, func(m backup.PointMember) bool { return m.Volume == volume })
}

// instance carries what a restored instance is started with.
func (c *carrier) instance(m backup.Manifest) {
	i, l := m.Instance, &c.q.Instance
	l.SecurityGroupIDs = slices.Clone(l.SecurityGroupIDs)
	l.fill(i)
	if l.Tags == nil {
		l.Tags = c.own("tags", m.Tags)
	}
	c.place(i, l)
	c.disks(m, l)
	c.unset(m)
}

// fill sets what the launch leaves open and a restore can set anywhere.
func (l *Launch) fill(i *backup.ManifestInstance) {
	if l.InstanceType == "" {
		l.InstanceType = i.InstanceType
	}
	if l.Metadata == (Metadata{}) {
		l.Metadata = Metadata{
			Tokens: i.Metadata.Tokens, Endpoint: i.Metadata.Endpoint, IPv6: i.Metadata.IPv6,
			Tags: i.Metadata.Tags, HopLimit: i.Metadata.HopLimit,
		}
	}
	l.Monitoring = l.Monitoring || i.Monitoring
	l.EBSOptimized = l.EBSOptimized || i.EBSOptimized
	l.Hibernation = l.Hibernation || i.Hibernation
	if l.UserData.IsZero() {
		l.UserData = i.UserData
	}
	if p := i.Protection; p != nil {
		l.KeepAlive, l.KeepRunning = l.KeepAlive || p.Termination, l.KeepRunning || p.Stop
		if l.Shutdown == "" {
			l.Shutdown = p.Shutdown
		}
	}
}

// place carries what belongs to an account and a Region.
func (c *carrier) place(i *backup.ManifestInstance, l *Launch) {
	if l.SubnetID == "" {
		l.SubnetID = c.mapped("instance.place.subnet", i.Place.Subnet, c.to.Subnets)
	}
	if len(l.SecurityGroupIDs) == 0 {
		for n, g := range i.Place.Groups {
			if id := c.mapped(fmt.Sprintf("instance.place.groups[%d]", n), g, c.to.Groups); id != "" {
				l.SecurityGroupIDs = append(l.SecurityGroupIDs, id)
			}
		}
	}
	if l.InstanceProfileARN == "" {
		l.InstanceProfileARN = c.mapped("instance.profile", i.Profile, c.to.Profiles)
	}
	if l.KeyName == "" {
		l.KeyName = c.mapped("instance.keyName", i.KeyName, c.to.KeyNames)
	}
}

// mapped returns what takes something's place, if there is anything, and drops
// it if not.
func (c *carrier) mapped(field, value string, mapping map[string]string) string {
	to, ok := mapping[value]
	switch {
	case value == "":
		return ""
	case ok:
		return to
	case c.same:
		return value
	}
	c.drop(field, value, "%s does not have it, and the mapping names nothing in its place", c.q.site())
	return ""
}

// disks carries which volumes go with the instance, and the tags that all have
// alike: a call that runs an instance tags all its volumes alike (EC2 API
// Reference, RunInstances: TagSpecifications).
func (c *carrier) disks(m backup.Manifest, l *Launch) {
	common := map[string]string(nil)
	for i, v := range m.Volumes {
		if !c.restored(v.Volume) {
			continue
		}
		if v.DeleteOnTermination && !slices.Contains(l.DeleteOnTermination, v.Device) {
			l.DeleteOnTermination = append(slices.Clone(l.DeleteOnTermination), v.Device)
		}
		if common == nil {
			common = c.own(fmt.Sprintf("volumes[%d].tags", i), v.Tags)
			if common == nil {
				common = map[string]string{}
			}
		}
		maps.DeleteFunc(common, func(k, value string) bool { has, ok := v.Tags[k]; return !ok || has != value })
	}
	if l.VolumeTags != nil {
		return
	}
	for i, v := range m.Volumes {
		for _, k := range slices.Sorted(maps.Keys(v.Tags)) {
			if _, ok := common[k]; !ok && !reserved(k) && c.restored(v.Volume) {
				c.drop(fmt.Sprintf("volumes[%d].tags[%s]", i, k), v.Tags[k], "not all volumes have it, and a call tags all volumes of an instance alike")
			}
		}
	}
	if len(common) > 0 {
		l.VolumeTags = common
	}
}

// unset drops what no restore sets.
func (c *carrier) unset(m backup.Manifest) {
	const never = "a restore does not set it"
	i := m.Instance
	for _, f := range []struct{ field, value string }{
		{"instance.place.group", i.Place.Group},
		{"instance.place.host", i.Place.Host},
		{"instance.lifecycle", i.Lifecycle},
		{"instance.cpu.sevSnp", i.CPU.SEVSNP},
	} {
		if f.value != "" {
			c.drop(f.field, f.value, never)
		}
	}
	if t := i.Place.Tenancy; t != "" && t != "default" {
		c.drop("instance.place.tenancy", t, never)
	}
	if i.Enclave {
		c.drop("instance.enclave", "true", never)
	}
	if r := i.Recovery; r != "" && r != "default" {
		c.drop("instance.recovery", r, never)
	}
	if i.CPU.Cores > 0 {
		c.drop("instance.cpu", fmt.Sprintf("%d cores of %d threads", i.CPU.Cores, i.CPU.Threads), "the default of the instance type is taken")
	}
	for n, nic := range i.Interfaces {
		at := fmt.Sprintf("instance.interfaces[%d]", n)
		if n > 0 || nic.Index > 0 {
			c.drop(at, nic.Interface, "one interface is made")
			continue
		}
		for k, a := range nic.Addresses {
			c.drop(fmt.Sprintf("%s.addresses[%d]", at, k), a.Private, "AWS gives the instance another address")
			if a.Elastic {
				c.drop(fmt.Sprintf("%s.addresses[%d].public", at, k), a.Public, "an elastic address is moved by who owns it")
			}
		}
		for k, p := range slices.Concat(nic.IPv6, nic.Prefixes) {
			c.drop(fmt.Sprintf("%s.addresses[%d]", at, len(nic.Addresses)+k), p, "AWS gives the instance another address")
		}
		if !nic.SourceDestCheck {
			c.drop(at+".sourceDestCheck", "false", never)
		}
	}
}

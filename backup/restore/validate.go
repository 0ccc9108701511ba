package restore

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A RequestError says which field of a Request is wrong, and why.
type RequestError struct {
	Field  string // as in JSON: "point.members[1].device"
	Reason string // in words: what is wrong, and what is wanted
}

// Error names the field.
func (e *RequestError) Error() string { return "restore: " + e.Field + ": " + e.Reason }

// The shapes of what AWS names. Ids have 8 or 17 hexadecimal digits (EC2 User
// Guide, "Resource IDs"); that of a zone is its Region's name and a letter, or
// the Region's, a place and a letter for Local and Wavelength Zones.
var (
	idShape       = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	regionShape   = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[1-9][0-9]?$`)
	zoneShape     = regexp.MustCompile(`^(-[a-z0-9]+)*[a-z]$`)
	snapshotShape = regexp.MustCompile(`^snap-([0-9a-f]{8}|[0-9a-f]{17})$`)
	imageShape    = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetShape   = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	groupShape    = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
	typeShape     = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+$`)
	keyShape      = regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z0-9-]+):([0-9]{12}):key/[A-Za-z0-9-]+$`)
	profileShape  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):instance-profile/[\w+=,.@/-]+$`)
)

const (
	// maxTags that EC2 allows on a resource (EC2 User Guide, "Tag restrictions").
	maxTags = 50
	// ownTags are those that mark the restore.
	ownTags = 3
)

// Validate returns nil for a request that can be planned, else all that is
// wrong with it: *RequestErrors, joined. It makes no call.
func (q Request) Validate() error {
	c := &check{}
	c.match("id", q.ID, idShape, "want 1 to 64 of A-Z, a-z, 0-9 and . _ -")
	c.place(q)
	c.point(q)
	c.tags("tags", q.Tags, nil)
	switch q.As {
	case Volumes:
		c.volumeTags(q)
		if q.Zone == "" {
			c.wrong("zone", "is empty: a volume is made in a zone")
		}
		if !reflect.ValueOf(q.Instance).IsZero() {
			c.wrong("instance", "is for an instance only")
		}
	case Instance:
		c.machine(q)
		c.launch(q)
	default:
		c.wrong("as", "%q: want %q or %q", string(q.As), string(Volumes), string(Instance))
	}
	return errors.Join(c.errs...)
}

// A check collects what is wrong.
type check struct{ errs []error }

func (c *check) wrong(field, format string, args ...any) {
	c.errs = append(c.errs, &RequestError{field, fmt.Sprintf(format, args...)})
}

func (c *check) match(field, value string, shape *regexp.Regexp, want string) {
	if !shape.MatchString(value) {
		c.wrong(field, "%q: %s", value, want)
	}
}

// place checks where is restored to. A key of another account or Region would
// be found out by EC2 only after the copy has begun.
func (c *check) place(q Request) {
	before := len(c.errs)
	if _, err := accounts.ParseID(string(q.Account)); err != nil {
		c.wrong("account", "%q is not an account id of 12 digits", string(q.Account))
	}
	c.match("region", q.Region, regionShape, "want a Region's name like eu-west-1")
	if len(c.errs) > before {
		return // whether zone and key are of a site that there is not
	}
	if zone, ok := strings.CutPrefix(q.Zone, q.Region); q.Zone != "" && (!ok || !zoneShape.MatchString(zone)) {
		c.wrong("zone", "%q is not a zone of %s", q.Zone, q.Region)
	}
	key := keyShape.FindStringSubmatch(q.KMSKey)
	switch {
	case q.KMSKey == "":
		c.wrong("kmsKey", "is empty: want the ARN of a key of %s", q.site())
	case key == nil:
		c.wrong("kmsKey", "%q is not the ARN of a KMS key (an alias will not do)", q.KMSKey)
	case key[2] != q.Region || key[3] != string(q.Account):
		c.wrong("kmsKey", "%q is a key of %s/%s, want one of %s", q.KMSKey, key[3], key[2], q.site())
	default:
		if parts := strings.SplitN(q.Point.Resource, ":", 3); len(parts) == 3 && parts[1] != key[1] {
			c.wrong("region", "%s is in partition %s, the point in %s: snapshots cannot be copied between them", q.Region, key[1], parts[1])
		}
	}
}

// point checks what is restored: all of it must be there.
func (c *check) point(q Request) {
	p := q.Point
	if p.ID == "" {
		c.wrong("point.id", "is empty")
	}
	if _, err := accounts.ParseID(string(p.Site.Account)); err != nil {
		c.wrong("point.site.account", "%q is not an account id of 12 digits", string(p.Site.Account))
	}
	c.match("point.site.region", p.Site.Region, regionShape, "want a Region's name like eu-west-1")
	if p.State != retention.Complete {
		c.wrong("point.state", "is %v: only a complete point is restored", p.State)
	}
	if !p.Copy && q.shares() {
		c.wrong("point.copy", "is false: only a copy is restored into another account")
	}
	if len(p.Members) == 0 {
		c.wrong("point.members", "is empty")
	}
	volumes := map[string]bool{}
	for i, m := range p.Members {
		at := fmt.Sprintf("point.members[%d].", i)
		if m.Volume == "" || volumes[m.Volume] {
			c.wrong(at+"volume", "%q is empty or listed twice", m.Volume)
		}
		volumes[m.Volume] = true
		c.match(at+"snapshot.id", m.Snapshot.ID, snapshotShape, "want a snapshot's id")
		if m.Snapshot.State != backup.SnapshotCompleted {
			c.wrong(at+"snapshot.state", "%q: want %q", string(m.Snapshot.State), string(backup.SnapshotCompleted))
		}
		if m.Snapshot.Archived {
			c.wrong(at+"snapshot.archived", "%s is in the archive tier of %s: have Engine.Thaw bring it back for some days (EC2 RestoreSnapshotTier; "+
				"it takes up to 72 hours), then read the point again", m.Snapshot.ID, p.Site)
		}
		if m.Snapshot.SizeGiB <= 0 {
			c.wrong(at+"snapshot.sizeGiB", "%d is not a size", m.Snapshot.SizeGiB)
		}
	}
}

// tags checks further tags, of something that has others already.
func (c *check) tags(field string, further, others map[string]string) {
	if n := len(joined(others, further)); len(further) > 0 && n > maxTags-ownTags {
		c.wrong(field, "%d tags and %d that mark the restore: EC2 allows %d", n, ownTags, maxTags)
	}
	for key, value := range further {
		at := fmt.Sprintf("%s[%s]", field, key)
		// Lengths: EC2 User Guide, "Tag restrictions".
		switch n := len([]rune(key)); {
		case n < 1 || n > 128:
			c.wrong(at, "the key has %d characters, want 1 to 128", n)
		case reserved(key):
			c.wrong(at, "the key is reserved")
		}
		if n := len([]rune(value)); n > 256 {
			c.wrong(at, "the value has %d characters, want at most 256", n)
		}
	}
}

// reserved says whether a tag's key is none of the caller's.
func reserved(key string) bool {
	return strings.HasPrefix(strings.ToLower(key), "aws:") || strings.HasPrefix(key, "snapkeep:")
}

// volumeTags checks the tags of single volumes.
func (c *check) volumeTags(q Request) {
	for volume, tags := range q.VolumeTags {
		at := fmt.Sprintf("volumeTags[%s]", volume)
		if !slices.ContainsFunc(q.Point.Members, func(m backup.PointMember) bool { return m.Volume == volume }) {
			c.wrong(at, "the point has no such volume")
		}
		c.tags(at, tags, q.Tags)
	}
}

// machine checks that enough is known of the instance to register an image.
func (c *check) machine(q Request) {
	m := q.Point.Machine
	if q.Point.Kind != "instance" {
		c.wrong("point.kind", "%q: an instance is made of an instance only", q.Point.Kind)
	}
	if root, ok := q.root(); !ok {
		c.wrong("point.members", "has no root volume: restore it as volumes")
	} else if root.Device != m.RootDevice || m.RootDevice == "" {
		c.wrong("point.machine.rootDevice", "%q is not where the root volume is, %q", m.RootDevice, root.Device)
	}
	devices := map[string]bool{}
	for i, member := range q.Point.Members {
		if member.Device == "" || devices[member.Device] {
			c.wrong(fmt.Sprintf("point.members[%d].device", i), "%q is empty or listed twice", member.Device)
		}
		devices[member.Device] = true
	}
	if !slices.Contains(types.ArchitectureValues("").Values(), types.ArchitectureValues(m.Architecture)) {
		c.wrong("point.machine.architecture", "%q is none that EC2 knows", m.Architecture)
	}
	c.image(q)
	if m.BootMode != "" && !slices.Contains(types.BootModeValues("").Values(), types.BootModeValues(m.BootMode)) {
		c.wrong("point.machine.bootMode", "%q is none that EC2 knows", m.BootMode)
	}
}

func (c *check) launch(q Request) {
	l := q.Instance
	c.match("instance.instanceType", q.instanceType(), typeShape, "want a type like m7i.large")
	if l.SubnetID != "" {
		c.match("instance.subnetId", l.SubnetID, subnetShape, "want a subnet's id")
	}
	for i, id := range l.SecurityGroupIDs {
		c.match(fmt.Sprintf("instance.securityGroupIds[%d]", i), id, groupShape, "want a security group's id")
	}
	if len(q.VolumeTags) > 0 {
		c.wrong("volumeTags", "is for volumes only: those of an instance are in instance.volumeTags")
	}
	c.options(q)
	if l.InstanceProfileARN == "" {
		return
	}
	if arn := profileShape.FindStringSubmatch(l.InstanceProfileARN); arn == nil {
		c.wrong("instance.instanceProfileArn", "%q is not the ARN of an instance profile", l.InstanceProfileARN)
	} else if arn[1] != string(q.Account) {
		c.wrong("instance.instanceProfileArn", "%q is not of account %s", l.InstanceProfileARN, q.Account)
	}
}

// options checks what an instance is started with beside its place.
func (c *check) options(q Request) {
	l := q.Instance
	c.tags("instance.tags", l.Tags, q.Tags)
	c.tags("instance.volumeTags", l.VolumeTags, q.Tags)
	for i, device := range l.DeleteOnTermination {
		if !slices.ContainsFunc(q.Point.Members, func(m backup.PointMember) bool { return m.Device == device }) {
			c.wrong(fmt.Sprintf("instance.deleteOnTermination[%d]", i), "%q is no device of the point", device)
		}
	}
	for _, f := range []struct {
		field, value string
		want         []string
	}{
		{"shutdown", l.Shutdown, []string{"stop", "terminate"}},
		{"metadata.tokens", l.Metadata.Tokens, []string{"optional", "required"}},
		{"metadata.endpoint", l.Metadata.Endpoint, []string{"enabled", "disabled"}},
		{"metadata.ipv6", l.Metadata.IPv6, []string{"enabled", "disabled"}},
		{"metadata.tags", l.Metadata.Tags, []string{"enabled", "disabled"}},
	} {
		if f.value != "" && !slices.Contains(f.want, f.value) {
			c.wrong("instance."+f.field, "%q: want one of %v", f.value, f.want)
		}
	}
	// EC2 API Reference, InstanceMetadataOptionsRequest: HttpPutResponseHopLimit.
	if n := l.Metadata.HopLimit; n < 0 || n > 64 {
		c.wrong("instance.metadata.hopLimit", "%d: want 1 to 64", n)
	}
	// EC2 User Guide, "Run commands when you launch an EC2 instance with user
	// data": 16 KB before it is encoded.
	text, err := base64.StdEncoding.DecodeString(l.UserData.Reveal())
	if err != nil || len(text) > 16<<10 {
		c.wrong("instance.userData", "want base64 of at most 16 KiB")
	}
}

package restore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// The tags of everything that a restore makes. The first is what the restore
// role's policy tests; the second says which step of which request made it,
// and is looked up before the step is done; the third is for people.
const (
	tagRestore = iampolicy.TagRestore
	tagKey     = "snapkeep:key"
	tagFrom    = "snapkeep:restored-from"
)

// The keys of a request's steps. What a step makes depends on is in its key: a
// request that was changed finds the copies it can still use, and is refused
// when volumes or an instance of its former self are there.

func (q Request) copyKey(m backup.PointMember) string {
	return digest("copy", q.ID, q.Point.ID, q.Point.Site, m.Volume, m.Snapshot.ID, q.site(), q.KMSKey)
}

func (q Request) volumeKey(m backup.PointMember) string {
	return digest("volume", q.copyKey(m), q.Zone, q.Tags)
}

func (q Request) imageKey() string {
	parts := []any{"image", q.Point.Machine}
	for _, m := range q.Point.Members {
		parts = append(parts, q.copyKey(m), m.Member)
	}
	return digest(parts...)
}

func (q Request) instanceKey() string {
	return digest("instance", q.imageKey(), q.Zone, q.Instance, q.Tags)
}

// digest hashes values by their JSON, to 32 hexadecimal digits. Client tokens
// may have 64 characters (EC2 API Reference, CreateVolume and RunInstances).
func digest(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic("restore: " + err.Error()) // strings, numbers and maps of strings only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// tagSpec returns the tags of what a step makes, in the order of their keys.
func (q Request) tagSpec(key, from string, own map[string]string, kinds ...types.ResourceType) []types.TagSpecification {
	tags := maps.Clone(own)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[tagRestore], tags[tagKey], tags[tagFrom] = q.ID, key, from
	var list []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	var specs []types.TagSpecification
	for _, kind := range kinds {
		specs = append(specs, types.TagSpecification{ResourceType: kind, Tags: list})
	}
	return specs
}

// from names what of the point something is made of: "sk-1/vol-1".
func (q Request) from(volume string) string { return fmt.Sprintf("%s/%s", q.Point.ID, volume) }

// keyOf returns the key among tags, or "".
func keyOf(tags []types.Tag) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == tagKey {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

package restore_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/retention"
)

// sound returns requests that nothing is wrong with.
func sound(as restore.Kind) restore.Request {
	snapshot := func(id string) backup.Snapshot {
		return backup.Snapshot{ID: id, State: backup.SnapshotCompleted, SizeGiB: 8}
	}
	q := restore.Request{
		ID: "drill-1", Account: clean, Region: away, KMSKey: "arn:aws:kms:" + away + ":" + clean + ":key/1234abcd", As: as,
		Point: backup.Point{
			ID: "sk-1", Copy: true, Kind: "instance", Site: backup.Site{Account: vault, Region: home},
			Resource: "arn:aws:ec2:eu-west-1:111111111111:instance/i-1",
			Members: []backup.PointMember{
				{Member: backup.Member{Volume: "vol-1", Device: "/dev/xvda", Root: true, SizeGiB: 8}, Snapshot: snapshot("snap-0123456789abcdef0")},
				{Member: backup.Member{Volume: "vol-2", Device: "/dev/sdf", SizeGiB: 8}, Snapshot: snapshot("snap-0123456789abcdef1")},
			},
			Machine: backup.Machine{InstanceType: "m7i.large", Architecture: "arm64", BootMode: "uefi", RootDevice: "/dev/xvda"},
		},
	}
	if as == restore.Volumes {
		q.Zone = away + "a"
	}
	return q
}

func TestSoundRequests(t *testing.T) {
	for _, as := range []restore.Kind{restore.Volumes, restore.Instance} {
		require.NoError(t, sound(as).Validate())
	}
	local := sound(restore.Volumes)
	local.Region, local.Zone = "us-west-2", "us-west-2-lax-1a"
	local.KMSKey = "arn:aws:kms:us-west-2:" + clean + ":key/1234abcd"
	require.NoError(t, local.Validate())
	own := sound(restore.Volumes)
	own.Account, own.KMSKey, own.Point.Copy = vault, "arn:aws:kms:"+away+":"+vault+":key/1234abcd", false
	require.NoError(t, own.Validate())
	placed := sound(restore.Instance)
	placed.Instance = restore.Launch{
		InstanceType: "u-6tb1.112xlarge", SubnetID: "subnet-0123456789abcdef0", SecurityGroupIDs: []string{"sg-01234567"},
		KeyName: "key", InstanceProfileARN: "arn:aws:iam::" + clean + ":instance-profile/path/app",
	}
	require.NoError(t, placed.Validate())
}

// TestUnsoundRequests breaks one thing at a time: the error names that field
// and no other, and no call is made.
func TestUnsoundRequests(t *testing.T) {
	type breaks func(*restore.Request)
	type one struct {
		field string
		do    breaks
	}
	member := func(n int, f func(*backup.PointMember)) breaks {
		return func(q *restore.Request) { f(&q.Point.Members[n]) }
	}
	either := map[string]one{
		"no id":                     {"id", func(q *restore.Request) { q.ID = "" }},
		"an id with a wildcard":     {"id", func(q *restore.Request) { q.ID = "drill*" }},
		"a long id":                 {"id", func(q *restore.Request) { q.ID = strings.Repeat("x", 65) }},
		"an account's name":         {"account", func(q *restore.Request) { q.Account = "clean" }},
		"no key":                    {"kmsKey", func(q *restore.Request) { q.KMSKey = "" }},
		"an alias":                  {"kmsKey", func(q *restore.Request) { q.KMSKey = "arn:aws:kms:" + away + ":" + clean + ":alias/aws/ebs" }},
		"a key's bare id":           {"kmsKey", func(q *restore.Request) { q.KMSKey = "1234abcd" }},
		"the vault's key":           {"kmsKey", func(q *restore.Request) { q.KMSKey = "arn:aws:kms:" + away + ":" + vault + ":key/1234abcd" }},
		"a key of another Region":   {"kmsKey", func(q *restore.Request) { q.KMSKey = "arn:aws:kms:" + home + ":" + clean + ":key/1234abcd" }},
		"neither volume nor else":   {"as", func(q *restore.Request) { q.As = "image" }},
		"no point":                  {"point.id", func(q *restore.Request) { q.Point.ID = "" }},
		"a partial point":           {"point.state", func(q *restore.Request) { q.Point.State = retention.Partial }},
		"a pending point":           {"point.state", func(q *restore.Request) { q.Point.State = retention.Pending }},
		"originals of another":      {"point.copy", func(q *restore.Request) { q.Point.Copy = false }},
		"nobody's point":            {"point.site.account", func(q *restore.Request) { q.Point.Site.Account = "" }},
		"a point of nowhere":        {"point.site.region", func(q *restore.Request) { q.Point.Site.Region = "eu" }},
		"another partition":         {"region", func(q *restore.Request) { q.Point.Resource = "arn:aws-cn:ec2:cn-north-1:111111111111:instance/i-1" }},
		"a volume twice":            {"point.members[1].volume", member(1, func(m *backup.PointMember) { m.Volume = "vol-1" })},
		"a member without snapshot": {"point.members[1].snapshot.id", member(1, func(m *backup.PointMember) { m.Snapshot.ID = "" })},
		"a snapshot in the archive": {"point.members[1].snapshot.archived", member(1, func(m *backup.PointMember) { m.Snapshot.Archived = true })},
		"a snapshot in the making":  {"point.members[0].snapshot.state", member(0, func(m *backup.PointMember) { m.Snapshot.State = "pending" })},
		"a snapshot of no size":     {"point.members[0].snapshot.sizeGiB", member(0, func(m *backup.PointMember) { m.Snapshot.SizeGiB = 0 })},
		"a tag of ours":             {"tags[snapkeep:vault]", func(q *restore.Request) { q.Tags = map[string]string{"snapkeep:vault": "x"} }},
		"a tag of AWS":              {"tags[AWS:x]", func(q *restore.Request) { q.Tags = map[string]string{"AWS:x": ""} }},
		"a tag without a key":       {"tags[]", func(q *restore.Request) { q.Tags = map[string]string{"": "x"} }},
		"a long tag":                {"tags[a]", func(q *restore.Request) { q.Tags = map[string]string{"a": strings.Repeat("x", 257)} }},
		"too many tags":             {"tags", func(q *restore.Request) { q.Tags = tags(48) }},
	}
	volumes := map[string]one{
		"no zone":                  {"zone", func(q *restore.Request) { q.Zone = "" }},
		"a zone of another Region": {"zone", func(q *restore.Request) { q.Zone = home + "a" }},
		"a Region for a zone":      {"zone", func(q *restore.Request) { q.Zone = away }},
		"a launch of volumes":      {"instance", func(q *restore.Request) { q.Instance.KeyName = "key" }},
		"an empty point":           {"point.members", func(q *restore.Request) { q.Point.Members = nil }},
		"a Region's nickname":      {"region", func(q *restore.Request) { q.Region = "frankfurt" }},
	}
	maps.Copy(volumes, either)
	instance := map[string]one{
		"a point of a volume": {"point.kind", func(q *restore.Request) { q.Point.Kind = "volume" }},
		"no root volume":      {"point.members", member(0, func(m *backup.PointMember) { m.Root = false })},
		"another root device": {"point.machine.rootDevice", func(q *restore.Request) { q.Point.Machine.RootDevice = "/dev/sda1" }},
		"a device twice":      {"point.members[1].device", member(1, func(m *backup.PointMember) { m.Device = "/dev/xvda" })},
		"no architecture":     {"point.machine.architecture", func(q *restore.Request) { q.Point.Machine.Architecture = "" }},
		"a strange boot mode": {"point.machine.bootMode", func(q *restore.Request) { q.Point.Machine.BootMode = "floppy" }},
		"no type":             {"instance.instanceType", func(q *restore.Request) { q.Point.Machine.InstanceType = "" }},
		"a subnet's name":     {"instance.subnetId", func(q *restore.Request) { q.Instance.SubnetID = "private" }},
		"a group's name":      {"instance.securityGroupIds[1]", func(q *restore.Request) { q.Instance.SecurityGroupIDs = []string{"sg-01234567", "web"} }},
		"a profile's name":    {"instance.instanceProfileArn", func(q *restore.Request) { q.Instance.InstanceProfileARN = "app" }},
		"a profile of another": {"instance.instanceProfileArn", func(q *restore.Request) {
			q.Instance.InstanceProfileARN = "arn:aws:iam::" + vault + ":instance-profile/app"
		}},
		"a zone of somewhere else":  {"zone", func(q *restore.Request) { q.Zone = "us-east-1a" }},
		"a role, and not a profile": {"instance.instanceProfileArn", func(q *restore.Request) { q.Instance.InstanceProfileARN = "arn:aws:iam::" + clean + ":role/app" }},
	}
	maps.Copy(instance, either)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.restorer(restore.Options{})
		before := w.cloud.Stats().Total
		check := func(as restore.Kind, name string, o one) {
			q, field := sound(as), o.field
			o.do(&q)
			_, err := r.Plan(t.Context(), q)
			joined, ok := err.(interface{ Unwrap() []error })
			require.True(t, ok, "%s %s: %v", as, name, err)
			for _, single := range joined.Unwrap() {
				var wrong *restore.RequestError
				require.ErrorAs(t, single, &wrong)
				require.Equal(t, field, wrong.Field, "%s %s: %v", as, name, err)
				require.True(t, strings.HasPrefix(single.Error(), "restore: "+field+": "))
			}
			_, err = r.Run(t.Context(), &restore.Plan{Request: q})
			require.Error(t, err)
			_, err = r.Clean(t.Context(), &restore.Plan{Request: q})
			require.Error(t, err)
		}
		for name, o := range volumes {
			check(restore.Volumes, name, o)
		}
		for name, o := range instance {
			check(restore.Instance, name, o)
		}
		require.Equal(t, before, w.cloud.Stats().Total)
	})
}

func tags(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[strings.Repeat("k", i+1)] = "v"
	}
	return all
}

func TestEverythingWrongIsTold(t *testing.T) {
	err := restore.Request{}.Validate()
	for _, field := range []string{"id", "account", "region", "as", "point.id", "point.members", "point.site.account"} {
		require.ErrorContains(t, err, "restore: "+field+": ")
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	_, err := restore.New(nil, restore.Options{})
	require.Error(t, err)
	for _, opts := range []restore.Options{{Poll: -1}, {Settle: -1}, {Grace: -1}, {Copies: -1}} {
		_, err := restore.New(direct{}, opts)
		require.Error(t, err)
	}
}

// TestPlanFailsWithoutASharer before anything is done.
func TestPlanFailsWithoutASharer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r, err := restore.New(direct{w.cloud}, restore.Options{})
		require.NoError(t, err)
		_, err = r.Plan(t.Context(), w.request(restore.Volumes, away))
		var where *backup.Error
		require.True(t, errors.As(err, &where))
		require.Equal(t, accounts.ID(vault), where.Account)
		require.ErrorContains(t, err, "vault-sharer")
	})
}

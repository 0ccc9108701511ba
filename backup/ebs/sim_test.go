package ebs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

var vaultSite = backup.Site{Account: "999999999999", Region: "eu-central-1"}

// An estate is a protected account in a simulated AWS: an instance with three
// volumes under three kinds of keys, one with a volume, and detached volumes.
type estate struct {
	t     *testing.T
	cloud *awssim.Cloud
	ec2   *ec2.Client
	ids   map[string]string // by the names that tests use
}

// newSite builds it, in a synctest bubble.
func newSite(t *testing.T, managed bool) *estate {
	t.Helper()
	cloud := awssim.New(awssim.Options{Limits: core.Limits{Off: true}})
	cfg := cloud.Config(cloud.Root(string(site.Account)), site.Region)
	s := &estate{t: t, cloud: cloud, ec2: ec2.NewFromConfig(cfg), ids: map[string]string{}}
	key, err := kms.NewFromConfig(cfg).CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	s.ids["key"] = aws.ToString(key.KeyMetadata.Arn)
	data := []types.EbsBlockDevice{
		{VolumeSize: aws.Int32(20), VolumeType: types.VolumeTypeIo2, Iops: aws.Int32(500)},
		{VolumeSize: aws.Int32(10), VolumeType: types.VolumeTypeGp3},
	}
	if managed {
		data[0].Encrypted, data[1].Encrypted, data[1].KmsKeyId = aws.Bool(true), aws.Bool(true), key.KeyMetadata.Arn
	}
	s.run("web", data, "Name=web", "backup=daily")
	s.run("db", data[1:], "Name=db")
	s.volume("loose", "backup=daily")
	s.volume("other", "backup=weekly")
	time.Sleep(time.Minute)
	return s
}

func (s *estate) run(name string, data []types.EbsBlockDevice, tags ...string) {
	s.t.Helper()
	var mappings []types.BlockDeviceMapping
	for n := range data {
		mappings = append(mappings, types.BlockDeviceMapping{DeviceName: aws.String(fmt.Sprintf("/dev/sd%c", 'f'+n)), Ebs: &data[n]})
	}
	out, err := s.ec2.RunInstances(s.t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(site.Region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), BlockDeviceMappings: mappings, TagSpecifications: spec("instance", tags),
	})
	require.NoError(s.t, err)
	s.ids[name] = aws.ToString(out.Instances[0].InstanceId)
	time.Sleep(time.Minute)
	got, err := s.ec2.DescribeInstances(s.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{s.ids[name]}})
	require.NoError(s.t, err)
	for _, b := range got.Reservations[0].Instances[0].BlockDeviceMappings {
		s.ids[name+" "+aws.ToString(b.DeviceName)] = aws.ToString(b.Ebs.VolumeId)
	}
}

func (s *estate) volume(name string, tags ...string) {
	s.t.Helper()
	out, err := s.ec2.CreateVolume(s.t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(site.Region + "a"), Size: aws.Int32(5), TagSpecifications: spec("volume", tags),
	})
	require.NoError(s.t, err)
	s.ids[name] = aws.ToString(out.VolumeId)
}

func spec(kind types.ResourceType, tags []string) []types.TagSpecification {
	list := []types.TagSpecification{{ResourceType: kind}}
	for _, t := range tags {
		k, v, _ := strings.Cut(t, "=")
		list[0].Tags = append(list[0].Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return list
}

func (s *estate) tag(name string, tags ...string) {
	s.t.Helper()
	_, err := s.ec2.CreateTags(s.t.Context(), &ec2.CreateTagsInput{Resources: []string{s.ids[name]}, Tags: spec("", tags)[0].Tags})
	require.NoError(s.t, err)
}

func (s *estate) client(at backup.Site) backup.Client {
	return ebs.New(ebs.Options{}).Open(s.cloud.Config(s.cloud.Root(string(at.Account)), at.Region), at)
}

// newBench makes the bench of the conformance tests out of a site.
func newBench(t *testing.T) bench {
	t.Helper()
	s := newSite(t, false)
	key, err := kms.NewFromConfig(s.cloud.Config(s.cloud.Root(string(vaultSite.Account)), vaultSite.Region)).CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	t.Cleanup(func() { require.Empty(t, s.cloud.Misuse()) })
	return bench{
		driver: ebs.New(ebs.Options{}), source: s.client(site), vault: s.client(vaultSite), sourceSite: site, vaultSite: vaultSite,
		everything: backup.Selector{All: true}, key: aws.ToString(key.KeyMetadata.Arn),
	}
}

// found renders what a selector chooses by the names of the site.
func (s *estate) found(sel backup.Selector) []string {
	s.t.Helper()
	names := map[string]string{}
	for name, id := range s.ids {
		names[id] = name
	}
	var all []string
	for _, r := range discover(s.t, s.client(site), sel) {
		line := names[r.ID()] + ":"
		for _, m := range r.Members {
			line += " " + strings.TrimPrefix(names[m.Volume], names[r.ID()]+" ")
		}
		for _, m := range r.Excluded {
			line += " -" + strings.TrimPrefix(names[m.Volume], names[r.ID()]+" ")
		}
		all = append(all, line)
	}
	return all
}

// TestDiscoverWithTheFiltersOfAWS has the filters that the driver sends
// decided by somebody else, in pages of a few that may be empty.
func TestDiscoverWithTheFiltersOfAWS(t *testing.T) {
	const whole = "web: /dev/xvda /dev/sdf /dev/sdg"
	type tags = map[string]string
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, true)
		s.cloud.EC2().SetLimits(ec2sim.Limits{ScannedPerPage: 2})
		s.tag("web /dev/sdf", "scratch=yes")
		s.tag("db /dev/sdf", "backup=daily", "glob=a*b")
		for name, test := range map[string]struct {
			sel  backup.Selector
			want []string
		}{
			"everything":     {backup.Selector{All: true}, []string{"db: /dev/xvda /dev/sdf", whole, "loose: loose", "other: other"}},
			"an instance":    {backup.Selector{IDs: []string{s.ids["web"]}}, []string{whole}},
			"volumes":        {backup.Selector{IDs: []string{s.ids["other"], s.ids["web /dev/sdf"]}}, []string{"web: /dev/sdf -/dev/xvda -/dev/sdg", "other: other"}},
			"a tag":          {backup.Selector{Tags: tags{"backup": "daily"}}, []string{"db: /dev/sdf -/dev/xvda", whole, "loose: loose"}},
			"two tags":       {backup.Selector{Tags: tags{"backup": "", "Name": ""}}, []string{whole}},
			"a literal star": {backup.Selector{Tags: tags{"glob": `a\*b`}}, []string{"db: /dev/sdf -/dev/xvda"}},
			"a pattern":      {backup.Selector{Tags: tags{"glob": "a?*b"}}, []string{"db: /dev/sdf -/dev/xvda"}},
			"no pattern":     {backup.Selector{Tags: tags{"glob": `\*`}}, nil},
			"exclusions":     {backup.Selector{All: true, ExcludeTags: tags{"scratch": "", "backup": "weekly"}, ExcludeIDs: []string{s.ids["db"]}}, []string{"web: /dev/xvda /dev/sdg -/dev/sdf", "loose: loose"}},
		} {
			require.ElementsMatch(t, test.want, s.found(test.sel), name)
		}
		require.Empty(t, s.cloud.Misuse())
	})
}

// TestKeysInASimulatedAccount tells the AWS-managed key from a customer's.
func TestKeysInASimulatedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, true)
		before := s.cloud.Stats().Calls["kms:DescribeKey"]
		client := s.client(site)
		for range 3 {
			managed := map[string]string{}
			for _, r := range discover(t, client, backup.Selector{IDs: []string{s.ids["web"]}}) {
				for _, m := range r.Members {
					managed[m.Device] = fmt.Sprint(m.Encrypted, m.ManagedKey, m.KMSKey == s.ids["key"])
				}
			}
			require.Equal(t, map[string]string{
				"/dev/xvda": "false false false", "/dev/sdf": "true true false", "/dev/sdg": "true false true",
			}, managed)
		}
		require.Equal(t, 2, s.cloud.Stats().Calls["kms:DescribeKey"]-before)
	})
}

// TestExcludedVolumesAreNotSnapshotted goes all the way: the root and a data
// volume are left out of the one call.
func TestExcludedVolumesAreNotSnapshotted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		client := s.client(site)
		sel := backup.Selector{IDs: []string{s.ids["web"]}, ExcludeIDs: []string{s.ids["web /dev/xvda"], s.ids["web /dev/sdf"]}}
		r := discover(t, client, sel)
		require.Len(t, r, 1)
		made, err := client.Do(t.Context(), backup.Step{Kind: backup.StepSnapshot, Resource: r[0]})
		require.NoError(t, err)
		require.Len(t, made, 1)
		require.Equal(t, s.ids["web /dev/sdg"], made[0].Volume)
		require.Len(t, s.cloud.EC2().Snapshots(), 1)
		require.Equal(t, 1, s.cloud.Stats().Calls["ec2:CreateSnapshots"])
	})
}

// TestASharedKeyOfAWSIsRefused: the driver tells what AWS says of it.
func TestASharedKeyOfAWSIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, true)
		client := s.client(site)
		made, err := client.Do(t.Context(), backup.Step{Kind: backup.StepSnapshot, Resource: discover(t, client, backup.Selector{IDs: []string{s.ids["web"]}})[0]})
		require.NoError(t, err)
		settle()
		refused := 0
		for _, m := range made {
			_, err := client.Do(t.Context(), backup.Step{Kind: backup.StepShare, Snapshot: m.ID, With: vaultSite.Account})
			if err != nil {
				refused++
				require.ErrorContains(t, err, "default key cannot be shared")
				require.Equal(t, s.ids["web /dev/sdf"], m.Volume)
			}
		}
		require.Equal(t, 1, refused)
	})
}

// TestALargeAccountIsCheap counts calls: choosing a few of very many costs a
// few calls, choosing all a page for every 500 volumes and 1,000 snapshots.
func TestALargeAccountIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		s.cloud.EC2().SetLimits(ec2sim.Limits{PendingPerSite: -1})
		client := s.client(site)
		for n := range 1200 {
			s.volume(fmt.Sprintf("v%d", n), "bulk=yes")
		}
		time.Sleep(time.Minute)
		calls := func(f func()) map[string]int {
			before := s.cloud.Stats().Calls
			f()
			diff := map[string]int{}
			for op, n := range s.cloud.Stats().Calls {
				if n > before[op] {
					diff[op] = n - before[op]
				}
			}
			return diff
		}
		require.Equal(t, map[string]int{"ec2:DescribeInstances": 1, "ec2:DescribeInstanceTypes": 1, "ec2:DescribeVolumes": 3}, calls(func() {
			require.Len(t, discover(t, client, backup.Selector{All: true}), 1204)
		}))
		require.Equal(t, map[string]int{"ec2:DescribeInstances": 1, "ec2:DescribeVolumes": 2}, calls(func() {
			require.Len(t, discover(t, client, backup.Selector{Tags: map[string]string{"backup": "daily"}}), 2)
		}))
		for n := range 1100 {
			_, err := client.Do(t.Context(), backup.Step{
				Kind: backup.StepSnapshot, Tags: map[string]string{"bulk": "yes"},
				Resource: backup.Resource{ARN: "volume/" + s.ids[fmt.Sprintf("v%d", n)], Kind: ebs.KindVolume},
			})
			require.NoError(t, err)
		}
		require.Equal(t, map[string]int{"ec2:DescribeSnapshots": 2}, calls(func() {
			require.Len(t, list(t, client, backup.Query{Tags: map[string]string{"bulk": "yes"}}), 1100)
		}))
		require.Empty(t, s.cloud.Misuse())
	})
}

// TestLostCreatesAreMadeOnce: whatever breaks before or after the effect of a
// create, it is not sent again, and the listing tells what came of it.
func TestLostCreatesAreMadeOnce(t *testing.T) {
	for name, fault := range map[string]core.Fault{
		"500 after":    {Way: core.Refuse, After: true},
		"reset after":  {Way: core.Reset, After: true},
		"cut short":    {Way: core.Truncate},
		"never comes":  {Way: core.Hang, After: true},
		"500 before":   {Way: core.Refuse},
		"reset before": {Way: core.Reset},
		"garbage":      {Way: core.Garbage},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, false)
				client := s.client(site)
				web := discover(t, client, backup.Selector{IDs: []string{s.ids["web"]}})[0]
				loose := discover(t, client, backup.Selector{IDs: []string{s.ids["loose"]}})[0]
				s.cloud.SetFault(func(c core.CallInfo) core.Fault {
					if c.Mutating {
						return fault
					}
					return core.Fault{}
				})
				for _, r := range []backup.Resource{web, loose} {
					step := backup.Step{Kind: backup.StepSnapshot, Resource: r, Tags: map[string]string{"key": r.ID()}}
					_, err := client.Do(context.Background(), step)
					require.ErrorIs(t, err, backup.ErrUnknownOutcome)
					want := 0
					if fault.After || fault.Way == core.Truncate {
						want = len(r.Members)
					}
					require.Len(t, list(t, client, backup.Query{Tags: step.Tags}), want)
				}
				require.Equal(t, 1, s.cloud.Stats().Calls["ec2:CreateSnapshots"])
				require.Equal(t, 1, s.cloud.Stats().Calls["ec2:CreateSnapshot"])
			})
		})
	}
}

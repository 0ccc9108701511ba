package restore_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
)

// secret is the user data of the instance that manifests are of.
var secret = base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho hush-1234\n"))

// described is the manifest of a point of the instance.
func described(p backup.Point) backup.Manifest {
	m := backup.Manifest{
		Point: p.ID, Resource: p.Resource, Kind: p.Kind, Site: p.Source,
		Tags: map[string]string{"Name": "web", "team": "shop", "aws:autoscaling:groupName": "asg", "snapkeep:vault": "999999999999"},
		Instance: &backup.ManifestInstance{
			InstanceType: "m5.xlarge", KeyName: "ops", Profile: "arn:aws:iam::111111111111:instance-profile/web",
			Place: backup.ManifestPlacement{
				Zone: home + "a", VPC: "vpc-0a0a0a0a", Subnet: "subnet-0a0a0a0a", Groups: []string{"sg-0a0a0a0a", "sg-0b0b0b0b"},
				Tenancy: "dedicated", Group: "rack",
			},
			Metadata:   backup.ManifestMetadata{Tokens: "required", Endpoint: "enabled", HopLimit: 2},
			Monitoring: true, CPU: backup.ManifestCPU{Cores: 2, Threads: 1}, Enclave: true, Recovery: "disabled", Lifecycle: "spot",
			Interfaces: []backup.ManifestNIC{
				{
					Interface: "eni-1", Addresses: []backup.ManifestAddress{{Private: "10.0.0.7", Public: "198.51.100.7", Elastic: true}},
					Prefixes: []string{"10.0.1.0/28"},
				},
				{Interface: "eni-2", Index: 1, SourceDestCheck: true},
			},
			Protection: &backup.ManifestProtection{Termination: true, Shutdown: "terminate"},
			UserData:   backup.NewSecret(secret),
		},
	}
	for _, member := range p.Members {
		m.Volumes = append(m.Volumes, backup.ManifestVolume{
			Volume: member.Volume, Device: member.Device, DeleteOnTermination: member.Root,
			Tags: map[string]string{"team": "shop", "disk": member.Device, "aws:x": "y"},
		})
	}
	m.Volumes = append(m.Volumes, backup.ManifestVolume{Volume: "vol-excluded", Device: "/dev/sdz", DeleteOnTermination: true})
	return m
}

// An instance is restored into another account as its manifest says, with what
// the mapping names in place of what belongs to the protected account.
func TestAnInstanceIsRestoredAsItsManifestSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		given, err := json.Marshal(q)
		require.NoError(t, err)
		group := w.defaultGroup(away)
		carried, dropped, err := restore.Carry(described(w.point), q, restore.Mapping{
			Groups:   map[string]string{"sg-0a0a0a0a": group, "sg-0b0b0b0b": ""},
			Profiles: map[string]string{"arn:aws:iam::111111111111:instance-profile/web": "arn:aws:iam::555555555555:instance-profile/app"},
		})
		require.NoError(t, err)
		after, err := json.Marshal(q)
		require.NoError(t, err)
		require.Equal(t, string(given), string(after), "the request given is not changed")
		require.Equal(t, []string{group}, carried.Instance.SecurityGroupIDs)

		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(carried))
		require.NoError(t, err)
		there := w.admin(clean, away)
		out, err := there.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{report.Instance}})
		require.NoError(t, err)
		i := out.Reservations[0].Instances[0]
		require.Equal(t, types.InstanceTypeM5Xlarge, i.InstanceType)
		require.Equal(t, types.HttpTokensStateRequired, i.MetadataOptions.HttpTokens)
		require.EqualValues(t, 2, aws.ToInt32(i.MetadataOptions.HttpPutResponseHopLimit))
		require.Equal(t, types.MonitoringStateEnabled, i.Monitoring.State)
		require.Equal(t, carried.Instance.InstanceProfileARN, aws.ToString(i.IamInstanceProfile.Arn))
		tags := tagsOf(i.Tags)
		require.Equal(t, "web", tags["Name"], "what the manifest says of the instance wins over tags of everything")
		require.Equal(t, "shop", tags["team"])
		for _, b := range i.BlockDeviceMappings {
			require.Equal(t, aws.ToString(b.DeviceName) == w.point.Machine.RootDevice, aws.ToBool(b.Ebs.DeleteOnTermination), *b.DeviceName)
		}
		for _, v := range w.restored(q) {
			require.Equal(t, "shop", tagsOf(v.Tags)["team"])
			require.NotContains(t, tagsOf(v.Tags), "disk")
		}
		data, err := there.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{
			InstanceId: &report.Instance, Attribute: types.InstanceAttributeNameUserData,
		})
		require.NoError(t, err)
		require.Equal(t, secret, aws.ToString(data.UserData.Value))
		keep, err := there.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{
			InstanceId: &report.Instance, Attribute: types.InstanceAttributeNameDisableApiTermination,
		})
		require.NoError(t, err)
		require.True(t, aws.ToBool(keep.DisableApiTermination.Value))
		w.nothingLeft(q)

		var named []string
		for _, d := range dropped {
			named = append(named, strings.SplitN(d.String(), ":", 2)[0])
			require.NotContains(t, d.String(), secret)
		}
		for _, want := range []string{
			"instance.place.subnet subnet-0a0a0a0a", "instance.keyName ops", "instance.place.tenancy dedicated", "instance.place.group rack",
			"instance.lifecycle spot", "instance.enclave true", "instance.recovery disabled", "instance.cpu 2 cores of 1 threads",
			"instance.interfaces[0].addresses[0] 10.0.0.7", "instance.interfaces[0].addresses[0].public 198.51.100.7",
			"instance.interfaces[0].addresses[1] 10.0.1.0/28", "instance.interfaces[0].sourceDestCheck false", "instance.interfaces[1] eni-2",
			"volumes[1].tags[disk] /dev/sdf", "tags[snapkeep",
		} {
			require.Contains(t, named, want)
		}
		require.NotContains(t, strings.Join(named, "\n"), "sg-", "what the mapping leaves out by an empty value is not named")
	})
}

func (w *world) defaultGroup(region string) string {
	w.t.Helper()
	out, err := w.admin(clean, region).DescribeSecurityGroups(w.t.Context(), &ec2.DescribeSecurityGroupsInput{})
	require.NoError(w.t, err)
	require.NotEmpty(w.t, out.SecurityGroups)
	return aws.ToString(out.SecurityGroups[0].GroupId)
}

func tagsOf(list []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// Volumes get their own tags back, and those that the request gives.
func TestVolumesGetTheirTagsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q, dropped, err := restore.Carry(described(w.point), w.request(restore.Volumes, away), restore.Mapping{})
		require.NoError(t, err)
		require.Len(t, dropped, 4, "a reserved tag of each volume, and the instance")
		report, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		made := w.verify(q, report)
		for _, m := range w.point.Members {
			tags := tagsOf(made[m.Volume].Tags)
			require.Equal(t, m.Device, tags["disk"])
			require.Equal(t, "shop", tags["team"])
			require.Equal(t, "restored", tags["Name"])
			require.NotContains(t, tags, "aws:x")
		}
	})
}

// aPoint is one that a request may name, without a cloud.
func aPoint() backup.Point {
	return backup.Point{
		ID: "sk-0123456789abcdef0", Kind: "instance", Source: backup.Site{Account: protected, Region: home},
		Resource: "arn:aws:ec2:" + home + ":" + protected + ":instance/i-1",
		Members:  []backup.PointMember{{Member: backup.Member{Volume: "vol-1", Device: "/dev/xvda", Root: true}}},
	}
}

// In the account and Region that were protected everything that is there is
// named as it was; what the request says wins everywhere.
func TestCarryWithinTheProtectedAccount(t *testing.T) {
	q := restore.Request{Point: aPoint(), Account: protected, Region: home, As: restore.Instance}
	q.Instance = restore.Launch{InstanceType: "c5.large", KeyName: "drill", Metadata: restore.Metadata{Tokens: "optional"}, Shutdown: "stop"}
	got, dropped, err := restore.Carry(described(q.Point), q, restore.Mapping{Subnets: map[string]string{"subnet-0a0a0a0a": "subnet-0c0c0c0c"}})
	require.NoError(t, err)
	l := got.Instance
	require.Equal(t, "c5.large", l.InstanceType)
	require.Equal(t, "drill", l.KeyName)
	require.Equal(t, restore.Metadata{Tokens: "optional"}, l.Metadata)
	require.Equal(t, "stop", l.Shutdown)
	require.Equal(t, "subnet-0c0c0c0c", l.SubnetID)
	require.Equal(t, []string{"sg-0a0a0a0a", "sg-0b0b0b0b"}, l.SecurityGroupIDs)
	require.Equal(t, "arn:aws:iam::111111111111:instance-profile/web", l.InstanceProfileARN)
	require.Equal(t, []string{"/dev/xvda"}, l.DeleteOnTermination, "a volume that is not in the point has no say")
	require.Equal(t, map[string]string{"team": "shop", "disk": "/dev/xvda"}, l.VolumeTags)
	for _, d := range dropped {
		require.NotContains(t, []string{"instance.place.subnet", "instance.keyName", "instance.profile"}, d.Field)
	}
	// A request that is printed does not show the user data; its JSON holds it.
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown := fmt.Sprintf(verb, got)
		require.NotContains(t, shown, secret)
		require.NotContains(t, shown, fmt.Sprintf("%x", secret))
	}
	body, err := json.Marshal(got)
	require.NoError(t, err)
	var again restore.Request
	require.NoError(t, json.Unmarshal(body, &again))
	require.Equal(t, secret, again.Instance.UserData.Reveal())
}

// A manifest of another point, or of a volume, does not become an instance.
func TestCarryRefusesAnotherPointsManifest(t *testing.T) {
	q := restore.Request{Point: aPoint(), As: restore.Instance}
	m := described(q.Point)
	m.Point = "sk-0123456789abcdef1"
	_, _, err := restore.Carry(m, q, restore.Mapping{})
	require.ErrorContains(t, err, "point")
	m = described(q.Point)
	m.Instance = nil
	_, _, err = restore.Carry(m, q, restore.Mapping{})
	require.ErrorContains(t, err, "as")
}

// EC2 allows 50 tags: those that do not fit are named.
func TestCarryDropsTagsThatDoNotFit(t *testing.T) {
	q := restore.Request{Point: aPoint(), As: restore.Instance, Account: clean, Region: home}
	m := described(q.Point)
	m.Tags = map[string]string{}
	for n := range 50 {
		m.Tags[fmt.Sprintf("t%02d", n)] = "x"
	}
	got, dropped, err := restore.Carry(m, q, restore.Mapping{})
	require.NoError(t, err)
	require.Len(t, got.Instance.Tags, 47)
	n := 0
	for _, d := range dropped {
		if strings.HasPrefix(d.Field, "tags[t4") {
			n++
		}
	}
	require.Equal(t, 3, n)
}

// What cannot be launched is refused before any call, by its field.
func TestLaunchOptionsAreChecked(t *testing.T) {
	for field, change := range map[string]func(*restore.Request){
		"volumeTags":                      func(q *restore.Request) { q.VolumeTags = map[string]map[string]string{"vol-1": {"a": "b"}} },
		"instance.shutdown":               func(q *restore.Request) { q.Instance.Shutdown = "hibernate" },
		"instance.metadata.tokens":        func(q *restore.Request) { q.Instance.Metadata.Tokens = "none" },
		"instance.metadata.hopLimit":      func(q *restore.Request) { q.Instance.Metadata.HopLimit = 65 },
		"instance.userData":               func(q *restore.Request) { q.Instance.UserData = backup.NewSecret("hush-1234!") },
		"instance.deleteOnTermination[0]": func(q *restore.Request) { q.Instance.DeleteOnTermination = []string{"/dev/none"} },
		"instance.tags[aws:x]":            func(q *restore.Request) { q.Instance.Tags = map[string]string{"aws:x": "y"} },
		"instance.volumeTags[snapkeep:x]": func(q *restore.Request) { q.Instance.VolumeTags = map[string]string{"snapkeep:x": "y"} },
	} {
		q := restore.Request{Point: aPoint(), As: restore.Instance, Account: clean, Region: home}
		change(&q)
		err := q.Validate()
		require.ErrorContains(t, err, "restore: "+field+":")
		require.NotContains(t, err.Error(), "hush")
	}
	q := restore.Request{Point: aPoint(), As: restore.Volumes, VolumeTags: map[string]map[string]string{"vol-9": {"snapkeep:x": "y"}}}
	require.ErrorContains(t, q.Validate(), "restore: volumeTags[vol-9]: the point has no such volume")
	require.ErrorContains(t, q.Validate(), "restore: volumeTags[vol-9][snapkeep:x]: the key is reserved")
}

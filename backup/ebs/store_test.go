package ebs_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// Instance stores are named, from a type that is asked about once.
func TestInstanceStoresAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		out, err := s.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(ec2sim.BaseImage(site.Region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeM5d4xlarge,
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		require.NoError(t, err)
		settle()
		client := s.client(site)
		for range 2 {
			got := map[string][]string{}
			for _, r := range discover(t, client, backup.Selector{All: true}) {
				got[r.ID()] = r.Unprotected
			}
			require.Equal(t, []string{"2 instance-store volumes of 300 GB"}, got[aws.ToString(out.Instances[0].InstanceId)])
			require.Empty(t, got[s.ids["web"]])
		}
		for r, err := range client.(backup.Surveyor).Survey(t.Context(), nil) {
			require.NoError(t, err)
			require.Equal(t, r.Resource.ID() == aws.ToString(out.Instances[0].InstanceId), len(r.Resource.Unprotected) == 1, r.Resource)
		}
		require.Equal(t, 1, s.cloud.Stats().Calls["ec2:DescribeInstanceTypes"])
	})
}

// An instance that has nothing else is told, and is no silence.
func TestAnInstanceOfStoresOnlyIsTold(t *testing.T) {
	client, _ := open(t, func(r request) answer {
		switch r.action {
		case "DescribeInstances":
			return ok(r.action, `<reservationSet><item><instancesSet><item><instanceId>i-old</instanceId>
				<instanceState><name>running</name></instanceState><rootDeviceType>instance-store</rootDeviceType>
				<instanceType>m3.large</instanceType></item></instancesSet></item></reservationSet>`)
		case "DescribeVolumes":
			return ok(r.action, "<volumeSet/>")
		}
		return refused(403, "UnauthorizedOperation", r.action)
	})
	n := 0
	for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
		n++
		require.Equal(t, "i-old", r.ID())
		require.ErrorIs(t, err, backup.ErrUnsupported)
		require.ErrorContains(t, err, "boots from an instance store")
	}
	require.Equal(t, 1, n)
}

// Volumes in state error are named: of an instance they are left out of its
// snapshots, and what has nothing else is told.
func TestBrokenVolumesAreNamed(t *testing.T) {
	client, _ := open(t, inventory(
		[]vm{
			{id: "i-half", state: "running"}, {id: "i-broken", state: "running"}, {id: "i-tagged", state: "running"},
		},
		[]disk{
			{id: "vol-root", at: "i-half", device: "/dev/xvda"},
			{id: "vol-b", at: "i-half", device: "/dev/sdb", state: "error"},
			{id: "vol-a", at: "i-half", device: "/dev/sda", state: "error"},
			{id: "vol-only", at: "i-broken", device: "/dev/xvda", state: "error"},
			{id: "vol-loose", state: "error", tags: "backup=daily"},
			{id: "vol-fine", at: "i-tagged", device: "/dev/xvda", tags: "backup=daily"},
			{id: "vol-bad", at: "i-tagged", device: "/dev/sdb", state: "error"},
		},
	))
	tell := func(sel backup.Selector) map[string][]string {
		told := map[string][]string{}
		for r, err := range client.Discover(t.Context(), sel) {
			if err != nil {
				require.ErrorIs(t, err, backup.ErrUnsupported)
				told[r.ID()] = []string{"error: " + err.Error()}
				continue
			}
			told[r.ID()] = append([]string{volumes(r.Members) + "-" + volumes(r.Excluded)}, r.Unprotected...)
		}
		return told
	}
	require.Equal(t, map[string][]string{
		"i-half":    {"vol-root-vol-a,vol-b", "volume vol-a, which is in state error", "volume vol-b, which is in state error"},
		"i-broken":  {"error: volume vol-only, which is in state error: not supported"},
		"i-tagged":  {"vol-fine-vol-bad", "volume vol-bad, which is in state error"},
		"vol-loose": {"error: is in state error: not supported"},
	}, tell(backup.Selector{All: true}))
	require.Equal(t, map[string][]string{
		"i-tagged":  {"vol-fine-vol-bad"},
		"vol-loose": {"error: is in state error: not supported"},
	}, tell(backup.Selector{Tags: map[string]string{"backup": "daily"}}), "what is not chosen is not missed")
	require.Empty(t, tell(backup.Selector{IDs: []string{"i-half"}, ExcludeIDs: []string{"vol-root", "vol-a", "vol-b"}}))

	unprotected := map[string]int{}
	for r, err := range client.(backup.Surveyor).Survey(t.Context(), nil) {
		require.NoError(t, err)
		unprotected[r.Resource.ID()] = len(r.Resource.Unprotected)
	}
	require.Equal(t, map[string]int{"i-broken": 1, "i-half": 2, "i-tagged": 1}, unprotected)
}

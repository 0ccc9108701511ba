package ebs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
)

func describe(t *testing.T, c backup.Client, resources ...string) []backup.Manifest {
	t.Helper()
	var all []backup.Manifest
	for m, err := range c.(backup.Describer).Describe(t.Context(), resources) {
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

func arnOf(kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", site.Region, site.Account, kind, id)
}

// What EC2 tells of an instance and of a volume is in their manifests, and is
// the same each time.
func TestDescribeTellsWhatARestoreNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, true)
		out, err := s.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: image(t, s), InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			MetadataOptions: &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(2)},
			Monitoring:      &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)},
		})
		require.NoError(t, err)
		strict := arnOf("instance", aws.ToString(out.Instances[0].InstanceId))
		s.tag("web /dev/sdg", "disk=data")
		c := s.client(site)
		resources := []string{arnOf("volume", s.ids["loose"]), arnOf("instance", s.ids["web"]), arnOf("instance", "i-0123456789abcdef0")}
		all := describe(t, c, resources...)
		require.Len(t, all, 2, "what is not there is left out")
		require.Equal(t, all, describe(t, c, resources...))

		web := all[0]
		require.Equal(t, arnOf("instance", s.ids["web"]), web.Resource)
		require.Equal(t, map[string]string{"Name": "web", "backup": "daily"}, web.Tags)
		require.Equal(t, "m5.large", web.Instance.InstanceType)
		require.False(t, web.Instance.Monitoring)
		other := describe(t, c, strict)[0].Instance
		require.True(t, other.Monitoring)
		require.Equal(t, "required", other.Metadata.Tokens)
		require.EqualValues(t, 2, other.Metadata.HopLimit)
		require.Equal(t, "enabled", other.Metadata.Endpoint)
		require.Equal(t, site.Region+"a", web.Instance.Place.Zone)
		require.NotEmpty(t, web.Instance.Place.Subnet)
		require.NotEmpty(t, web.Instance.Place.VPC)
		require.Len(t, web.Instance.Place.Groups, 1)
		require.Len(t, web.Instance.Interfaces, 1)
		require.Len(t, web.Instance.Interfaces[0].Addresses, 1)
		require.NotEmpty(t, web.Instance.Interfaces[0].Addresses[0].Private)
		require.Equal(t, "Linux/UNIX", web.Instance.PlatformDetails)
		require.Zero(t, web.Instance.UserData)
		require.Len(t, web.Volumes, 3)
		for _, v := range web.Volumes {
			switch v.Device {
			case "/dev/xvda":
				require.True(t, v.DeleteOnTermination)
			case "/dev/sdg":
				require.Equal(t, s.ids["key"], v.KMSKey)
				require.Equal(t, map[string]string{"disk": "data"}, v.Tags)
			}
		}
		require.Equal(t, map[string]string{"backup": "daily"}, all[1].Tags)
		require.Nil(t, all[1].Instance)
		require.Equal(t, []backup.ManifestVolume{{
			Volume: s.ids["loose"], Zone: site.Region + "a", Type: "gp2", SizeGiB: 5, IOPS: 100, Tags: map[string]string{"backup": "daily"},
		}}, all[1].Volumes)
	})
}

// User data and protection take a call for each attribute, and are asked for
// only where they are wanted.
func TestDetailAsksForWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		out, err := s.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: image(t, s), InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			UserData: aws.String("aGVsbG8="), DisableApiTermination: aws.Bool(true),
		})
		require.NoError(t, err)
		id := aws.ToString(out.Instances[0].InstanceId)
		c := s.client(site)
		m := describe(t, c, arnOf("instance", id))[0]
		detail := func(what backup.ManifestDetails) {
			t.Helper()
			require.NoError(t, c.(backup.Describer).Detail(t.Context(), &m, what))
		}
		detail(backup.ManifestDetails{})
		require.Nil(t, m.Instance.Protection)
		require.True(t, m.Instance.UserData.IsZero())
		detail(backup.ManifestDetails{UserData: true, Protection: true})
		require.Equal(t, "aGVsbG8=", m.Instance.UserData.Reveal())
		require.Equal(t, &backup.ManifestProtection{Termination: true, Shutdown: "stop"}, m.Instance.Protection)
		loose := describe(t, c, arnOf("volume", s.ids["loose"]))[0]
		require.NoError(t, c.(backup.Describer).Detail(t.Context(), &loose, backup.ManifestDetails{UserData: true}))
	})
}

func image(t *testing.T, s *estate) *string {
	t.Helper()
	got, err := s.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{s.ids["web"]}})
	require.NoError(t, err)
	return got.Reservations[0].Instances[0].ImageId
}

// However many resources there are, 200 are described in two calls.
func TestDescribeIsBatched(t *testing.T) {
	c, w := open(t, inventory([]vm{{id: "i-1", state: "running"}}, nil))
	var resources []string
	for n := range 450 {
		resources = append(resources, arnOf("instance", fmt.Sprintf("i-%d", n)))
	}
	require.Len(t, describe(t, c, resources...), 1)
	require.Len(t, w.calls, 6)
	require.Equal(t, map[string]int{"DescribeInstances": 3, "DescribeVolumes": 3, "DescribeInstanceAttribute": 450},
		ebs.New(ebs.Options{}).DescribeCalls(ebs.KindInstance, 450, backup.ManifestDetails{UserData: true}))
	require.Equal(t, map[string]int{"DescribeVolumes": 1}, ebs.New(ebs.Options{}).DescribeCalls(ebs.KindVolume, 200, backup.ManifestDetails{}))
}

// An error that AWS sends is told with the call and without what it is about.
func TestDescribeTellsErrors(t *testing.T) {
	c, _ := open(t, func(request) answer { return refused(403, "UnauthorizedOperation", "no") })
	for _, err := range c.(backup.Describer).Describe(context.Background(), []string{arnOf("instance", "i-1")}) {
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Contains(t, err.Error(), "DescribeInstances")
	}
	m := backup.Manifest{Resource: arnOf("instance", "i-1"), Instance: &backup.ManifestInstance{}}
	err := c.(backup.Describer).Detail(context.Background(), &m, backup.ManifestDetails{Protection: true})
	require.ErrorIs(t, err, backup.ErrDenied)
	require.True(t, strings.Contains(err.Error(), "DescribeInstanceAttribute"))
}

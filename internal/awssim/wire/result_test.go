package wire_test

import (
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Clients in other languages take a list that is not there for an error.
func TestEmptyListsAreInTheAnswer(t *testing.T) {
	require.Contains(t, string(wire.EC2().Result("DescribeSnapshots", "r", &ec2.DescribeSnapshotsOutput{}).Body), "<snapshotSet></snapshotSet>")
	require.Contains(t, string(wire.IAM().Result("ListRoles", "r", &iam.ListRolesOutput{}).Body), "<Roles></Roles>")
	require.JSONEq(t, `{"Grants":[],"Truncated":false}`, string(wire.KMS().Result("ListGrants", "r", &kms.ListGrantsOutput{}).Body))
}

func TestTakenMembersAreNotUnknown(t *testing.T) {
	m, err := wire.EC2().OpenForm(url.Values{
		"Action": {"CopySnapshot"}, "Version": {"2016-11-15"}, "SourceRegion": {"eu-west-1"}, "DestinationRegion": {"us-east-1"}, "Tag.1.Key": {"k"},
	})
	require.NoError(t, err)
	region, ok := m.Take("DestinationRegion")
	require.True(t, ok)
	require.Equal(t, "us-east-1", region)
	_, ok = m.Take("DestinationRegion")
	require.False(t, ok, "it is taken")
	_, ok = m.Take("Tag")
	require.False(t, ok, "it is no plain member")
	var in ec2.CopySnapshotInput
	unknown, err := m.Decode(&in)
	require.NoError(t, err)
	require.Equal(t, []string{"Tag"}, unknown)
	require.Equal(t, "eu-west-1", *in.SourceRegion)
}

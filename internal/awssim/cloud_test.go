package awssim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const (
	target = "111111111111"
	vault  = "999999999999"
)

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

// A story is one backup across accounts by SDK clients: the vault assumes a
// role in the target, snapshots a volume there, shares it and copies it home.
type story struct {
	cloud *awssim.Cloud
	log   []string
}

func (s *story) tell(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *story) run(ctx context.Context, t testing.TB) {
	c := s.cloud
	engine := c.User(vault, "engine", awssim.Admin())
	role := c.PutRole(target, awssim.Role{
		Name: "backup", Policies: []*iampolicy.Document{awssim.Admin()},
		Trust: parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"id-1"}}}]}`),
	})
	home := c.Config(engine, "eu-central-1")
	there := c.Config(aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(home), role, func(o *stscreds.AssumeRoleOptions) {
		o.ExternalID, o.RoleSessionName = aws.String("id-1"), "run-1"
	})), "eu-west-1")
	source, destination := ec2.NewFromConfig(there), ec2.NewFromConfig(home)

	volume, err := source.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8)})
	require.NoError(t, err)
	require.NoError(t, ec2.NewVolumeAvailableWaiter(source).Wait(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{*volume.VolumeId}}, time.Hour))
	ref := ec2sim.Ref{Site: ec2sim.Site{Account: target, Region: "eu-west-1"}, ID: *volume.VolumeId}
	require.NoError(t, c.EC2().WriteVolume(ref, 5, []byte("precious")))

	snapshot, err := source.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
	require.NoError(t, err)
	s.tell("snapshot %s at %s", *snapshot.SnapshotId, snapshot.StartTime)
	ids := []string{*snapshot.SnapshotId}
	require.NoError(t, ec2.NewSnapshotCompletedWaiter(source).Wait(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: ids}, time.Hour))
	_, err = source.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: snapshot.SnapshotId, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationTypeAdd, UserIds: []string{vault},
	})
	require.NoError(t, err)

	key, err := kms.NewFromConfig(home).CreateKey(ctx, nil)
	require.NoError(t, err)
	copied, err := destination.CopySnapshot(ctx, &ec2.CopySnapshotInput{
		SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: snapshot.SnapshotId,
		Encrypted: aws.Bool(true), KmsKeyId: key.KeyMetadata.Arn,
	})
	require.NoError(t, err)
	ids = []string{*copied.SnapshotId}
	require.NoError(t, ec2.NewSnapshotCompletedWaiter(destination).Wait(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: ids}, 3*time.Hour))
	out, err := destination.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: ids})
	require.NoError(t, err)
	s.tell("copy %s of %s in %s under %s", *out.Snapshots[0].SnapshotId, *out.Snapshots[0].VolumeId, *out.Snapshots[0].OwnerId, *out.Snapshots[0].KmsKeyId)

	got, err := c.EC2().ReadSnapshot(ec2sim.Ref{Site: ec2sim.Site{Account: vault, Region: "eu-central-1"}, ID: *copied.SnapshotId})
	require.NoError(t, err)
	want, err := c.EC2().ReadVolume(ref)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Empty(t, c.Misuse())
}

func TestABackupAcrossAccounts(t *testing.T) {
	tell := func(seed uint64) (log []string) {
		synctest.Test(t, func(t *testing.T) {
			s := story{cloud: awssim.New(awssim.Options{Seed: seed, RecordAuthorizations: true})}
			s.run(t.Context(), t)
			log = s.log
			var ids []string
			for _, a := range s.cloud.Authorizations() {
				require.Equal(t, iampolicy.Allowed, a.Decision.Outcome, "%+v", a)
				ids = append(ids, a.Action)
			}
			require.Contains(t, ids, "sts:AssumeRole")
			require.Contains(t, ids, "ec2:CopySnapshot")
			require.Contains(t, ids, "ec2:ModifySnapshotAttribute")
		})
		return log
	}
	first := tell(1)
	require.Len(t, first, 2)
	require.NotEqual(t, first, tell(2), "another seed gives other ids")
	// Waiters draw their delays from a source of chance that no seed reaches, so
	// only what happens before the first of them is the same in every run.
	require.Equal(t, strings.Fields(first[0])[1], strings.Fields(tell(1)[0])[1])
}

// The same handler serves any client over a socket.
func TestOverASocket(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	server := httptest.NewServer(cloud.Handler())
	defer server.Close()
	cfg := aws.Config{
		Region: "eu-west-1", Credentials: cloud.User(target, "admin", awssim.Admin()), BaseEndpoint: aws.String(server.URL),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:user/admin", *who.Arn)
	key, err := kms.NewFromConfig(cfg).CreateKey(t.Context(), &kms.CreateKeyInput{Description: aws.String("ü")})
	require.NoError(t, err)
	require.Equal(t, "ü", *key.KeyMetadata.Description)
	client := ec2.NewFromConfig(cfg)
	_, err = client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{"snap-00000000000000000"}})
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, "InvalidSnapshot.NotFound", api.ErrorCode())

	cloud.SetFault(func(core.CallInfo) core.Fault { return core.Fault{Way: core.Reset} })
	_, err = client.DescribeSnapshots(t.Context(), nil)
	require.ErrorContains(t, err, "EOF")
	require.False(t, errors.As(err, &api) && api.ErrorCode() == "InternalError")
	require.Empty(t, cloud.Misuse())
}

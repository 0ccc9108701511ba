package ec2sim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const (
	blockAll = types.SnapshotBlockPublicAccessStateBlockAllSharing
	blockNew = types.SnapshotBlockPublicAccessStateBlockNewSharing
)

// publish shares a snapshot with all.
func (w *world) publish(sn ec2sim.Ref) string {
	_, err := w.admin(sn.Site).ModifySnapshotAttribute(w.t.Context(), &ec2.ModifySnapshotAttributeInput{
		SnapshotId: &sn.ID, OperationType: types.OperationTypeAdd, GroupNames: []string{"all"},
	})
	return code(w.t, err)
}

func (w *world) block(at ec2sim.Site, state types.SnapshotBlockPublicAccessState) string {
	_, err := w.admin(at).EnableSnapshotBlockPublicAccess(w.t.Context(), &ec2.EnableSnapshotBlockPublicAccessInput{State: state})
	return code(w.t, err)
}

// Source: EC2 API Reference, EnableSnapshotBlockPublicAccess.
func TestBlockPublicAccess(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, stranger := site(target, ireland), site(second, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		vol := w.volume(at, "")
		public, private := w.snapshot(vol), w.snapshot(vol)
		seen := func() []string { return w.listed(stranger, ec2.DescribeSnapshotsInput{}) }
		state := func() (types.SnapshotBlockPublicAccessState, types.ManagedBy) {
			out, err := w.admin(at).GetSnapshotBlockPublicAccessState(t.Context(), &ec2.GetSnapshotBlockPublicAccessStateInput{})
			require.NoError(t, err)
			return out.State, out.ManagedBy
		}
		got, by := state()
		require.Equal(t, types.SnapshotBlockPublicAccessStateUnblocked, got)
		require.Equal(t, types.ManagedByAccount, by)
		require.Empty(t, w.publish(public))
		require.Equal(t, []string{public.ID}, seen())

		require.Empty(t, w.block(at, blockNew))
		require.Equal(t, "OperationNotPermitted", w.publish(private))
		require.Equal(t, []string{public.ID}, seen(), "what is public stays so")
		require.Empty(t, w.block(at, blockAll))
		require.Empty(t, seen())
		require.Empty(t, w.listed(stranger, ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"all"}}))
		_, err := w.admin(stranger).CopySnapshot(t.Context(), copyInput(public, ""))
		require.Equal(t, "InvalidSnapshot.NotFound", code(t, err))
		attr, err := w.admin(at).DescribeSnapshotAttribute(t.Context(), &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: &public.ID, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		require.NoError(t, err)
		require.Equal(t, types.PermissionGroupAll, attr.CreateVolumePermissions[0].Group, "the attribute still says so")
		require.NoError(t, w.share(private, "add", second), "sharing with accounts is never blocked")
		require.Equal(t, []string{private.ID}, seen())
		far := w.snapshot(w.volume(site(target, oregon), ""))
		require.Empty(t, w.publish(far), "another Region has its own state")

		out, err := w.admin(at).DisableSnapshotBlockPublicAccess(t.Context(), &ec2.DisableSnapshotBlockPublicAccessInput{})
		require.NoError(t, err)
		require.Equal(t, types.SnapshotBlockPublicAccessStateUnblocked, out.State)
		require.Equal(t, []string{public.ID, private.ID}, seen())
		require.Equal(t, "InvalidParameterValue", w.block(at, types.SnapshotBlockPublicAccessStateUnblocked))

		w.EC2().DeclarePublicAccess(at, blockAll)
		got, by = state()
		require.Equal(t, blockAll, got)
		require.Equal(t, types.ManagedByDeclarativePolicy, by)
		require.Equal(t, "OperationNotPermitted", w.block(at, blockNew))
		w.EC2().DeclarePublicAccess(at, "")
		require.Empty(t, w.block(at, blockNew))
	})
}

func TestResetSnapshotAttribute(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		require.Empty(t, w.publish(sn))
		require.NoError(t, w.share(sn, "add", second, vault))
		reset := func(attribute types.SnapshotAttributeName) string {
			_, err := w.admin(sn.Site).ResetSnapshotAttribute(t.Context(), &ec2.ResetSnapshotAttributeInput{SnapshotId: &sn.ID, Attribute: attribute})
			return code(t, err)
		}
		require.Equal(t, "InvalidParameterValue", reset(types.SnapshotAttributeNameProductCodes))
		require.Len(t, w.find(sn).Shares, 2)
		require.Empty(t, reset(types.SnapshotAttributeNameCreateVolumePermission))
		require.Empty(t, w.find(sn).Shares)
		require.False(t, w.find(sn).Public)
	})
}

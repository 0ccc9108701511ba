package ec2sim_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// listed returns the ids that a Describe call finds.
func (w *world) listed(at ec2sim.Site, in ec2.DescribeSnapshotsInput) []string {
	w.t.Helper()
	out, err := w.admin(at).DescribeSnapshots(w.t.Context(), &in)
	require.NoError(w.t, err)
	ids := []string{}
	for _, sn := range out.Snapshots {
		ids = append(ids, *sn.SnapshotId)
	}
	return ids
}

func TestWhoSeesWhat(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		owner, grantee, stranger := site(target, ireland), site(vault, ireland), site(second, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		vol := w.volume(owner, "")
		private, shared, public := w.snapshot(vol), w.snapshot(vol), w.snapshot(vol)
		require.NoError(t, w.share(shared, "add", vault))
		_, err := w.admin(owner).ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &public.ID, OperationType: "add", GroupNames: []string{"all"},
		})
		require.NoError(t, err)
		own := w.snapshot(w.volume(grantee, ""))

		all := []string{private.ID, shared.ID, public.ID}
		self := []string{"self"}
		none := []string{}
		type in = ec2.DescribeSnapshotsInput
		for _, tt := range []struct {
			name string
			who  ec2sim.Site
			ask  in
			want []string
		}{
			{"the owner, everything", owner, in{}, all},
			{"the owner, its own", owner, in{OwnerIds: self}, all},
			{"the owner, its own by number", owner, in{OwnerIds: []string{target}}, all},
			{"the owner, what the vault can restore", owner, in{OwnerIds: self, RestorableByUserIds: []string{vault}}, []string{shared.ID}},
			{"the owner, what a stranger can restore", owner, in{OwnerIds: self, RestorableByUserIds: []string{second}}, none},
			{"the owner, what all can restore", owner, in{RestorableByUserIds: []string{"all"}}, []string{public.ID}},
			{"the owner, what it can restore", owner, in{RestorableByUserIds: self}, all},
			{"the grantee, everything", grantee, in{}, []string{shared.ID, public.ID, own.ID}},
			{"the grantee, its own", grantee, in{OwnerIds: self}, []string{own.ID}},
			{"the grantee, the owner's", grantee, in{OwnerIds: []string{target}}, []string{shared.ID, public.ID}},
			{"the grantee, its own and the owner's", grantee, in{OwnerIds: []string{"self", target}}, []string{shared.ID, public.ID, own.ID}},
			{"the grantee, what it can restore", grantee, in{RestorableByUserIds: self}, []string{shared.ID, own.ID}},
			{"the grantee, whom else it is shared with", grantee, in{RestorableByUserIds: []string{second}}, none},
			{"the grantee, by id", grantee, in{SnapshotIds: []string{shared.ID}}, []string{shared.ID}},
			{"a stranger, everything", stranger, in{}, []string{public.ID}},
			{"a stranger, the owner's", stranger, in{OwnerIds: []string{target}}, []string{public.ID}},
			{"a stranger, by ids of which one is private", stranger, in{SnapshotIds: []string{private.ID, public.ID}}, []string{public.ID}},
			{"the grantee in another Region", site(vault, oregon), in{}, none},
		} {
			require.Equal(t, tt.want, w.listed(tt.who, tt.ask), tt.name)
		}

		require.NoError(t, w.share(shared, "add", second))
		require.Empty(t, w.listed(grantee, in{RestorableByUserIds: []string{second}}), "a grantee does not learn who else is one")
		require.Equal(t, []string{shared.ID}, w.listed(owner, in{RestorableByUserIds: []string{second}}))

		require.NoError(t, w.share(shared, "remove", vault))
		require.Equal(t, []string{public.ID, own.ID}, w.listed(grantee, in{}), "a share taken back")
		require.NoError(t, w.share(shared, "remove", vault), "twice is no error")
	})
}

func TestTagsBelongToWhoPutThem(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		owner, grantee := site(target, ireland), site(vault, ireland)
		sn := w.snapshot(w.volume(owner, ""), "secret", "of the owner")
		require.NoError(t, w.share(sn, "add", vault))
		see := func(at ec2sim.Site) map[string]string {
			out, err := w.admin(at).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{sn.ID}})
			require.NoError(t, err)
			return tagMap(out.Snapshots[0].Tags)
		}
		require.Equal(t, map[string]string{"secret": "of the owner"}, see(owner))
		require.Empty(t, see(grantee))
		filter := []types.Filter{{Name: aws.String("tag:secret"), Values: []string{"*"}}}
		require.Len(t, w.listed(owner, ec2.DescribeSnapshotsInput{Filters: filter}), 1)
		require.Empty(t, w.listed(grantee, ec2.DescribeSnapshotsInput{Filters: filter}), "nor can they be found by guessing")

		_, err := w.admin(grantee).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{sn.ID}, Tags: tags("mine", "of the vault")})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"mine": "of the vault"}, see(grantee))
		require.Equal(t, map[string]string{"secret": "of the owner"}, see(owner))
	})
}

func TestSharingHasLimits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		plain := w.snapshot(w.volume(at, ""))
		mine := w.snapshot(w.volume(at, w.key(at)))
		managed := w.snapshot(w.volume(at, "alias/aws/ebs"))
		accounts := func(n int) (out []string) {
			for i := range n {
				out = append(out, fmt.Sprintf("%012d", i))
			}
			return out
		}
		add := func(users ...string) *types.CreateVolumePermissionModifications {
			m := &types.CreateVolumePermissionModifications{}
			for _, u := range users {
				m.Add = append(m.Add, types.CreateVolumePermission{UserId: &u})
			}
			return m
		}
		type in = ec2.ModifySnapshotAttributeInput
		for _, tt := range []struct {
			name string
			in   in
			want string
		}{
			{"with an account", in{SnapshotId: &plain.ID, OperationType: "add", UserIds: accounts(1)}, ""},
			{"with an account, the other way to say it", in{SnapshotId: &plain.ID, CreateVolumePermission: add(accounts(1)...)}, ""},
			{"under a customer key", in{SnapshotId: &mine.ID, OperationType: "add", UserIds: accounts(1)}, ""},
			{"under aws/ebs", in{SnapshotId: &managed.ID, OperationType: "add", UserIds: accounts(1)}, "OperationNotPermitted"},
			{"under aws/ebs, taking back", in{SnapshotId: &managed.ID, OperationType: "remove", UserIds: accounts(1)}, ""},
			{"with all", in{SnapshotId: &plain.ID, OperationType: "add", GroupNames: []string{"all"}}, ""},
			{"encrypted, with all", in{SnapshotId: &mine.ID, OperationType: "add", GroupNames: []string{"all"}}, "OperationNotPermitted"},
			{"with some other group", in{SnapshotId: &plain.ID, OperationType: "add", GroupNames: []string{"some"}}, "InvalidParameterValue"},
			{"with 500 accounts", in{SnapshotId: &plain.ID, OperationType: "add", UserIds: accounts(500)}, ""},
			{"with 501 accounts", in{SnapshotId: &plain.ID, OperationType: "add", UserIds: accounts(501)}, "InvalidParameterValue"},
			{"with half an account", in{SnapshotId: &plain.ID, OperationType: "add", UserIds: []string{"123456"}}, "InvalidUserID.Malformed"},
			{"with nobody", in{SnapshotId: &plain.ID, OperationType: "add"}, "MissingParameter"},
			{"without saying what to do", in{SnapshotId: &plain.ID, UserIds: accounts(1)}, "MissingParameter"},
			{"adding and removing", in{SnapshotId: &plain.ID, CreateVolumePermission: &types.CreateVolumePermissionModifications{
				Add: add(target).Add, Remove: add(second).Add,
			}}, "InvalidParameterCombination"},
			{"another attribute", in{SnapshotId: &plain.ID, Attribute: "productCodes", OperationType: "add", UserIds: accounts(1)}, "InvalidParameterValue"},
			{"dry run", in{SnapshotId: &plain.ID, OperationType: "add", UserIds: accounts(1), DryRun: aws.Bool(true)}, "DryRunOperation"},
		} {
			_, err := w.admin(at).ModifySnapshotAttribute(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
		require.Empty(t, w.find(managed).Shares)
		require.False(t, w.find(mine).Public)
	})
}

func TestOnlyTheOwnerShares(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		require.NoError(t, w.share(sn, "add", vault, second))
		attribute := func(at ec2sim.Site) (*ec2.DescribeSnapshotAttributeOutput, error) {
			return w.admin(at).DescribeSnapshotAttribute(t.Context(), &ec2.DescribeSnapshotAttributeInput{
				SnapshotId: &sn.ID, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			})
		}
		out, err := attribute(sn.Site)
		require.NoError(t, err)
		require.Len(t, out.CreateVolumePermissions, 2)
		require.Equal(t, second, *out.CreateVolumePermissions[0].UserId)
		_, err = attribute(site(vault, ireland))
		require.Equal(t, "AuthFailure", code(t, err))
		_, err = w.admin(site(vault, ireland)).ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &sn.ID, OperationType: "remove", UserIds: []string{second},
		})
		require.Equal(t, "AuthFailure", code(t, err))
		require.Equal(t, []string{second, vault}, w.find(sn).Shares)
	})
}

package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// grants that a key has.
func (w *world) grants(at ec2sim.Site, key string) []kmstypes.GrantListEntry {
	w.t.Helper()
	out, err := w.kms(at).ListGrants(w.t.Context(), &kms.ListGrantsInput{KeyId: &key})
	require.NoError(w.t, err)
	return out.Grants
}

func (w *world) revoke(at ec2sim.Site, g kmstypes.GrantListEntry) {
	w.t.Helper()
	_, err := w.kms(at).RevokeGrant(w.t.Context(), &kms.RevokeGrantInput{KeyId: g.KeyId, GrantId: g.GrantId})
	require.NoError(w.t, err)
}

// Source: AWS KMS Developer Guide, "Examining grants".
func TestAttachedVolumeHasAGrant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		inst, _ := w.instance(at, 0)
		v := w.volume(at, key)
		require.Empty(t, w.grants(at, key))
		device := "/dev/sdf"
		_, err := w.admin(at).AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: &v.ID, InstanceId: &inst, Device: &device})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		list := w.grants(at, key)
		require.Len(t, list, 1)
		require.Equal(t, "arn:aws:sts::111111111111:assumed-role/aws:ec2-infrastructure/"+inst, *list[0].GranteePrincipal)
		require.Equal(t, []kmstypes.GrantOperation{"Decrypt"}, list[0].Operations)
		require.Equal(t, map[string]string{"aws:ebs:id": v.ID}, list[0].Constraints.EncryptionContextSubset)

		_, err = w.admin(at).DetachVolume(t.Context(), &ec2.DetachVolumeInput{VolumeId: &v.ID})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Empty(t, w.grants(at, key), "it is retired with the attachment")
	})
}

// Whoever controls a key can stop a copy under way by revoking its grant: the
// owner of the source's key as well as that of the copy's.
func TestRevokedGrantStopsACopy(t *testing.T) {
	for _, which := range []string{"neither", "source", "copy"} {
		t.Run(which, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				from, to := site(target, ireland), site(vault, oregon)
				theirs, ours := w.key(from, letIn(vault)), w.key(to)
				v := w.volume(from, theirs)
				w.write(v, "x", 1, 2, 3)
				source := w.snapshot(v)
				require.NoError(t, w.share(source, types.OperationTypeAdd, vault))
				copied := w.copy(source, to, ours)
				sources, copies := w.grants(from, theirs), w.grants(to, ours)
				require.Len(t, sources, 1)
				require.Len(t, copies, 1)
				require.Equal(t, map[string]string{"aws:ebs:id": copied.ID}, copies[0].Constraints.EncryptionContextSubset)
				require.Equal(t, map[string]string{"aws:ebs:id": v.ID}, sources[0].Constraints.EncryptionContextSubset)
				require.Equal(t, "arn:aws:iam::"+vault+":root", *sources[0].IssuingAccount)
				time.Sleep(time.Second)
				switch which {
				case "source":
					w.revoke(from, sources[0])
				case "copy":
					w.revoke(to, copies[0])
				}
				end := w.settled(copied)
				require.Empty(t, w.grants(from, theirs), "they are retired with the copy")
				require.Empty(t, w.grants(to, ours), "they are retired with the copy")
				if which == "neither" {
					require.Equal(t, types.SnapshotStateCompleted, end.State)
					return
				}
				require.Equal(t, types.SnapshotStateError, end.State)
				require.Equal(t, "Given key ID is not accessible", end.StateMessage)
			})
		})
	}
}

package ec2sim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// copyKeyActions is what EBS documents for copying.
var copyKeyActions = []string{
	"kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
	"kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Decrypt",
}

func TestCopyAcrossAccountsAndRegions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, to := site(target, ireland), site(vault, oregon)
		source := w.key(from, letIn(vault))
		dest := w.key(to)
		vol := w.volume(from, source)
		w.write(vol, "precious", 0, 9, 8191)
		sn := w.snapshot(vol, "owner", "tag")
		want, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)

		_, err = w.admin(to).CopySnapshot(t.Context(), copyInput(sn, dest))
		require.Equal(t, "InvalidSnapshot.NotFound", code(t, err), "not shared yet")
		require.NoError(t, w.share(sn, "add", vault))
		copied := w.copy(sn, to, dest, "vault", "tag")
		require.Equal(t, types.SnapshotStatePending, w.find(copied).State)
		got := w.settled(copied)
		require.Equal(t, types.SnapshotStateCompleted, got.State)
		require.Equal(t, "vol-ffffffff", got.Volume)
		require.Equal(t, map[string]string{"vault": "tag"}, got.Tags, "only its own tags")
		require.Equal(t, dest, got.KeyARN)
		require.Equal(t, "[Copied "+sn.ID+" from eu-west-1]", got.Description)
		require.Equal(t, sn, got.Source)
		require.Empty(t, got.Shares)

		_, err = w.admin(from).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &sn.ID})
		require.NoError(t, err)
		data, err := w.EC2().ReadSnapshot(copied)
		require.NoError(t, err)
		require.Equal(t, want, data, "a copy needs its source no more")
	})
}

// Each permission that EBS documents is needed on the key of the source and
// on the key of the copy. The call succeeds, the copy does not.
func TestCopyNeedsEveryKeyPermissionOnBothKeys(t *testing.T) {
	from, to := site(target, ireland), site(vault, oregon)
	run := func(t *testing.T, missing string, onSource bool) (got ec2sim.Snapshot) {
		inWorld(t, func(t *testing.T, w *world) {
			source, dest := w.key(from, letIn(vault)), w.key(to)
			sn := w.snapshot(w.volume(from, source))
			require.NoError(t, w.share(sn, "add", vault))
			var statements []string
			for key, src := range map[string]bool{source: true, dest: false} {
				for _, action := range copyKeyActions {
					if action == missing && src == onSource {
						continue
					}
					condition := `,"Condition":{"StringLike":{"kms:ViaService":"ec2.*.amazonaws.com"}}`
					switch action {
					case "kms:DescribeKey":
						condition = ""
					case "kms:CreateGrant":
						condition = `,"Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"},"StringLike":{"kms:ViaService":"ec2.*.amazonaws.com"}}`
					}
					statements = append(statements, `{"Effect":"Allow","Action":"`+action+`","Resource":"`+key+`"`+condition+`}`)
				}
			}
			writer := w.as(to, "writer", policy(t, append(statements, allow("ec2:*"))...))
			out, err := writer.CopySnapshot(t.Context(), copyInput(sn, dest))
			require.NoError(t, err, "the caller is not told")
			got = w.settled(ec2sim.Ref{Site: to, ID: *out.SnapshotId})
		})
		return got
	}
	t.Run("all", func(t *testing.T) {
		require.Equal(t, types.SnapshotStateCompleted, run(t, "", true).State)
	})
	for _, action := range copyKeyActions {
		for name, onSource := range map[string]bool{"source": true, "copy": false} {
			t.Run(action+" on the "+name, func(t *testing.T) {
				got := run(t, action, onSource)
				require.Equal(t, types.SnapshotStateError, got.State)
				require.Equal(t, "Given key ID is not accessible", got.StateMessage)
			})
		}
	}
}

// What EC2 asks of KMS for its caller, key by key: the encryption context names
// the resource that a key encrypts, the service is that of the key's Region,
// and DescribeKey does not come through EC2 at all.
func TestHowCopyUsesTheKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, to := site(target, ireland), site(vault, oregon)
		source, dest := w.key(from, letIn(vault)), w.key(to)
		vol := w.volume(from, source)
		sn := w.snapshot(vol)
		require.NoError(t, w.share(sn, "add", vault))
		before := len(w.Authorizations())
		copied := w.copy(sn, to, dest)
		seen := map[string][]string{}
		for _, a := range w.Authorizations()[before:] {
			if !strings.HasPrefix(a.Action, "kms:") {
				continue
			}
			seen[a.Resource] = append(seen[a.Resource], a.Action)
			via, id := []string{"ec2.eu-west-1.amazonaws.com"}, []string{vol.ID}
			if a.Resource == dest {
				via, id = []string{"ec2.us-west-2.amazonaws.com"}, []string{copied.ID}
			}
			grant := []string(nil)
			switch a.Action {
			case "kms:DescribeKey":
				via, id = nil, nil
			case "kms:CreateGrant":
				grant = []string{"true"}
			}
			require.Equal(t, via, a.Keys["kms:ViaService"], a.Action)
			require.Equal(t, id, a.Keys["kms:EncryptionContext:aws:ebs:id"], a.Action)
			require.Equal(t, grant, a.Keys["kms:GrantIsForAWSResource"], a.Action)
			require.Equal(t, []string{vault}, a.Keys["kms:CallerAccount"], a.Action)
		}
		require.ElementsMatch(t, copyKeyActions, seen[source])
		require.ElementsMatch(t, copyKeyActions, seen[dest])

		w.settled(copied)
		time.Sleep(time.Minute)
		before = len(w.Authorizations())
		again := w.copy(copied, to, dest)
		var named []string
		for _, a := range w.Authorizations()[before:] {
			if a.Action == "kms:ReEncryptFrom" {
				named = append(named, a.Keys["kms:EncryptionContext:aws:ebs:id"]...)
				require.Equal(t, []string{"true"}, a.Keys["kms:ReEncryptOnSameKey"])
			}
		}
		require.Equal(t, []string{copied.ID, again.ID}, named, "a copy is named itself, not its volume")
	})
}

func TestCopyNeedsUsableKeys(t *testing.T) {
	disable := func(w *world, at ec2sim.Site, key string) error {
		_, err := w.kms(at).DisableKey(w.t.Context(), &kms.DisableKeyInput{KeyId: &key})
		return err
	}
	schedule := func(w *world, at ec2sim.Site, key string) error {
		_, err := w.kms(at).ScheduleKeyDeletion(w.t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: aws.Int32(7)})
		return err
	}
	remove := func(w *world, at ec2sim.Site, key string) error {
		defer time.Sleep(8 * 24 * time.Hour)
		return schedule(w, at, key)
	}
	from, to := site(target, ireland), site(vault, oregon)
	for name, break1 := range map[string]func(*world, ec2sim.Site, string) error{
		"disabled": disable, "pending deletion": schedule, "gone": remove,
	} {
		for _, which := range []string{"source", "copy"} {
			t.Run(name+" key of the "+which, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					source, dest := w.key(from, letIn(vault)), w.key(to)
					sn := w.snapshot(w.volume(from, source))
					require.NoError(t, w.share(sn, "add", vault))
					if which == "source" {
						require.NoError(t, break1(w, from, source))
					} else {
						require.NoError(t, break1(w, to, dest))
					}
					got := w.settled(w.copy(sn, to, dest))
					require.Equal(t, types.SnapshotStateError, got.State)
					require.Equal(t, "Given key ID is not accessible", got.StateMessage)
				})
			})
		}
	}
}

func TestWhatHappensAfterTheStartDoesNotMatter(t *testing.T) {
	from, to := site(target, ireland), site(vault, ireland)
	for name, meddle := range map[string]func(context.Context, *world, ec2sim.Ref) error{
		"the share is taken back": func(_ context.Context, w *world, sn ec2sim.Ref) error { return w.share(sn, "remove", vault) },
		"the source is deleted": func(ctx context.Context, w *world, sn ec2sim.Ref) error {
			_, err := w.admin(from).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &sn.ID})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				vol := w.volume(from, "")
				w.write(vol, "x", 1)
				sn := w.snapshot(vol)
				require.NoError(t, w.share(sn, "add", vault))
				copied := w.copy(sn, to, w.key(to))
				time.Sleep(time.Second)
				require.NoError(t, meddle(t.Context(), w, sn))
				require.Equal(t, types.SnapshotStateCompleted, w.settled(copied).State)
				data, err := w.EC2().ReadSnapshot(copied)
				require.NoError(t, err)
				require.Equal(t, "x", string(data.Blocks[1]))
			})
		})
	}
}

// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot", encryption.
func TestEncryptionOfCopies(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		managed := "alias/aws/ebs"
		mine, next := w.key(at), w.key(at)
		out, err := w.kms(at).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &managed})
		require.NoError(t, err)
		ebs := *out.KeyMetadata.Arn
		plain, sealed, auto := w.snapshot(w.volume(at, "")), w.snapshot(w.volume(at, mine)), w.snapshot(w.volume(at, managed))
		yes := aws.Bool(true)
		nothing := "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-4000-8000-000000000000"
		for _, tt := range []struct {
			name      string
			source    ec2sim.Ref
			encrypted *bool
			key       *string
			want      string // key of the copy; empty: not encrypted
			code      string
			fails     bool
		}{
			{name: "plain stays plain", source: plain},
			{name: "plain, encrypted", source: plain, encrypted: yes, want: ebs},
			{name: "plain, encrypted under a key", source: plain, encrypted: yes, key: &mine, want: mine},
			{name: "encrypted, nothing said", source: sealed, want: ebs},
			{name: "encrypted, another key", source: sealed, encrypted: yes, key: &next, want: next},
			{name: "aws/ebs to a customer key", source: auto, encrypted: yes, key: &next, want: next},
			{name: "aws/ebs, nothing said", source: auto, want: ebs},
			{name: "encryption taken away", source: sealed, encrypted: aws.Bool(false), code: "InvalidParameterValue"},
			{name: "a key without encryption", source: plain, key: &mine, code: "InvalidParameterDependency"},
			{name: "a key that is not there", source: plain, encrypted: yes, key: &nothing, want: nothing, fails: true},
			{name: "a key of another Region", source: plain, encrypted: yes, key: aws.String(w.key(site(target, oregon))), fails: true},
		} {
			out, err := w.admin(at).CopySnapshot(t.Context(), &ec2.CopySnapshotInput{
				SourceRegion: aws.String(ireland), SourceSnapshotId: &tt.source.ID, Encrypted: tt.encrypted, KmsKeyId: tt.key,
			})
			require.Equal(t, tt.code, code(t, err), tt.name)
			if err != nil {
				continue
			}
			got := w.settled(ec2sim.Ref{Site: at, ID: *out.SnapshotId})
			if tt.fails {
				require.Equal(t, types.SnapshotStateError, got.State, tt.name)
				require.Equal(t, "Given key ID is not accessible", got.StateMessage, tt.name)
				continue
			}
			require.Equal(t, types.SnapshotStateCompleted, got.State, tt.name)
			require.Equal(t, tt.want, got.KeyARN, tt.name)
		}
	})
}

// The keys that AWS manages let in whoever comes through EC2, without any
// permission of KMS, and nobody else.
func TestCopyUnderTheManagedKeyNeedsNoKeyPermissions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, "alias/aws/ebs"))
		out, err := w.as(at, "plain", policy(t, allow("ec2:*"))).CopySnapshot(t.Context(), copyInput(sn, ""))
		require.NoError(t, err)
		require.Equal(t, types.SnapshotStateCompleted, w.settled(ec2sim.Ref{Site: at, ID: *out.SnapshotId}).State)
	})
}

func TestCopyRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		sn := w.snapshot(vol)
		theirs := w.snapshot(w.volume(site(second, ireland), ""))
		type in = ec2.CopySnapshotInput
		here := aws.String(ireland)
		for _, tt := range []struct {
			name string
			in   in
			want string
		}{
			{"unknown", in{SourceRegion: here, SourceSnapshotId: aws.String("snap-0123456789abcdef0")}, "InvalidSnapshot.NotFound"},
			{"malformed", in{SourceRegion: here, SourceSnapshotId: aws.String("snap-x")}, "InvalidSnapshotID.Malformed"},
			{"not shared", in{SourceRegion: here, SourceSnapshotId: &theirs.ID}, "InvalidSnapshot.NotFound"},
			{"in another Region", in{SourceRegion: aws.String(oregon), SourceSnapshotId: &sn.ID}, "InvalidSnapshot.NotFound"},
			{"minutes that are no quarters", in{SourceRegion: here, SourceSnapshotId: &sn.ID, CompletionDurationMinutes: aws.Int32(20)}, "InvalidParameterValue"},
			{"dry run", in{SourceRegion: here, SourceSnapshotId: &sn.ID, DryRun: aws.Bool(true)}, "DryRunOperation"},
		} {
			_, err := w.admin(at).CopySnapshot(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
		fresh, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(t, err)
		_, err = w.admin(at).CopySnapshot(t.Context(), &ec2.CopySnapshotInput{SourceRegion: here, SourceSnapshotId: fresh.SnapshotId})
		require.Equal(t, "IncorrectState", code(t, err), "only what is completed can be copied")
	})
}

// One input used for two calls still carries the presigned URL of the first.
func TestCopyInputUsedTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		vol := w.volume(at, "")
		first, next := w.snapshot(vol), w.snapshot(vol)
		in := copyInput(first, "")
		_, err := w.admin(at).CopySnapshot(t.Context(), in)
		require.NoError(t, err)
		in.SourceSnapshotId = &next.ID
		out, err := w.admin(at).CopySnapshot(t.Context(), in)
		require.NoError(t, err)
		got := w.settled(ec2sim.Ref{Site: at, ID: *out.SnapshotId})
		require.Equal(t, types.SnapshotStateError, got.State)
	})
}

func TestTwentyCopiesToARegion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from := site(target, ireland)
		w.EC2().SetDurations(ec2sim.Durations{Copy: time.Hour, Jitter: -1})
		sn := w.snapshot(w.volume(from, ""))
		require.NoError(t, w.share(sn, "add", vault))
		try := func(to ec2sim.Site) string {
			_, err := w.admin(to).CopySnapshot(t.Context(), copyInput(sn, ""))
			return code(t, err)
		}
		for range 20 {
			require.Empty(t, try(site(vault, oregon)))
		}
		require.Equal(t, "ResourceLimitExceeded", try(site(vault, oregon)))
		require.Empty(t, try(site(vault, ireland)), "another Region has its own")
		require.Empty(t, try(site(target, oregon)), "another account too")
		time.Sleep(time.Hour)
		require.Empty(t, try(site(vault, oregon)))
	})
}

// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot", incremental
// snapshot copying.
func TestIncrementalCopies(t *testing.T) {
	from, to := site(target, ireland), site(vault, oregon)
	const base, each = time.Minute, time.Second
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{Copy: base, CopyBlock: each, Jitter: -1})
		vol := w.volume(from, "")
		key, other := w.key(to), w.key(to)
		blocks := func(ref ec2sim.Ref) int {
			sn := w.settled(ref)
			require.Equal(t, types.SnapshotStateCompleted, sn.State)
			return int((sn.Done.Sub(sn.Start) - base) / each)
		}
		shot := func(text string, changed ...int64) ec2sim.Ref {
			time.Sleep(time.Minute)
			w.write(vol, text, changed...)
			sn := w.snapshot(vol)
			require.NoError(t, w.share(sn, "add", vault))
			return sn
		}
		first := w.copy(shot("1", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), to, key)
		require.Equal(t, 10, blocks(first), "the first is full")
		next := w.copy(shot("2", 3, 4), to, key)
		require.Equal(t, 2, blocks(next), "then what changed")
		_, err := w.admin(to).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &first.ID})
		require.NoError(t, err)
		newest := w.copy(shot("3", 5), to, key)
		require.Equal(t, 1, blocks(newest), "an old copy may go")
		_, err = w.admin(to).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &newest.ID})
		require.NoError(t, err)
		require.Equal(t, 10, blocks(w.copy(shot("4", 5), to, key)), "the newest may not")
		require.Equal(t, 10, blocks(w.copy(shot("5", 6), to, other)), "another key begins anew")
		require.Equal(t, 10, blocks(w.copy(shot("6", 7), to, key)), "and spoils the lineage")
		require.Equal(t, 10, blocks(w.copy(shot("7", 8), site(vault, ireland), "")), "another Region has its own")
	})
}

// TestDurationsOfEach: what a snapshot and a copy take may be said for each.
func TestDurationsOfEach(t *testing.T) {
	from, to := site(target, ireland), site(vault, oregon)
	inWorld(t, func(t *testing.T, w *world) {
		var asked []ec2sim.Work
		w.EC2().SetDurations(ec2sim.Durations{Each: func(k ec2sim.Work) time.Duration {
			asked = append(asked, k)
			return time.Duration(len(asked)) * time.Hour
		}})
		vol := w.volume(from, "")
		w.write(vol, "1", 0, 1, 2)
		sn := w.snapshot(vol)
		require.NoError(t, w.share(sn, "add", vault))
		copied := w.settled(w.copy(sn, to, w.key(to)))
		require.Equal(t, []ec2sim.Work{{Origin: vol.ID, Blocks: 3}, {Copy: true, Origin: vol.ID, Blocks: 3}}, asked)
		first := w.settled(sn)
		require.Equal(t, time.Hour, first.Done.Sub(first.Start))
		require.Equal(t, 2*time.Hour, copied.Done.Sub(copied.Start))
	})
}

func TestTimeBasedCopyKeepsItsTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetDurations(ec2sim.Durations{Copy: 10 * time.Hour})
		sn := w.snapshot(w.volume(at, ""))
		in := copyInput(sn, "")
		in.CompletionDurationMinutes = aws.Int32(30)
		out, err := w.admin(at).CopySnapshot(t.Context(), in)
		require.NoError(t, err)
		time.Sleep(30 * time.Minute)
		d, err := w.admin(at).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*out.SnapshotId}})
		require.NoError(t, err)
		require.Equal(t, types.SnapshotStateCompleted, d.Snapshots[0].State)
		require.Equal(t, types.TransferTypeTimeBased, d.Snapshots[0].TransferType)
		require.Equal(t, int32(30), *d.Snapshots[0].CompletionDurationMinutes)
	})
}

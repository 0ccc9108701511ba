package rolesim_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// attempts are calls that a role is refused.
type attempts map[string]func() error

// A holder is a role and what whoever holds it tries beside what it is for.
type holder struct {
	account, role string
	policy        func(iampolicy.Installation) (iampolicy.Role, error)
	tries         func(ctx context.Context, w *world, cfg aws.Config) attempts
	// statements whose conditions are each needed for a refusal. Those of the
	// other statements are held by the tests of package iampolicy.
	statements []string
	// but are conditions without which every attempt is still refused, and why.
	but map[string]string
}

const (
	ec2LooksItself = "EC2 itself locks and deregisters only what the caller's account has"
	askedTwice     = "the call that makes the thing must be allowed as well, and asks for the tag too"
)

func holders() []holder {
	return []holder{
		{
			target, "snapkeep-backup", func(i iampolicy.Installation) (iampolicy.Role, error) { return i.TargetBackup(target) }, triesOfBackup,
			[]string{
				"SnapshotVolumes", "SnapshotInstances", "RunOnTaggedInstances", "FollowCommands", "ImageInstances",
				"MakeTaggedImages", "TagNewImages", "LockOwn",
			},
			map[string]string{
				"LockOwn ec2:Owner": ec2LooksItself, "TagNewImages aws:RequestTag/snapkeep:vault": askedTwice,
				"LockOwn NumericGreaterThanEquals ec2:SnapshotLockDuration": "a day is the least that EC2 takes",
			},
		},
		{
			target, "snapkeep-pruner", func(i iampolicy.Installation) (iampolicy.Role, error) { return i.TargetPruner(target) }, triesOfPruner,
			[]string{"DeleteOwn", "DropOwnImages"},
			map[string]string{"DeleteOwn ec2:Owner": ec2LooksItself, "DropOwnImages ec2:Owner": ec2LooksItself},
		},
		{
			vault, "snapkeep-vault-writer", iampolicy.Installation.VaultWriter, triesOfWriter,
			[]string{"LockOwn", "ImageOwnCopies", "RegisterTaggedImages", "TagNewImages"},
			map[string]string{"LockOwn ec2:Owner": ec2LooksItself, "TagNewImages aws:RequestTag/snapkeep:vault": askedTwice},
		},
		{
			vault, "snapkeep-vault-pruner", iampolicy.Installation.VaultPruner, triesOfVaultPruner,
			[]string{"DeleteOwn", "DropOwnImages"},
			map[string]string{"DeleteOwn ec2:Owner": ec2LooksItself, "DropOwnImages ec2:Owner": ec2LooksItself},
		},
		{vault, "snapkeep-export", iampolicy.Installation.ExportRole, triesOfExport, []string{"ReadBlocks"}, nil},
		{
			clean, "snapkeep-import", func(i iampolicy.Installation) (iampolicy.Role, error) { return i.ImportRole(clean) }, triesOfImport,
			[]string{"StartTagged", "TagStarted", "WriteBlocks"},
			map[string]string{"TagStarted aws:RequestTag/snapkeep:restore": askedTwice},
		},
	}
}

func triesOfBackup(ctx context.Context, w *world, cfg aws.Config) attempts {
	c, commands := ec2.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	far := ec2.NewFromConfig(w.in(cfg, "us-east-1"))
	ours, theirs := w.snapshot(ctx, target, w.volume, own...), w.snapshot(ctx, target, w.volume)
	plain, distant := w.volumeOf(ctx, w.plain.ID), w.distant(ctx)
	image := func(c *ec2.Client, instance string, specs ...types.TagSpecification) error {
		return did(c.CreateImage(ctx, &ec2.CreateImageInput{InstanceId: &instance, Name: aws.String("other"), NoReboot: aws.Bool(true), TagSpecifications: specs}))
	}
	both := append(tagged("image", own...), tagged("snapshot", own...)...)
	return attempts{
		"snapshots an instance that is not tagged": func() error {
			return did(c.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
				InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(w.mixed(ctx))}, TagSpecifications: tagged("snapshot", own...),
			}))
		},
		"snapshots a volume that is not tagged": func() error {
			return did(c.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &plain, TagSpecifications: tagged("snapshot", own...)}))
		},
		"snapshots elsewhere": func() error {
			return did(far.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &distant.volume, TagSpecifications: tagged("snapshot", own...)}))
		},
		"makes an image elsewhere":                   func() error { return image(far, distant.instance, both...) },
		"makes an image of what is not tagged":       func() error { return image(c, w.plain.ID, both...) },
		"makes an image without the tag":             func() error { return image(c, w.machine.ID) },
		"makes an image whose snapshots have no tag": func() error { return image(c, w.machine.ID, tagged("image", own...)...) },
		"runs another document": func() error {
			return did(commands.SendCommand(ctx, &ssm.SendCommandInput{
				DocumentName: aws.String("AWS-RunPowerShellScript"), InstanceIds: []string{w.machine.ID}, Parameters: map[string][]string{"commands": {"x"}},
			}))
		},
		"runs the document on another": func() error {
			return did(commands.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String(freeze), InstanceIds: []string{w.plain.ID}}))
		},
		"follows commands elsewhere": func() error {
			return did(ssm.NewFromConfig(w.in(cfg, "us-east-1")).ListCommandInvocations(ctx, nil))
		},
		"looks elsewhere":    func() error { return did(far.DescribeSnapshots(ctx, nil)) },
		"locks another's":    func() error { return lock(ctx, c, theirs, 7) },
		"locks for too long": func() error { return lock(ctx, c, ours, 31) },
		"locks until a date": func() error {
			return did(c.LockSnapshot(ctx, &ec2.LockSnapshotInput{
				SnapshotId: &ours, LockMode: types.LockModeGovernance, ExpirationDate: aws.Time(time.Now().Add(48 * time.Hour)),
			}))
		},
		"unlocks": func() error { return did(c.UnlockSnapshot(ctx, &ec2.UnlockSnapshotInput{SnapshotId: &ours})) },
		"deletes": func() error { return did(c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &ours})) },
		"tags a snapshot that is there": func() error {
			return did(c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{theirs}, Tags: tags(own...)}))
		},
		"shares with a stranger": func() error { return share(ctx, c, ours, types.OperationTypeAdd, other) },
	}
}

func triesOfPruner(ctx context.Context, w *world, cfg aws.Config) attempts {
	c := ec2.NewFromConfig(cfg)
	theirs := w.snapshot(ctx, target, w.volume)
	image, err := w.register(ctx, w.snapshot(ctx, target, w.volume, own...), "who", "them")
	require.NoError(w.t, err)
	return attempts{
		"deletes another's":           func() error { return did(c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &theirs})) },
		"deregisters another's image": func() error { return did(c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: &image})) },
		"looks":                       func() error { return did(c.DescribeSnapshots(ctx, nil)) },
	}
}

func triesOfWriter(ctx context.Context, w *world, cfg aws.Config) attempts {
	copies, foreign := w.stocked(ctx, unchanged)
	c := ec2.NewFromConfig(cfg)
	image, err := registerAs(ctx, ec2.NewFromConfig(w.admin(vault)), copies[1])
	require.NoError(w.t, err)
	return attempts{
		"makes an image of another's snapshot": func() error { return did(registerAs(ctx, c, foreign, own...)) },
		"makes an image without the tag":       func() error { return did(registerAs(ctx, c, copies[0])) },
		"tags an image that is there": func() error {
			return did(c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{image}, Tags: tags(own...)}))
		},
		"drops an image":     func() error { return did(c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: &image})) },
		"locks another's":    func() error { return lock(ctx, c, foreign, 7) },
		"locks for no time":  func() error { return lock(ctx, c, copies[0], 6) },
		"locks for too long": func() error { return lock(ctx, c, copies[1], 401) },
		"deletes a copy":     func() error { return did(c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &copies[0]})) },
		"shares a copy":      func() error { return share(ctx, c, copies[0], types.OperationTypeAdd, clean) },
	}
}

func triesOfVaultPruner(ctx context.Context, w *world, cfg aws.Config) attempts {
	copies, foreign := w.stocked(ctx, unchanged)
	c := ec2.NewFromConfig(cfg)
	image, err := registerAs(ctx, ec2.NewFromConfig(w.admin(vault)), copies[0], "who", "them")
	require.NoError(w.t, err)
	return attempts{
		"deletes another's":           func() error { return did(c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &foreign})) },
		"deregisters another's image": func() error { return did(c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: &image})) },
		"makes an image":              func() error { return did(registerAs(ctx, c, copies[1], own...)) },
	}
}

func triesOfExport(ctx context.Context, w *world, cfg aws.Config) attempts {
	copies, foreign := w.stocked(ctx, unchanged)
	c, objects := ebs.NewFromConfig(cfg), s3.NewFromConfig(cfg)
	require.NoError(w.t, put(ctx, objects, "kept", w.key["vault"]))
	return attempts{
		"reads what is not the vault's own": func() error {
			return did(c.ListSnapshotBlocks(ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &foreign}))
		},
		"compares with it": func() error {
			return did(c.ListChangedBlocks(ctx, &ebs.ListChangedBlocksInput{FirstSnapshotId: &foreign, SecondSnapshotId: &copies[0]}))
		},
		"uses the key itself": func() error {
			return did(kms.NewFromConfig(cfg).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: aws.String(w.key["vault"]), KeySpec: "AES_256"}))
		},
		"deletes an export": func() error {
			return did(objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("kept")}))
		},
		"shares a copy": func() error { return share(ctx, ec2.NewFromConfig(cfg), copies[0], types.OperationTypeAdd, other) },
		"deletes a copy": func() error {
			return did(ec2.NewFromConfig(cfg).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &copies[0]}))
		},
		"writes in the vault": func() error { return did(c.StartSnapshot(ctx, &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)})) },
	}
}

func triesOfImport(ctx context.Context, w *world, cfg aws.Config) attempts {
	admin := ebs.NewFromConfig(w.admin(clean))
	begun, err := admin.StartSnapshot(ctx, &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)})
	require.NoError(w.t, err)
	c := ebs.NewFromConfig(cfg)
	return attempts{
		"writes without the tag": func() error { return did(c.StartSnapshot(ctx, &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)})) },
		"writes into another's":  func() error { return putBlock(ctx, c, *begun.SnapshotId) },
		"tags another's": func() error {
			return did(ec2.NewFromConfig(cfg).CreateTags(ctx, &ec2.CreateTagsInput{
				Resources: []string{*begun.SnapshotId}, Tags: tags(iampolicy.TagRestore, "r1"),
			}))
		},
		"reads blocks": func() error {
			return did(c.ListSnapshotBlocks(ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: begun.SnapshotId}))
		},
	}
}

// got tells which attempts are not refused.
func (h holder) got(t *testing.T, change func(string, *iampolicy.Document) *iampolicy.Document) (through []string) {
	t.Helper()
	inWorld(t, change, func(ctx context.Context, w *world) {
		cfg, err := w.assume(ctx, h.account, h.role)
		require.NoError(t, err)
		for what, try := range h.tries(ctx, w, cfg) {
			if !denied(try()) {
				through = append(through, what)
			}
		}
	})
	slices.Sort(through)
	return through
}

// Roles are refused what they are not for, and without any one condition of
// what the options add they no longer are.
func TestRolesAreRefusedTheRest(t *testing.T) {
	for _, h := range holders() {
		t.Run(h.role, func(t *testing.T) {
			require.Empty(t, h.got(t, nil))
			var doc *iampolicy.Document
			inWorld(t, nil, func(_ context.Context, w *world) {
				role, err := h.policy(w.i)
				require.NoError(t, err)
				doc = role.Policy
			})
			dropped, excepted := 0, map[string]bool{}
			for _, s := range doc.Statements {
				if !slices.Contains(h.statements, s.Sid) || testing.Short() {
					continue
				}
				require.NotEmpty(t, s.Conditions, s.Sid)
				for n, c := range s.Conditions {
					dropped++
					through := h.got(t, without(h.role, s.Sid, n))
					for _, name := range []string{s.Sid + " " + c.Key, s.Sid + " " + c.Operator + " " + c.Key} {
						if h.but[name] != "" {
							excepted[name] = true
							require.Empty(t, through, "%s, it is said", h.but[name])
							through = []string{"excepted"}
						}
					}
					require.NotEmpty(t, through, "%s: nothing gets through without %s %s", s.Sid, c.Operator, c.Key)
				}
			}
			t.Logf("%d conditions, %d needed for a refusal, the others argued", dropped, dropped-len(excepted))
		})
	}
}

// without drops one condition of a statement of a document.
func without(document, sid string, n int) func(string, *iampolicy.Document) *iampolicy.Document {
	return func(name string, doc *iampolicy.Document) *iampolicy.Document {
		if name != document {
			return doc
		}
		less := *doc
		less.Statements = slices.Clone(doc.Statements)
		for i, s := range less.Statements {
			if s.Sid == sid {
				less.Statements[i].Conditions = slices.Delete(slices.Clone(s.Conditions), n, n+1)
			}
		}
		return &less
	}
}

package story

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// An Attack is one way in, and the one guard that shuts it. With the guard
// removed the same attack must succeed, or it would prove nothing.
type Attack struct {
	Name  string // what is tried, in words
	Guard string // what shuts it out, in words
	// prepare sets up what the attack presumes, guard and all; nil means nothing.
	prepare func(context.Context, *World) error
	// loosen removes the guard.
	loosen func(context.Context, *World) error
	// try returns nil if the attack succeeds.
	try func(context.Context, *World) error
}

// attacks are what an intruder tries who has administrator rights in the lost
// account, has read everything there (role names, external ids, the tags on
// its snapshots), and in the later ones has even got hold of a session of one
// of snapkeep's own roles.
func attacks() []Attack {
	all := append(trustAttacks(), deputyAttacks()...)
	all = append(all, keyAttacks()...)
	all = append(all, copyAttacks()...)
	all = append(all, stolenAttacks()...)
	return append(all, forgeries()...)
}

// trustAttacks assume roles of other accounts with the lost account's
// administrator. External ids are no secrets: the intruder has the right one.
func trustAttacks() []Attack {
	var all []Attack
	for _, target := range []struct {
		account accounts.ID
		role    string
	}{
		{vault, "snapkeep-vault-writer"},
		{vault, "snapkeep-vault-pruner"},
		{vault, "snapkeep-vault-sharer"},
		{shop, "snapkeep-backup"},
		{shop, "snapkeep-pruner"},
		{clean, "snapkeep-restore"},
	} {
		all = append(all, Attack{
			Name:  fmt.Sprintf("assume %s in %s", target.role, target.account),
			Guard: "the trust policy names the orchestrator alone",
			loosen: func(_ context.Context, w *World) error {
				return w.editTrust(target.account, target.role, trustToo(bank))
			},
			try: func(ctx context.Context, w *World) error {
				return w.assume(ctx, w.intruder, target.account, target.role, externalID(target.account))
			},
		})
	}
	return append(all, Attack{
		Name:    "assume snapkeep-vault-writer with the lost account's own backup role",
		Guard:   "the trust policy names the orchestrator alone",
		prepare: func(_ context.Context, w *World) error { return w.takeOver("snapkeep-backup") },
		loosen: func(_ context.Context, w *World) error {
			return w.editTrust(vault, "snapkeep-vault-writer", trustToo(bank))
		},
		try: func(ctx context.Context, w *World) error {
			cfg, err := w.sessionOf(ctx, w.intruder, bank, "snapkeep-backup", home)
			if err != nil {
				return err
			}
			return w.assume(ctx, cfg.Credentials, vault, "snapkeep-vault-writer", externalID(vault))
		},
	})
}

// trustToo returns an edit that lets all of an account assume the role.
func trustToo(account string) func(*iampolicy.Statement) {
	return func(s *iampolicy.Statement) {
		s.Principal = &iampolicy.Principals{By: map[string]iampolicy.Strings{
			"AWS": iampolicy.Of(s.Principal.By["AWS"].Values[0], "arn:aws:iam::"+account+":root"),
		}}
	}
}

// deputyAttacks make the orchestrator its tool: the intruder has the vault
// believe that another account's role is its own.
func deputyAttacks() []Attack {
	drop := func(_ context.Context, w *World) error {
		return w.editTrust(shop, "snapkeep-backup", func(s *iampolicy.Statement) { s.Conditions = nil })
	}
	return []Attack{
		{
			Name:   "confused deputy, with the lost account's external id",
			Guard:  "the trust policy demands the account's own external id",
			loosen: drop,
			try: func(ctx context.Context, w *World) error {
				return w.assume(ctx, w.orchestrator, shop, "snapkeep-backup", externalID(bank))
			},
		},
		{
			Name:   "confused deputy, without an external id",
			Guard:  "the trust policy demands an external id",
			loosen: drop,
			try: func(ctx context.Context, w *World) error {
				return w.assume(ctx, w.orchestrator, shop, "snapkeep-backup", "")
			},
		},
	}
}

// keyAttacks use the vault key from the lost account.
func keyAttacks() []Attack {
	open := func(ctx context.Context, w *World) error { return w.openVaultKey(ctx, bank) }
	guard := "the vault key's policy names the vault's roles and the restore roles alone"
	client := func(w *World) *kms.Client { return kms.NewFromConfig(w.config(w.intruder, home)) }
	return []Attack{
		{
			Name: "look at the vault key", Guard: guard, loosen: open,
			try: func(ctx context.Context, w *World) error {
				_, err := client(w).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(w.vaultKey)})
				return err
			},
		},
		{
			Name: "make a data key under the vault key", Guard: guard, loosen: open,
			try: func(ctx context.Context, w *World) error {
				_, err := client(w).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
					KeyId: aws.String(w.vaultKey), KeySpec: kmstypes.DataKeySpecAes256,
				})
				return err
			},
		},
		{
			Name: "grant itself the vault key", Guard: guard, loosen: open,
			try: func(ctx context.Context, w *World) error {
				_, err := client(w).CreateGrant(ctx, &kms.CreateGrantInput{
					KeyId: aws.String(w.vaultKey), GranteePrincipal: aws.String("arn:aws:iam::" + bank + ":root"),
					Operations: []kmstypes.GrantOperation{kmstypes.GrantOperationDecrypt},
				})
				return err
			},
		},
	}
}

// copyAttacks reach for the copies themselves.
func copyAttacks() []Attack {
	share := func(ctx context.Context, w *World) error { return w.shareCopy(ctx, bank) }
	return []Attack{
		{
			Name:   "see a copy by its id",
			Guard:  "the copies are shared with nobody",
			loosen: share,
			try: func(ctx context.Context, w *World) error {
				out, err := ec2.NewFromConfig(w.config(w.intruder, home)).DescribeSnapshots(ctx,
					&ec2.DescribeSnapshotsInput{SnapshotIds: []string{w.someCopy()}})
				if err == nil && len(out.Snapshots) == 0 {
					return errRefused
				}
				return err
			},
		},
		{
			Name:    "copy a copy home, the key being open",
			Guard:   "the copies are shared with nobody",
			prepare: func(ctx context.Context, w *World) error { return w.openVaultKey(ctx, bank) },
			loosen:  share,
			try:     func(ctx context.Context, w *World) error { return w.stealCopy(ctx) },
		},
		{
			Name:    "copy a copy home, being shared",
			Guard:   "the vault key's policy names the vault's roles and the restore roles alone",
			prepare: share,
			loosen:  func(ctx context.Context, w *World) error { return w.openVaultKey(ctx, bank) },
			try:     func(ctx context.Context, w *World) error { return w.stealCopy(ctx) },
		},
	}
}

// stolenAttacks misuse a session of a role of snapkeep's own.
func stolenAttacks() []Attack {
	return append(strangerAttacks(), []Attack{
		{
			Name:   "delete a copy with the vault writer's session",
			Guard:  "the vault writer has no DeleteSnapshot",
			loosen: allowing(vault, "snapkeep-vault-writer", "ec2:DeleteSnapshot"),
			try: func(ctx context.Context, w *World) error {
				return w.deleteSnapshot(ctx, vault, "snapkeep-vault-writer", home, w.someCopy())
			},
		},
		{
			Name:   "share a copy with the vault writer's session",
			Guard:  "the vault writer has no ModifySnapshotAttribute",
			loosen: allowing(vault, "snapkeep-vault-writer", "ec2:ModifySnapshotAttribute"),
			try: func(ctx context.Context, w *World) error {
				return w.shareAs(ctx, "snapkeep-vault-writer", stranger)
			},
		},
		{
			Name:   "delete an original with the backup role's session",
			Guard:  "the backup role has no DeleteSnapshot",
			loosen: allowing(shop, "snapkeep-backup", "ec2:DeleteSnapshot"),
			try: func(ctx context.Context, w *World) error {
				return w.deleteSnapshot(ctx, shop, "snapkeep-backup", dublin, w.someOriginal(shop))
			},
		},
		{
			Name:  "delete somebody else's snapshot with the pruner's session",
			Guard: "the pruner deletes only what carries the vault's tag",
			loosen: func(_ context.Context, w *World) error {
				return w.editPolicy(shop, "snapkeep-pruner", dropKey("aws:ResourceTag/"+iampolicy.TagVault))
			},
			try: func(ctx context.Context, w *World) error {
				return w.deleteSnapshot(ctx, shop, "snapkeep-pruner", dublin, w.foreignSnapshot)
			},
		},
		{
			Name:   "terminate an instance with the backup role's session",
			Guard:  "the backup role has no TerminateInstances",
			loosen: allowing(shop, "snapkeep-backup", "ec2:TerminateInstances"),
			try: func(ctx context.Context, w *World) error {
				return w.terminate(ctx, shop, "snapkeep-backup", dublin, w.shopInstance)
			},
		},
	}...)
}

// allowing returns a change that lets a role do something to anything.
func allowing(account accounts.ID, role, action string) func(context.Context, *World) error {
	return func(_ context.Context, w *World) error {
		return w.editPolicy(account, role, func(d *iampolicy.Document) {
			d.Statements = append(d.Statements, iampolicy.Statement{
				Sid: "Loosened", Effect: iampolicy.Allow, Actions: iampolicy.Of(action), Resources: iampolicy.Of("*"),
			})
		})
	}
}

// strangerAttacks share a copy with the intruder's own account by a session of
// the sharer. Two guards forbid that, each by itself; each attack presumes
// that the other is gone.
func strangerAttacks() []Attack {
	dropDeny := func(_ context.Context, w *World) error {
		return w.editPolicy(vault, "snapkeep-vault-sharer", dropStatement("NeverToOthers"))
	}
	widen := func(_ context.Context, w *World) error {
		return w.editPolicy(vault, "snapkeep-vault-sharer", dropKey("ec2:Add/userId", iampolicy.Allow))
	}
	share := func(ctx context.Context, w *World) error { return w.shareAs(ctx, "snapkeep-vault-sharer", stranger) }
	return []Attack{
		{
			Name: "share a copy with a stranger, with the sharer's session", prepare: dropDeny, loosen: widen, try: share,
			Guard: "the sharer is allowed to share with the listed restore accounts alone",
		},
		{
			Name: "share a copy with a stranger, the sharer being allowed to", prepare: widen, loosen: dropDeny, try: share,
			Guard: "the sharer is forbidden to share with anyone else",
		},
	}
}

// dropStatement returns an edit that removes one statement.
func dropStatement(sid string) func(*iampolicy.Document) {
	return func(d *iampolicy.Document) {
		d.Statements = slices.DeleteFunc(d.Statements, func(s iampolicy.Statement) bool { return s.Sid == sid })
	}
}

// dropKey returns an edit that removes the conditions on one key, from all
// statements or from those of one effect.
func dropKey(key string, of ...iampolicy.Effect) func(*iampolicy.Document) {
	return func(d *iampolicy.Document) {
		for i, s := range d.Statements {
			if len(of) == 0 || slices.Contains(of, s.Effect) {
				d.Statements[i].Conditions = slices.DeleteFunc(slices.Clone(s.Conditions), func(c iampolicy.Condition) bool {
					return strings.EqualFold(c.Key, key)
				})
			}
		}
	}
}

// forgeries put snapkeep's own tags on a snapshot of the intruder's, so that
// the engine takes it for its own work.
func forgeries() []Attack {
	return []Attack{{
		Name:   "pass another volume's snapshot off as a recovery point",
		Guard:  "an original must be of the resource's own volume, as AWS says, not the tags",
		loosen: func(_ context.Context, w *World) error { w.blinded = true; return nil },
		try:    func(ctx context.Context, w *World) error { return w.forge(ctx) },
	}}
}

// modifyShares adds or removes an account on a snapshot.
func modifyShares(ctx context.Context, cfg aws.Config, snapshot string, op types.OperationType, with accounts.ID) error {
	_, err := ec2.NewFromConfig(cfg).ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(snapshot), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: op, UserIds: []string{string(with)},
	})
	return err
}

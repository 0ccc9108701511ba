package story

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// reset puts all generated roles, policies and shares back.
func (w *World) reset(ctx context.Context) error {
	if err := w.installRoles(); err != nil {
		return err
	}
	policy, err := w.Install.VaultKeyPolicy()
	if err != nil {
		return err
	}
	if err := w.putVaultKeyPolicy(ctx, policy); err != nil {
		return err
	}
	for _, s := range w.Cloud.Snapshots() {
		for _, with := range s.Shares {
			if s.Account == vault {
				if err := modifyShares(ctx, w.config(w.admin(vault), home), s.ID, types.OperationTypeRemove, with); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// editTrust changes the one statement of a role's trust policy.
func (w *World) editTrust(account accounts.ID, role string, edit func(*iampolicy.Statement)) error {
	return w.editRole(account, role, func(r *iampolicy.Role) error {
		trust := *r.Trust
		trust.Statements = slices.Clone(trust.Statements)
		edit(&trust.Statements[0])
		r.Trust = &trust
		return nil
	})
}

// takeOver does what an administrator of bank can with a role there: it
// becomes the intruder's, and may do anything in bank.
func (w *World) takeOver(role string) error {
	if err := w.editTrust(bank, role, trustToo(bank)); err != nil {
		return err
	}
	return w.editPolicy(bank, role, func(d *iampolicy.Document) {
		d.Statements = append(d.Statements, backuptest.Admin().Statements...)
	})
}

// editPolicy changes a role's permissions policy.
func (w *World) editPolicy(account accounts.ID, role string, edit func(*iampolicy.Document)) error {
	return w.editRole(account, role, func(r *iampolicy.Role) error {
		policy := *r.Policy
		policy.Statements = slices.Clone(policy.Statements)
		edit(&policy)
		r.Policy = &policy
		return nil
	})
}

func (w *World) editRole(account accounts.ID, role string, edit func(*iampolicy.Role) error) error {
	r, ok := w.roles[string(account)+"/"+role]
	if !ok {
		return fmt.Errorf("no role %s in %s", role, account)
	}
	if err := edit(&r); err != nil {
		return err
	}
	w.putRole(r)
	return nil
}

// openVaultKey lets an account use the vault key.
func (w *World) openVaultKey(ctx context.Context, account accounts.ID) error {
	policy, err := w.Install.VaultKeyPolicy()
	if err != nil {
		return err
	}
	policy.Statements = append(policy.Statements, iampolicy.Statement{
		Sid: "Opened", Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:*"), Resources: iampolicy.Of("*"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + string(account) + ":root")}},
	})
	return w.putVaultKeyPolicy(ctx, policy)
}

package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// tryOn makes the attack, guard in place. Being refused is no error; anything
// but a refusal is, for it would prove nothing.
func (a Attack) tryOn(ctx context.Context, w *World) (succeeded bool, err error) {
	if a.prepare != nil {
		if err := a.prepare(ctx, w); err != nil {
			return false, err
		}
	}
	err = a.try(ctx, w)
	if reset := w.reset(ctx); reset != nil {
		return false, reset
	}
	switch {
	case err == nil:
		return true, nil
	case refused(err):
		return false, nil
	default:
		return false, err
	}
}

// control makes the attack with its guard removed, in a world with one day of
// backups.
func (a Attack) control(ctx context.Context, w *World) (succeeded bool, err error) {
	if err := w.work(1, 1); err != nil {
		return false, err
	}
	if _, err := w.Engine.Run(ctx, w.Plan, time.Now()); err != nil {
		return false, err
	}
	time.Sleep(day)
	if a.prepare != nil {
		if err := a.prepare(ctx, w); err != nil {
			return false, err
		}
	}
	if err := a.loosen(ctx, w); err != nil {
		return false, err
	}
	err = a.try(ctx, w)
	if err != nil && !refused(err) {
		return false, err
	}
	return err == nil, nil
}

// errRefused is what an attack returns that failed without an error of AWS's.
var errRefused = errors.New("refused")

// refused says whether AWS, or what it showed, refused.
func refused(err error) bool {
	if errors.Is(err, errRefused) {
		return true
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"), code == "UnauthorizedOperation", code == "InvalidSnapshot.NotFound":
		return true
	default:
		return false
	}
}

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

// assume tries a role and uses the session once.
func (w *World) assume(ctx context.Context, who aws.CredentialsProvider, account accounts.ID, role, externalID string) error {
	cfg := w.config(who, home)
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + string(account) + ":role/" + role), RoleSessionName: aws.String("intruder"),
	}
	if externalID != "" {
		in.ExternalId = aws.String(externalID)
	}
	_, err := sts.NewFromConfig(cfg).AssumeRole(ctx, in)
	return err
}

// session is one of snapkeep's own, as if it had leaked.
func (w *World) session(ctx context.Context, account accounts.ID, role, region string) (aws.Config, error) {
	return w.sessionOf(ctx, w.orchestrator, account, role, region)
}

func (w *World) sessionOf(ctx context.Context, who aws.CredentialsProvider, account accounts.ID, role, region string) (aws.Config, error) {
	out, err := sts.NewFromConfig(w.config(who, home)).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + string(account) + ":role/" + role), RoleSessionName: aws.String("leaked"),
		ExternalId: aws.String(externalID(account)),
	})
	if err != nil {
		return aws.Config{}, fmt.Errorf("the session that leaked: %v", err)
	}
	return w.config(staticCredentials(out.Credentials), region), nil
}

// someCopy returns the id of a copy in the vault.
func (w *World) someCopy() string { return w.someSnapshot(vault) }

// someOriginal returns the id of an original in a protected account.
func (w *World) someOriginal(account accounts.ID) string { return w.someSnapshot(account) }

func (w *World) someSnapshot(account accounts.ID) string {
	for _, s := range w.Cloud.Snapshots() {
		if s.Account == account && s.Tags[iampolicy.TagVault] == vault && s.State == types.SnapshotStateCompleted {
			return s.ID
		}
	}
	return ""
}

// shareCopy shares a copy, as an administrator of the vault could.
func (w *World) shareCopy(ctx context.Context, with accounts.ID) error {
	return modifyShares(ctx, w.config(w.admin(vault), home), w.someCopy(), types.OperationTypeAdd, with)
}

// shareAs shares a copy with a leaked session of one of the vault's roles.
func (w *World) shareAs(ctx context.Context, role string, with accounts.ID) error {
	cfg, err := w.session(ctx, vault, role, home)
	if err != nil {
		return err
	}
	return modifyShares(ctx, cfg, w.someCopy(), types.OperationTypeAdd, with)
}

// deleteSnapshot deletes with a leaked session.
func (w *World) deleteSnapshot(ctx context.Context, account accounts.ID, role, region, id string) error {
	cfg, err := w.session(ctx, account, role, region)
	if err != nil {
		return err
	}
	_, err = ec2.NewFromConfig(cfg).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
	return err
}

// stealCopy copies one of the vault's copies into bank, under a key of bank's.
func (w *World) stealCopy(ctx context.Context) error {
	client := ec2.NewFromConfig(w.config(w.intruder, virginia))
	out, err := client.CopySnapshot(ctx, &ec2.CopySnapshotInput{
		SourceRegion: aws.String(home), SourceSnapshotId: aws.String(w.someCopy()),
		Encrypted: aws.Bool(true), KmsKeyId: aws.String(w.sourceKeys[bank]),
	})
	if err != nil {
		return err
	}
	for {
		time.Sleep(time.Minute)
		found, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{aws.ToString(out.SnapshotId)}})
		if err != nil {
			return err
		}
		switch found.Snapshots[0].State {
		case types.SnapshotStateCompleted:
			return nil
		case types.SnapshotStateError:
			return fmt.Errorf("%w: %s", errRefused, aws.ToString(found.Snapshots[0].StateMessage))
		}
	}
}

// destroy deletes all that bank has: instances, volumes, snapshots and keys;
// and the roles that let the vault in.
func (w *World) destroy(ctx context.Context) error {
	w.gone[bank] = true
	for _, r := range w.roles {
		if r.Account == bank {
			w.Cloud.DeleteRole(bank, r.Name)
		}
	}
	cfg := w.config(w.intruder, virginia)
	client := ec2.NewFromConfig(cfg)
	for _, s := range w.servers {
		if s.account != bank {
			continue
		}
		if s.instance != "" {
			if _, err := client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{s.instance}}); err != nil {
				return err
			}
			time.Sleep(5 * time.Minute)
		}
	}
	volumes, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	if err != nil {
		return err
	}
	for _, v := range volumes.Volumes {
		if _, err := client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}); err != nil {
			return err
		}
	}
	snapshots, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		return err
	}
	for _, s := range snapshots.Snapshots {
		if _, err := client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: s.SnapshotId}); err != nil {
			return err
		}
	}
	for _, p := range w.Install.Protected {
		for _, key := range append(p.SourceKeys, p.RekeyKeys...) {
			if p.Account != bank {
				continue
			}
			if _, err := kms.NewFromConfig(cfg).ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
				KeyId: aws.String(key), PendingWindowInDays: aws.Int32(7),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

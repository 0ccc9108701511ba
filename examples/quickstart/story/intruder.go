package story

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/snapkeep/snapkeep/accounts"
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
		return aws.Config{}, fmt.Errorf("the session that leaked: %v", err) //nolint:errorlint // not a refusal of the attack
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

func (w *World) terminate(ctx context.Context, account accounts.ID, role, region, id string) error {
	cfg, err := w.session(ctx, account, role, region)
	if err != nil {
		return err
	}
	_, err = ec2.NewFromConfig(cfg).TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
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

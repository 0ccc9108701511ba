package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// liveFlags say which real account is backed up, and how.
type liveFlags struct {
	profile, region, at                string
	targetRole, externalID, prunerRole string // in the protected account
	vaultRole, vaultExternalID         string // in the vault
	selection, vaultKey, rekeyKey      string
	page                               pageFile
	dryRun                             bool
}

func (l *liveFlags) register(flags *flag.FlagSet) {
	flags.StringVar(&l.profile, "profile", "", "AWS profile of the vault account")
	flags.StringVar(&l.region, "region", "", "Region to protect")
	flags.StringVar(&l.targetRole, "target-role", "", "ARN of the backup role in the protected account")
	flags.StringVar(&l.externalID, "external-id", "", "external id that the role demands")
	flags.StringVar(&l.prunerRole, "pruner-role", "", "ARN of the pruner role there, which removes what a rekey leaves; same external id")
	flags.StringVar(&l.vaultRole, "vault-role", "", "ARN of the vault writer's role; default the profile itself")
	flags.StringVar(&l.vaultExternalID, "vault-external-id", "", "external id that the vault's role demands")
	flags.StringVar(&l.selection, "select", "", "what to protect: tag=value, or ids separated by commas, or all")
	flags.StringVar(&l.vaultKey, "vault-key", "", "ARN of the vault's KMS key; its Region is where copies go")
	flags.StringVar(&l.rekeyKey, "rekey-key", "", "ARN of a KMS key of the protected account, for what aws/ebs encrypts")
	flags.StringVar(&l.at, "at", "", "moment of the run (RFC 3339), to resume one; default now")
	flags.BoolVar(&l.dryRun, "dry-run", false, "plan and forecast only; change nothing")
}

// given says whether a real account is meant.
func (l *liveFlags) given() bool { return *l != liveFlags{} }

// run backs up a real account.
func (l *liveFlags) run(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(l.profile), config.WithRegion(l.region))
	if err != nil {
		return err
	}
	return l.backUp(ctx, cfg, out)
}

// backUp plans, forecasts and, unless it is a dry run, backs up.
func (l *liveFlags) backUp(ctx context.Context, cfg aws.Config, out io.Writer) error {
	plan, at, err := l.plan()
	if err != nil {
		return err
	}
	engine, err := l.engine(ctx, cfg, plan)
	if err != nil {
		return err
	}
	var (
		jobs   []backup.Job
		failed []error
	)
	for j, err := range engine.Jobs(ctx, plan, at) {
		if err != nil {
			failed = append(failed, err)
			continue
		}
		jobs = append(jobs, j)
		fmt.Fprintf(out, "%s  %s  %d volumes, %d GiB\n", j.Resource.ARN, j.Point, len(j.Resource.Members), j.SizeGiB())
	}
	fmt.Fprintf(out, "\n%s\n", engine.Forecast(jobs))
	if l.dryRun || len(jobs) == 0 {
		return errors.Join(failed...)
	}
	ran, err := engine.Run(ctx, plan, at)
	if ran != nil {
		fmt.Fprintf(out, "%s\n", ran)
		err = errors.Join(err, l.page.write(ran))
	}
	if prune, _ := engine.PlanPrune(ctx, plan, time.Now()); prune != nil {
		fmt.Fprintf(out, "what the policy would keep and prune (nothing is deleted here):\n%s", prune)
	}
	return err
}

// plan makes the plan that the flags describe.
func (l *liveFlags) plan() (backup.Plan, time.Time, error) {
	role, err := arn.Parse(l.targetRole)
	if err != nil {
		return backup.Plan{}, time.Time{}, fmt.Errorf("-target-role %q: %w", l.targetRole, err)
	}
	key, err := arn.Parse(l.vaultKey)
	if err != nil {
		return backup.Plan{}, time.Time{}, fmt.Errorf("-vault-key %q: %w", l.vaultKey, err)
	}
	at := time.Now()
	if l.at != "" {
		if at, err = time.Parse(time.RFC3339, l.at); err != nil {
			return backup.Plan{}, time.Time{}, fmt.Errorf("-at: %w", err)
		}
	}
	source := backup.Source{
		Account: accounts.ID(role.AccountID), Regions: []string{l.region}, Select: selector(l.selection),
	}
	if l.rekeyKey != "" {
		source.RekeyKeys = map[string]string{l.region: l.rekeyKey}
	}
	plan := backup.Plan{
		Name: "quickstart", Sources: []backup.Source{source},
		Retention: retention.Policy{Last: 2},
		Copies: []backup.Copy{{
			Account: accounts.ID(key.AccountID), Region: key.Region, KMSKey: l.vaultKey,
			Retention: retention.Policy{Daily: retention.Keep{Count: 7}, Weekly: retention.Keep{Count: 5}},
		}},
	}
	return plan, at, plan.Validate()
}

// selector reads what -select says.
func selector(text string) backup.Selector {
	switch key, value, isTag := strings.Cut(text, "="); {
	case text == "all":
		return backup.Selector{All: true}
	case isTag:
		return backup.Selector{Tags: map[string]string{key: value}}
	case text == "":
		return backup.Selector{} // which the plan's Validate refuses
	default:
		return backup.Selector{IDs: strings.Split(text, ",")}
	}
}

// engine makes an engine that acts in the vault as the profile itself, and in
// the protected account as the role.
func (l *liveFlags) engine(ctx context.Context, cfg aws.Config, plan backup.Plan) (*backup.Engine, error) {
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	vault, err := accounts.ParseID(aws.ToString(who.Account))
	if err != nil {
		return nil, err
	}
	sessions, err := accounts.New(cfg, l.accounts(vault, plan), accounts.Options{})
	if err != nil {
		return nil, err
	}
	return backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
}

// accounts are the ways into the vault and into the protected account.
func (l *liveFlags) accounts(vault accounts.ID, plan backup.Plan) []accounts.Account {
	home := accounts.Account{ID: vault, Name: "vault"}
	if l.vaultRole != "" {
		home.Chain = []accounts.Role{{ARN: l.vaultRole, ExternalID: l.vaultExternalID}}
	}
	all := []accounts.Account{home}
	for _, s := range plan.Sources {
		if s.Account == vault {
			continue
		}
		a := accounts.Account{ID: s.Account, Chain: []accounts.Role{{ARN: l.targetRole, ExternalID: l.externalID}}}
		if l.prunerRole != "" {
			a.Purposes = map[accounts.Purpose][]accounts.Role{
				accounts.Pruner: {{ARN: l.prunerRole, ExternalID: l.externalID}},
			}
		}
		all = append(all, a)
	}
	return all
}

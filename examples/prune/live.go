package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// liveFlags say what in a real account is pruned, and as whom.
type liveFlags struct {
	profile, region, name                       string
	targetRole, externalID, prunerRole          string // in the protected account
	vaultRole, vaultPrunerRole, vaultExternalID string // in the vault
	vaultKey, copyPolicy                        string
}

func (l *liveFlags) register(flags *flag.FlagSet) {
	flags.StringVar(&l.profile, "profile", "", "AWS profile of the vault account")
	flags.StringVar(&l.region, "region", "", "Region that is protected")
	flags.StringVar(&l.name, "name", "", "name of the plan that made the points")
	flags.StringVar(&l.targetRole, "target-role", "", "ARN of the backup role in the protected account, which reads")
	flags.StringVar(&l.externalID, "external-id", "", "external id that its roles demand")
	flags.StringVar(&l.prunerRole, "pruner-role", "", "ARN of the pruner role there, which deletes")
	flags.StringVar(&l.vaultRole, "vault-role", "", "ARN of the vault writer's role, which reads; default the profile itself")
	flags.StringVar(&l.vaultPrunerRole, "vault-pruner-role", "", "ARN of the vault pruner's role, which deletes copies")
	flags.StringVar(&l.vaultExternalID, "vault-external-id", "", "external id that the vault's roles demand")
	flags.StringVar(&l.vaultKey, "vault-key", "", "ARN of the vault's KMS key; where it is, copies are pruned too")
	flags.StringVar(&l.copyPolicy, "copy-policy", "", "retention policy of the copies; default that of the originals")
}

// prune prunes in real accounts.
func (s *settings) prune(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(s.live.profile), config.WithRegion(s.live.region))
	if err != nil {
		return err
	}
	return s.pruneAs(ctx, cfg, out)
}

// pruneAs plans, shows and, unless it is a dry run, prunes.
func (s *settings) pruneAs(ctx context.Context, cfg aws.Config, out io.Writer) error {
	plan, err := s.plan()
	if err != nil {
		return err
	}
	t, err := s.task("")
	if err != nil {
		return err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	vault, err := accounts.ParseID(aws.ToString(who.Account))
	if err != nil {
		return err
	}
	opts := backup.Options{Vault: vault, MaxShare: s.maxShare}
	if opts.MaxShare == 0 {
		opts.MaxShare = 0.5
	}
	h, err := newHost(cfg, s.live.accounts(vault, plan), plan, opts)
	if err != nil {
		return err
	}
	return h.do(ctx, t, out)
}

// plan makes the plan that the flags describe, as far as pruning needs it: what
// it selects does not matter.
func (s *settings) plan() (backup.Plan, error) {
	l := s.live
	role, err := arn.Parse(l.targetRole)
	if err != nil {
		return backup.Plan{}, fmt.Errorf("-target-role %q: %w", l.targetRole, err)
	}
	if s.policy == "" {
		return backup.Plan{}, errors.New("-policy is missing: nothing real is pruned by a default")
	}
	policy, err := parsePolicy("-policy", s.policy)
	if err != nil {
		return backup.Plan{}, err
	}
	plan := backup.Plan{
		Name: l.name, Retention: policy,
		Sources: []backup.Source{{
			Account: accounts.ID(role.AccountID), Regions: []string{l.region}, Select: backup.Selector{All: true},
		}},
	}
	if l.vaultKey == "" {
		if l.copyPolicy != "" {
			return backup.Plan{}, errors.New("-copy-policy needs -vault-key, which says where the copies are")
		}
		return plan, plan.Validate()
	}
	key, err := arn.Parse(l.vaultKey)
	if err != nil {
		return backup.Plan{}, fmt.Errorf("-vault-key %q: %w", l.vaultKey, err)
	}
	at := backup.Copy{Account: accounts.ID(key.AccountID), Region: key.Region, KMSKey: l.vaultKey}
	if l.copyPolicy != "" {
		if at.Retention, err = parsePolicy("-copy-policy", l.copyPolicy); err != nil {
			return backup.Plan{}, err
		}
	}
	plan.Copies = []backup.Copy{at}
	return plan, plan.Validate()
}

// accounts are the ways into the vault and into the protected account.
func (l *liveFlags) accounts(vault accounts.ID, plan backup.Plan) []accounts.Account {
	way := func(id accounts.ID, reader, pruner, externalID string, p accounts.Purpose) accounts.Account {
		a := accounts.Account{ID: id}
		if reader != "" {
			a.Chain = []accounts.Role{{ARN: reader, ExternalID: externalID}}
		}
		if pruner != "" {
			a.Purposes = map[accounts.Purpose][]accounts.Role{p: {{ARN: pruner, ExternalID: externalID}}}
		}
		return a
	}
	all := []accounts.Account{way(vault, l.vaultRole, l.vaultPrunerRole, l.vaultExternalID, accounts.VaultPruner)}
	if id := plan.Sources[0].Account; id != vault {
		all = append(all, way(id, l.targetRole, l.prunerRole, l.externalID, accounts.Pruner))
	}
	return all
}

// N2wstags reads the tags by which N2WS Backup & Recovery is told what to
// protect, "cpm backup" and "cpm_backup", and prints snapkeep plans, as JSON,
// that protect the same: one for each policy. What it cannot carry over is noted;
// what the tags do not say clearly is a problem, and the status is 1.
//
// With no flags it plays on a simulated AWS, and shows what the plans select:
//
//	go run ./examples/n2wstags
//
// With a profile and a role it reads a real account, and changes nothing:
//
//	go run ./examples/n2wstags -profile vault -region eu-west-1,eu-central-1 \
//	  -target-role arn:aws:iam::222222222222:role/snapkeep-backup -external-id ID \
//	  -vault-key arn:aws:kms:eu-west-1:999999999999:key/… -policy "daily=7 weekly=5"
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// settings are the flags.
type settings struct {
	profile, regions, targetRole, externalID, vaultKey, policy string
}

// errProblems says that something is not clear.
var errProblems = errors.New("some tags are not clear: see the problems")

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	var s settings
	flags := flag.NewFlagSet("n2wstags", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.profile, "profile", "", "AWS profile of the vault account")
	flags.StringVar(&s.regions, "region", "", "Regions to read, separated by commas")
	flags.StringVar(&s.targetRole, "target-role", "", "ARN of the backup role in the protected account")
	flags.StringVar(&s.externalID, "external-id", "", "external id that the role demands")
	flags.StringVar(&s.vaultKey, "vault-key", "", "ARN of the vault's KMS key; its Region is where copies go; default no copies")
	flags.StringVar(&s.policy, "policy", "", "retention policy of the plans, which tags do not tell")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "n2wstags: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	var err error
	if s == (settings{}) {
		backuptest.Simulate(func() { err = simulate(context.Background(), stdout) })
	} else {
		err = s.read(context.Background(), stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "n2wstags:", err)
		return 1
	}
	return 0
}

// read reads a real account.
func (s *settings) read(ctx context.Context, out io.Writer) error {
	template, err := s.template()
	if err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(s.profile), config.WithRegion(template.Sources[0].Regions[0]))
	if err != nil {
		return err
	}
	return s.readAs(ctx, cfg, template, out)
}

// readAs reads with the role, as whoever the config is.
func (s *settings) readAs(ctx context.Context, cfg aws.Config, template backup.Plan, out io.Writer) error {
	sessions, err := accounts.New(cfg, []accounts.Account{{
		ID: template.Sources[0].Account, Chain: []accounts.Role{{ARN: s.targetRole, ExternalID: s.externalID}},
	}}, accounts.Options{})
	if err != nil {
		return err
	}
	m, err := readSites(ctx, sessions, template)
	if err != nil {
		return err
	}
	return m.print(out)
}

// template is what all plans have in common; what they select is for the tags to say.
func (s *settings) template() (backup.Plan, error) {
	role, err := arn.Parse(s.targetRole)
	if err != nil {
		return backup.Plan{}, fmt.Errorf("-target-role %q: %w", s.targetRole, err)
	}
	policy, err := retention.ParsePolicy(s.policy)
	if err != nil {
		return backup.Plan{}, fmt.Errorf("-policy %q: %w", s.policy, err)
	}
	p := backup.Plan{
		Name: "template", Retention: policy,
		Sources: []backup.Source{{Account: accounts.ID(role.AccountID), Regions: strings.Split(s.regions, ","), Select: backup.Selector{All: true}}},
	}
	if s.vaultKey != "" {
		key, err := arn.Parse(s.vaultKey)
		if err != nil {
			return backup.Plan{}, fmt.Errorf("-vault-key %q: %w", s.vaultKey, err)
		}
		p.Copies = []backup.Copy{{Account: accounts.ID(key.AccountID), Region: key.Region, KMSKey: s.vaultKey}}
	}
	return p, p.Validate()
}

// readSites scans all sites of a template.
func readSites(ctx context.Context, sessions backup.Sessions, template backup.Plan) (migration, error) {
	var found []tagged
	for _, site := range template.SourceSites() {
		cfg, err := sessions.Config(ctx, site.Account, accounts.Backup, site.Region)
		if err != nil {
			return migration{}, err
		}
		list, err := scan(ctx, cfg, site)
		if err != nil {
			return migration{}, err
		}
		found = append(found, list...)
	}
	return migrate(found, template), nil
}

// print writes the migration as JSON.
func (m migration) print(out io.Writer) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", text)
	if len(m.Problems) > 0 {
		return errProblems
	}
	return nil
}

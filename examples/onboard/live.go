package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// liveFlags say which real accounts are meant.
type liveFlags struct {
	installation, account, stackSet, regions string
	profile, auditRole                       string
	check                                    bool
	wait                                     time.Duration
}

func (l *liveFlags) register(flags *flag.FlagSet) {
	flags.StringVar(&l.installation, "installation", "", "JSON file of iampolicy.Installation: the vault, its keys, the accounts it protects")
	flags.StringVar(&l.account, "account", "", "account of the installation whose roles are printed")
	flags.StringVar(&l.stackSet, "stackset", "", "print the roles of any account instead, whose external ids begin with this")
	flags.StringVar(&l.regions, "regions", "", "with -stackset: Regions that are backed up, separated by commas")
	flags.BoolVar(&l.check, "check", false, "print no template; make the preflight until it passes")
	flags.StringVar(&l.profile, "profile", "", "with -check: AWS profile of the orchestrator")
	flags.StringVar(&l.auditRole, "audit-role", "", "with -check: name of a role in every account that may read IAM and KMS; without it some things stay unknown")
	flags.DurationVar(&l.wait, "wait", 30*time.Minute, "with -check: how long to wait for the roles")
}

// given says whether real accounts are meant.
func (l *liveFlags) given() bool {
	return l.installation != "" || l.account != "" || l.stackSet != "" || l.regions != "" || l.check || l.profile != "" || l.auditRole != ""
}

// run prints the template, or makes the preflight.
func (l *liveFlags) run(ctx context.Context, format string, stdout, stderr io.Writer) error {
	in, err := readInstallation(l.installation)
	if err != nil {
		return err
	}
	if l.check {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(l.profile), config.WithRegion(in.Regions[0]))
		if err != nil {
			return err
		}
		return l.look(ctx, cfg, in, stdout)
	}
	t, err := l.template(in)
	if err != nil {
		return err
	}
	text, err := render(t, format)
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	fmt.Fprintln(stderr, "onboard: create the roles with it, then run again with -check")
	return err
}

func (l *liveFlags) template(in iampolicy.Installation) (*iampolicy.Template, error) {
	switch {
	case l.stackSet != "" && l.account != "":
		return nil, errors.New("-account and -stackset: want one of the two")
	case l.stackSet != "":
		return in.StackSet(iampolicy.Protected{Regions: strings.Split(l.regions, ","), ExternalID: l.stackSet})
	case l.account != "":
		return in.Template(l.account)
	}
	return nil, errors.New("-account or -stackset is missing")
}

// look makes the preflight with the credentials of the orchestrator.
func (l *liveFlags) look(ctx context.Context, cfg aws.Config, in iampolicy.Installation, out io.Writer) error {
	sessions, err := declare(cfg, in)
	if err != nil {
		return err
	}
	var opts preflight.Options
	if l.auditRole != "" {
		partition := in.Partition
		if partition == "" {
			partition = "aws"
		}
		opts.Auditor = func(_ context.Context, id accounts.ID, region string) (aws.Config, error) {
			audit := cfg.Copy()
			audit.Region = region
			audit.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg),
				"arn:"+partition+":iam::"+id.String()+":role/"+l.auditRole))
			return audit, nil
		}
	}
	return look(ctx, sessions, in, opts, 20*time.Second, l.wait, out)
}

// readInstallation refuses what it does not know: a misspelt field would leave
// an account out.
func readInstallation(path string) (in iampolicy.Installation, err error) {
	if path == "" {
		return in, errors.New("-installation is missing")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return in, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return in, fmt.Errorf("-installation %s: %w", path, err)
	}
	return in, in.Validate()
}

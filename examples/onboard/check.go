package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// declare makes sessions for the roles of an installation.
func declare(base aws.Config, in iampolicy.Installation) (*accounts.Sessions, error) {
	roles, err := in.Roles()
	if err != nil {
		return nil, err
	}
	externalIDs := map[string]string{in.Vault: in.ExternalID}
	for _, p := range in.Protected {
		externalIDs[p.Account] = p.ExternalID
	}
	var all []accounts.Account
	for _, r := range roles {
		n := slices.IndexFunc(all, func(a accounts.Account) bool { return a.ID == accounts.ID(r.Account) })
		if n < 0 {
			n = len(all)
			all = append(all, accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}})
		}
		externalID := externalIDs[r.Account]
		if p := accounts.Purpose(r.Purpose); p == accounts.Restore || p == accounts.Import {
			externalID = restoreID(in, r.Account)
		}
		all[n].Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(in.Partition), ExternalID: externalID}}
	}
	return accounts.New(base, all, accounts.Options{})
}

func restoreID(in iampolicy.Installation, account string) string {
	for _, r := range in.Restore {
		if r.Account == account {
			return r.ExternalID
		}
	}
	return ""
}

var errNotYet = errors.New("the preflight does not pass")

// look makes the preflight again and again until nothing is wrong, or the time
// is over. It prints all that was found at the end, and before it what is in
// the way whenever that has changed.
func look(
	ctx context.Context, sessions *accounts.Sessions, in iampolicy.Installation, opts preflight.Options, every, wait time.Duration, out io.Writer,
) error {
	deadline, told := time.Now().Add(wait), ""
	for {
		report, err := preflight.Check(ctx, sessions, in, opts)
		if err != nil {
			return err
		}
		wrong := preflight.Report{Findings: slices.DeleteFunc(report.Problems(), func(f preflight.Finding) bool { return f.Outcome != preflight.Wrong })}
		if len(wrong.Findings) == 0 {
			fmt.Fprint(out, report)
			return nil
		}
		if text := wrong.String(); text != told {
			fmt.Fprint(out, text)
			told = text
		}
		if time.Until(deadline) < every {
			return errNotYet
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

package preflight

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/accounts"
)

// base looks whether the host has credentials at all, once for all accounts.
func (x *examination) base(ctx context.Context, posts []post) []Finding {
	for _, p := range posts {
		cfg, err := x.sessions.Config(ctx, p.account(), p.purpose(), p.regions[0])
		if err != nil {
			continue // a matter of the account's own
		}
		_, err = cfg.Credentials.Retrieve(ctx)
		var failed *accounts.AssumeError
		f := Finding{Check: BaseCredentials, Outcome: OK, Evidence: "the host has credentials that AWS knows"}
		switch known := errors.As(err, &failed); {
		case known && failed.Hop <= 1 && (errors.Is(err, accounts.ErrCredentials) || errors.Is(err, accounts.ErrExpired)):
			f.Outcome, f.Evidence, f.Remedy = Wrong, said(failed.Err), failed.Remedy()
		case known && failed.Code == "" && !errors.Is(err, accounts.ErrWrongAccount):
			f.Outcome, f.Evidence, f.Remedy = Unknown, said(failed.Err), failed.Remedy()
		case err != nil && !known:
			f.Outcome, f.Evidence, f.Remedy = Unknown, unprefixed(err), "check again"
		}
		return []Finding{f}
	}
	return nil
}

// enter assumes a role. The entry is nil if it cannot.
func (x *examination) enter(ctx context.Context, p post) (*entry, Finding) {
	e := &entry{post: p, configs: map[string]aws.Config{}}
	for _, region := range p.regions {
		cfg, err := x.sessions.Config(ctx, p.account(), p.purpose(), region)
		if err != nil {
			return nil, p.finding(Declared, Wrong, unprefixed(err), "declare the account with a chain for this purpose")
		}
		e.configs[region] = cfg
	}
	_, err := e.configs[p.regions[0]].Credentials.Retrieve(ctx)
	if err == nil {
		return e, p.finding(Assume, OK, "assumed by "+hops(len(p.chain)), "")
	}
	var failed *accounts.AssumeError
	if !errors.As(err, &failed) {
		return nil, p.finding(Assume, Unknown, unprefixed(err), "check again")
	}
	return nil, x.refusal(ctx, p, failed)
}

func hops(n int) string {
	switch n {
	case 0:
		return "the base credentials, without a role"
	case 1:
		return "1 hop"
	}
	return fmt.Sprintf("%d hops", n)
}

func unprefixed(err error) string { return strings.TrimPrefix(err.Error(), "accounts: ") }

// identity looks who it is that was reached. For a role, AssumeRole's answer
// has said it; this is the word of the credentials themselves.
func (v *visit) identity(ctx context.Context, e *entry) []Finding {
	region := v.openTo(e)
	if region == "" {
		return nil
	}
	out, err := v.clients.sts(e.configs[region]).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return []Finding{e.finding(Identity, Unknown, "not told: "+brief(err), "check the way from here to STS in "+region)}
	}
	arn := aws.ToString(out.Arn)
	switch {
	case aws.ToString(out.Account) != e.role.Account:
		return []Finding{e.finding(Identity, Wrong, "reached "+arn, "check what answers in place of STS")}
	case e.arn == "":
		e.arn = roleOf(arn)
	case !samePrincipal(roleOf(arn), e.arn):
		return []Finding{e.finding(Identity, Wrong, "reached "+arn+", not "+e.arn, "check what answers in place of STS")}
	}
	return []Finding{e.finding(Identity, OK, arn, "")}
}

// externalID tries the last hop without the external id and with a wrong one:
// the confused deputy. Both must be refused.
func (v *visit) externalID(ctx context.Context, e *entry) []Finding {
	if len(e.chain) == 0 {
		return nil
	}
	const remedy = `demand it in the role's trust policy: "Condition": {"StringEquals": {"sts:ExternalId": …}}`
	var let []string
	for _, try := range []struct{ id, name string }{
		{"", "without an external id"},
		{"snapkeep-preflight-" + rand.Text(), "with a wrong external id"},
	} {
		err := v.sessions.AssumeWith(ctx, e.account(), e.purpose(), try.id)
		switch {
		case err == nil:
			let = append(let, try.name)
		case !errors.Is(err, accounts.ErrAccessDenied):
			return []Finding{e.finding(ExternalID, Unknown, "an attempt "+try.name+" came to nothing: "+brief(err), "check again")}
		}
	}
	switch {
	case e.last().ExternalID == "":
		return []Finding{e.finding(ExternalID, Wrong, "none is declared, and the role was assumed without one", "declare one, and "+remedy)}
	case len(let) > 0:
		return []Finding{e.finding(ExternalID, Wrong, "the role was assumed "+strings.Join(let, " and "), remedy)}
	}
	return []Finding{e.finding(ExternalID, OK, "refused without it and with a wrong one", "")}
}

// roleOf returns the role behind a session's ARN, without the path that does
// not show in it; any other ARN as it is.
func roleOf(arn string) string {
	part := strings.SplitN(arn, ":", 6)
	if len(part) < 6 || !strings.HasPrefix(part[5], "assumed-role/") {
		return arn
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(part[5], "assumed-role/"), "/")
	return strings.Join([]string{part[0], part[1], "iam", "", part[4], "role/" + name}, ":")
}

// samePrincipal compares the ARNs of roles and users as far as a session
// shows them: without the path, which is not part of what a name must be unique
// in (IAM API Reference, CreateRole).
func samePrincipal(a, b string) bool {
	kind := func(arn string) string {
		head, _, _ := strings.Cut(arn, "/")
		return head + "/" + baseName(arn)
	}
	return kind(a) == kind(b)
}

// baseName returns what follows the last slash of an ARN.
func baseName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// accountOf returns the account that an ARN belongs to, or that is written
// alone; empty if there is none.
func accountOf(principal string) string {
	if _, err := accounts.ParseID(principal); err == nil {
		return principal
	}
	part := strings.SplitN(principal, ":", 6)
	if len(part) < 6 {
		return ""
	}
	return part[4]
}

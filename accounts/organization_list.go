package accounts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// A lister goes through one organization, once. It is for one goroutine.
type lister struct {
	api    OrganizationsAPI
	filter OrganizationFilter
	seen   map[string]bool // units and accounts
	gap    time.Duration   // to keep before each call, since AWS refused some
}

// The most that AWS gives of accounts and units a page.
// Source: AWS Organizations API Reference, ListAccounts (MaxResults: 20).
var pageSize = aws.Int32(20)

// members are the accounts that the filter means.
func (l *lister) members(ctx context.Context) iter.Seq2[types.Account, error] {
	return func(yield func(types.Account, error) bool) {
		for a, err := range l.candidates(ctx) {
			if err == nil && !l.wanted(a) {
				continue
			}
			if err == nil && len(l.filter.Tags) > 0 {
				var has bool
				if has, err = l.tagged(ctx, aws.ToString(a.Id)); err == nil && !has {
					continue
				}
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// wanted judges an account by what the listing tells, and takes it once.
func (l *lister) wanted(a types.Account) bool {
	id := aws.ToString(a.Id)
	states := l.filter.States
	if len(states) == 0 {
		states = []types.AccountState{types.AccountStateActive}
	}
	switch {
	case l.seen[id], slices.Contains(l.filter.Except, ID(id)), !slices.Contains(states, stateOf(a)):
		return false
	case l.filter.ExceptManagement && isManagement(a):
		return false
	}
	l.seen[id] = true
	return true
}

// stateOf an account. Status, which was to be retired in September 2026, knows
// some of the states by the same names; it counts only where State is missing.
// Source: AWS Organizations API Reference, Account.
func stateOf(a types.Account) types.AccountState {
	if a.State != "" {
		return a.State
	}
	return types.AccountState(a.Status)
}

// isManagement tells the management account by its ARN, in which the account
// before the last colon is the one that manages the organization.
// Source: Service Authorization Reference, "Resource types defined by AWS
// Organizations" (arn:…:organizations::MANAGEMENT:account/o-…/ACCOUNT).
func isManagement(a types.Account) bool {
	parts := strings.Split(aws.ToString(a.Arn), ":")
	return len(parts) == 6 && parts[4] == aws.ToString(a.Id)
}

// candidates are the accounts of the organization, or of the units.
func (l *lister) candidates(ctx context.Context) iter.Seq2[types.Account, error] {
	return func(yield func(types.Account, error) bool) {
		if len(l.filter.Units) == 0 {
			each(yield, func(token *string) ([]types.Account, *string, error) {
				out, err := ask(ctx, l, "list accounts", l.api.ListAccounts, &organizations.ListAccountsInput{MaxResults: pageSize, NextToken: token})
				if err != nil {
					return nil, nil, err
				}
				return out.Accounts, out.NextToken, nil
			})
			return
		}
		for _, unit := range l.filter.Units {
			if !l.under(ctx, unit, yield) {
				return
			}
		}
	}
}

// under yields the accounts of a unit and, if asked, those of the units below,
// unless they were yielded before.
func (l *lister) under(ctx context.Context, unit string, yield func(types.Account, error) bool) bool {
	if l.seen[unit] {
		return true
	}
	l.seen[unit] = true
	goOn := each(yield, func(token *string) ([]types.Account, *string, error) {
		out, err := ask(ctx, l, "list accounts of "+unit, l.api.ListAccountsForParent,
			&organizations.ListAccountsForParentInput{ParentId: &unit, MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Accounts, out.NextToken, nil
	})
	if !goOn || l.filter.Direct {
		return goOn
	}
	below := func(u types.OrganizationalUnit, err error) bool {
		if err != nil {
			yield(types.Account{}, err)
			return false
		}
		return l.under(ctx, aws.ToString(u.Id), yield)
	}
	return each(below, func(token *string) ([]types.OrganizationalUnit, *string, error) {
		out, err := ask(ctx, l, "list units below "+unit, l.api.ListOrganizationalUnitsForParent,
			&organizations.ListOrganizationalUnitsForParentInput{ParentId: &unit, MaxResults: pageSize, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.OrganizationalUnits, out.NextToken, nil
	})
}

// tagged asks for the tags of one account until all that are wanted were seen.
func (l *lister) tagged(ctx context.Context, id string) (bool, error) {
	missing := len(l.filter.Tags)
	count := func(t types.Tag, err error) bool {
		if value, wanted := l.filter.Tags[aws.ToString(t.Key)]; wanted && (value == "" || value == aws.ToString(t.Value)) {
			missing--
		}
		return err == nil && missing > 0
	}
	var failed error
	each(count, func(token *string) ([]types.Tag, *string, error) {
		out, err := ask(ctx, l, "list tags of account "+id, l.api.ListTagsForResource,
			&organizations.ListTagsForResourceInput{ResourceId: &id, NextToken: token})
		if err != nil {
			failed = err
			return nil, nil, err
		}
		return out.Tags, out.NextToken, nil
	})
	var gone *types.TargetNotFoundException
	if errors.As(failed, &gone) {
		return false, nil // it left the organization since it was listed
	}
	return missing == 0, failed
}

// each yields what the pages hold, until there is no further page; pages may
// be empty and yet not the last. It says whether to go on.
func each[T any](yield func(T, error) bool, page func(token *string) ([]T, *string, error)) bool {
	var token *string
	for {
		list, next, err := page(token)
		if err != nil {
			var none T
			yield(none, err)
			return false
		}
		for _, v := range list {
			if !yield(v, nil) {
				return false
			}
		}
		if aws.ToString(next) == "" {
			return true
		}
		token = next
	}
}

// How calls are slowed down when AWS refuses some. Its rates lie between 1 and
// 20 a second, shared by all callers of an account and of an organization.
// Source: AWS Organizations User Guide, "Quotas and service limits".
const (
	firstGap   = 100 * time.Millisecond
	longestGap = 5 * time.Second
	maxRefused = 12 // in a row; with the gaps growing they take some 30 s
)

// ask makes one call, again if it was refused for its rate only. The SDK's own
// retries come first.
func ask[In, Out any](
	ctx context.Context, l *lister, what string, call func(context.Context, In, ...func(*organizations.Options)) (Out, error), in In,
) (Out, error) {
	for refused := 0; ; refused++ {
		var none Out
		if err := l.pause(ctx); err != nil {
			return none, fmt.Errorf("accounts: organization: %s: %w", what, err)
		}
		out, err := call(ctx, in)
		switch {
		case err == nil:
			l.gap -= l.gap / 8
			return out, nil
		case isThrottled(err) && refused < maxRefused:
			l.gap = min(max(2*l.gap, firstGap), longestGap)
		default:
			return none, organizationFault(what, err)
		}
	}
}

// pause keeps the gap, a little more or less, so that several hosts that were
// refused together do not come back together.
func (l *lister) pause(ctx context.Context) error {
	if l.gap < time.Millisecond {
		return ctx.Err()
	}
	timer := time.NewTimer(l.gap/2 + rand.N(l.gap))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func codeOf(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}

func isThrottled(err error) bool {
	return slices.Contains([]string{"TooManyRequestsException", "ThrottlingException", "Throttling"}, codeOf(err))
}

// organizationFault says what a refused caller can do.
func organizationFault(what string, err error) error {
	switch codeOf(err) {
	case "AccessDeniedException", "AccessDenied":
		return fmt.Errorf("accounts: organization: %s: %w: %w: ask as the management account or a delegated administrator, allowed this action",
			what, ErrAccessDenied, err)
	case "AWSOrganizationsNotInUseException":
		return fmt.Errorf("accounts: organization: %s: %w: the caller's account is in no organization", what, err)
	}
	return fmt.Errorf("accounts: organization: %s: %w", what, err)
}

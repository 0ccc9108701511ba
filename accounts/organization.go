package accounts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// An OrganizationsAPI is what [Organization] asks; *organizations.Client is
// one. Its caller is the organization's management account or a delegated
// administrator of any service, allowed the actions of the same names.
type OrganizationsAPI interface {
	ListAccounts(context.Context, *organizations.ListAccountsInput, ...func(*organizations.Options)) (*organizations.ListAccountsOutput, error)
	ListAccountsForParent(context.Context, *organizations.ListAccountsForParentInput, ...func(*organizations.Options)) (*organizations.ListAccountsForParentOutput, error)
	ListOrganizationalUnitsForParent(context.Context, *organizations.ListOrganizationalUnitsForParentInput, ...func(*organizations.Options)) (*organizations.ListOrganizationalUnitsForParentOutput, error)
	ListTagsForResource(context.Context, *organizations.ListTagsForResourceInput, ...func(*organizations.Options)) (*organizations.ListTagsForResourceOutput, error)
}

var _ OrganizationsAPI = (*organizations.Client)(nil)

// An OrganizationFilter says which accounts of an organization are meant, and
// what the way into each is. The zero value means every active account, with
// no way into it.
type OrganizationFilter struct {
	// Units are the ids of organizational units, or of the root, whose accounts
	// are meant: "ou-a1b2-c3d4e5f6". Empty means the whole organization.
	Units []string
	// Direct leaves out what is in units below Units. False includes it.
	Direct bool
	// States of the accounts meant. Empty means types.AccountStateActive: in
	// no other state can an account be worked in.
	States []types.AccountState
	// Tags that an account must have, all of them; an empty value matches any.
	// They cost one call for each account that passes everything else, since
	// no listing of AWS tells tags. Empty means no such calls.
	Tags map[string]string
	// Except lists accounts that are left out, such as the vault's. Empty means none.
	Except []ID
	// ExceptManagement leaves the management account out: StackSets of the
	// service-managed kind create no role there, and no SCP guards it. False
	// includes it.
	ExceptManagement bool
	// Template of the way into each account.
	Template AccountTemplate
}

// An AccountTemplate is the way into every account. In ARN, ExternalID,
// SessionName, SourceIdentity and the values of Tags, {account} stands for the
// account's id and {partition} for the organization's partition:
//
//	arn:{partition}:iam::{account}:role/snapkeep-backup
//
// The zero value is no way.
type AccountTemplate struct {
	// Chain and Purposes are those of the [Account], but for what braces stand for.
	Chain    []Role
	Purposes map[Purpose][]Role // see Chain
	// ExternalID returns the external id of an account, such as a function of
	// [DeriveExternalIDs]; it is for the last role of each chain, unless that
	// has one. Nil means none.
	ExternalID func(ID) string
}

// Organization lists accounts of an AWS organization, in the order in which
// AWS does, each once. What it yields [New] takes; the host may change it
// first, for whatever no template can say.
//
// A whole organization takes one call for each 20 accounts. Units take, for
// each of them and, unless Direct, of those below, two calls or more: one for
// each 20 accounts in it and one for each 20 units. Tags take one call more an
// account. AWS allows some 5 to 10 of these calls a second; those refused
// because there were too many are sent again, ever more slowly.
//
// Every error ends the list: a [*FieldError] for each fault of the filter
// before any call is made, the context's when it ends, or what AWS answered,
// which is ErrAccessDenied where the caller may not ask.
func Organization(ctx context.Context, api OrganizationsAPI, filter OrganizationFilter) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		if err := filter.check(); err != nil {
			yield(Account{}, err)
			return
		}
		l := &lister{api: api, filter: filter, seen: map[string]bool{}}
		for member, err := range l.members(ctx) {
			var a Account
			if err == nil {
				var faults []error
				a, faults = filter.Template.fill(member)
				err = errors.Join(faults...)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// check refuses what could meet no account, or would fail for every one.
func (f OrganizationFilter) check() error {
	var c checker
	for _, unit := range f.Units {
		if !strings.HasPrefix(unit, "ou-") && !strings.HasPrefix(unit, "r-") {
			c.refuse("OrganizationFilter.Units", fmt.Sprintf("%q is not the id of a unit or a root, like ou-a1b2-c3d4e5f6", unit))
		}
	}
	for _, s := range f.States {
		if !slices.Contains(s.Values(), s) {
			c.refuse("OrganizationFilter.States", fmt.Sprintf("%q is not a state of accounts", string(s)))
		}
	}
	for _, id := range f.Except {
		if _, err := ParseID(string(id)); err != nil {
			c.refuse("OrganizationFilter.Except", fmt.Sprintf("%q: want 12 digits", string(id)))
		}
	}
	if _, ok := f.Tags[""]; ok {
		c.refuse("OrganizationFilter.Tags", "has an empty key")
	}
	sample := f.Template
	sample.ExternalID = nil // not to be asked for accounts that do not exist
	_, faults := sample.fill(types.Account{Id: aws.String("000000000000")})
	for _, err := range faults {
		var e *FieldError
		if errors.As(err, &e) {
			e.Account = "" // it is every account's
		}
	}
	return errors.Join(append(c.errs, faults...)...)
}

// fill makes the account that a member of an organization is.
func (t AccountTemplate) fill(member types.Account) (Account, []error) {
	id, partition := ID(aws.ToString(member.Id)), "aws"
	if parts := strings.Split(aws.ToString(member.Arn), ":"); len(parts) == 6 {
		partition = parts[1]
	}
	a := Account{ID: id, Name: aws.ToString(member.Name), Chain: t.Chain, Purposes: t.Purposes}.clone()
	put := strings.NewReplacer("{account}", string(id), "{partition}", partition)
	var c checker
	t.roles(&c, a, "", a.Chain, put)
	for p, roles := range a.Purposes {
		t.roles(&c, a, p, roles, put)
	}
	c.accounts([]Account{a})
	return a, c.errs
}

// roles replaces what the braces of one chain stand for.
func (t AccountTemplate) roles(c *checker, a Account, p Purpose, roles []Role, put *strings.Replacer) {
	for i := range roles {
		r := &roles[i]
		c.at = FieldError{Account: a.ID, Purpose: p, Hop: i + 1}
		r.ARN = put.Replace(r.ARN)
		if strings.ContainsAny(r.ARN, "{}") {
			c.refuse("ARN", "has braces around something else than account or partition")
		}
		r.ExternalID, r.SessionName = put.Replace(r.ExternalID), put.Replace(r.SessionName)
		r.SourceIdentity = put.Replace(r.SourceIdentity)
		for key, value := range r.Tags {
			r.Tags[key] = put.Replace(value)
		}
		if i == len(roles)-1 && r.ExternalID == "" && t.ExternalID != nil {
			r.ExternalID = t.ExternalID(a.ID)
		}
	}
}

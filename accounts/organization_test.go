package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/orgsim"
)

const manager = "999999999999"

// A company is an organization on the simulated AWS: 60 members in the root
// and three units, prod, prod/eu and dev, and its management account.
type company struct {
	cloud         *awssim.Cloud
	admin         *organizations.Client
	root          string
	prod, eu, dev string
	ids           map[string][]accounts.ID // by unit
}

func newCompany(t testing.TB, opts awssim.Options) *company {
	t.Helper()
	ctx := context.Background()
	limits := opts.Limits
	opts.Limits = core.Limits{Off: true}
	cloud := awssim.New(opts)
	c := &company{cloud: cloud, ids: map[string][]accounts.ID{}}
	c.admin = organizations.NewFromConfig(cloud.Config(cloud.User(manager, "admin", awssim.Admin()), "eu-west-1"))
	cloud.SetOrganization("o-a1b2c3d4e5", manager)
	roots, err := c.admin.ListRoots(ctx, nil)
	require.NoError(t, err)
	c.root = aws.ToString(roots.Roots[0].Id)
	unit := func(parent, name string) string {
		out, err := c.admin.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{ParentId: &parent, Name: &name})
		require.NoError(t, err)
		return aws.ToString(out.OrganizationalUnit.Id)
	}
	c.prod = unit(c.root, "prod")
	c.eu, c.dev = unit(c.prod, "eu"), unit(c.root, "dev")
	c.ids[c.root] = []accounts.ID{manager}
	for i := range 60 {
		id := fmt.Sprintf("1%011d", i)
		cloud.SetOrganization("o-a1b2c3d4e5", id)
		to := []string{c.root, c.prod, c.eu, c.dev}[i%4]
		if to != c.root {
			_, err := c.admin.MoveAccount(ctx, &organizations.MoveAccountInput{AccountId: &id, SourceParentId: &c.root, DestinationParentId: &to})
			require.NoError(t, err)
		}
		c.ids[to] = append(c.ids[to], accounts.ID(id))
	}
	cloud.SetLimits(limits)
	return c
}

// in returns the accounts right below some units, in order.
func (c *company) in(units ...string) []accounts.ID {
	all := []accounts.ID{}
	for _, u := range units {
		all = append(all, c.ids[u]...)
	}
	slices.Sort(all)
	return all
}

func (c *company) tag(t testing.TB, id accounts.ID, key, value string) {
	t.Helper()
	_, err := c.admin.TagResource(context.Background(), &organizations.TagResourceInput{
		ResourceId: aws.String(string(id)), Tags: []types.Tag{{Key: &key, Value: &value}},
	})
	require.NoError(t, err)
}

// calls counts the calls that f makes, by operation.
func (c *company) calls(f func()) map[string]int {
	counts := map[string]int{}
	c.cloud.SetFault(func(call core.CallInfo) core.Fault {
		counts[call.Operation]++
		return core.Fault{}
	})
	f()
	c.cloud.SetFault(nil)
	return counts
}

// list returns the ids of what is yielded, sorted.
func list(seq iter.Seq2[accounts.Account, error]) ([]accounts.ID, error) {
	all := []accounts.ID{}
	for a, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, a.ID)
	}
	slices.Sort(all)
	return all, nil
}

func TestOrganizationFilters(t *testing.T) {
	for _, short := range []bool{false, true} {
		t.Run(fmt.Sprintf("short pages %t", short), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCompany(t, awssim.Options{Seed: 1, Limits: core.Limits{Off: true}})
				c.cloud.Organizations().SetLimits(orgsim.Limits{ShortPages: short})
				everyone := c.in(c.root, c.prod, c.eu, c.dev)
				suspended, closing := c.ids[c.prod][0], c.ids[c.dev][1]
				c.cloud.SetState(string(suspended), core.Suspended)
				c.cloud.SetState(string(closing), core.PendingClosure)
				c.tag(t, c.ids[c.eu][2], "backup", "daily")
				c.tag(t, c.ids[c.eu][2], "stage", "live")
				c.tag(t, c.ids[c.dev][2], "backup", "weekly")
				less := func(all []accounts.ID, gone ...accounts.ID) []accounts.ID {
					return slices.DeleteFunc(all, func(id accounts.ID) bool { return slices.Contains(gone, id) })
				}
				for name, test := range map[string]struct {
					filter accounts.OrganizationFilter
					want   []accounts.ID
				}{
					"all that are active":       {accounts.OrganizationFilter{}, less(slices.Clone(everyone), suspended, closing)},
					"the root, which is all":    {accounts.OrganizationFilter{Units: []string{c.root}}, less(slices.Clone(everyone), suspended, closing)},
					"right below the root":      {accounts.OrganizationFilter{Units: []string{c.root}, Direct: true}, c.in(c.root)},
					"a unit and those below":    {accounts.OrganizationFilter{Units: []string{c.prod}}, less(c.in(c.prod, c.eu), suspended)},
					"a unit alone":              {accounts.OrganizationFilter{Units: []string{c.prod}, Direct: true}, less(c.in(c.prod), suspended)},
					"units that overlap":        {accounts.OrganizationFilter{Units: []string{c.eu, c.prod, c.eu}}, less(c.in(c.prod, c.eu), suspended)},
					"the suspended":             {accounts.OrganizationFilter{States: []types.AccountState{types.AccountStateSuspended}}, []accounts.ID{suspended}},
					"two states":                {accounts.OrganizationFilter{States: []types.AccountState{types.AccountStateSuspended, types.AccountStatePendingClosure}}, []accounts.ID{suspended, closing}},
					"a tag's value":             {accounts.OrganizationFilter{Tags: map[string]string{"backup": "daily"}}, []accounts.ID{c.ids[c.eu][2]}},
					"a tag's key":               {accounts.OrganizationFilter{Tags: map[string]string{"backup": ""}}, []accounts.ID{c.ids[c.eu][2], c.ids[c.dev][2]}},
					"two tags":                  {accounts.OrganizationFilter{Tags: map[string]string{"backup": "", "stage": "live"}}, []accounts.ID{c.ids[c.eu][2]}},
					"a tag in a unit":           {accounts.OrganizationFilter{Units: []string{c.dev}, Tags: map[string]string{"backup": ""}}, []accounts.ID{c.ids[c.dev][2]}},
					"a tag that nobody has":     {accounts.OrganizationFilter{Tags: map[string]string{"backup": "hourly"}}, []accounts.ID{}},
					"without the management":    {accounts.OrganizationFilter{Units: []string{c.root}, Direct: true, ExceptManagement: true}, less(c.in(c.root), manager)},
					"without one that is named": {accounts.OrganizationFilter{Units: []string{c.eu}, Except: c.ids[c.eu][3:4]}, less(c.in(c.eu), c.ids[c.eu][3])},
				} {
					got, err := list(accounts.Organization(t.Context(), c.admin, test.filter))
					require.NoError(t, err, name)
					slices.Sort(test.want)
					require.Equal(t, test.want, got, name)
				}
			})
		})
	}
}

func TestOrganizationCallsNoMoreThanNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, awssim.Options{Seed: 1, Limits: core.Limits{Off: true}})
		count := func(f accounts.OrganizationFilter) map[string]int {
			return c.calls(func() {
				_, err := list(accounts.Organization(t.Context(), c.admin, f))
				require.NoError(t, err)
			})
		}
		require.Equal(t, map[string]int{"ListAccounts": 4}, count(accounts.OrganizationFilter{}), "61 accounts, 20 a page")
		require.Equal(t, map[string]int{"ListAccountsForParent": 2, "ListOrganizationalUnitsForParent": 2},
			count(accounts.OrganizationFilter{Units: []string{c.prod}}))
		require.Equal(t, map[string]int{"ListAccountsForParent": 1}, count(accounts.OrganizationFilter{Units: []string{c.prod}, Direct: true}))
		require.Equal(t, map[string]int{"ListAccountsForParent": 1, "ListTagsForResource": 14},
			count(accounts.OrganizationFilter{Units: []string{c.prod}, Direct: true, Except: c.ids[c.prod][:1], Tags: map[string]string{"a": "b"}}),
			"tags are asked of those accounts only that pass everything else")
		require.Equal(t, map[string]int{"ListAccounts": 1}, c.calls(func() {
			for range accounts.Organization(t.Context(), c.admin, accounts.OrganizationFilter{}) {
				break
			}
		}), "who stops listening stops the calls")
	})
}

// TestOrganizationOutlastsRateLimits asks for the tags of 60 accounts where AWS
// admits 8 calls at once and 5 a second.
func TestOrganizationOutlastsRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, awssim.Options{Seed: 1})
		c.tag(t, c.ids[c.dev][7], "backup", "daily")
		start := time.Now()
		got, err := list(accounts.Organization(t.Context(), c.admin, accounts.OrganizationFilter{Tags: map[string]string{"backup": ""}}))
		require.NoError(t, err)
		require.Equal(t, c.ids[c.dev][7:8], got)
		require.Positive(t, c.cloud.Stats().Throttled)
		require.Less(t, c.cloud.Stats().Throttled, 61, "it slows down rather than insist")
		require.Less(t, time.Since(start), time.Minute)
		t.Logf("%d of %d calls refused, %v", c.cloud.Stats().Throttled, c.cloud.Stats().Calls["organizations:ListTagsForResource"], time.Since(start))
	})
}

func TestOrganizationGivesUpWhereNothingIsAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, awssim.Options{Seed: 1, Limits: core.Limits{Buckets: map[string]core.Bucket{"organizations:ListAccounts": {}}}})
		_, err := list(accounts.Organization(t.Context(), c.admin, accounts.OrganizationFilter{}))
		var api smithy.APIError
		require.ErrorAs(t, err, &api)
		require.Equal(t, "TooManyRequestsException", api.ErrorCode())

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err = list(accounts.Organization(ctx, c.admin, accounts.OrganizationFilter{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestOrganizationFillsTheTemplate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, awssim.Options{Seed: 1, Limits: core.Limits{Off: true}})
		derive, err := accounts.DeriveExternalIDs([]byte("sixteen bytes or more"))
		require.NoError(t, err)
		template := accounts.AccountTemplate{
			Chain: []accounts.Role{
				{ARN: "arn:{partition}:iam::" + manager + ":role/hub"},
				{ARN: "arn:{partition}:iam::{account}:role/snapkeep-backup", SessionName: "for-{account}", Tags: map[string]string{"of": "{account}"}},
			},
			Purposes: map[accounts.Purpose][]accounts.Role{
				accounts.Pruner: {{ARN: "arn:{partition}:iam::{account}:role/snapkeep-pruner", ExternalID: "prune-{account}"}},
			},
			ExternalID: derive,
		}
		var all []accounts.Account
		for a, err := range accounts.Organization(t.Context(), c.admin, accounts.OrganizationFilter{Units: []string{c.eu}, Template: template}) {
			require.NoError(t, err)
			all = append(all, a)
		}
		require.Len(t, all, 15)
		first := all[0]
		require.Equal(t, accounts.Account{
			ID: first.ID, Name: first.Name,
			Chain: []accounts.Role{
				{ARN: "arn:aws:iam::" + manager + ":role/hub"},
				{
					ARN: "arn:aws:iam::" + string(first.ID) + ":role/snapkeep-backup", ExternalID: derive(first.ID),
					SessionName: "for-" + string(first.ID), Tags: map[string]string{"of": string(first.ID)},
				},
			},
			Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: {{
				ARN: "arn:aws:iam::" + string(first.ID) + ":role/snapkeep-pruner", ExternalID: "prune-" + string(first.ID),
			}}},
		}, first)
		require.Equal(t, map[string]string{"of": "{account}"}, template.Chain[1].Tags, "the template is left alone")
		_, err = accounts.New(c.cloud.Config(c.cloud.Root(manager), "eu-west-1"), all, accounts.Options{})
		require.NoError(t, err)
	})
}

func TestOrganizationRefusesBadFiltersBeforeAnyCall(t *testing.T) {
	chain := func(arn string) accounts.AccountTemplate {
		return accounts.AccountTemplate{Chain: []accounts.Role{{ARN: arn}}}
	}
	for want, filter := range map[string]accounts.OrganizationFilter{
		`OrganizationFilter.Units: "prod" is not the id`:                      {Units: []string{"prod"}},
		`OrganizationFilter.States: "active" is not a state`:                  {States: []types.AccountState{"active"}},
		`OrganizationFilter.Except: "1": want 12 digits`:                      {Except: []accounts.ID{"1"}},
		`OrganizationFilter.Tags: has an empty key`:                           {Tags: map[string]string{"": "a"}},
		`hop 1: ARN: has braces`:                                              {Template: chain("arn:aws:iam::{id}:role/backup")},
		`the last hop must lead into the account declared`:                    {Template: chain("arn:aws:iam::111111111111:role/backup")},
		`purpose pruner: hop 1: ExternalID: has a character other than`:       {Template: accounts.AccountTemplate{Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: {{ARN: "arn:aws:iam::{account}:role/p", ExternalID: secretID + "{"}}}}},
		`purpose prune: Purposes: "prune" is not a purpose`:                   {Template: accounts.AccountTemplate{Purposes: map[accounts.Purpose][]accounts.Role{"prune": {{ARN: "arn:aws:iam::{account}:role/p"}}}}},
		`accounts: hop 1: Duration: 1m0s is shorter than 15 min, the shortes`: {Template: accounts.AccountTemplate{Chain: []accounts.Role{{ARN: "arn:aws:iam::{account}:role/b", Duration: time.Minute}}}},
	} {
		_, err := list(accounts.Organization(context.Background(), nil, filter))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), secretID)
		require.NotContains(t, err.Error(), "account 000000000000")
	}
}

func TestOrganizationSaysWhatRefusedCallersCanDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, awssim.Options{Seed: 1, Limits: core.Limits{Off: true}})
		as := func(account string, policies ...*iampolicy.Document) *organizations.Client {
			return organizations.NewFromConfig(c.cloud.Config(c.cloud.User(account, "other", policies...), "eu-west-1"))
		}
		for name, test := range map[string]struct {
			api   accounts.OrganizationsAPI
			unit  string
			want  string
			as    error
			other any
		}{
			"nothing is allowed": {api: as(manager), want: "delegated administrator, allowed this action", as: accounts.ErrAccessDenied},
			"a member":           {api: as(string(c.ids[c.eu][0]), awssim.Admin()), want: "ask as the management account", as: accounts.ErrAccessDenied},
			"no organization":    {api: as("333333333333", awssim.Admin()), want: "is in no organization", other: new(*types.AWSOrganizationsNotInUseException)},
			"a unit that is not": {api: c.admin, unit: "ou-aaaa-bbbbbbbb", want: "list accounts of ou-aaaa-bbbbbbbb", other: new(*types.ParentNotFoundException)},
		} {
			filter := accounts.OrganizationFilter{}
			if test.unit != "" {
				filter.Units = []string{test.unit}
			}
			got, err := list(accounts.Organization(t.Context(), test.api, filter))
			require.ErrorContains(t, err, test.want, name)
			require.Empty(t, got)
			if test.as != nil {
				require.ErrorIs(t, err, test.as, name)
			} else {
				require.ErrorAs(t, err, test.other, name)
			}
		}
	})
}

// A stubAPI answers as AWS did before State was there, and of accounts that
// leave while they are listed.
type stubAPI struct {
	accounts.OrganizationsAPI
	list []types.Account
	gone string
}

func (s stubAPI) ListAccounts(context.Context, *organizations.ListAccountsInput, ...func(*organizations.Options)) (*organizations.ListAccountsOutput, error) {
	return &organizations.ListAccountsOutput{Accounts: s.list}, nil
}

func (s stubAPI) ListTagsForResource(_ context.Context, in *organizations.ListTagsForResourceInput, _ ...func(*organizations.Options)) (*organizations.ListTagsForResourceOutput, error) {
	if aws.ToString(in.ResourceId) == s.gone {
		return nil, &types.TargetNotFoundException{}
	}
	return &organizations.ListTagsForResourceOutput{Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}, nil
}

func TestOrganizationReadsStatusWhereStateIsMissing(t *testing.T) {
	account := func(id string, state types.AccountState, status types.AccountStatus) types.Account {
		return types.Account{Id: &id, Arn: aws.String("arn:aws:organizations::999999999999:account/o-1/" + id), State: state, Status: status}
	}
	api := stubAPI{list: []types.Account{
		account("111111111111", "", types.AccountStatusActive),
		account("222222222222", "", types.AccountStatusSuspended),
		account("333333333333", types.AccountStatePendingActivation, types.AccountStatusActive), // State counts
		account("444444444444", types.AccountStateActive, ""),                                   // Status was retired
	}}
	got, err := list(accounts.Organization(t.Context(), api, accounts.OrganizationFilter{}))
	require.NoError(t, err)
	require.Equal(t, []accounts.ID{"111111111111", "444444444444"}, got)

	api.gone = "111111111111"
	got, err = list(accounts.Organization(t.Context(), api, accounts.OrganizationFilter{Tags: map[string]string{"k": "v"}}))
	require.NoError(t, err, "an account that left is no failure")
	require.Equal(t, []accounts.ID{"444444444444"}, got)
}

func TestOrganizationNamesTheAccountWhoseExternalIDIsBad(t *testing.T) {
	api := stubAPI{list: []types.Account{{Id: aws.String("111111111111"), Status: types.AccountStatusActive}}}
	_, err := list(accounts.Organization(t.Context(), api, accounts.OrganizationFilter{Template: accounts.AccountTemplate{
		Chain: []accounts.Role{{ARN: "arn:aws:iam::{account}:role/b"}}, ExternalID: func(accounts.ID) string { return secretID + " " },
	}}))
	var field *accounts.FieldError
	require.True(t, errors.As(err, &field))
	require.Equal(t, accounts.ID("111111111111"), field.Account)
	require.Equal(t, "ExternalID", field.Field)
	require.False(t, strings.Contains(err.Error(), secretID))
}

package conformance

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// organization makes the vault's account the head of one with three others.
func (s *scene) organization() {
	client := s.vault().orgs()
	must(client.CreateOrganization(s.ctx, &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll}))(s)
	for i := range 3 {
		out := must(client.CreateAccount(s.ctx, &organizations.CreateAccountInput{
			AccountName: aws.String(fmt.Sprint("account ", i)), Email: aws.String(fmt.Sprintf("account%d@example.com", i)),
		}))(s)
		s.until("an account that is made", func() bool {
			status := must(client.DescribeCreateAccountStatus(s.ctx, &organizations.DescribeCreateAccountStatusInput{
				CreateAccountRequestId: out.CreateAccountStatus.Id,
			}))(s)
			return status.CreateAccountStatus.State == types.CreateAccountStateSucceeded
		})
	}
}

var organizationsCases = []Case{
	{"organizations", "make an organization with three accounts", "four accounts, all active", "Organizations API Reference, ListAccounts", func(s *scene) {
		s.organization()
		out := must(s.vault().orgs().ListAccounts(s.ctx, nil))(s)
		s.check(len(out.Accounts) == 4, "%d accounts", len(out.Accounts))
	}},
	{"organizations", "accounts, two at a time", "two and a token", "Organizations API Reference, ListAccounts", func(s *scene) {
		s.organization()
		out := must(s.vault().orgs().ListAccounts(s.ctx, &organizations.ListAccountsInput{MaxResults: aws.Int32(2)}))(s)
		s.check(len(out.Accounts) == 2 && out.NextToken != nil, "%d, and a token: %v", len(out.Accounts), out.NextToken != nil)
	}},
	{"organizations", "accounts, page by page", "each once", "Organizations API Reference, ListAccounts", func(s *scene) {
		s.organization()
		seen := map[string]int{}
		pages := organizations.NewListAccountsPaginator(s.vault().orgs(), &organizations.ListAccountsInput{MaxResults: aws.Int32(3)})
		for pages.HasMorePages() {
			for _, a := range must(pages.NextPage(s.ctx))(s).Accounts {
				seen[*a.Id]++
			}
		}
		s.check(len(seen) == 4, "%d accounts", len(seen))
	}},
	{"organizations", "the root", "one", "Organizations API Reference, ListRoots", func(s *scene) {
		s.organization()
		out := must(s.vault().orgs().ListRoots(s.ctx, nil))(s)
		s.check(len(out.Roots) == 1, "%d roots", len(out.Roots))
	}},
	{"organizations", "an account of the root's", "its parent is the root", "Organizations API Reference, ListParents", func(s *scene) {
		s.organization()
		roots := must(s.vault().orgs().ListRoots(s.ctx, nil))(s)
		out := must(s.vault().orgs().ListParents(s.ctx, &organizations.ListParentsInput{ChildId: aws.String(Vault)}))(s)
		s.check(len(out.Parents) == 1 && *out.Parents[0].Id == *roots.Roots[0].Id, "another parent")
	}},
	{"organizations", "a unit below the root", "it is listed there", "Organizations API Reference, CreateOrganizationalUnit", func(s *scene) {
		s.organization()
		root := must(s.vault().orgs().ListRoots(s.ctx, nil))(s).Roots[0].Id
		must(s.vault().orgs().CreateOrganizationalUnit(s.ctx, &organizations.CreateOrganizationalUnitInput{ParentId: root, Name: aws.String("prod")}))(s)
		out := must(s.vault().orgs().ListOrganizationalUnitsForParent(s.ctx, &organizations.ListOrganizationalUnitsForParentInput{ParentId: root}))(s)
		s.check(len(out.OrganizationalUnits) == 1 && *out.OrganizationalUnits[0].Name == "prod", "%d units", len(out.OrganizationalUnits))
	}},
	{"organizations", "a second organization", "AlreadyInOrganizationException", "Organizations API Reference, CreateOrganization", func(s *scene) {
		s.organization()
		_, err := s.vault().orgs().CreateOrganization(s.ctx, &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll})
		s.refused(err, "AlreadyInOrganizationException")
	}},
	{"organizations", "accounts, asked for by an account that is in none", "AWSOrganizationsNotInUseException", "Organizations API Reference, ListAccounts", func(s *scene) {
		s.organization()
		_, err := s.owner().orgs().ListAccounts(s.ctx, nil)
		s.refused(err, "AWSOrganizationsNotInUseException", "AccessDeniedException")
	}},
}

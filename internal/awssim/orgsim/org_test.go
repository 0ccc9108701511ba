package orgsim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/orgsim"
)

const (
	noEC2    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ec2:*","Resource":"*"}]}`
	onlyIAM  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`
	noKMS    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}`
	fullAWS  = "p-FullAWSAccess"
	fullRCPs = "p-RCPFullAWSAccess"
)

func TestAnOrganizationFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		c := admin(cloud, boss)
		_, err := c.DescribeOrganization(t.Context(), nil)
		requireCode(t, err, "AWSOrganizationsNotInUseException")
		made, err := c.CreateOrganization(t.Context(), nil)
		require.NoError(t, err)
		require.Regexp(t, "^o-[a-z0-9]{10}$", *made.Organization.Id)
		require.Equal(t, boss, *made.Organization.MasterAccountId)
		_, err = c.CreateOrganization(t.Context(), nil)
		requireCode(t, err, "AlreadyInOrganizationException")

		asked := time.Now()
		status := create(t, c, "shop", "shop@example.com")
		require.Equal(t, types.CreateAccountStateSucceeded, status.State)
		require.Regexp(t, `^\d{12}$`, *status.AccountId)
		require.GreaterOrEqual(t, time.Since(asked), time.Minute)
		account, err := c.DescribeAccount(t.Context(), &organizations.DescribeAccountInput{AccountId: status.AccountId})
		require.NoError(t, err)
		require.Equal(t, types.AccountStateActive, account.Account.State)
		require.Equal(t, types.AccountStatusActive, account.Account.Status)
		require.Equal(t, "shop", *account.Account.Name)
		require.Equal(t, fmt.Sprintf("arn:aws:organizations::%s:account/%s/%s", boss, *made.Organization.Id, *status.AccountId), *account.Account.Arn)

		role := "arn:aws:iam::" + *status.AccountId + ":role/OrganizationAccountAccessRole"
		_, err = iam.NewFromConfig(inRole(cloud, boss, role)).ListRoles(t.Context(), nil)
		require.NoError(t, err, "the management account comes in")
		_, err = sts.NewFromConfig(inRole(cloud, alone, role)).GetCallerIdentity(t.Context(), nil)
		require.ErrorContains(t, err, "AccessDenied", "nobody else does")

		again := create(t, c, "other", "SHOP@example.com")
		require.Equal(t, types.CreateAccountStateFailed, again.State)
		require.Equal(t, types.CreateAccountFailureReasonEmailAlreadyExists, again.FailureReason)

		_, err = c.CloseAccount(t.Context(), &organizations.CloseAccountInput{AccountId: status.AccountId})
		require.NoError(t, err)
		_, err = c.CloseAccount(t.Context(), &organizations.CloseAccountInput{AccountId: status.AccountId})
		requireCode(t, err, "AccountAlreadyClosedException")
		_, err = c.CloseAccount(t.Context(), &organizations.CloseAccountInput{AccountId: aws.String(boss)})
		requireViolation(t, err, types.ConstraintViolationExceptionReasonCannotCloseManagementAccount)
		time.Sleep(time.Hour)
		account, err = c.DescribeAccount(t.Context(), &organizations.DescribeAccountInput{AccountId: status.AccountId})
		require.NoError(t, err)
		require.Equal(t, types.AccountStateClosed, account.Account.State)
		require.Equal(t, types.AccountStatusSuspended, account.Account.Status)
	})
}

func TestWhoMayCall(t *testing.T) {
	cloud, c, root := organized(t)
	list := func(account string) error {
		_, err := admin(cloud, account).ListAccounts(t.Context(), nil)
		return err
	}
	require.NoError(t, list(boss))
	requireCode(t, list(shop), "AccessDeniedException")
	requireCode(t, list(alone), "AWSOrganizationsNotInUseException")
	_, err := admin(cloud, shop).DescribeOrganization(t.Context(), nil)
	require.NoError(t, err, "any member may")

	register := func(account string) error {
		_, err := c.RegisterDelegatedAdministrator(t.Context(), &organizations.RegisterDelegatedAdministratorInput{
			AccountId: &account, ServicePrincipal: aws.String("backup.amazonaws.com"),
		})
		return err
	}
	requireViolation(t, register(shop), types.ConstraintViolationExceptionReasonServiceAccessNotEnabled)
	_, err = c.EnableAWSServiceAccess(t.Context(), &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String("backup.amazonaws.com")})
	require.NoError(t, err)
	require.NoError(t, register(shop))
	requireCode(t, register(shop), "AccountAlreadyRegisteredException")
	requireCode(t, register(alone), "AccountNotFoundException")
	requireViolation(t, register(boss), types.ConstraintViolationExceptionReasonCannotRegisterMasterAsDelegatedAdministrator)
	require.NoError(t, list(shop), "a delegated administrator may read")
	delegate := admin(cloud, shop)
	_, err = delegate.DescribeAccount(t.Context(), &organizations.DescribeAccountInput{AccountId: aws.String(bank)})
	require.NoError(t, err)
	_, err = delegate.CreateOrganizationalUnit(t.Context(), &organizations.CreateOrganizationalUnitInput{ParentId: &root, Name: aws.String("x")})
	requireCode(t, err, "AccessDeniedException")

	admins, err := c.ListDelegatedAdministrators(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, admins.DelegatedAdministrators, 1)
	services, err := c.ListDelegatedServicesForAccount(t.Context(), &organizations.ListDelegatedServicesForAccountInput{AccountId: aws.String(shop)})
	require.NoError(t, err)
	require.Equal(t, "backup.amazonaws.com", *services.DelegatedServices[0].ServicePrincipal)
	trusted, err := c.ListAWSServiceAccessForOrganization(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, trusted.EnabledServicePrincipals, 1)

	reader := client(cloud, boss, parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"organizations:DescribeAccount","Resource":"arn:aws:organizations::999999999999:account/o-a1b2c3d4e5/111111111111"}]}`))
	_, err = reader.DescribeAccount(t.Context(), &organizations.DescribeAccountInput{AccountId: aws.String(shop)})
	require.NoError(t, err)
	_, err = reader.DescribeAccount(t.Context(), &organizations.DescribeAccountInput{AccountId: aws.String(bank)})
	requireCode(t, err, "AccessDeniedException")
}

func TestTheTree(t *testing.T) {
	cloud, c, root := organized(t)
	prod := newUnit(t, c, root, "prod")
	require.Regexp(t, "^ou-"+root[2:]+"-[a-z0-9]{8}$", prod)
	_, err := c.CreateOrganizationalUnit(t.Context(), &organizations.CreateOrganizationalUnitInput{ParentId: &root, Name: aws.String("prod")})
	requireCode(t, err, "DuplicateOrganizationalUnitException")
	deep := prod
	for i := range 4 {
		deep = newUnit(t, c, deep, fmt.Sprint("level", i))
	}
	_, err = c.CreateOrganizationalUnit(t.Context(), &organizations.CreateOrganizationalUnitInput{ParentId: &deep, Name: aws.String("x")})
	requireViolation(t, err, types.ConstraintViolationExceptionReasonOuDepthLimitExceeded)

	require.NoError(t, move(c, shop, root, deep))
	requireCode(t, move(c, shop, root, prod), "SourceParentNotFoundException")
	requireCode(t, move(c, shop, deep, deep), "DuplicateAccountException")
	requireCode(t, move(c, alone, root, prod), "AccountNotFoundException")
	in, err := c.ListAccountsForParent(t.Context(), &organizations.ListAccountsForParentInput{ParentId: &deep})
	require.NoError(t, err)
	require.Equal(t, shop, *in.Accounts[0].Id)
	require.Len(t, strings.Split(in.Accounts[0].Paths[0], "/"), 9, "organization, root, five units, account")
	up, err := c.ListParents(t.Context(), &organizations.ListParentsInput{ChildId: aws.String(shop)})
	require.NoError(t, err)
	require.Equal(t, deep, *up.Parents[0].Id)
	down, err := c.ListChildren(t.Context(), &organizations.ListChildrenInput{ParentId: &root, ChildType: types.ChildTypeAccount})
	require.NoError(t, err)
	require.Len(t, down.Children, 2)
	_, err = c.DeleteOrganizationalUnit(t.Context(), &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: &deep})
	requireCode(t, err, "OrganizationalUnitNotEmptyException")
	require.NoError(t, move(c, shop, deep, root))
	_, err = c.DeleteOrganizationalUnit(t.Context(), &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: &deep})
	require.NoError(t, err)

	_, err = c.TagResource(t.Context(), &organizations.TagResourceInput{ResourceId: &prod, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	require.NoError(t, err)
	tags, err := c.ListTagsForResource(t.Context(), &organizations.ListTagsForResourceInput{ResourceId: &prod})
	require.NoError(t, err)
	require.Equal(t, "b", *tags.Tags[0].Value)
	_, err = client(cloud, boss, parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}}]}`)).
		DescribeOrganizationalUnit(t.Context(), &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: &prod})
	require.NoError(t, err)
}

// SCPs bind the accounts at and below where they are attached, on every level
// for itself, and never the management account.
func TestServiceControlPoliciesTakeEffect(t *testing.T) {
	cloud, c, root := organized(t)
	prod := newUnit(t, c, root, "prod")
	look := func(account string) error {
		_, err := ec2.NewFromConfig(config(cloud, cloud.User(account, "op", awssim.Admin()))).DescribeSnapshots(t.Context(), nil)
		return err
	}
	require.NoError(t, look(shop))
	deny := newPolicy(t, c, "no-ec2", noEC2, types.PolicyTypeServiceControlPolicy)
	require.NoError(t, attach(c, deny, prod))
	requireCode(t, attach(c, deny, prod), "DuplicatePolicyAttachmentException")
	require.NoError(t, look(shop), "it is not there yet")
	require.NoError(t, move(c, shop, root, prod))
	requireCode(t, look(shop), "UnauthorizedOperation")
	require.NoError(t, look(bank))
	_, err := c.UpdatePolicy(t.Context(), &organizations.UpdatePolicyInput{PolicyId: &deny, Content: aws.String(strings.Replace(noEC2, "ec2:", "s3:", 1))})
	require.NoError(t, err)
	require.NoError(t, look(shop))

	allow := newPolicy(t, c, "only-iam", onlyIAM, types.PolicyTypeServiceControlPolicy)
	require.NoError(t, attach(c, allow, root))
	require.NoError(t, look(bank), "FullAWSAccess is still there")
	require.NoError(t, detach(c, fullAWS, root))
	requireCode(t, look(bank), "UnauthorizedOperation")
	require.NoError(t, look(boss))
	requireViolation(t, detach(c, allow, root), types.ConstraintViolationExceptionReasonMinPolicyTypeAttachmentLimitExceeded)
	_, err = c.DeletePolicy(t.Context(), &organizations.DeletePolicyInput{PolicyId: &allow})
	requireCode(t, err, "PolicyInUseException")
	targets, err := c.ListTargetsForPolicy(t.Context(), &organizations.ListTargetsForPolicyInput{PolicyId: &allow})
	require.NoError(t, err)
	require.Equal(t, types.TargetTypeRoot, targets.Targets[0].Type)

	_, err = c.DisablePolicyType(t.Context(), &organizations.DisablePolicyTypeInput{RootId: &root, PolicyType: types.PolicyTypeServiceControlPolicy})
	require.NoError(t, err)
	require.NoError(t, look(bank))
	requireCode(t, attach(c, allow, root), "PolicyTypeNotEnabledException")
}

func TestResourceControlPolicies(t *testing.T) {
	cloud, c, root := organized(t)
	key := func(account string) error {
		client := kms.NewFromConfig(config(cloud, cloud.User(account, "op", awssim.Admin())))
		made, err := client.CreateKey(t.Context(), nil)
		require.NoError(t, err)
		_, err = client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: made.KeyMetadata.KeyId})
		return err
	}
	rcp := newPolicy(t, c, "no-kms", noKMS, types.PolicyTypeResourceControlPolicy)
	requireCode(t, attach(c, rcp, shop), "PolicyTypeNotEnabledException")
	out, err := c.EnablePolicyType(t.Context(), &organizations.EnablePolicyTypeInput{RootId: &root, PolicyType: types.PolicyTypeResourceControlPolicy})
	require.NoError(t, err)
	require.Len(t, out.Root.PolicyTypes, 2)
	require.NoError(t, key(shop), "RCPFullAWSAccess alone forbids nothing")
	rcp = newPolicy(t, c, "no-describe", strings.Replace(noKMS, "kms:*", "kms:DescribeKey", 1), types.PolicyTypeResourceControlPolicy)
	require.NoError(t, attach(c, rcp, shop))
	requireCode(t, key(shop), "AccessDeniedException")
	require.NoError(t, key(bank))
	on, err := c.ListPoliciesForTarget(t.Context(), &organizations.ListPoliciesForTargetInput{TargetId: aws.String(shop), Filter: types.PolicyTypeResourceControlPolicy})
	require.NoError(t, err)
	require.Len(t, on.Policies, 2)
	requireCode(t, detach(c, fullRCPs, shop), "InvalidInputException")
	for name, content := range map[string]string{
		"an allow":       strings.Replace(noKMS, "Deny", "Allow", 1),
		"one principal":  strings.Replace(noKMS, `"Principal":"*"`, `"Principal":{"AWS":"111111111111"}`, 1),
		"another action": strings.Replace(noKMS, "kms:*", "ec2:*", 1),
		"all actions":    strings.Replace(noKMS, "kms:*", "*", 1),
		"no principal":   noEC2,
	} {
		_, err := c.CreatePolicy(t.Context(), &organizations.CreatePolicyInput{Name: &name, Content: &content, Description: aws.String(""), Type: types.PolicyTypeResourceControlPolicy})
		require.Error(t, err, name)
		requireCode(t, err, "MalformedPolicyDocumentException")
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	cloud, c, root := organized(t)
	try := func(name, content string) error {
		_, err := c.CreatePolicy(t.Context(), &organizations.CreatePolicyInput{Name: &name, Content: &content, Description: aws.String("d"), Type: types.PolicyTypeServiceControlPolicy})
		return err
	}
	sized := func(n int) string { return noEC2 + strings.Repeat(" ", n-len(noEC2)) }
	require.NoError(t, try("longest", sized(5120)))
	requireViolation(t, try("long", sized(5121)), types.ConstraintViolationExceptionReasonPolicyContentLimitExceeded)
	cloud.Organizations().SetLimits(orgsim.Limits{SCPSize: 10240})
	require.NoError(t, try("long", sized(10240)))
	requireCode(t, try("long", noEC2), "DuplicatePolicyException")
	requireCode(t, try("bad", noKMS), "MalformedPolicyDocumentException")
	_, err := c.UpdatePolicy(t.Context(), &organizations.UpdatePolicyInput{PolicyId: aws.String(fullAWS), Name: aws.String("x")})
	requireCode(t, err, "InvalidInputException")
	for i := range 4 {
		require.NoError(t, attach(c, newPolicy(t, c, fmt.Sprint("p", i), noEC2, types.PolicyTypeServiceControlPolicy), root))
	}
	requireViolation(t, attach(c, newPolicy(t, c, "p5", noEC2, types.PolicyTypeServiceControlPolicy), root), types.ConstraintViolationExceptionReasonMaxPolicyTypeAttachmentLimitExceeded)
}

func TestPagesMayBeShort(t *testing.T) {
	cloud, c, _ := organized(t)
	for i := range 40 {
		cloud.SetOrganization("o-a1b2c3d4e5", fmt.Sprintf("4444444444%02d", i))
	}
	cloud.Organizations().SetLimits(orgsim.Limits{ShortPages: true})
	var ids []string
	empty := false
	pages := organizations.NewListAccountsPaginator(c, nil)
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(out.Accounts), 20)
		empty = empty || len(out.Accounts) == 0 && out.NextToken != nil
		for _, a := range out.Accounts {
			ids = append(ids, *a.Id)
		}
	}
	require.Len(t, ids, 43)
	require.True(t, slices.IsSorted(ids))
	for range 20 {
		out, err := c.ListAccounts(t.Context(), &organizations.ListAccountsInput{MaxResults: aws.Int32(3)})
		require.NoError(t, err)
		empty = empty || len(out.Accounts) == 0 && out.NextToken != nil
	}
	require.True(t, empty)
	for _, size := range []int32{0, 21} {
		_, err := c.ListAccounts(t.Context(), &organizations.ListAccountsInput{MaxResults: &size})
		requireCode(t, err, "InvalidInputException")
	}
	_, err := c.ListAccounts(t.Context(), &organizations.ListAccountsInput{NextToken: aws.String("x")})
	requireCode(t, err, "InvalidInputException")
}

func TestQuotasOfAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, c, _ := organized(t)
		ask := func(n int) error {
			_, err := c.CreateAccount(t.Context(), &organizations.CreateAccountInput{AccountName: aws.String("a"), Email: aws.String(fmt.Sprintf("a%d@example.com", n))})
			return err
		}
		for i := range 5 {
			require.NoError(t, ask(i))
		}
		requireViolation(t, ask(5), types.ConstraintViolationExceptionReasonAccountCreationRateLimitExceeded)
		time.Sleep(time.Hour)
		require.NoError(t, ask(5))
		require.NoError(t, ask(6))
		requireViolation(t, ask(7), types.ConstraintViolationExceptionReasonAccountNumberLimitExceeded)
		require.True(t, cloud.HasAccount(shop))
	})
}

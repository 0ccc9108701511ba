package iamsim_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func TestManagedPoliciesAndTheirVersions(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	role := makeRole(t, c, "backup")
	arn := makePolicy(t, c, "look", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`)
	_, err := c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("backup"), PolicyArn: &arn})
	require.NoError(t, err)
	session := ec2.NewFromConfig(config(cloud, assume(t, cloud, role)))
	look := func() error { _, err := session.DescribeSnapshots(t.Context(), nil); return err }
	requireCode(t, denied(look()), "AccessDenied")

	v2, err := c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: aws.String(allowEC2)})
	require.NoError(t, err)
	require.Equal(t, "v2", *v2.PolicyVersion.VersionId)
	requireCode(t, denied(look()), "AccessDenied")
	_, err = c.SetDefaultPolicyVersion(t.Context(), &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v2")})
	require.NoError(t, err)
	require.NoError(t, look())

	for range 3 {
		_, err = c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: aws.String(allowEC2)})
		require.NoError(t, err)
	}
	_, err = c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: aws.String(allowEC2)})
	requireCode(t, err, "LimitExceeded")
	_, err = c.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v2")})
	requireCode(t, err, "DeleteConflict")
	_, err = c.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v1")})
	require.NoError(t, err)
	v6, err := c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: aws.String(allowEC2)})
	require.NoError(t, err)
	require.Equal(t, "v6", *v6.PolicyVersion.VersionId, "numbers are not used again")
	versions, err := c.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: &arn})
	require.NoError(t, err)
	require.Equal(t, "v6", *versions.Versions[0].VersionId)
	require.Len(t, versions.Versions, 5)
	got, err := c.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v2")})
	require.NoError(t, err)
	require.Equal(t, allowEC2, decoded(t, got.PolicyVersion.Document))
	require.True(t, got.PolicyVersion.IsDefaultVersion)

	_, err = c.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: &arn})
	requireCode(t, err, "DeleteConflict")
	who, err := c.ListEntitiesForPolicy(t.Context(), &iam.ListEntitiesForPolicyInput{PolicyArn: &arn})
	require.NoError(t, err)
	require.Equal(t, "backup", *who.PolicyRoles[0].RoleName)
	_, err = c.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("backup"), PolicyArn: &arn})
	require.NoError(t, err)
	_, err = c.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("backup"), PolicyArn: &arn})
	requireCode(t, err, "NoSuchEntity")
	requireCode(t, denied(look()), "AccessDenied")
	_, err = c.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: &arn})
	requireCode(t, err, "DeleteConflict")
	for _, v := range []string{"v3", "v4", "v5", "v6"} {
		_, err = c.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: &v})
		require.NoError(t, err)
	}
	_, err = c.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: &arn})
	require.NoError(t, err)
	_, err = c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn})
	requireCode(t, err, "NoSuchEntity")
}

func TestPoliciesOfAWS(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1, Limits: core.Limits{Off: true}})
	c := admin(cloud, account)
	role := makeRole(t, c, "reader")
	attach := func(arn string) error {
		_, err := c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("reader"), PolicyArn: &arn})
		return err
	}
	readOnly := "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"
	require.NoError(t, attach(readOnly))
	_, err := ec2.NewFromConfig(config(cloud, assume(t, cloud, role))).DescribeSnapshots(t.Context(), nil)
	require.NoError(t, err)
	got, err := c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &readOnly})
	require.NoError(t, err)
	require.EqualValues(t, 1, *got.Policy.AttachmentCount)
	_, err = c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &readOnly, PolicyDocument: aws.String(allowAll)})
	requireCode(t, err, "AccessDenied")
	list, err := c.ListPolicies(t.Context(), &iam.ListPoliciesInput{OnlyAttached: true})
	require.NoError(t, err)
	require.Len(t, list.Policies, 1)
	require.Empty(t, cloud.Misuse())
	requireCode(t, attach("arn:aws:iam::aws:policy/NoSuchPolicy"), "NoSuchEntity")
	require.Equal(t, []string{"the managed policy policy/NoSuchPolicy of AWS is not simulated"}, cloud.Misuse())
}

func TestDocumentsThatAreRefused(t *testing.T) {
	statement := func(text string) string { return `{"Version":"2012-10-17","Statement":[` + text + `]}` }
	sized := func(n int) string {
		text := statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:"}`)
		return strings.Replace(text, "*:*:", "*:*:"+strings.Repeat("x", n-len(text)), 1)
	}
	tests := []struct{ name, document, want string }{
		{"no JSON", `{`, "MalformedPolicyDocument"},
		{"an empty object", `{}`, "MalformedPolicyDocument"},
		{"unknown version", strings.Replace(allowEC2, "2012-10-17", "2020-01-01", 1), "MalformedPolicyDocument"},
		{"unknown effect", strings.Replace(allowEC2, "Allow", "Maybe", 1), "MalformedPolicyDocument"},
		{"no action", statement(`{"Effect":"Allow","Resource":"*"}`), "MalformedPolicyDocument"},
		{"no resource", statement(`{"Effect":"Allow","Action":"ec2:*"}`), "MalformedPolicyDocument"},
		{"two resources", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"*","NotResource":"*"}`), "MalformedPolicyDocument"},
		{"a principal", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"*","Principal":"*"}`), "MalformedPolicyDocument"},
		{"an action without a service", statement(`{"Effect":"Allow","Action":"Describe","Resource":"*"}`), "MalformedPolicyDocument"},
		{"a service with a wildcard", statement(`{"Effect":"Allow","Action":"e*:Describe","Resource":"*"}`), "MalformedPolicyDocument"},
		{"a resource that is no ARN", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"snap-1"}`), "MalformedPolicyDocument"},
		{"a partition that is not there", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aw:ec2:::x"}`), "MalformedPolicyDocument"},
		{"an operator that is not there", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEqual":{"aws:x":"y"}}}`), "MalformedPolicyDocument"},
		{"a key without a service", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"x":"y"}}}`), "MalformedPolicyDocument"},
		{"two statements of one name", statement(`{"Sid":"A","Effect":"Allow","Action":"ec2:*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"ec2:*","Resource":"*"}`), "MalformedPolicyDocument"},
		{"a name with a space", statement(`{"Sid":"A b","Effect":"Allow","Action":"ec2:*","Resource":"*"}`), "MalformedPolicyDocument"},
		{"a character that is not Latin", statement(`{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:::яя"}`), "ValidationError"},
		{"too long", sized(6145), "LimitExceeded"},
		{"as long as can be", strings.Replace(sized(6144), ",", " \n,", -1), ""},
		{"an old version", strings.Replace(allowEC2, "2012-10-17", "2008-10-17", 1), ""},
		{"conditions", statement(`{"Effect":"Allow","NotAction":["ec2:*"],"NotResource":["arn:aws:s3:::b/*"],"Condition":{"ForAllValues:StringLikeIfExists":{"aws:TagKeys":["a*"]},"Null":{"aws:x/y":"true"}}}`), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := admin(newCloud(t), account).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: &tt.document})
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			requireCode(t, err, tt.want)
		})
	}
}

func TestWhatAnAccountHas(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	makeRole(t, c, "backup")
	arn := makePolicy(t, c, "look", allowEC2)
	_, err := c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("backup"), PolicyArn: &arn})
	require.NoError(t, err)
	sum, err := c.GetAccountSummary(t.Context(), nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, sum.SummaryMap["Roles"])
	require.EqualValues(t, 1, sum.SummaryMap["Policies"])
	require.EqualValues(t, 1000, sum.SummaryMap["RolesQuota"])

	var kinds []string
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(c, &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, u := range out.UserDetailList {
			kinds = append(kinds, "user "+*u.UserName)
		}
		for _, r := range out.RoleDetailList {
			kinds = append(kinds, "role "+*r.RoleName)
			require.Equal(t, arn, *r.AttachedManagedPolicies[0].PolicyArn)
		}
		for _, p := range out.Policies {
			kinds = append(kinds, "policy "+*p.PolicyName)
			require.Equal(t, allowEC2, decoded(t, p.PolicyVersionList[0].Document))
		}
	}
	require.Equal(t, []string{"user admin", "role backup", "policy look"}, kinds)
	only, err := c.GetAccountAuthorizationDetails(t.Context(), &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeRole}})
	require.NoError(t, err)
	require.Empty(t, only.UserDetailList)

	_, err = c.CreateAccountAlias(t.Context(), &iam.CreateAccountAliasInput{AccountAlias: aws.String("shop-1")})
	require.NoError(t, err)
	_, err = admin(cloud, other).CreateAccountAlias(t.Context(), &iam.CreateAccountAliasInput{AccountAlias: aws.String("shop-1")})
	requireCode(t, err, "EntityAlreadyExists")
	aliases, err := c.ListAccountAliases(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"shop-1"}, aliases.AccountAliases)
}

package iamsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/iamsim"
)

func TestTheLifeOfARole(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	made, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("backup"), Path: aws.String("/bk/"), AssumeRolePolicyDocument: aws.String("\n " + trustUs),
		Description: aws.String("für Backups"), MaxSessionDuration: aws.Int32(7200), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}},
	})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:role/bk/backup", *made.Role.Arn)
	require.Regexp(t, "^AROA[A-Z2-7]{17}$", *made.Role.RoleId)
	require.Contains(t, *made.Role.AssumeRolePolicyDocument, "%7B%22Version%22%3A%222012-10-17%22")

	got, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	require.Equal(t, made.Role, got.Role)
	require.Equal(t, trustUs, decoded(t, got.Role.AssumeRolePolicyDocument))
	require.EqualValues(t, 7200, *got.Role.MaxSessionDuration)
	require.Nil(t, got.Role.RoleLastUsed.LastUsedDate)

	session := ec2.NewFromConfig(config(cloud, assume(t, cloud, *made.Role.Arn)))
	look := func() error { _, err := session.DescribeSnapshots(t.Context(), nil); return err }
	requireCode(t, denied(look()), "AccessDenied")
	_, err = c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("look"), PolicyDocument: aws.String(allowEC2 + "\n")})
	require.NoError(t, err)
	require.NoError(t, look(), "a new policy counts for running sessions")
	policy, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("look")})
	require.NoError(t, err)
	require.Equal(t, allowEC2+"\n", decoded(t, policy.PolicyDocument), "as it was put")

	got, err = c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	require.Equal(t, region, *got.Role.RoleLastUsed.Region)

	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("backup")})
	requireCode(t, err, "DeleteConflict")
	_, err = c.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("look")})
	require.NoError(t, err)
	requireCode(t, denied(look()), "AccessDenied")
	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	require.ErrorContains(t, look(), "AuthFailure", "a session ends with its role")
	_, err = c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("backup")})
	requireCode(t, err, "NoSuchEntity")
}

// A role put into the cloud and a role made by API are one and the same thing.
func TestAPutRoleIsARole(t *testing.T) {
	cloud := newCloud(t)
	arn := cloud.PutRole(account, awssim.Role{
		Name: "backup", Trust: parse(t, trustUs), Policies: []*iampolicy.Document{parse(t, allowEC2), awssim.Admin()}, Boundary: parse(t, allowEC2),
		Tags: map[string]string{"team": "x"}, MaxSession: 2 * time.Hour,
	})
	c := admin(cloud, account)
	got, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	require.Equal(t, arn, *got.Role.Arn)
	require.Equal(t, "arn:aws:iam::111111111111:policy/backup-boundary", *got.Role.PermissionsBoundary.PermissionsBoundaryArn)
	names, err := c.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	require.Equal(t, []string{"policy-1", "policy-2"}, names.PolicyNames)
	text, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("policy-1")})
	require.NoError(t, err)
	require.Equal(t, allowEC2, decoded(t, text.PolicyDocument))

	session := iam.NewFromConfig(config(cloud, assume(t, cloud, arn)))
	_, err = session.ListRoles(t.Context(), nil)
	requireCode(t, err, "AccessDenied")
	_, err = c.DeleteRolePermissionsBoundary(t.Context(), &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("backup")})
	require.NoError(t, err)
	_, err = session.ListRoles(t.Context(), nil)
	require.NoError(t, err)
	_, err = c.DeleteRolePermissionsBoundary(t.Context(), &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("backup")})
	requireCode(t, err, "NoSuchEntity")
}

func TestRolesThatAreRefused(t *testing.T) {
	long := func(n int) string { // a trust policy with n characters but white space
		text := strings.Replace(trustUs, `"Statement":[{`, `"Statement":[{"Sid":"`+strings.Repeat("x", n-len(trustUs)-9)+`",`, 1)
		require.Equal(t, n, len(text))
		return strings.Replace(text, ",", " ,\n", 3)
	}
	deleted := "arn:aws:iam::111111111111:role/never"
	tests := []struct {
		name  string
		in    iam.CreateRoleInput
		trust string
		want  string // code; empty means that it is valid
	}{
		{name: "taken", in: iam.CreateRoleInput{RoleName: aws.String("Taken")}, want: "EntityAlreadyExists"},
		{name: "taken in another case", in: iam.CreateRoleInput{RoleName: aws.String("tAKEN")}, want: "EntityAlreadyExists"},
		{name: "name too long", in: iam.CreateRoleInput{RoleName: aws.String(strings.Repeat("a", 65))}, want: "ValidationError"},
		{name: "longest name", in: iam.CreateRoleInput{RoleName: aws.String(strings.Repeat("a", 64))}},
		{name: "name with a slash", in: iam.CreateRoleInput{RoleName: aws.String("a/b")}, want: "ValidationError"},
		{name: "path without its end", in: iam.CreateRoleInput{Path: aws.String("/a")}, want: "ValidationError"},
		{name: "session too short", in: iam.CreateRoleInput{MaxSessionDuration: aws.Int32(3599)}, want: "ValidationError"},
		{name: "session too long", in: iam.CreateRoleInput{MaxSessionDuration: aws.Int32(43201)}, want: "ValidationError"},
		{name: "reserved tag", in: iam.CreateRoleInput{Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}, want: "InvalidInput"},
		{
			name: "two tags that are one", want: "InvalidInput",
			in: iam.CreateRoleInput{Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}, {Key: aws.String("A"), Value: aws.String("")}}},
		},
		{name: "boundary that is not there", in: iam.CreateRoleInput{PermissionsBoundary: aws.String("arn:aws:iam::111111111111:policy/x")}, want: "NoSuchEntity"},
		{name: "no JSON", trust: "{", want: "MalformedPolicyDocument"},
		{name: "no statement", trust: `{"Version":"2012-10-17"}`, want: "MalformedPolicyDocument"},
		{name: "no principal", trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`, want: "MalformedPolicyDocument"},
		{name: "a resource", trust: strings.Replace(trustUs, `"Action"`, `"Resource":"*","Action"`, 1), want: "MalformedPolicyDocument"},
		{name: "actions of others", trust: strings.Replace(trustUs, "sts:AssumeRole", "ec2:RunInstances", 1), want: "MalformedPolicyDocument"},
		{name: "no account", trust: strings.Replace(trustUs, account, "33333333333", 1), want: "MalformedPolicyDocument"},
		{name: "role that is not there", trust: strings.Replace(trustUs, account, deleted, 1), want: "MalformedPolicyDocument"},
		{name: "user", trust: strings.Replace(trustUs, account, "arn:aws:iam::222222222222:user/op", 1)},
		{name: "another partition", trust: strings.Replace(trustUs, account, "arn:aws-cn:iam::222222222222:user/op", 1), want: "MalformedPolicyDocument"},
		{name: "everyone", trust: strings.Replace(trustUs, account, "*", 1)},
		{name: "service", trust: trustEC2},
		{name: "no service", trust: strings.Replace(trustEC2, "ec2.amazonaws.com", "ec2", 1), want: "MalformedPolicyDocument"},
		{name: "longest trust policy", trust: long(2048)},
		{name: "trust policy too long", trust: long(2049), want: "LimitExceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.User(other, "op")
			cloud.PutRole(account, awssim.Role{Name: "Taken"})
			if tt.in.RoleName == nil {
				tt.in.RoleName = aws.String("fresh")
			}
			if tt.trust == "" {
				tt.trust = trustUs
			}
			tt.in.AssumeRolePolicyDocument = &tt.trust
			_, err := admin(cloud, account).CreateRole(t.Context(), &tt.in)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			requireCode(t, err, tt.want)
		})
	}
}

func TestATrustPolicyRemembersWhomItNamed(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	engine := makeRole(t, c, "engine")
	_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("backup"), AssumeRolePolicyDocument: aws.String(strings.Replace(trustUs, account, engine, 1))})
	require.NoError(t, err)
	trust := func() string {
		out, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("backup")})
		require.NoError(t, err)
		return decoded(t, out.Role.AssumeRolePolicyDocument)
	}
	require.Contains(t, trust(), engine)
	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("engine")})
	require.NoError(t, err)
	makeRole(t, c, "engine")
	require.NotContains(t, trust(), engine)
	require.Contains(t, trust(), "AROA")
	_, err = c.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("backup"), PolicyDocument: aws.String(trustUs)})
	require.NoError(t, err)
	require.Equal(t, trustUs, trust())
}

func TestInlinePoliciesHaveASizeTogether(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	makeRole(t, c, "backup")
	put := func(name string, size int) error {
		head, tail := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:`, `"}]}`
		text := head + strings.Repeat("x", size-len(head)-len(tail)) + "  \n"
		_, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("backup"), PolicyName: &name, PolicyDocument: aws.String(strings.TrimSpace(text) + tail + "\n\t ")})
		return err
	}
	require.NoError(t, put("a", 10000))
	require.NoError(t, put("b", 240))
	requireCode(t, put("c", 120), "LimitExceeded")
	require.NoError(t, put("a", 9000), "the one replaced does not count")
	require.NoError(t, put("c", 1000))
}

func TestRolesArePaged(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	for i := range 7 {
		makeRole(t, c, fmt.Sprintf("role-%d", i))
	}
	var names []string
	pages := iam.NewListRolesPaginator(c, &iam.ListRolesInput{MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(out.Roles), 3)
		for _, r := range out.Roles {
			names = append(names, *r.RoleName)
			require.Nil(t, r.RoleLastUsed)
		}
		if len(names) == 3 { // what was listed may go: nothing else is left out
			_, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("role-0")})
			require.NoError(t, err)
		}
	}
	require.Equal(t, []string{"role-0", "role-1", "role-2", "role-3", "role-4", "role-5", "role-6"}, names)
	_, err := c.ListRoles(t.Context(), &iam.ListRolesInput{MaxItems: aws.Int32(1001)})
	requireCode(t, err, "ValidationError")
	_, err = c.ListRoles(t.Context(), &iam.ListRolesInput{Marker: aws.String("!")})
	requireCode(t, err, "ValidationError")
}

func TestQuotasOfRoles(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	cloud.IAM().SetLimits(iamsim.Limits{Roles: 1, PoliciesPerRole: 1})
	makeRole(t, c, "one")
	_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("two"), AssumeRolePolicyDocument: aws.String(trustUs)})
	requireCode(t, err, "LimitExceeded")
	attach := func(arn string) error {
		_, err := c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("one"), PolicyArn: &arn})
		return err
	}
	first, second := makePolicy(t, c, "first", allowEC2), makePolicy(t, c, "second", allowEC2)
	require.NoError(t, attach(first))
	require.NoError(t, attach(first))
	requireCode(t, attach(second), "LimitExceeded")
}

func TestServiceLinkedRolesBelongToTheirService(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	out, err := c.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("spot.amazonaws.com")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot", *out.Role.Arn)
	_, err = c.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("spot.amazonaws.com")})
	requireCode(t, err, "InvalidInput")
	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: out.Role.RoleName})
	requireCode(t, err, "UnmodifiableEntity")
}

func TestWhenARoleWasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		c := admin(cloud, account)
		arn := makeRole(t, c, "backup")
		_, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("look"), PolicyDocument: aws.String(allowEC2)})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		used := time.Now()
		_, err = ec2.NewFromConfig(config(cloud, assume(t, cloud, arn))).DescribeSnapshots(t.Context(), nil)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		job, err := c.GenerateServiceLastAccessedDetails(t.Context(), &iam.GenerateServiceLastAccessedDetailsInput{Arn: &arn})
		require.NoError(t, err)
		report, err := c.GetServiceLastAccessedDetails(t.Context(), &iam.GetServiceLastAccessedDetailsInput{JobId: job.JobId})
		require.NoError(t, err)
		require.Equal(t, types.JobStatusTypeInProgress, report.JobStatus)
		time.Sleep(time.Minute)
		report, err = c.GetServiceLastAccessedDetails(t.Context(), &iam.GetServiceLastAccessedDetailsInput{JobId: job.JobId})
		require.NoError(t, err)
		require.Equal(t, types.JobStatusTypeCompleted, report.JobStatus)
		require.Len(t, report.ServicesLastAccessed, 1, "the role may use no other service")
		ec2 := report.ServicesLastAccessed[0]
		require.Equal(t, "ec2", *ec2.ServiceNamespace)
		require.WithinDuration(t, used, *ec2.LastAuthenticated, time.Second)
		require.Equal(t, arn, *ec2.LastAuthenticatedEntity)
		_, err = admin(cloud, other).GetServiceLastAccessedDetails(t.Context(), &iam.GetServiceLastAccessedDetailsInput{JobId: job.JobId})
		requireCode(t, err, "NoSuchEntity")
	})
}

// A client of any Region of a partition reaches the partition's one endpoint,
// and the call counts as made in its Region.
func TestEachPartitionHasItsEndpoint(t *testing.T) {
	cloud := newCloud(t)
	require.NoError(t, cloud.SetPartition(other, "aws-cn"))
	cfg := cloud.Config(cloud.User(other, "op", parse(t, strings.Replace(allowAll, `"Resource"`, `"Condition":{"StringEquals":{"aws:RequestedRegion":"cn-north-1"}},"Resource"`, 1))), "cn-northwest-1")
	out, err := iam.NewFromConfig(cfg).CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("x")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws-cn:iam::222222222222:user/x", *out.User.Arn)
	policies, err := iam.NewFromConfig(cfg).ListPolicies(t.Context(), &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws})
	require.NoError(t, err)
	require.Equal(t, "arn:aws-cn:iam::aws:policy/AWSOrganizationsReadOnlyAccess", *policies.Policies[0].Arn)
}

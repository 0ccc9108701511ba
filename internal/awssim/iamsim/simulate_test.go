package iamsim_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

const (
	snapshot = "arn:aws:ec2:eu-west-1::snapshot/snap-0123456789abcdef0"
	pruner   = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
    {"Sid": "Delete", "Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "arn:aws:ec2:*::snapshot/*",
     "Condition": {"StringEquals": {"aws:ResourceTag/vault": "1"}}},
    {"Sid": "Never", "Effect": "Deny", "Action": "ec2:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
  ]
}`
)

func entry(name string, kind types.ContextKeyTypeEnum, values ...string) types.ContextEntry {
	return types.ContextEntry{ContextKeyName: &name, ContextKeyType: kind, ContextKeyValues: values}
}

func TestSimulatingAPrincipal(t *testing.T) {
	tagged := entry("aws:ResourceTag/vault", types.ContextKeyTypeEnumString, "1")
	tests := []struct {
		name      string
		action    string
		resources []string
		context   []types.ContextEntry
		want      types.PolicyEvaluationDecisionType
		missing   []string
		matched   []int32 // lines on which the statements begin
	}{
		{name: "allowed", action: "ec2:DescribeSnapshots", want: "allowed", matched: []int32{4}, missing: []string{"aws:SecureTransport"}},
		{name: "nobody allows", action: "s3:GetObject", want: "implicitDeny"},
		{name: "a condition unmet", action: "ec2:DeleteSnapshot", resources: []string{snapshot}, want: "implicitDeny", missing: []string{"aws:ResourceTag/vault", "aws:SecureTransport"}},
		{name: "a condition met", action: "ec2:DeleteSnapshot", resources: []string{snapshot}, context: []types.ContextEntry{tagged}, want: "allowed", matched: []int32{5}, missing: []string{"aws:SecureTransport"}},
		{
			name: "denied", action: "ec2:DeleteSnapshot", resources: []string{snapshot}, want: "explicitDeny", matched: []int32{7},
			context: []types.ContextEntry{tagged, entry("AWS:SecureTransport", types.ContextKeyTypeEnumBoolean, "false")},
		},
		{
			name: "one of two resources", action: "ec2:DeleteSnapshot", resources: []string{snapshot, "arn:aws:ec2:eu-west-1:111111111111:volume/vol-1"},
			context: []types.ContextEntry{tagged, entry("aws:SecureTransport", types.ContextKeyTypeEnumBoolean, "true")}, want: "implicitDeny", matched: []int32{5},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			c := admin(cloud, account)
			arn := makeRole(t, c, "pruner")
			_, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("pruner"), PolicyName: aws.String("p"), PolicyDocument: aws.String(pruner)})
			require.NoError(t, err)
			out, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: &arn, ActionNames: []string{tt.action}, ResourceArns: tt.resources, ContextEntries: tt.context,
			})
			require.NoError(t, err)
			require.Len(t, out.EvaluationResults, 1)
			r := out.EvaluationResults[0]
			require.Equal(t, tt.want, r.EvalDecision)
			require.Empty(t, cmpSorted(tt.missing, r.MissingContextValues))
			var lines []int32
			for _, st := range r.MatchedStatements {
				lines = append(lines, st.StartPosition.Line)
				require.Equal(t, "role_pruner_p", *st.SourcePolicyId)
				require.Equal(t, types.PolicySourceTypeRole, st.SourcePolicyType)
				require.Equal(t, int32(5), st.StartPosition.Column)
			}
			require.Equal(t, tt.matched, lines)
			require.Len(t, r.ResourceSpecificResults, len(tt.resources))
			require.Nil(t, r.OrganizationsDecisionDetail)
			require.Nil(t, r.PermissionsBoundaryDecisionDetail)
		})
	}
}

// cmpSorted tells how two lists differ; empty if they do not.
func cmpSorted(want, got []string) string {
	if strings.Join(want, " ") == strings.Join(got, " ") {
		return ""
	}
	return "want " + strings.Join(want, " ") + ", got " + strings.Join(got, " ")
}

func TestBoundariesAndOrganizationsInSimulations(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	arn := cloud.PutRole(account, awssim.Role{Name: "r", Policies: []*iampolicy.Document{awssim.Admin()}, Boundary: parse(t, allowEC2)})
	ask := func(exclude ...types.PolicyIdentifier) []types.EvaluationResult {
		out, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &arn, ActionNames: []string{"ec2:DescribeSnapshots", "kms:Decrypt"}, PolicyExclusionList: exclude,
		})
		require.NoError(t, err)
		return out.EvaluationResults
	}
	r := ask()
	require.EqualValues(t, "allowed", r[0].EvalDecision)
	require.True(t, r[0].PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary)
	require.EqualValues(t, "implicitDeny", r[1].EvalDecision)
	require.False(t, r[1].PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary)
	r = ask(&types.PolicyIdentifierMemberPolicyType{Value: types.PolicyIdentifierPolicyTypePermissionBoundary})
	require.EqualValues(t, "allowed", r[1].EvalDecision)
	r = ask(&types.PolicyIdentifierMemberInlinePolicyIdentifier{Value: types.InlinePolicyIdentifierType{
		AttachmentType: types.AttachmentTypeRole, AttachmentName: aws.String("*"), PolicyName: aws.String("policy-1"),
	}})
	require.EqualValues(t, "implicitDeny", r[0].EvalDecision)

	cloud.SetOrganization("o-a1b2c3d4e5", other, account)
	cloud.SetSCP(account, []*iampolicy.Document{parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:*","iam:*"],"Resource":"*"}]}`)})
	r = ask()
	require.EqualValues(t, "implicitDeny", r[0].EvalDecision)
	require.False(t, r[0].OrganizationsDecisionDetail.AllowedByOrganizations)
	require.True(t, r[1].OrganizationsDecisionDetail.AllowedByOrganizations)
}

func TestSimulatingPoliciesAsText(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	keyARN := "arn:aws:kms:eu-west-1:111111111111:key/0"
	useKeys := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`
	ask := func(change func(*iam.SimulateCustomPolicyInput)) (types.EvaluationResult, error) {
		in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{useKeys}, ActionNames: []string{"kms:Decrypt"}, ResourceArns: []string{keyARN}}
		change(in)
		out, err := c.SimulateCustomPolicy(t.Context(), in)
		if err != nil {
			return types.EvaluationResult{}, err
		}
		return out.EvaluationResults[0], nil
	}
	r, err := ask(func(*iam.SimulateCustomPolicyInput) {})
	require.NoError(t, err)
	require.EqualValues(t, "allowed", r.EvalDecision, "the key's own policy is not looked up")
	require.Equal(t, "PolicyInputList.1", *r.MatchedStatements[0].SourcePolicyId)

	r, err = ask(func(in *iam.SimulateCustomPolicyInput) {
		in.OrderedOrganizationPolicyInputList = []types.OrderedOrganizationPolicyType{{ServiceControlPolicyInputList: []string{allowAll}}, {ServiceControlPolicyInputList: []string{allowEC2}}}
	})
	require.NoError(t, err)
	require.EqualValues(t, "implicitDeny", r.EvalDecision)
	require.False(t, r.OrganizationsDecisionDetail.AllowedByOrganizations)

	resource := `{"Version":"2012-10-17","Statement":[{"Sid":"Out","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/op"},"Action":"kms:*","Resource":"*"}]}`
	r, err = ask(func(in *iam.SimulateCustomPolicyInput) {
		in.ResourcePolicy, in.CallerArn = &resource, aws.String("arn:aws:iam::111111111111:user/op")
	})
	require.NoError(t, err)
	require.EqualValues(t, "explicitDeny", r.EvalDecision)
	require.Equal(t, types.PolicySourceTypeResource, r.MatchedStatements[0].SourcePolicyType)

	for name, change := range map[string]func(*iam.SimulateCustomPolicyInput){
		"a resource policy without caller": func(in *iam.SimulateCustomPolicyInput) { in.ResourcePolicy = &resource },
		"a policy that is none":            func(in *iam.SimulateCustomPolicyInput) { in.PolicyInputList = []string{"{}"} },
		"an action that is none":           func(in *iam.SimulateCustomPolicyInput) { in.ActionNames = []string{"Decrypt"} },
		"a resource that is none":          func(in *iam.SimulateCustomPolicyInput) { in.ResourceArns = []string{"key"} },
		"a session as caller": func(in *iam.SimulateCustomPolicyInput) {
			in.CallerArn = aws.String("arn:aws:sts::111111111111:assumed-role/r/s")
		},
		"two boundaries": func(in *iam.SimulateCustomPolicyInput) {
			in.PermissionsBoundaryPolicyInputList = []string{allowAll, allowAll}
		},
		"a key without a value": func(in *iam.SimulateCustomPolicyInput) {
			in.ContextEntries = []types.ContextEntry{entry("aws:x", "string")}
		},
	} {
		_, err := ask(change)
		require.Error(t, err, name)
		requireCode(t, err, "InvalidInput")
	}
}

func TestSimulationsArePaged(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allowEC2}, MaxItems: aws.Int32(2)}
	for i := range 5 {
		in.ActionNames = append(in.ActionNames, "ec2:Describe"+string(rune('A'+i)))
	}
	var names []string
	pages := iam.NewSimulateCustomPolicyPaginator(c, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(out.EvaluationResults), 2)
		for _, r := range out.EvaluationResults {
			names = append(names, *r.EvalActionName)
		}
	}
	require.Equal(t, in.ActionNames, names)
}

func TestContextKeysOfPolicies(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/${*}","Condition":{"StringLike":{"aws:PrincipalTag/team":"${aws:RequestTag/team, 'none'}"},"Bool":{"AWS:securetransport":"true"}}}]}`
	out, err := c.GetContextKeysForCustomPolicy(t.Context(), &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{policy}})
	require.NoError(t, err)
	require.Equal(t, []string{"aws:PrincipalTag/team", "aws:RequestTag/team", "AWS:securetransport", "aws:username"}, out.ContextKeyNames)
	arn := makeRole(t, c, "r")
	_, err = c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p"), PolicyDocument: aws.String(policy)})
	require.NoError(t, err)
	of, err := c.GetContextKeysForPrincipalPolicy(t.Context(), &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: &arn})
	require.NoError(t, err)
	require.Equal(t, out.ContextKeyNames, of.ContextKeyNames)
}

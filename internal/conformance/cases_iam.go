package conformance

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const iamLimits = "IAM User Guide, IAM and AWS STS quotas"

var iamCases = []Case{
	{"iam", "make a role", "an ARN of the account", "IAM API Reference, CreateRole", func(s *scene) {
		s.backupRole()
		out := must(s.owner().iam().GetRole(s.ctx, &iam.GetRoleInput{RoleName: aws.String("BackupRole")}))(s)
		s.check(*out.Role.Arn == roleARN(Owner, "BackupRole"), "the ARN is %s", *out.Role.Arn)
	}},
	{"iam", "a role of another account", "NoSuchEntity", "IAM API Reference, GetRole", func(s *scene) {
		s.backupRole()
		_, err := s.vault().iam().GetRole(s.ctx, &iam.GetRoleInput{RoleName: aws.String("BackupRole")})
		s.refused(err, "NoSuchEntity")
	}},
	{"iam", "make a role twice", "EntityAlreadyExists", "IAM API Reference, CreateRole", func(s *scene) {
		s.backupRole()
		_, err := s.owner().iam().CreateRole(s.ctx, &iam.CreateRoleInput{RoleName: aws.String("BackupRole"), AssumeRolePolicyDocument: aws.String(trusting(Vault, ""))})
		s.refused(err, "EntityAlreadyExists")
	}},
	{"iam", "delete a role that has policies", "DeleteConflict", "IAM API Reference, DeleteRole", func(s *scene) {
		s.backupRole()
		_, err := s.owner().iam().DeleteRole(s.ctx, &iam.DeleteRoleInput{RoleName: aws.String("BackupRole")})
		s.refused(err, "DeleteConflict")
	}},
	{"iam", "a policy that is none", "MalformedPolicyDocument", "IAM API Reference, CreatePolicy", func(s *scene) {
		_, err := s.owner().iam().CreatePolicy(s.ctx, &iam.CreatePolicyInput{
			PolicyName: aws.String("bad"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"nonsense"}]}`),
		})
		s.refused(err, "MalformedPolicyDocument")
	}},
	{"iam", "a policy of more than 6,144 characters", "LimitExceeded", iamLimits, func(s *scene) {
		_, err := s.owner().iam().CreatePolicy(s.ctx, &iam.CreatePolicyInput{PolicyName: aws.String("big"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":["` + strings.Repeat(`arn:aws:ec2:*:*:snapshot/*","`, 300) + `*"]}]}`,
		)})
		s.refused(err, "LimitExceeded")
	}},
	{"iam", "attach a managed policy", "it is listed at the role", "IAM API Reference, AttachRolePolicy", func(s *scene) {
		s.backupRole()
		made := must(s.owner().iam().CreatePolicy(s.ctx, &iam.CreatePolicyInput{PolicyName: aws.String("all"), PolicyDocument: aws.String(allowAll)}))(s)
		must(s.owner().iam().AttachRolePolicy(s.ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("BackupRole"), PolicyArn: made.Policy.Arn}))(s)
		out := must(s.owner().iam().ListAttachedRolePolicies(s.ctx, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("BackupRole")}))(s)
		s.check(len(out.AttachedPolicies) == 1 && *out.AttachedPolicies[0].PolicyArn == *made.Policy.Arn, "%d policies", len(out.AttachedPolicies))
	}},
	{"iam", "a longest session of 13 hours", "ValidationError: at most 12", "IAM API Reference, CreateRole", func(s *scene) {
		_, err := s.owner().iam().CreateRole(s.ctx, &iam.CreateRoleInput{
			RoleName: aws.String("Long"), AssumeRolePolicyDocument: aws.String(trusting(Vault, "")), MaxSessionDuration: aws.Int32(46800),
		})
		s.refused(err, "ValidationError")
	}},
	{"iam", "trust in an account number that is none", "MalformedPolicyDocument", "IAM API Reference, CreateRole", func(s *scene) {
		_, err := s.owner().iam().CreateRole(s.ctx, &iam.CreateRoleInput{
			RoleName: aws.String("Odd"), AssumeRolePolicyDocument: aws.String(trusting("12", "")),
		})
		s.refused(err, "MalformedPolicyDocument")
	}},
	{"iam", "simulate a policy", "allowed, and implicitly denied", "IAM API Reference, SimulateCustomPolicy", func(s *scene) {
		out := must(s.owner().iam().SimulateCustomPolicy(s.ctx, &iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"*"}]}`},
			ActionNames:     []string{"ec2:DeleteSnapshot", "ec2:CopySnapshot"},
		}))(s)
		s.check(len(out.EvaluationResults) == 2, "%d results", len(out.EvaluationResults))
		s.check(out.EvaluationResults[0].EvalDecision == types.PolicyEvaluationDecisionTypeAllowed, "the first is %s", out.EvaluationResults[0].EvalDecision)
		s.check(out.EvaluationResults[1].EvalDecision == types.PolicyEvaluationDecisionTypeImplicitDeny, "the second is %s", out.EvaluationResults[1].EvalDecision)
	}},
	{"iam", "simulate a role", "what its policies allow", "IAM API Reference, SimulatePrincipalPolicy", func(s *scene) {
		s.backupRole()
		out := must(s.owner().iam().SimulatePrincipalPolicy(s.ctx, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String(roleARN(Owner, "BackupRole")), ActionNames: []string{"ec2:DeleteSnapshot"},
		}))(s)
		s.check(out.EvaluationResults[0].EvalDecision == types.PolicyEvaluationDecisionTypeAllowed, "it is %s", out.EvaluationResults[0].EvalDecision)
	}},
}

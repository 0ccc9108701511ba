package conformance

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

const (
	assumeRole = "STS API Reference, AssumeRole"
	externalID = "ext-1"
)

// trusting is a trust policy for an account, under the condition of an
// external id unless that is empty.
func trusting(account, external string, actions ...string) string {
	condition := ""
	if external != "" {
		condition = `,"Condition":{"StringEquals":{"sts:ExternalId":"` + external + `"}}`
	}
	principal := `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":`
	text := `{"Version":"2012-10-17","Statement":[{` + principal + `"sts:AssumeRole"` + condition + `}`
	if len(actions) > 0 { // which know no external id
		text += `,{` + principal + `["` + strings.Join(actions, `","`) + `"]}`
	}
	return text + `]}`
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// backupRole makes a role in the owner's account that the vault may assume
// with the external id, and that may do everything.
func (s *scene) backupRole(actions ...string) {
	client := s.owner().iam()
	must(client.CreateRole(s.ctx, &iam.CreateRoleInput{
		RoleName: aws.String("BackupRole"), AssumeRolePolicyDocument: aws.String(trusting(Vault, externalID, actions...)),
	}))(s)
	must(client.PutRolePolicy(s.ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("BackupRole"), PolicyName: aws.String("all"), PolicyDocument: aws.String(allowAll),
	}))(s)
}

// asking is a request for the backup role with an external id, or with none.
func asking(external string) *sts.AssumeRoleInput {
	in := &sts.AssumeRoleInput{RoleArn: aws.String(roleARN(Owner, "BackupRole")), RoleSessionName: aws.String("s1")}
	if external != "" {
		in.ExternalId = &external
	}
	return in
}

// withSession is an actor with the session's credentials.
func (s *scene) withSession(out *sts.AssumeRoleOutput) actor {
	a := actor{s.vault().cfg.Copy()}
	a.cfg.Credentials = session(out)
	return a
}

var stsCases = []Case{
	{"sts", "who am I", "the account and the ARN of the IAM user", "STS API Reference, GetCallerIdentity", func(s *scene) {
		out := must(s.vault().sts().GetCallerIdentity(s.ctx, nil))(s)
		s.check(*out.Account == Vault, "another account")
		s.check(strings.HasPrefix(*out.Arn, "arn:aws:iam::"+Vault+":user/"), "the ARN is %s", *out.Arn)
	}},
	{"sts", "assume a role that does not exist", "the same refusal as of one that does not trust the caller", assumeRole, func(s *scene) {
		in := asking("")
		in.RoleArn = aws.String(roleARN(Owner, "DoesNotExist"))
		_, err := s.vault().sts().AssumeRole(s.ctx, in)
		s.refused(err, "AccessDenied")
	}},
	{"sts", "assume a role without the external id it asks for", "AccessDenied", "IAM User Guide, The confused deputy problem", func(s *scene) {
		s.backupRole()
		_, err := s.vault().sts().AssumeRole(s.ctx, asking(""))
		s.refused(err, "AccessDenied")
	}},
	{"sts", "assume a role with a wrong external id", "AccessDenied", "IAM User Guide, The confused deputy problem", func(s *scene) {
		s.backupRole()
		_, err := s.vault().sts().AssumeRole(s.ctx, asking("wrong"))
		s.refused(err, "AccessDenied")
	}},
	{"sts", "assume a role with the right external id", "credentials whose key id begins with ASIA, and the session's ARN", assumeRole, func(s *scene) {
		s.backupRole()
		out := must(s.vault().sts().AssumeRole(s.ctx, asking(externalID)))(s)
		s.check(strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA"), "the key id does not begin with ASIA")
		s.check(aws.ToString(out.AssumedRoleUser.Arn) == "arn:aws:sts::"+Owner+":assumed-role/BackupRole/s1", "the ARN is %s", aws.ToString(out.AssumedRoleUser.Arn))
	}},
	{"sts", "who am I in a session", "the role's account and the session's ARN", "STS API Reference, GetCallerIdentity", func(s *scene) {
		s.backupRole()
		out := must(s.vault().sts().AssumeRole(s.ctx, asking(externalID)))(s)
		who := must(s.withSession(out).sts().GetCallerIdentity(s.ctx, nil))(s)
		s.check(*who.Account == Owner, "another account")
		s.check(*who.Arn == "arn:aws:sts::"+Owner+":assumed-role/BackupRole/s1", "the ARN is %s", *who.Arn)
	}},
	{"sts", "assume a role as an account that it does not trust", "AccessDenied", assumeRole, func(s *scene) {
		s.backupRole()
		_, err := s.other().sts().AssumeRole(s.ctx, asking(externalID))
		s.refused(err, "AccessDenied")
	}},
	{"sts", "chain roles for two hours", "refused: a chained session lasts at most one hour", assumeRole, func(s *scene) {
		must(s.other().iam().CreateRole(s.ctx, &iam.CreateRoleInput{
			RoleName: aws.String("Second"), AssumeRolePolicyDocument: aws.String(trusting(Owner, "")), MaxSessionDuration: aws.Int32(43200),
		}))(s)
		_, err := s.owner().sts().AssumeRole(s.ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String(roleARN(Other, "Second")), RoleSessionName: aws.String("s2"), DurationSeconds: aws.Int32(7200),
		})
		s.refused(err, "ValidationError")
	}},
	{"sts", "chain roles for one hour", "a session", assumeRole, func(s *scene) {
		must(s.other().iam().CreateRole(s.ctx, &iam.CreateRoleInput{
			RoleName: aws.String("Second"), AssumeRolePolicyDocument: aws.String(trusting(Owner, "")),
		}))(s)
		must(s.owner().sts().AssumeRole(s.ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String(roleARN(Other, "Second")), RoleSessionName: aws.String("s2"), DurationSeconds: aws.Int32(3600),
		}))(s)
	}},
	{"sts", "a session longer than the role's longest", "ValidationError", assumeRole, func(s *scene) {
		s.backupRole()
		in := asking(externalID)
		in.DurationSeconds = aws.Int32(43200)
		_, err := s.vault().sts().AssumeRole(s.ctx, in)
		s.refused(err, "ValidationError")
	}},
	{"sts", "a session of ten seconds", "ValidationError: at least 900", assumeRole, func(s *scene) {
		s.backupRole()
		in := asking(externalID)
		in.DurationSeconds = aws.Int32(10)
		_, err := s.vault().sts().AssumeRole(s.ctx, in)
		s.refused(err, "ValidationError")
	}},
	{"sts", "a session name of one letter", "ValidationError: two to 64", assumeRole, func(s *scene) {
		s.backupRole()
		in := asking(externalID)
		in.RoleSessionName = aws.String("s")
		_, err := s.vault().sts().AssumeRole(s.ctx, in)
		s.refused(err, "ValidationError")
	}},
	{"sts", "session tags that the trust policy does not allow", "AccessDenied: it lacks sts:TagSession", "IAM User Guide, Passing session tags in AWS STS", func(s *scene) {
		s.backupRole()
		in := asking(externalID)
		in.Tags = []types.Tag{{Key: aws.String("plan"), Value: aws.String("p1")}}
		_, err := s.vault().sts().AssumeRole(s.ctx, in)
		s.refused(err, "AccessDenied")
	}},
	{"sts", "a source identity that the trust policy does not allow", "AccessDenied: it lacks sts:SetSourceIdentity", "IAM User Guide, Monitor and control actions taken with assumed roles", func(s *scene) {
		s.backupRole()
		in := asking(externalID)
		in.SourceIdentity = aws.String("operator")
		_, err := s.vault().sts().AssumeRole(s.ctx, in)
		s.refused(err, "AccessDenied")
	}},
	{"sts", "a source identity", "it is in the answer", assumeRole, func(s *scene) {
		s.backupRole("sts:SetSourceIdentity", "sts:TagSession")
		in := asking(externalID)
		in.SourceIdentity = aws.String("operator")
		out := must(s.vault().sts().AssumeRole(s.ctx, in))(s)
		s.check(aws.ToString(out.SourceIdentity) == "operator", "it is not in the answer")
	}},
	{"sts", "a session policy that allows less", "what it does not allow is denied", "IAM User Guide, Session policies", func(s *scene) {
		s.backupRole()
		in := asking(externalID)
		in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*"}]}`)
		a := s.withSession(must(s.vault().sts().AssumeRole(s.ctx, in))(s))
		must(a.ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))(s)
		_, err := a.ec2().DescribeVolumes(s.ctx, nil)
		s.refused(err, "UnauthorizedOperation")
	}},
	{"sts", "a forged signature", "AuthFailure, in EC2's words", "EC2 API Reference, Error codes", func(s *scene) {
		a := actor{s.vault().cfg.Copy()}
		have, err := a.cfg.Credentials.Retrieve(s.ctx)
		s.works(err)
		a.cfg.Credentials = credentials.NewStaticCredentialsProvider(have.AccessKeyID, "forged", have.SessionToken)
		_, err = a.ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		s.refused(err, "AuthFailure", "SignatureDoesNotMatch")
	}},
	{"sts", "a key id that nobody has", "AuthFailure", "EC2 API Reference, Error codes", func(s *scene) {
		a := actor{s.vault().cfg.Copy()}
		a.cfg.Credentials = credentials.NewStaticCredentialsProvider("AKIANOBODYHASTHISKEY", "secret", "")
		_, err := a.ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		s.refused(err, "AuthFailure")
	}},
	{"sts", "a session of a role that was deleted", "AuthFailure", "IAM User Guide, Deleting roles or instance profiles", func(s *scene) {
		s.backupRole()
		a := s.withSession(must(s.vault().sts().AssumeRole(s.ctx, asking(externalID)))(s))
		must(a.ec2().DescribeVolumes(s.ctx, nil))(s)
		must(s.owner().iam().DeleteRolePolicy(s.ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("BackupRole"), PolicyName: aws.String("all")}))(s)
		must(s.owner().iam().DeleteRole(s.ctx, &iam.DeleteRoleInput{RoleName: aws.String("BackupRole")}))(s)
		_, err := a.ec2().DescribeVolumes(s.ctx, nil)
		s.refused(err, "AuthFailure", "UnauthorizedOperation")
	}},
}

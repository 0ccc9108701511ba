package iamsim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// linkedRoles are the names of the service-linked roles that the simulation
// knows, by service.
// Source: the user guides of the services, "Using service-linked roles for …".
var linkedRoles = map[string]string{
	"autoscaling.amazonaws.com":            "AWSServiceRoleForAutoScaling",
	"backup.amazonaws.com":                 "AWSServiceRoleForBackup",
	"fastlaunch.ec2.amazonaws.com":         "AWSServiceRoleForEC2FastLaunch",
	"organizations.amazonaws.com":          "AWSServiceRoleForOrganizations",
	"spot.amazonaws.com":                   "AWSServiceRoleForEC2Spot",
	"ssm.amazonaws.com":                    "AWSServiceRoleForAmazonSSM",
	"reports.backup.amazonaws.com":         "AWSServiceRoleForBackupReports",
	"restore-testing.backup.amazonaws.com": "AWSServiceRoleForBackupRestoreTesting",
}

// CreateServiceLinkedRole makes the role of a service. It has none of the
// policies that AWS gives it: the simulated services do not act by it.
func (s *Service) CreateServiceLinkedRole(c *core.Call, in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	if err := valid(member{"awsServiceName", in.AWSServiceName, entityName, true},
		member{"description", in.Description, description, false}, member{"customSuffix", in.CustomSuffix, suffix, false}); err != nil {
		return nil, err
	}
	name, known := linkedRoles[*in.AWSServiceName]
	where := "/aws-service-role/" + *in.AWSServiceName + "/"
	x := &subject{kind: "role", name: name, path: where}
	if !known {
		x.name = "*"
	}
	if err := c.Authorize(x.need(c, core.Keys("iam:AWSServiceName", *in.AWSServiceName))); err != nil {
		return nil, err
	}
	switch {
	case !known:
		return nil, c.Unsupported("AWSServiceName " + *in.AWSServiceName)
	case in.CustomSuffix != nil && *in.AWSServiceName != "autoscaling.amazonaws.com":
		return nil, core.Errorf("InvalidInput", "Custom suffix is not allowed for %s", *in.AWSServiceName)
	case in.CustomSuffix != nil:
		name += "_" + *in.CustomSuffix
	}
	if c.Account.NameTaken("role", name) {
		return nil, core.Errorf("InvalidInput", "Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	r := c.Account.PutRole(core.Role{
		Name: name, Path: where, Description: aws.ToString(in.Description),
		Trust: &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
			Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
			Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"Service": iampolicy.Of(*in.AWSServiceName)}},
		}}},
	})
	return &iam.CreateServiceLinkedRoleOutput{Role: describeRole(r)}, nil
}

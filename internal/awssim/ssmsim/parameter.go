package ssmsim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// imagesPath is where the public parameters for Amazon Linux are.
// Source: AWS Systems Manager User Guide, "Calling AMI public parameters".
const imagesPath = "/aws/service/ami-amazon-linux-latest"

// publicParameters of a Region, by name in their order: those that lead to the
// public images there are.
func publicParameters(region string) []types.Parameter {
	var out []types.Parameter
	for _, arch := range []ec2types.ArchitectureValues{ec2types.ArchitectureValuesArm64, ec2types.ArchitectureValuesX8664} {
		name := imagesPath + "/al2023-ami-kernel-default-" + string(arch)
		out = append(out, types.Parameter{
			ARN:  aws.String(core.RegionalARN("ssm", region, "", "parameter"+name)),
			Name: aws.String(name), DataType: aws.String("text"), Type: types.ParameterTypeString, Version: 1,
			Value: aws.String(ec2sim.BaseImage(region, arch)),
		})
	}
	return out
}

// parameterNeed is the call's action on a parameter or on a path of them.
// Public ones belong to no account.
func parameterNeed(c *core.Call, name string) core.Need {
	owner := c.Account.ID
	if strings.HasPrefix(name, "/aws/service/") {
		owner = ""
	}
	return core.Need{
		Action: "ssm:" + c.Operation, Keys: map[string][]string{},
		Resource: core.RegionalARN("ssm", c.Region, owner, "parameter/"+strings.TrimPrefix(name, "/")),
	}
}

// find returns a public parameter by name or ARN.
func findParameter(c *core.Call, name string) *types.Parameter {
	for _, p := range publicParameters(c.Region) {
		if *p.Name == name || *p.ARN == name {
			return &p
		}
	}
	return nil
}

// plainName takes the ARN off a name.
func plainName(name string) string {
	if _, after, ok := strings.Cut(name, ":parameter/"); ok && strings.HasPrefix(name, "arn:") {
		return "/" + after
	}
	return name
}

// GetParameter returns a public parameter. There are no others.
func (s *Service) GetParameter(c *core.Call, in *ssm.GetParameterInput) (*ssm.GetParameterOutput, error) {
	name := plainName(aws.ToString(in.Name))
	if err := c.Authorize(parameterNeed(c, name)); err != nil {
		return nil, err
	}
	p := findParameter(c, name)
	if p == nil {
		return nil, core.Errorf("ParameterNotFound", "")
	}
	return &ssm.GetParameterOutput{Parameter: p}, nil
}

// GetParameters returns up to ten parameters and the names of those that there
// are not.
func (s *Service) GetParameters(c *core.Call, in *ssm.GetParametersInput) (*ssm.GetParametersOutput, error) {
	if n := len(in.Names); n < 1 || n > 10 { // botocore, ssm 2014-11-06, service-2.json
		return nil, core.Errorf("ValidationException", "Names must have between 1 and 10 members")
	}
	var needs []core.Need
	for _, name := range in.Names {
		needs = append(needs, parameterNeed(c, plainName(name)))
	}
	if err := c.Authorize(needs...); err != nil {
		return nil, err
	}
	out := &ssm.GetParametersOutput{Parameters: []types.Parameter{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		if p := findParameter(c, plainName(name)); p != nil {
			out.Parameters = append(out.Parameters, *p)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

// GetParametersByPath returns the parameters below a path.
func (s *Service) GetParametersByPath(c *core.Call, in *ssm.GetParametersByPathInput) (*ssm.GetParametersByPathOutput, error) {
	if len(in.ParameterFilters) > 0 {
		return nil, c.Unsupported("ParameterFilters")
	}
	path := strings.TrimSuffix(aws.ToString(in.Path), "/")
	if !strings.HasPrefix(path, "/") {
		return nil, core.Errorf("ValidationException", "The parameter doesn't meet the parameter name requirements: %s", path)
	}
	recursive := aws.ToBool(in.Recursive)
	n := parameterNeed(c, path)
	n.Keys = core.Keys("ssm:Recursive", map[bool]string{true: "true", false: "false"}[recursive])
	if err := c.Authorize(n); err != nil {
		return nil, err
	}
	if in.MaxResults != nil && *in.MaxResults > 10 { // botocore, ssm 2014-11-06, service-2.json
		return nil, core.Errorf("ValidationException", "MaxResults must be between 1 and 10")
	}
	var all []types.Parameter
	for _, p := range publicParameters(c.Region) {
		rest, below := strings.CutPrefix(*p.Name, path+"/")
		if below && (recursive || !strings.Contains(rest, "/")) {
			all = append(all, p)
		}
	}
	page, next, err := cut(all, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ssm.GetParametersByPathOutput{Parameters: page, NextToken: next}, nil
}

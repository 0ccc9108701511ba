package ssmsim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// The needs of Systems Manager's operations.
// Source: Service Authorization Reference, "Actions, resources, and condition
// keys for AWS Systems Manager".

// documentNeed is the call's action on a document. One of AWS's own belongs to
// no account.
func (s *Service) documentNeed(c *core.Call, name *string) core.Need {
	resource := aws.ToString(name)
	switch {
	case strings.HasPrefix(resource, "arn:"):
	case s.own[c.Account.ID][resource] != nil:
		resource = ownARN(c, resource)
	default:
		resource = documentARN(c, resource)
	}
	return core.Need{
		Action: "ssm:" + c.Operation, Resource: resource,
		Keys: core.Keys("ssm:DocumentType", string(types.DocumentTypeCommand)),
	}
}

// instanceNeed is the call's action on an instance, known or not.
func (s *Service) instanceNeed(c *core.Call, ref ec2sim.Ref) core.Need {
	inst, _ := s.ec2.InstanceNow(ref)
	return core.Need{
		Action: "ssm:" + c.Operation, Resource: core.RegionalARN("ec2", ref.Region, ref.Account, "instance/"+ref.ID),
		Keys: instanceKeys(inst.Tags),
	}
}

// taggedNeed is the call's action on whatever instances have the tags that it
// asks for. The Service Authorization Reference does not tell how targets are
// judged; policies for them are written for instance/* with ssm:resourceTag
// (AWS Systems Manager User Guide, "Restricting Run Command access based on
// tags").
func taggedNeed(c *core.Call, targets []types.Target) core.Need {
	keys := map[string][]string{}
	for _, t := range targets {
		if name, ok := strings.CutPrefix(aws.ToString(t.Key), "tag:"); ok {
			keys["aws:ResourceTag/"+name], keys["ssm:resourceTag/"+name] = t.Values, t.Values
		}
	}
	return core.Need{
		Action: "ssm:" + c.Operation, Resource: core.RegionalARN("ec2", c.Region, c.Account.ID, "instance/*"), Keys: keys,
	}
}

func instanceKeys(tags map[string]string) map[string][]string {
	keys := core.WithResourceTags(map[string][]string{}, "", tags)
	for name, value := range tags {
		keys["ssm:resourceTag/"+name] = []string{value}
	}
	return keys
}

// anything is the call's action where it knows no resources.
func anything(c *core.Call) core.Need { return core.Need{Action: "ssm:" + c.Operation, Resource: "*"} }

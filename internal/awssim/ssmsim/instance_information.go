package ssmsim

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// pingEvery is how often an agent tells that it is there, and the connection
// counts as lost if it has not for so long. AWS documents the former.
// Source: AWS Systems Manager User Guide, "About SSM Agent": every five minutes.
const pingEvery = 5 * time.Minute

// DescribeInstanceInformation lists the managed instances, oldest first.
func (s *Service) DescribeInstanceInformation(c *core.Call, in *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
	if err := c.Authorize(anything(c)); err != nil {
		return nil, err
	}
	filters := slices.Clone(in.Filters)
	for _, f := range in.InstanceInformationFilterList {
		filters = append(filters, types.InstanceInformationStringFilter{Key: aws.String(string(f.Key)), Values: f.ValueSet})
	}
	switch {
	case len(in.Filters) > 0 && len(in.InstanceInformationFilterList) > 0:
		return nil, core.Errorf("ValidationException", "Filters and InstanceInformationFilterList exclude each other")
	case in.MaxResults != nil && *in.MaxResults < 5: // botocore, ssm 2014-11-06, service-2.json
		return nil, core.Errorf("ValidationException", "MaxResults must be between 5 and %d", maxPage)
	}
	var all []types.InstanceInformation
	for _, inst := range s.ec2.InstancesNow(site(c)) {
		a, _, ok := s.managed(inst.Ref)
		if !ok {
			continue
		}
		info := information(a, inst, c.Now)
		keep, err := passes(filters, info, inst.Tags)
		if err != nil {
			return nil, err
		}
		if keep {
			all = append(all, info)
		}
	}
	page, next, err := cut(all, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ssm.DescribeInstanceInformationOutput{InstanceInformationList: page, NextToken: next}, nil
}

func information(a *agent, inst ec2sim.Instance, now time.Time) types.InstanceInformation {
	out := types.InstanceInformation{
		AgentVersion: aws.String(a.Version), ComputerName: aws.String("ip-" + strings.ReplaceAll(inst.Address, ".", "-")),
		IPAddress: aws.String(inst.Address), InstanceId: aws.String(inst.ID), IsLatestVersion: aws.Bool(true),
		PlatformName: aws.String(a.PlatformName), PlatformType: a.Platform, PlatformVersion: aws.String(a.PlatformVersion),
		ResourceType: types.ResourceTypeEc2Instance, SourceId: aws.String(inst.ID), SourceType: types.SourceTypeAwsEc2Instance,
		PingStatus: types.PingStatusOnline,
	}
	last := now
	switch {
	case a.Offline:
		last = a.since
	case !inst.Running:
		last = latest(a.registered, inst.Since)
	}
	if now.Sub(last) >= pingEvery {
		out.PingStatus = types.PingStatusConnectionLost
	} else if last = a.registered.Add(now.Sub(a.registered).Truncate(pingEvery)); last.Before(inst.Since) && inst.Running {
		last = inst.Since
	}
	out.LastPingDateTime = aws.Time(last)
	return out
}

// passes applies filters.
// Source: AWS Systems Manager API Reference, InstanceInformationStringFilter.
func passes(filters []types.InstanceInformationStringFilter, info types.InstanceInformation, tags map[string]string) (bool, error) {
	for _, f := range filters {
		var have []string
		key := aws.ToString(f.Key)
		switch name, byTag := strings.CutPrefix(key, "tag:"); {
		case byTag:
			if value, ok := tags[name]; ok {
				have = []string{value}
			}
		case key == "tag-key":
			for name := range tags {
				have = append(have, name)
			}
		case key == "InstanceIds":
			have = []string{*info.InstanceId}
		case key == "AgentVersion":
			have = []string{*info.AgentVersion}
		case key == "PingStatus":
			have = []string{string(info.PingStatus)}
		case key == "PlatformTypes":
			have = []string{string(info.PlatformType)}
		case key == "ResourceType":
			have = []string{string(info.ResourceType)}
		case key == "ActivationIds", key == "IamRole", key == "AssociationStatus": // no instance of EC2 has any
		default:
			return false, core.Errorf("InvalidFilterKey", "%s is not a filter of instances", key)
		}
		if !slices.ContainsFunc(have, func(v string) bool { return slices.Contains(f.Values, v) }) {
			return false, nil
		}
	}
	return true, nil
}

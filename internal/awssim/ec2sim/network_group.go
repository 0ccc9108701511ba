package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A securityGroup says which traffic may pass. Its rules are kept as they were given; nothing
// here sends packets.
type securityGroup struct {
	item
	vpc             *vpc
	name            string
	description     string
	ingress, egress []types.IpPermission
}

// defaultGroup is the name of the group that every network has.
const defaultGroup = "default"

func (s *Service) addDefaultGroup(st *site, v *vpc, id string) {
	g := &securityGroup{
		item: item{id: id, seq: s.next(), site: st.Site, tags: tagSets{}}, vpc: v,
		name: defaultGroup, description: "default VPC security group", egress: []types.IpPermission{everywhere()},
	}
	// Source: Amazon VPC User Guide, "Default security groups": in from the
	// group itself, out to everywhere.
	g.ingress = []types.IpPermission{{
		IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String(id), UserId: aws.String(st.Account)}},
	}}
	st.groups.add(g)
}

func everywhere() types.IpPermission {
	return types.IpPermission{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}
}

func (g *securityGroup) existing() subject {
	return g.subject("security-group", core.Keys("ec2:SecurityGroupID", g.id, "ec2:Vpc", g.vpc.arn()))
}

func (st *site) ownGroup(id *string) (*securityGroup, error) {
	if g := lookup(&st.groups, aws.ToString(id)); g != nil {
		return g, nil
	}
	return nil, core.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", aws.ToString(id))
}

// groupIn returns the group of a name in a network.
func (st *site) groupIn(v *vpc, name string) (*securityGroup, error) {
	i := slices.IndexFunc(st.groups.items, func(g *securityGroup) bool { return g.vpc == v && g.name == name })
	if v == nil || i < 0 {
		return nil, core.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC", name)
	}
	return st.groups.items[i], nil
}

// groupsOf returns the groups of ids, which must be of one network; none
// stands for the network's default group.
func (st *site) groupsOf(v *vpc, ids []string) ([]*securityGroup, error) {
	if len(ids) == 0 {
		g, err := st.groupIn(v, defaultGroup)
		return []*securityGroup{g}, err
	}
	var out []*securityGroup
	for _, id := range ids {
		g, err := st.ownGroup(&id)
		if err != nil {
			return nil, err
		}
		if g.vpc != v {
			return nil, core.Errorf("InvalidParameter", "Security group %s and subnet belong to different networks.", id)
		}
		out = append(out, g)
	}
	return out, nil
}

func apiGroups(groups []*securityGroup) []types.GroupIdentifier {
	var out []types.GroupIdentifier
	for _, g := range groups {
		out = append(out, types.GroupIdentifier{GroupId: aws.String(g.id), GroupName: aws.String(g.name)})
	}
	return out
}

// groupFilters are those of DescribeSecurityGroups that speak of groups, and
// not of their rules.
// Source: EC2 API Reference, DescribeSecurityGroups.
var groupFilters = attributes[*securityGroup]{
	"description": func(g *securityGroup) []string { return one(g.description) },
	"group-id":    func(g *securityGroup) []string { return one(g.id) },
	"group-name":  func(g *securityGroup) []string { return one(g.name) },
	"owner-id":    func(g *securityGroup) []string { return one(g.site.Account) },
	"vpc-id":      func(g *securityGroup) []string { return one(g.vpc.id) },
}

// DescribeSecurityGroups lists the caller's security groups. Names are those
// of groups in the default network.
func (s *Service) DescribeSecurityGroups(c *core.Call, in *ec2.DescribeSecurityGroupsInput) (*ec2.DescribeSecurityGroupsOutput, error) {
	found, next, err := describe(s, c, in, search[*securityGroup, *securityGroup]{
		shelf:  func(st *site) *shelf[*securityGroup] { return &st.groups },
		ids:    in.GroupIds,
		exists: func(id string) error { return failure(s.siteOf(c).ownGroup(&id)) },
		id:     (*securityGroup).ident,
		fits: func(g *securityGroup) bool {
			return len(in.GroupNames) == 0 || g.vpc.standard && slices.Contains(in.GroupNames, g.name)
		},
		view:    same[*securityGroup],
		filters: groupFilters,
		tags:    (*securityGroup).ownTags,
	})
	if err != nil {
		return nil, err
	}
	st := s.siteOf(c)
	for _, name := range in.GroupNames {
		if _, err := st.groupIn(st.defaultVPC(), name); err != nil {
			return nil, err
		}
	}
	out := &ec2.DescribeSecurityGroupsOutput{NextToken: next}
	for _, g := range found {
		out.SecurityGroups = append(out.SecurityGroups, types.SecurityGroup{
			Description: aws.String(g.description), GroupId: aws.String(g.id), GroupName: aws.String(g.name),
			IpPermissions: slices.Clone(g.ingress), IpPermissionsEgress: slices.Clone(g.egress), OwnerId: aws.String(g.site.Account),
			SecurityGroupArn: aws.String(arn(g.site, "security-group", g.id)), Tags: apiTags(g.ownTags()), VpcId: aws.String(g.vpc.id),
		})
	}
	return out, nil
}

// CreateSecurityGroup makes a group that lets nothing in and everything out.
func (s *Service) CreateSecurityGroup(c *core.Call, in *ec2.CreateSecurityGroupInput) (*ec2.CreateSecurityGroupOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	name, description := aws.ToString(in.GroupName), aws.ToString(in.Description)
	switch {
	case name == "" || len(name) > 255:
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid.", name)
	case description == "" || len(description) > 255:
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter GroupDescription is invalid.", description)
	}
	v := st.defaultVPC()
	if in.VpcId != nil || v == nil {
		if v, err = st.ownVPC(in.VpcId); err != nil {
			return nil, err
		}
	}
	tags, err := createTags(in.TagSpecifications, "security-group")
	if err != nil {
		return nil, err
	}
	made := planned(st.Site, "security-group", core.Keys(), tags["security-group"])
	demanded := append(needs("CreateSecurityGroup", made, v.existing()), tagging("CreateSecurityGroup", made, tags["security-group"])...)
	if err := allowed(c, in.DryRun, demanded...); err != nil {
		return nil, err
	}
	if _, err := st.groupIn(v, name); err == nil {
		return nil, core.Errorf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, v.id)
	}
	g := &securityGroup{
		item: s.newItem(st.Site, "sg", tags["security-group"]), vpc: v, name: name, description: description,
		egress: []types.IpPermission{everywhere()},
	}
	st.groups.add(g)
	return &ec2.CreateSecurityGroupOutput{
		GroupId: aws.String(g.id), SecurityGroupArn: aws.String(arn(g.site, "security-group", g.id)), Tags: apiTags(g.ownTags()),
	}, nil
}

// DeleteSecurityGroup removes a group that no network interface is in.
func (s *Service) DeleteSecurityGroup(c *core.Call, in *ec2.DeleteSecurityGroupInput) (*ec2.DeleteSecurityGroupOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	g, err := st.ownGroup(in.GroupId)
	if in.GroupId == nil && in.GroupName != nil {
		g, err = st.groupIn(st.defaultVPC(), *in.GroupName)
	}
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("DeleteSecurityGroup", g.existing())...); err != nil {
		return nil, err
	}
	st.sweep(c.Now)
	switch {
	case g.name == defaultGroup:
		return nil, core.Errorf("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.id)
	case slices.ContainsFunc(st.interfaces.items, func(n *nic) bool { return slices.Contains(n.groups, g) }):
		return nil, core.Errorf("DependencyViolation", "resource %s has a dependent object", g.id)
	}
	st.groups.remove(g)
	return &ec2.DeleteSecurityGroupOutput{GroupId: aws.String(g.id), Return: aws.Bool(true)}, nil
}

// AuthorizeSecurityGroupIngress lets traffic in.
func (s *Service) AuthorizeSecurityGroupIngress(c *core.Call, in *ec2.AuthorizeSecurityGroupIngressInput) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	if err := served(c, in, "GroupId IpPermissions"); err != nil {
		return nil, err
	}
	g, err := s.groupFor(c, in.GroupId, in.DryRun)
	if err != nil {
		return nil, err
	}
	g.ingress = append(slices.Clone(g.ingress), in.IpPermissions...)
	return &ec2.AuthorizeSecurityGroupIngressOutput{Return: aws.Bool(true)}, nil
}

// AuthorizeSecurityGroupEgress lets traffic out.
func (s *Service) AuthorizeSecurityGroupEgress(c *core.Call, in *ec2.AuthorizeSecurityGroupEgressInput) (*ec2.AuthorizeSecurityGroupEgressOutput, error) {
	if err := served(c, in, "GroupId IpPermissions"); err != nil {
		return nil, err
	}
	g, err := s.groupFor(c, in.GroupId, in.DryRun)
	if err != nil {
		return nil, err
	}
	g.egress = append(slices.Clone(g.egress), in.IpPermissions...)
	return &ec2.AuthorizeSecurityGroupEgressOutput{Return: aws.Bool(true)}, nil
}

// groupFor returns the caller's group once the call may add rules to it.
func (s *Service) groupFor(c *core.Call, id *string, dryRun *bool) (*securityGroup, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	g, err := st.ownGroup(id)
	if err != nil {
		return nil, err
	}
	rule := subject{kind: "security-group-rule", arn: arn(st.Site, "security-group-rule", "*"), owner: st.Account}
	return g, allowed(c, dryRun, needs(c.Operation, g.existing(), rule)...)
}

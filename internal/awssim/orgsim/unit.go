package orgsim

import (
	"slices"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

var errNoUnit = core.Errorf("OrganizationalUnitNotFoundException", "We can't find an OU with the OrganizationalUnitId that you specified.")

// parent finds the root or a unit.
func (o *organization) parent(id *string) (*node, error) {
	n := o.nodes[aws.ToString(id)]
	if n == nil || n.kind == account {
		return nil, core.Errorf("ParentNotFoundException", "We can't find a root or OU with the ParentId that you specified.")
	}
	return n, nil
}

func (o *organization) unit(id *string) (*node, error) {
	n := o.nodes[aws.ToString(id)]
	if n == nil || n.kind != unit {
		return nil, errNoUnit
	}
	return n, nil
}

func (n *node) childrenOf(k kind) (all []*node) {
	for _, c := range n.children {
		if c.kind == k {
			all = append(all, c)
		}
	}
	return all
}

// validName checks the name of a unit, which no sibling has.
func validName(parent *node, name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 128 {
		return invalid("MAX_LENGTH_EXCEEDED", "You specified a name that is empty or longer than 128 characters.")
	}
	if slices.ContainsFunc(parent.childrenOf(unit), func(n *node) bool { return n.name == name }) {
		return core.Errorf("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
	}
	return nil
}

// CreateOrganizationalUnit makes a unit below the root or another unit.
func (s *Service) CreateOrganizationalUnit(
	c *core.Call, in *organizations.CreateOrganizationalUnitInput,
) (*organizations.CreateOrganizationalUnitOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(c, manager, onNode(in.ParentId, requestTags(tags)))
	if err != nil {
		return nil, err
	}
	parent, err := o.parent(in.ParentId)
	if err != nil {
		return nil, err
	}
	if err := validName(parent, aws.ToString(in.Name)); err != nil {
		return nil, err
	}
	units := 0
	for _, n := range o.nodes {
		if n.kind == unit {
			units++
		}
	}
	switch {
	case len(parent.path()) > maxDepth:
		return nil, violates("OU_DEPTH_LIMIT_EXCEEDED", "You have exceeded the number of levels of OUs.")
	case reached(s.limits.Units, units):
		return nil, violates("OU_NUMBER_LIMIT_EXCEEDED", "You have exceeded the number of OUs that you can have in an organization.")
	}
	n := &node{kind: unit, id: "ou-" + o.root.id[2:] + "-" + s.name(8), name: *in.Name, tags: tags}
	o.add(parent, n)
	return &organizations.CreateOrganizationalUnitOutput{OrganizationalUnit: o.describeUnit(n)}, nil
}

func (o *organization) describeUnit(n *node) *types.OrganizationalUnit {
	return &types.OrganizationalUnit{Id: aws.String(n.id), Arn: aws.String(o.arn(n)), Name: aws.String(n.name), Path: aws.String(o.pathOf(n))}
}

// DescribeOrganizationalUnit tells one unit.
func (s *Service) DescribeOrganizationalUnit(
	c *core.Call, in *organizations.DescribeOrganizationalUnitInput,
) (*organizations.DescribeOrganizationalUnitOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.OrganizationalUnitId))
	if err != nil {
		return nil, err
	}
	n, err := o.unit(in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	return &organizations.DescribeOrganizationalUnitOutput{OrganizationalUnit: o.describeUnit(n)}, nil
}

// UpdateOrganizationalUnit renames a unit.
func (s *Service) UpdateOrganizationalUnit(
	c *core.Call, in *organizations.UpdateOrganizationalUnitInput,
) (*organizations.UpdateOrganizationalUnitOutput, error) {
	o, err := s.enter(c, manager, onNode(in.OrganizationalUnitId))
	if err != nil {
		return nil, err
	}
	n, err := o.unit(in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	if in.Name != nil && *in.Name != n.name {
		if err := validName(n.parent, *in.Name); err != nil {
			return nil, err
		}
		n.name = *in.Name
	}
	return &organizations.UpdateOrganizationalUnitOutput{OrganizationalUnit: o.describeUnit(n)}, nil
}

// DeleteOrganizationalUnit deletes an empty unit.
func (s *Service) DeleteOrganizationalUnit(
	c *core.Call, in *organizations.DeleteOrganizationalUnitInput,
) (*organizations.DeleteOrganizationalUnitOutput, error) {
	o, err := s.enter(c, manager, onNode(in.OrganizationalUnitId))
	if err != nil {
		return nil, err
	}
	n, err := o.unit(in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	if len(n.children) > 0 {
		return nil, core.Errorf("OrganizationalUnitNotEmptyException", "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.")
	}
	n.parent.remove(n)
	delete(o.nodes, n.id)
	return &organizations.DeleteOrganizationalUnitOutput{}, nil
}

// ListRoots lists the one root.
func (s *Service) ListRoots(c *core.Call, in *organizations.ListRootsInput) (*organizations.ListRootsOutput, error) {
	o, err := s.enter(c, delegates)
	if err != nil {
		return nil, err
	}
	list, next, err := cut(s, []types.Root{*o.describeRoot()}, func(r types.Root) string { return *r.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListRootsOutput{Roots: list, NextToken: next}, nil
}

func (o *organization) describeRoot() *types.Root {
	d := &types.Root{Id: aws.String(o.root.id), Arn: aws.String(o.arn(o.root)), Name: aws.String(o.root.name), PolicyTypes: []types.PolicyTypeSummary{}}
	for _, t := range []types.PolicyType{types.PolicyTypeServiceControlPolicy, types.PolicyTypeResourceControlPolicy} {
		if o.enabled[t] {
			d.PolicyTypes = append(d.PolicyTypes, types.PolicyTypeSummary{Type: t, Status: types.PolicyTypeStatusEnabled})
		}
	}
	return d
}

// ListOrganizationalUnitsForParent lists the units right below a parent.
func (s *Service) ListOrganizationalUnitsForParent(
	c *core.Call, in *organizations.ListOrganizationalUnitsForParentInput,
) (*organizations.ListOrganizationalUnitsForParentOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.ParentId))
	if err != nil {
		return nil, err
	}
	parent, err := o.parent(in.ParentId)
	if err != nil {
		return nil, err
	}
	var all []types.OrganizationalUnit
	for _, n := range parent.childrenOf(unit) {
		all = append(all, *o.describeUnit(n))
	}
	list, next, err := cut(s, all, func(u types.OrganizationalUnit) string { return *u.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListOrganizationalUnitsForParentOutput{OrganizationalUnits: list, NextToken: next}, nil
}

// ListChildren lists the ids of the accounts or of the units right below a parent.
func (s *Service) ListChildren(c *core.Call, in *organizations.ListChildrenInput) (*organizations.ListChildrenOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.ParentId))
	if err != nil {
		return nil, err
	}
	if in.ChildType != types.ChildTypeAccount && in.ChildType != types.ChildTypeOrganizationalUnit {
		return nil, invalid("INVALID_ENUM", "You specified an invalid value for ChildType: %s", in.ChildType)
	}
	parent, err := o.parent(in.ParentId)
	if err != nil {
		return nil, err
	}
	var all []types.Child
	for _, n := range parent.childrenOf(kind(in.ChildType)) {
		all = append(all, types.Child{Id: aws.String(n.id), Type: in.ChildType})
	}
	list, next, err := cut(s, all, func(c types.Child) string { return *c.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListChildrenOutput{Children: list, NextToken: next}, nil
}

// ListParents lists the one parent of an account or unit.
func (s *Service) ListParents(c *core.Call, in *organizations.ListParentsInput) (*organizations.ListParentsOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.ChildId))
	if err != nil {
		return nil, err
	}
	n := o.nodes[aws.ToString(in.ChildId)]
	if n == nil || n.kind == root {
		return nil, core.Errorf("ChildNotFoundException", "We can't find an organizational unit (OU) or AWS account with the ChildId that you specified.")
	}
	all := []types.Parent{{Id: aws.String(n.parent.id), Type: types.ParentType(n.parent.kind)}}
	list, next, err := cut(s, all, func(p types.Parent) string { return *p.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListParentsOutput{Parents: list, NextToken: next}, nil
}

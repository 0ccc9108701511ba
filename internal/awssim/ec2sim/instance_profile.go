package ec2sim

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A profileUse associates an instance profile with an instance.
type profileUse struct {
	item
	instance *instance
	arn      string
	since    time.Time
}

func (p *profileUse) api() *types.IamInstanceProfile {
	return &types.IamInstanceProfile{Arn: aws.String(p.arn), Id: aws.String(derivedID("AIPA", p.arn))}
}

func (p *profileUse) association(state types.IamInstanceProfileAssociationState) types.IamInstanceProfileAssociation {
	return types.IamInstanceProfileAssociation{
		AssociationId: aws.String(p.id), IamInstanceProfile: p.api(), InstanceId: aws.String(p.instance.id), State: state,
		Timestamp: aws.Time(p.since),
	}
}

func profileARN(c *core.Call, spec *types.IamInstanceProfileSpecification) string {
	switch {
	case spec == nil:
		return ""
	case spec.Arn != nil:
		return *spec.Arn
	}
	return c.Account.GlobalARN("iam", "instance-profile/"+aws.ToString(spec.Name))
}

// passRole is the need to pass the role of an instance profile to EC2. A
// profile that was not made in IAM is taken to hold the role that has its
// name, as the console makes them.
func passRole(c *core.Call, profile string) core.Need {
	role := strings.Replace(profile, ":instance-profile/", ":role/", 1)
	if p := c.Account.InstanceProfile(profile[strings.LastIndex(profile, "/")+1:]); p != nil && p.ARN == profile && p.Role != nil {
		role = p.Role.ARN
	}
	return core.Need{Action: "iam:PassRole", Resource: role, Keys: core.Keys("iam:PassedToService", "ec2.amazonaws.com")}
}

// associate gives an instance a profile.
func (s *Service) associate(c *core.Call, st *site, inst *instance, profile string) *profileUse {
	inst.profile = &profileUse{item: s.newItem(st.Site, "iip-assoc", nil), instance: inst, arn: profile, since: stamp(c.Now)}
	st.profiles.add(inst.profile)
	return inst.profile
}

// dissociate takes the profile of an instance away.
func (st *site) dissociate(inst *instance) {
	if inst.profile != nil {
		st.profiles.remove(inst.profile)
		inst.profile = nil
	}
}

// AssociateIamInstanceProfile gives a profile to an instance that has none.
func (s *Service) AssociateIamInstanceProfile(c *core.Call, in *ec2.AssociateIamInstanceProfileInput) (*ec2.AssociateIamInstanceProfileOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	inst, err := s.ownInstance(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	profile := profileARN(c, in.IamInstanceProfile)
	if profile == "" {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter IamInstanceProfile")
	}
	sub := inst.existing().with(core.Keys("ec2:NewInstanceProfile", profile))
	if err := c.Authorize(append(needs("AssociateIamInstanceProfile", sub), passRole(c, profile))...); err != nil {
		return nil, err
	}
	state := inst.state(c.Now)
	switch {
	case inst.profile != nil:
		return nil, core.Errorf("IncorrectState", "There is an existing association for instance %s", inst.id)
	case state != types.InstanceStateNameRunning && state != types.InstanceStateNameStopped:
		return nil, core.Errorf("IncorrectInstanceState", "The instance '%s' is not in the 'running' or 'stopped' states.", inst.id)
	}
	api := s.associate(c, st, inst, profile).association(types.IamInstanceProfileAssociationStateAssociating)
	return &ec2.AssociateIamInstanceProfileOutput{IamInstanceProfileAssociation: &api}, nil
}

func (st *site) ownAssociation(id *string) (*profileUse, error) {
	if p := lookup(&st.profiles, aws.ToString(id)); p != nil {
		return p, nil
	}
	return nil, core.Errorf("InvalidAssociationID.NotFound", "An invalid association-id of '%s' was given", aws.ToString(id))
}

// DisassociateIamInstanceProfile takes the profile of an instance away.
func (s *Service) DisassociateIamInstanceProfile(c *core.Call, in *ec2.DisassociateIamInstanceProfileInput) (*ec2.DisassociateIamInstanceProfileOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	p, err := st.ownAssociation(in.AssociationId)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(needs("DisassociateIamInstanceProfile", p.instance.existing())...); err != nil {
		return nil, err
	}
	api := p.association(types.IamInstanceProfileAssociationStateDisassociating)
	st.dissociate(p.instance)
	return &ec2.DisassociateIamInstanceProfileOutput{IamInstanceProfileAssociation: &api}, nil
}

// ReplaceIamInstanceProfileAssociation gives an instance another profile.
func (s *Service) ReplaceIamInstanceProfileAssociation(c *core.Call, in *ec2.ReplaceIamInstanceProfileAssociationInput) (*ec2.ReplaceIamInstanceProfileAssociationOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	p, err := st.ownAssociation(in.AssociationId)
	if err != nil {
		return nil, err
	}
	profile := profileARN(c, in.IamInstanceProfile)
	if profile == "" {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter IamInstanceProfile")
	}
	inst := p.instance
	sub := inst.existing().with(core.Keys("ec2:NewInstanceProfile", profile))
	if err := c.Authorize(append(needs("ReplaceIamInstanceProfileAssociation", sub), passRole(c, profile))...); err != nil {
		return nil, err
	}
	st.dissociate(inst)
	api := s.associate(c, st, inst, profile).association(types.IamInstanceProfileAssociationStateAssociating)
	return &ec2.ReplaceIamInstanceProfileAssociationOutput{IamInstanceProfileAssociation: &api}, nil
}

var associationFilters = attributes[*profileUse]{
	"instance-id": func(p *profileUse) []string { return one(p.instance.id) },
	"state":       func(*profileUse) []string { return one(string(types.IamInstanceProfileAssociationStateAssociated)) },
}

// DescribeIamInstanceProfileAssociations lists which instance has which profile.
func (s *Service) DescribeIamInstanceProfileAssociations(c *core.Call, in *ec2.DescribeIamInstanceProfileAssociationsInput) (*ec2.DescribeIamInstanceProfileAssociationsOutput, error) {
	found, next, err := describe(s, c, in, search[*profileUse, *profileUse]{
		shelf:   func(st *site) *shelf[*profileUse] { return &st.profiles },
		ids:     in.AssociationIds,
		exists:  func(id string) error { return failure(s.siteOf(c).ownAssociation(&id)) },
		id:      (*profileUse).ident,
		fits:    func(p *profileUse) bool { return p.instance.state(c.Now) != types.InstanceStateNameTerminated },
		view:    same[*profileUse],
		filters: associationFilters,
	})
	out := &ec2.DescribeIamInstanceProfileAssociationsOutput{NextToken: next}
	for _, p := range found {
		out.IamInstanceProfileAssociations = append(out.IamInstanceProfileAssociations, p.association(types.IamInstanceProfileAssociationStateAssociated))
	}
	return out, err
}

package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A template is a launch template with its only version. It can be listed;
// launching by it is not simulated.
type template struct {
	item
	name    string
	by      string // ARN
	created time.Time
	data    types.RequestLaunchTemplateData
}

func (t *template) existing() subject { return t.subject("launch-template", core.Keys()) }

func (t *template) api() types.LaunchTemplate {
	return types.LaunchTemplate{
		CreateTime: aws.Time(t.created), CreatedBy: aws.String(t.by), DefaultVersionNumber: aws.Int64(1), LatestVersionNumber: aws.Int64(1),
		LaunchTemplateId: aws.String(t.id), LaunchTemplateName: aws.String(t.name), Tags: apiTags(t.ownTags()),
	}
}

var templateFilters = attributes[*template]{
	"create-time":          func(t *template) []string { return one(timestamp(t.created)) },
	"launch-template-name": func(t *template) []string { return one(t.name) },
}

// DescribeLaunchTemplates lists the caller's launch templates.
func (s *Service) DescribeLaunchTemplates(c *core.Call, in *ec2.DescribeLaunchTemplatesInput) (*ec2.DescribeLaunchTemplatesOutput, error) {
	found, next, err := describe(s, c, in, search[*template, *template]{
		shelf: func(st *site) *shelf[*template] { return &st.templates },
		ids:   in.LaunchTemplateIds,
		exists: func(id string) error {
			if lookup(&s.siteOf(c).templates, id) == nil {
				return core.Errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", id)
			}
			return nil
		},
		id: (*template).ident,
		fits: func(t *template) bool {
			return len(in.LaunchTemplateNames) == 0 || slices.Contains(in.LaunchTemplateNames, t.name)
		},
		view:    same[*template],
		filters: templateFilters,
		tags:    (*template).ownTags,
		least:   1, // Source: EC2 API Reference, DescribeLaunchTemplates: from 1 to 200
	})
	if err != nil {
		return nil, err
	}
	for _, name := range in.LaunchTemplateNames {
		if s.siteOf(c).templateNamed(name) == nil {
			return nil, core.Errorf("InvalidLaunchTemplateName.NotFoundException",
				"At least one of the launch templates specified in the request does not exist.")
		}
	}
	out := &ec2.DescribeLaunchTemplatesOutput{NextToken: next}
	for _, t := range found {
		out.LaunchTemplates = append(out.LaunchTemplates, t.api())
	}
	return out, nil
}

func (st *site) templateNamed(name string) *template {
	i := slices.IndexFunc(st.templates.items, func(t *template) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return st.templates.items[i]
}

// CreateLaunchTemplate makes a launch template.
func (s *Service) CreateLaunchTemplate(c *core.Call, in *ec2.CreateLaunchTemplateInput) (*ec2.CreateLaunchTemplateOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "ClientToken LaunchTemplateData LaunchTemplateName TagSpecifications"); err != nil {
		return nil, err
	}
	name := aws.ToString(in.LaunchTemplateName)
	if len(name) < 3 || len(name) > 128 || in.LaunchTemplateData == nil {
		return nil, core.Errorf("InvalidParameterValue", "A launch template has a name of 3 to 128 characters, and data")
	}
	tags, err := createTags(in.TagSpecifications, "launch-template")
	if err != nil {
		return nil, err
	}
	made := planned(st.Site, "launch-template", core.Keys(), tags["launch-template"])
	demanded := append(needs("CreateLaunchTemplate", made), tagging("CreateLaunchTemplate", made, tags["launch-template"])...)
	if err := allowed(c, in.DryRun, demanded...); err != nil {
		return nil, err
	}
	earlier, err := s.repeated(c, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		if t := lookup(&st.templates, earlier.id); t != nil {
			api := t.api()
			return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: &api}, nil
		}
	}
	if st.templateNamed(name) != nil {
		return nil, core.Errorf("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	t := &template{
		item: s.newItem(st.Site, "lt", tags["launch-template"]), name: name, by: c.Caller.ARN, created: stamp(c.Now), data: *in.LaunchTemplateData,
	}
	st.templates.add(t)
	s.remember(c, in.ClientToken, in, t.id)
	api := t.api()
	return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: &api}, nil
}

// DeleteLaunchTemplate removes a launch template, by its id or its name.
func (s *Service) DeleteLaunchTemplate(c *core.Call, in *ec2.DeleteLaunchTemplateInput) (*ec2.DeleteLaunchTemplateOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	t := lookup(&st.templates, aws.ToString(in.LaunchTemplateId))
	if in.LaunchTemplateName != nil {
		t = st.templateNamed(*in.LaunchTemplateName)
	}
	if t == nil {
		return nil, core.Errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template does not exist.")
	}
	if err := allowed(c, in.DryRun, needs("DeleteLaunchTemplate", t.existing())...); err != nil {
		return nil, err
	}
	st.templates.remove(t)
	api := t.api()
	return &ec2.DeleteLaunchTemplateOutput{LaunchTemplate: &api}, nil
}

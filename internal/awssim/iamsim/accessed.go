package iamsim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// reportTime is how long a report is in the making. AWS does not say.
const reportTime = 5 * time.Second

// An accessReport tells which services somebody may use, and did.
type accessReport struct {
	account  *core.Account
	started  time.Time
	services []types.ServiceLastAccessed
}

// namespaces are the services that reports are about, with their full names.
// Source: Service Authorization Reference, titles of the chapters.
var namespaces = map[string]string{
	"ebs":           "Amazon Elastic Block Store",
	"ec2":           "Amazon EC2",
	"iam":           "AWS Identity and Access Management",
	"kms":           "AWS Key Management Service",
	"organizations": "AWS Organizations",
	"rbin":          "AWS Recycle Bin",
	"s3":            "Amazon S3",
	"ssm":           "AWS Systems Manager",
	"sts":           "AWS Security Token Service",
}

// GenerateServiceLastAccessedDetails begins a report on a user, a role, or
// all who have a managed policy. On AWS a report lags up to four hours; here
// it tells what happened until it was asked for. It knows the simulated
// services only.
func (s *Service) GenerateServiceLastAccessedDetails(
	c *core.Call, in *iam.GenerateServiceLastAccessedDetailsInput,
) (*iam.GenerateServiceLastAccessedDetailsOutput, error) {
	if err := valid(member{"arn", in.Arn, arn, true}); err != nil {
		return nil, err
	}
	if in.Granularity == types.AccessAdvisorUsageGranularityTypeActionLevel {
		return nil, c.Unsupported("Granularity ACTION_LEVEL")
	}
	if err := c.Authorize(core.Need{Action: "iam:GenerateServiceLastAccessedDetails", Resource: *in.Arn}); err != nil {
		return nil, err
	}
	var documents []*iampolicy.Document
	var who []*subject
	if p := s.policyOf(c, *in.Arn); p != nil {
		documents, who = []*iampolicy.Document{p.Default.Document}, usesOf(c.Account, p).attached
	} else {
		x := s.subjectOf(c, *in.Arn)
		if x == nil {
			return nil, noSuchEntity("ARN " + *in.Arn + " does not exist.")
		}
		documents, who = x.documents(), []*subject{x}
	}
	id := s.cloud.NewUUID()
	s.jobs[id] = &accessReport{account: c.Account, started: c.Now, services: lastAccessed(documents, who)}
	return &iam.GenerateServiceLastAccessedDetailsOutput{JobId: aws.String(id)}, nil
}

// policyOf is policyFor for ARNs that may be of something else.
func (s *Service) policyOf(c *core.Call, arn string) *core.Policy {
	if !strings.Contains(arn, ":policy/") {
		return nil
	}
	return s.policyFor(c, &arn)
}

// subjectOf returns the caller's account's user or role with the ARN, or nil.
func (s *Service) subjectOf(c *core.Call, arn string) *subject {
	if r := s.cloud.Role(arn); r != nil && r.Account == c.Account {
		return ofRole(r, r.Name)
	}
	if u := s.cloud.User(arn); u != nil && u.Account == c.Account {
		return ofUser(u, u.Name)
	}
	return nil
}

// documents returns the identity policies that the subject holds.
func (x *subject) documents() (all []*iampolicy.Document) {
	for _, p := range x.holder.Inline {
		all = append(all, p.Document)
	}
	for _, p := range x.holder.Attached {
		all = append(all, p.Default.Document)
	}
	return all
}

func lastAccessed(documents []*iampolicy.Document, who []*subject) (all []types.ServiceLastAccessed) {
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		if !slices.ContainsFunc(documents, func(d *iampolicy.Document) bool { return reaches(d, namespace) }) {
			continue
		}
		entry := types.ServiceLastAccessed{
			ServiceName: aws.String(namespaces[namespace]), ServiceNamespace: aws.String(namespace), TotalAuthenticatedEntities: aws.Int32(0),
		}
		for _, x := range who {
			use, ok := x.holder.Services[namespace]
			if !ok {
				continue
			}
			*entry.TotalAuthenticatedEntities++
			if entry.LastAuthenticated == nil || use.At.After(*entry.LastAuthenticated) {
				entry.LastAuthenticated, entry.LastAuthenticatedRegion = aws.Time(use.At), aws.String(use.Region)
				entry.LastAuthenticatedEntity = aws.String(x.holder.ARN)
			}
		}
		all = append(all, entry)
	}
	return all
}

// reaches says whether a policy allows anything in a service.
func reaches(d *iampolicy.Document, namespace string) bool {
	speaks := func(patterns []string, all bool) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			vendor, name, _ := strings.Cut(p, ":")
			return p == "*" || strings.EqualFold(vendor, namespace) && (!all || name == "*")
		})
	}
	return slices.ContainsFunc(d.Statements, func(st iampolicy.Statement) bool {
		if st.Effect != iampolicy.Allow {
			return false
		}
		return speaks(st.Actions.Values, false) || len(st.NotActions.Values) > 0 && !speaks(st.NotActions.Values, true)
	})
}

// GetServiceLastAccessedDetails returns a report of the caller's account, or
// that it is still in the making.
func (s *Service) GetServiceLastAccessedDetails(
	c *core.Call, in *iam.GetServiceLastAccessedDetailsInput,
) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	job := s.jobs[aws.ToString(in.JobId)]
	if job == nil || job.account != c.Account {
		return nil, noSuchEntity("Job with ID " + aws.ToString(in.JobId) + " was not found.")
	}
	out := &iam.GetServiceLastAccessedDetailsOutput{
		JobStatus: types.JobStatusTypeInProgress, JobType: types.AccessAdvisorUsageGranularityTypeServiceLevel, JobCreationDate: aws.Time(job.started),
		// The member is required even while there is nothing to tell.
		ServicesLastAccessed: []types.ServiceLastAccessed{}, JobCompletionDate: aws.Time(job.started),
	}
	if c.Now.Before(job.started.Add(reportTime)) {
		return out, nil
	}
	list, marker, err := cut(job.services, func(e types.ServiceLastAccessed) string { return *e.ServiceNamespace }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	out.JobStatus, out.JobCompletionDate = types.JobStatusTypeCompleted, aws.Time(job.started.Add(reportTime))
	out.ServicesLastAccessed, out.Marker, out.IsTruncated = list, marker, marker != nil
	return out, nil
}

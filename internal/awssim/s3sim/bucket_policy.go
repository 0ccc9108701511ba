package s3sim

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxPolicy is the size of a bucket policy in bytes.
// Source: Amazon S3 User Guide, "Bucket policies for Amazon S3": 20 KB.
const maxPolicy = 20 << 10

// PutBucketPolicy replaces a bucket's policy.
func (s *Service) PutBucketPolicy(c *core.Call, in *s3.PutBucketPolicyInput) (*s3.PutBucketPolicyOutput, error) {
	if in.ConfirmRemoveSelfBucketAccess != nil {
		return nil, c.Unsupported("ConfirmRemoveSelfBucketAccess")
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, b, "PutBucketPolicy"); err != nil {
		return nil, err
	}
	text := aws.ToString(in.Policy)
	if len(text) > maxPolicy {
		return nil, badRequest("PolicyTooLarge", "The policy document exceeds the maximum allowed document size.")
	}
	doc, problem := s.parsePolicy(b, text)
	if problem != "" {
		return nil, badRequest("MalformedPolicy", problem)
	}
	if aws.ToBool(b.public.BlockPublicPolicy) && isPublic(doc) {
		return nil, c.Denied(s.need(b, "PutBucketPolicy", "", nil))
	}
	b.policy, b.policyText, b.bound = doc, text, map[string]string{}
	return &s3.PutBucketPolicyOutput{}, nil
}

// parsePolicy reads a policy and says what is wrong with it.
// Source of the wording: AWS re:Post, "How do I resolve errors with an S3
// bucket policy?"
func (s *Service) parsePolicy(b *bucket, text string) (doc *iampolicy.Document, problem string) {
	doc, err := iampolicy.Parse([]byte(text))
	if err != nil || len(doc.Statements) == 0 {
		return nil, "Policies must be valid JSON and the first byte must be '{'"
	}
	for _, st := range doc.Statements {
		switch {
		case st.Effect != iampolicy.Allow && st.Effect != iampolicy.Deny:
			return nil, "Missing required field Effect"
		case st.Principal == nil && st.NotPrincipal == nil:
			return nil, "Missing required field Principal"
		case len(st.Actions.Values) == 0 && len(st.NotActions.Values) == 0:
			return nil, "Missing required field Action"
		case len(st.Resources.Values) == 0 && len(st.NotResources.Values) == 0:
			return nil, "Missing required field Resource"
		}
		for _, p := range []*iampolicy.Principals{st.Principal, st.NotPrincipal} {
			if p == nil {
				continue
			}
			for _, name := range p.By["AWS"].Values {
				if !s.cloud.IsPrincipal(name) {
					return nil, "Invalid principal in policy"
				}
			}
		}
		for _, r := range append(st.Resources.Values, st.NotResources.Values...) {
			if r != b.arn("") && !strings.HasPrefix(r, b.arn("")+"/") && !strings.HasPrefix(r, b.arn("")+"*") {
				return nil, "Policy has invalid resource"
			}
		}
	}
	return doc, ""
}

// fixedKeys are condition keys that keep a policy for everybody from being a
// public one.
// Source: Amazon S3 User Guide, "The meaning of 'public'".
var fixedKeys = []string{
	"aws:PrincipalOrgID", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:SourceArn", "aws:SourceAccount", "aws:SourceVpc",
	"aws:SourceVpce", "aws:SourceOwner", "aws:userid", "s3:DataAccessPointArn", "s3:DataAccessPointAccount", "aws:SourceOrgID",
}

// isPublic tells whether a policy lets everybody in.
func isPublic(doc *iampolicy.Document) bool {
	for _, st := range doc.Statements {
		if st.Effect != iampolicy.Allow || st.Principal == nil {
			continue
		}
		everybody := st.Principal.Any
		for _, name := range st.Principal.By["AWS"].Values {
			everybody = everybody || name == "*"
		}
		if everybody && !isFixed(st) {
			return true
		}
	}
	return false
}

func isFixed(st iampolicy.Statement) bool {
	for _, condition := range st.Conditions {
		for _, key := range fixedKeys {
			if strings.EqualFold(condition.Key, key) {
				return true
			}
		}
	}
	return false
}

// GetBucketPolicy returns a bucket's policy as it was put.
func (s *Service) GetBucketPolicy(c *core.Call, in *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, b, "GetBucketPolicy"); err != nil {
		return nil, err
	}
	if b.policy == nil {
		return nil, fail(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	return &s3.GetBucketPolicyOutput{Policy: aws.String(b.policyText)}, nil
}

// DeleteBucketPolicy takes a bucket's policy away. Having none is no error.
func (s *Service) DeleteBucketPolicy(c *core.Call, in *s3.DeleteBucketPolicyInput) (*s3.DeleteBucketPolicyOutput, error) {
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, b, "DeleteBucketPolicy"); err != nil {
		return nil, err
	}
	b.policy, b.policyText, b.bound = nil, "", nil
	return &s3.DeleteBucketPolicyOutput{}, nil
}

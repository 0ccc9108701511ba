package kmssim

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxPolicy is the size of a key policy in bytes.
// Source: AWS KMS Developer Guide, "Resource quotas": 32 KB.
const maxPolicy = 32 << 10

// PutKeyPolicy replaces a key's policy. The policy of a key that AWS manages
// allows nobody to.
func (s *Service) PutKeyPolicy(c *core.Call, in *kms.PutKeyPolicyInput) (*kms.PutKeyPolicyOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := policyName(in.PolicyName); err != nil {
		return nil, err
	}
	bypass := core.Keys("kms:BypassPolicyLockoutSafetyCheck", strconv.FormatBool(in.BypassPolicyLockoutSafetyCheck))
	if err := s.own(c, k, bypass); err != nil {
		return nil, err
	}
	change := policyChange{text: aws.ToString(in.Policy), bypassLockout: in.BypassPolicyLockoutSafetyCheck}
	if err := s.setPolicy(c, k, change); err != nil {
		return nil, err
	}
	return &kms.PutKeyPolicyOutput{}, nil
}

// GetKeyPolicy returns a key's policy as it was put, but for principals that
// were deleted since: it shows their unique ids.
// Source: IAM User Guide, "AWS JSON policy elements: Principal".
func (s *Service) GetKeyPolicy(c *core.Call, in *kms.GetKeyPolicyInput) (*kms.GetKeyPolicyOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := policyName(in.PolicyName); err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	text := k.policyText
	if now := s.cloud.Bind(k.policy, k.bound); now != k.policy {
		shown, err := now.MarshalCompact()
		if err != nil {
			return nil, err
		}
		text = string(shown)
	}
	return &kms.GetKeyPolicyOutput{Policy: aws.String(text), PolicyName: aws.String("default")}, nil
}

// policyName checks the only name there is: "default".
func policyName(name *string) error {
	if name != nil && *name != "default" {
		return core.Errorf("NotFoundException", "No such policy exists")
	}
	return nil
}

// ListKeyPolicies lists the names of a key's policies: there is one.
func (s *Service) ListKeyPolicies(c *core.Call, in *kms.ListKeyPoliciesInput) (*kms.ListKeyPoliciesOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	page, next, err := cut([]string{"default"}, sizes{usual: 100, most: 1000}, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListKeyPoliciesOutput{PolicyNames: page, NextMarker: next, Truncated: next != nil}, nil
}

// A policyChange is a policy about to be put.
type policyChange struct {
	text          string
	bypassLockout bool
}

// firstPolicy gives a new key the policy asked for, or the one for keys made
// by API.
func (s *Service) firstPolicy(c *core.Call, k *key, text *string, bypass bool) error {
	change := policyChange{text: aws.ToString(text), bypassLockout: bypass}
	if change.text == "" {
		change.text = defaultPolicy(c.Account)
	}
	return s.setPolicy(c, k, change)
}

// setPolicy checks a policy and puts it. Unless the caller waives the check,
// the new policy must let the same caller change it again.
// Source: AWS KMS Developer Guide, "Allowing key policy changes" and
// PutKeyPolicy, BypassPolicyLockoutSafetyCheck.
func (s *Service) setPolicy(c *core.Call, k *key, change policyChange) error {
	if len(change.text) > maxPolicy {
		return core.Errorf("LimitExceededException", "the key policy has %d bytes, more than %d", len(change.text), maxPolicy)
	}
	doc, err := parseKeyPolicy(change.text)
	if err != nil {
		return core.Errorf("MalformedPolicyDocumentException", "%v", err)
	}
	if name := s.stranger(doc); name != "" {
		// Source of the wording: AWS re:Post, "invalid principal" in key policies.
		return core.Errorf("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals: %s", name)
	}
	if !change.bypassLockout {
		next := *k
		next.policy, next.bound = doc, map[string]string{}
		if !c.Allows(s.need(&next, "PutKeyPolicy", core.Keys("kms:BypassPolicyLockoutSafetyCheck", "false"))) {
			return core.Errorf("MalformedPolicyDocumentException",
				"The new key policy will not allow you to update the key policy in the future.")
		}
	}
	if k.policy != nil {
		s.was.policies.Was(c.Cloud, string(k.arn), keyPolicy{k.policy, k.bound})
	}
	k.policy, k.policyText, k.bound = doc, change.text, map[string]string{}
	s.cloud.Bind(doc, k.bound) // those who are there now are meant
	return nil
}

// parseKeyPolicy reads a key policy and checks that each statement says who
// may do what: KMS refuses others.
func parseKeyPolicy(text string) (*iampolicy.Document, error) {
	doc, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	if len(doc.Statements) == 0 {
		return nil, fmt.Errorf("policy has no statement")
	}
	for i, st := range doc.Statements {
		switch {
		case st.Effect != iampolicy.Allow && st.Effect != iampolicy.Deny:
			return nil, fmt.Errorf("statement %d has the effect %q", i, st.Effect)
		case st.Principal == nil && st.NotPrincipal == nil:
			return nil, fmt.Errorf("statement %d has no principal", i)
		case len(st.Actions.Values) == 0 && len(st.NotActions.Values) == 0:
			return nil, fmt.Errorf("statement %d has no action", i)
		case len(st.Resources.Values) == 0 && len(st.NotResources.Values) == 0:
			return nil, fmt.Errorf("statement %d has no resource", i)
		}
	}
	return doc, nil
}

// stranger returns a principal of a policy that is none, if there is one.
func (s *Service) stranger(doc *iampolicy.Document) string {
	for _, st := range doc.Statements {
		for _, p := range []*iampolicy.Principals{st.Principal, st.NotPrincipal} {
			if p == nil {
				continue
			}
			for _, name := range p.By["AWS"].Values {
				if !s.cloud.IsPrincipal(name) {
					return name
				}
			}
		}
	}
	return ""
}

// defaultPolicy of a key made by API.
// Source: AWS KMS Developer Guide, "Default key policy".
func defaultPolicy(account *core.Account) string {
	return fmt.Sprintf(`{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [ {
    "Sid": "Enable IAM User Permissions",
    "Effect": "Allow",
    "Principal": { "AWS": "%s" },
    "Action": "kms:*",
    "Resource": "*"
  } ]
}`, account.GlobalARN("iam", "root"))
}

// ebsPolicy is the policy of an account's aws/ebs key: every principal of the
// account may use it through EC2, nobody may change it, and no other account
// can be let in, which is why such snapshots cannot be shared.
// Source: AWS KMS Developer Guide, "AWS managed keys"; Amazon EBS User Guide,
// "How Amazon EBS encryption works".
func ebsPolicy(at Site) string {
	return fmt.Sprintf(`{
  "Version": "2012-10-17",
  "Id": "auto-ebs-2",
  "Statement": [ {
    "Sid": "Allow access through EBS for all principals in the account that are authorized to use EBS",
    "Effect": "Allow",
    "Principal": { "AWS": "*" },
    "Action": [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource": "*",
    "Condition": { "StringEquals": { "kms:CallerAccount": "%s", "kms:ViaService": "%s" } }
  }, {
    "Sid": "Allow direct access to key metadata to the account",
    "Effect": "Allow",
    "Principal": { "AWS": "arn:%s:iam::%s:root" },
    "Action": [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource": "*"
  } ]
}`, at.Account, core.ViaService("ec2", at.Region), core.Partition(at.Region), at.Account)
}

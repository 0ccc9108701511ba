package iamsim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Exclusions are the policies that a simulation is to do without.
// Source: IAM API Reference, PolicyIdentifier.
type exclusions struct {
	kinds         map[types.PolicyIdentifierPolicyType]bool
	arns          []string // patterns
	inlines       []types.InlinePolicyIdentifierType
	boundary, scp bool
}

func newExclusions(list []types.PolicyIdentifier) (exclusions, error) {
	out := exclusions{kinds: map[types.PolicyIdentifierPolicyType]bool{}}
	for _, id := range list {
		switch id := id.(type) {
		case *types.PolicyIdentifierMemberPolicyType:
			out.kinds[id.Value] = true
		case *types.PolicyIdentifierMemberPolicyArn:
			head, name, _ := strings.Cut(id.Value, ":policy/")
			if !arn.fits(id.Value) || strings.ContainsAny(head, "*?") || strings.Count(name, "*") > 1 {
				return out, core.Errorf("InvalidInput", "Invalid policy ARN: %s", id.Value)
			}
			out.arns = append(out.arns, id.Value)
		case *types.PolicyIdentifierMemberInlinePolicyIdentifier:
			if strings.Count(aws.ToString(id.Value.AttachmentName), "*") > 1 || strings.ContainsAny(aws.ToString(id.Value.PolicyName), "*?") {
				return out, core.Errorf("InvalidInput", "Invalid inline policy identifier: %s", aws.ToString(id.Value.PolicyName))
			}
			out.inlines = append(out.inlines, id.Value)
		default:
			return out, core.Errorf("InvalidInput", "Invalid policy identifier")
		}
	}
	out.boundary, out.scp = out.kinds[types.PolicyIdentifierPolicyTypePermissionBoundary], out.kinds[types.PolicyIdentifierPolicyTypeScp]
	return out, nil
}

// inline says whether an inline policy of the subject is left out.
func (e exclusions) inline(x *subject, policy string) bool {
	if e.kinds[types.PolicyIdentifierPolicyTypeInline] {
		return true
	}
	for _, id := range e.inlines {
		if string(id.AttachmentType) == x.kind && aws.ToString(id.PolicyName) == policy && like(aws.ToString(id.AttachmentName), x.name) {
			return true
		}
	}
	return false
}

// managed says whether a managed policy is left out.
func (e exclusions) managed(kind types.PolicySourceType, arn string) bool {
	if e.kinds[types.PolicyIdentifierPolicyType(kind)] {
		return true
	}
	for _, pattern := range e.arns {
		if like(pattern, arn) {
			return true
		}
	}
	return false
}

// like matches a text with a pattern of one * at most and any number of ?.
func like(pattern, text string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return same(pattern, text)
	}
	return len(text) >= len(head)+len(tail) && same(head, text[:len(head)]) && same(tail, text[len(text)-len(tail):])
}

// same compares texts, where a ? in the pattern is any one character.
func same(pattern, text string) bool {
	if len(pattern) != len(text) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != text[i] {
			return false
		}
	}
	return true
}

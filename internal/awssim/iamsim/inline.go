package iamsim

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/grammar"
)

// An inlinePolicy is what a call puts.
type inlinePolicy struct {
	name, text *string
	maxSize    int // of all inline policies together, in characters without white space
}

func (p inlinePolicy) valid() error {
	return valid(member{"policyName", p.name, entityName, true}, member{"policyDocument", p.text, document, true})
}

// putInline embeds a policy in a role or user, or replaces the one of that name.
func (x *subject) putInline(p inlinePolicy) error {
	d, err := readDocument(p.text, grammar.Identity)
	if err != nil {
		return err
	}
	size := d.Size()
	for _, have := range x.holder.Inline {
		if have.Name != *p.name {
			size += have.Document.Size()
		}
	}
	if size > p.maxSize {
		return conflict("LimitExceeded", "Maximum policy size of "+itoa(p.maxSize)+" bytes exceeded for "+x.kind+" "+x.name)
	}
	x.holder.PutInline(core.InlinePolicy{Name: *p.name, Document: d, Text: *p.text})
	x.settle()
	return nil
}

// inline returns the text of the policy of a name, encoded.
func (x *subject) inline(name *string) (*string, error) {
	p := x.holder.InlineNamed(aws.ToString(name))
	if p == nil {
		return nil, x.noPolicy(name)
	}
	return encoded(textOf(p.Document, p.Text)), nil
}

func (x *subject) deleteInline(name *string) error {
	if x.holder.InlineNamed(aws.ToString(name)) == nil {
		return x.noPolicy(name)
	}
	x.holder.DeleteInline(*name)
	x.settle()
	return nil
}

func (x *subject) noPolicy(name *string) error {
	return noSuchEntity("The " + x.kind + " policy with name " + aws.ToString(name) + " cannot be found.")
}

// inlineNames returns a page of the names.
func (x *subject) inlineNames(p page) (names []string, marker *string, err error) {
	for _, have := range x.holder.Inline {
		names = append(names, have.Name)
	}
	return cut(names, func(n string) string { return n }, p)
}

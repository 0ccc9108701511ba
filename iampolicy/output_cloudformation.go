package iampolicy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// CloudFormation returns the template for AWS CloudFormation, in YAML, with
// the reason above each statement. Stacks of it need the capability
// CAPABILITY_NAMED_IAM. IAM roles are global: one Region is enough.
//
// The role or user that assumes the roles must exist before the stack: IAM
// resolves it when a trust policy is stored.
func (t *Template) CloudFormation() []byte {
	head := "# Made by iampolicy: change the installation and make it again, not this file.\n"
	return appendYAML([]byte(head), t.stack(), "")
}

// CloudFormationJSON returns the same template in JSON, without the reasons.
func (t *Template) CloudFormationJSON() []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, appendJSON(nil, t.stack()), "", "  "); err != nil {
		panic("iampolicy: " + err.Error()) // appendJSON writes JSON
	}
	return append(out.Bytes(), '\n')
}

// stack is the template as a tree, in which nothing is left to be filled in
// but by CloudFormation's own functions.
func (t *Template) stack() object {
	parameters, resources, outputs := object{}, object{}, object{}
	for _, p := range t.parameters() {
		about := object{{"Type", said("String")}, {"Description", said(p.about)}, {"Default", said(p.value)}, {"AllowedPattern", said(p.pattern)}}
		if p.longest > 0 {
			about = append(about, field{"MinLength", p.shortest}, field{"MaxLength", p.longest})
		}
		parameters = append(parameters, field{camel(p.name), about})
	}
	for _, r := range t.Roles {
		id := camel(r.Name)
		resources = append(resources, t.resources(id, r)...)
		outputs = append(outputs, field{id + "Arn", object{
			{"Description", said("Role for the purpose " + r.Purpose + ".")},
			{"Value", object{{"Fn::GetAtt", array{{value: said(id)}, {value: said("Arn")}}}}},
		}})
	}
	return object{
		{"AWSTemplateFormatVersion", said("2010-09-09")},
		{"Description", said("Roles that snapkeep needs in this account. None has a wildcard action.")},
		{"Parameters", parameters},
		{"Resources", resources},
		{"Outputs", outputs},
	}
}

// resources are a role with its inline policy, or with its managed ones.
func (t *Template) resources(id string, r Role) object {
	properties := object{
		{"RoleName", said(r.Name)},
		{"Description", said(r.description())},
		{"AssumeRolePolicyDocument", formed(t.document(r.Trust, r.Reasons))},
	}
	if len(r.Managed) == 0 {
		properties = append(properties, field{"Policies", array{{value: object{
			{"PolicyName", said(r.Name)}, {"PolicyDocument", formed(t.document(r.Policy, r.Reasons))},
		}}}})
	}
	all := object{{id, object{{"Type", said("AWS::IAM::Role")}, {"Properties", properties}}}}
	for n, d := range r.Managed {
		all = append(all, field{camel(r.managedName(n)), object{
			{"Type", said("AWS::IAM::ManagedPolicy")},
			{"Properties", object{
				{"ManagedPolicyName", said(r.managedName(n))},
				{"PolicyDocument", formed(t.document(d, r.Reasons))},
				{"Roles", array{{value: object{{"Ref", said(id)}}}}},
			}},
		}})
	}
	return all
}

// formed writes what is filled in as CloudFormation does.
func formed(value any) any {
	switch v := value.(type) {
	case text:
		return v.formed()
	case object:
		all := object{}
		for _, f := range v {
			all = append(all, field{f.name, formed(f.value)})
		}
		return all
	case array:
		all := array{}
		for _, e := range v {
			all = append(all, entry{formed(e.value), e.note})
		}
		return all
	}
	return value
}

// formed is Ref for a blank alone and Fn::Sub for one among others, unless the
// text has a policy variable, which Fn::Sub would take for one of its own:
// then it is Fn::Join.
func (t text) formed() any {
	var sub strings.Builder
	var pieces array
	join := false
	for _, p := range t {
		if p.fill == "" {
			join = join || strings.Contains(p.literal, "${")
			sub.WriteString(p.literal)
			pieces = append(pieces, entry{value: said(p.literal)})
			continue
		}
		sub.WriteString("${" + cloudFormationNames[p.fill] + "}")
		pieces = append(pieces, entry{value: object{{"Ref", said(cloudFormationNames[p.fill])}}})
	}
	switch {
	case len(pieces) == 1:
		return pieces[0].value
	case join:
		return object{{"Fn::Join", array{{value: said("")}, {value: pieces}}}}
	}
	return object{{"Fn::Sub", said(sub.String())}}
}

// cloudFormationNames are the pseudo parameters and the parameters.
var cloudFormationNames = map[blank]string{
	blankAccount: "AWS::AccountId", blankPartition: "AWS::Partition", blankSuffix: "AWS::URLSuffix",
	blankVault: "VaultAccount", blankOrchestrator: "Orchestrator", blankExternalID: "ExternalId", blankPrefix: "ExternalIdPrefix",
	blankRestoreID: "RestoreExternalId",
}

// camel makes SnapkeepBackup of snapkeep-backup: logical ids have letters and
// digits only.
func camel(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

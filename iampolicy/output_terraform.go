package iampolicy

import (
	"fmt"
	"regexp"
	"strings"
)

// Terraform returns a Terraform module in HCL, formatted as terraform fmt
// does, with the reason above each statement. It creates the roles in the
// account of the AWS provider that it is given. Its variables have defaults,
// its outputs are the ARNs of the roles.
func (t *Template) Terraform() []byte {
	var h hcl
	h.line("# Made by iampolicy: change the installation and make it again, not this file.")
	h.block("terraform", func() {
		h.block("required_providers", func() {
			h.line("aws = {")
			h.indent += "  "
			h.line(`source = "hashicorp/aws"`)
			h.indent = h.indent[2:]
			h.line("}")
		})
	})
	for _, p := range t.parameters() {
		h.block(fmt.Sprintf("variable %q", p.name), func() {
			h.line("type        = string")
			h.line("description = " + quoteHCL(p.about))
			h.line("default     = " + quoteHCL(p.value))
		})
	}
	for _, source := range []string{"aws_caller_identity", "aws_partition"} {
		h.line("")
		h.line(fmt.Sprintf(`data %q "current" {}`, source))
	}
	for _, r := range t.Roles {
		name := strings.ReplaceAll(r.Name, "-", "_")
		h.block(fmt.Sprintf(`resource "aws_iam_role" %q`, name), func() {
			h.line("name        = " + quoteHCL(r.Name))
			h.line("description = " + quoteHCL(r.description()))
			h.line("assume_role_policy = jsonencode(" + h.value(t.document(r.Trust, r.Reasons)) + ")")
		})
		t.hclPolicies(&h, name, r)
		h.block(fmt.Sprintf("output %q", name+"_arn"), func() {
			h.line("description = " + quoteHCL("Role for the purpose "+r.Purpose+"."))
			h.line("value       = aws_iam_role." + name + ".arn")
		})
	}
	return []byte(h.out.String())
}

// hclPolicies writes the inline policy of a role, or its managed ones.
func (t *Template) hclPolicies(h *hcl, role string, r Role) {
	if len(r.Managed) == 0 {
		h.block(fmt.Sprintf(`resource "aws_iam_role_policy" %q`, role), func() {
			h.line("name = " + quoteHCL(r.Name))
			h.line("role = aws_iam_role." + role + ".id")
			h.line("policy = jsonencode(" + h.value(t.document(r.Policy, r.Reasons)) + ")")
		})
	}
	for n, d := range r.Managed {
		name := strings.ReplaceAll(r.managedName(n), "-", "_")
		h.block(fmt.Sprintf(`resource "aws_iam_policy" %q`, name), func() {
			h.line("name = " + quoteHCL(r.managedName(n)))
			h.line("policy = jsonencode(" + h.value(t.document(d, r.Reasons)) + ")")
		})
		h.block(fmt.Sprintf(`resource "aws_iam_role_policy_attachment" %q`, name), func() {
			h.line("role       = aws_iam_role." + role + ".name")
			h.line("policy_arn = aws_iam_policy." + name + ".arn")
		})
	}
}

// hcl writes lines with their indent.
type hcl struct {
	out    strings.Builder
	indent string
}

func (h *hcl) line(s string) {
	if s != "" {
		h.out.WriteString(h.indent)
	}
	h.out.WriteString(s + "\n")
}

// block writes a block, after an empty line where blocks stand side by side.
func (h *hcl) block(head string, body func()) {
	if h.indent == "" {
		h.line("")
	}
	h.line(head + " {")
	h.indent += "  "
	body()
	h.indent = h.indent[2:]
	h.line("}")
}

// value is an expression, whose further lines are behind the indent.
func (h *hcl) value(value any) string {
	switch v := value.(type) {
	case text:
		return v.hcl()
	case object:
		return h.object(v)
	case array:
		return h.array(v)
	}
	panic("iampolicy: a document has a value of an unknown type")
}

func (h *hcl) array(l array) string {
	if len(l) == 0 {
		return "[]"
	}
	outer := h.indent
	h.indent += "  "
	var b strings.Builder
	b.WriteString("[\n")
	for _, e := range l {
		b.Write(appendNote(nil, e.note, h.indent))
		b.WriteString(h.indent + h.value(e.value) + ",\n")
	}
	h.indent = outer
	return b.String() + outer + "]"
}

// object aligns the signs of members that follow each other and take one line
// each, as terraform fmt does.
func (h *hcl) object(o object) string {
	if len(o) == 0 {
		return "{}"
	}
	outer := h.indent
	h.indent += "  "
	names, values := make([]string, len(o)), make([]string, len(o))
	for i, f := range o {
		names[i], values[i] = f.name, h.value(f.value)
		if !plainName.MatchString(f.name) {
			names[i] = quoteHCL(f.name)
		}
	}
	single := func(i int) bool { return !strings.Contains(values[i], "\n") }
	var b strings.Builder
	b.WriteString("{\n")
	for i := 0; i < len(o); {
		end, width := i+1, len(names[i])
		for ; single(i) && end < len(o) && single(end); end++ {
			width = max(width, len(names[end]))
		}
		for ; i < end; i++ {
			fmt.Fprintf(&b, "%s%-*s = %s\n", h.indent, width, names[i], values[i])
		}
	}
	h.indent = outer
	return b.String() + outer + "}"
}

// plainName needs no quotes in HCL.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// terraformNames are the expressions for what is filled in.
var terraformNames = map[blank]string{
	blankAccount:   "data.aws_caller_identity.current.account_id",
	blankPartition: "data.aws_partition.current.partition",
	blankSuffix:    "data.aws_partition.current.dns_suffix",
	blankVault:     "var.vault_account", blankOrchestrator: "var.orchestrator",
	blankExternalID: "var.external_id", blankPrefix: "var.external_id_prefix",
	blankRestoreID: "var.restore_external_id",
}

// hcl is a blank alone, or a string with what is filled in.
func (t text) hcl() string {
	if len(t) == 1 && t[0].fill != "" {
		return terraformNames[t[0].fill]
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, p := range t {
		if p.fill != "" {
			b.WriteString("${" + terraformNames[p.fill] + "}")
			continue
		}
		quoted := quoteHCL(p.literal)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	b.WriteByte('"')
	return b.String()
}

// quoteHCL writes a string in which nothing is filled in: what a policy has
// for variables looks like Terraform's own.
func quoteHCL(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(appendText(nil, s)))
}

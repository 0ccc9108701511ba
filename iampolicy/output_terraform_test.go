package iampolicy_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// TestTerraformCreatesTheRoles has Terraform's own language read the modules,
// and evaluates what they give to IAM.
func TestTerraformCreatesTheRoles(t *testing.T) {
	for name, made := range templates(t) {
		partition, suffix := "aws", "amazonaws.com"
		if strings.HasPrefix(name, "china") {
			partition, suffix = "aws-cn", "amazonaws.com.cn"
		}
		require.Equal(t, wanted(t, made.Roles), applied(t, made.Terraform(), made.Roles[0].Account, partition, suffix), name)
	}
}

// applied returns the documents that a module creates, by role.
func applied(t *testing.T, module []byte, account, partition, suffix string) map[string][]string {
	t.Helper()
	file, faults := hclsyntax.ParseConfig(module, "main.tf", hcl.InitialPos)
	require.False(t, faults.HasErrors(), "%v", faults)
	data := func(fields map[string]cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"current": cty.ObjectVal(fields)})
	}
	at := &hcl.EvalContext{
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc},
		Variables: map[string]cty.Value{"data": cty.ObjectVal(map[string]cty.Value{
			"aws_caller_identity": data(map[string]cty.Value{"account_id": cty.StringVal(account)}),
			"aws_partition":       data(map[string]cty.Value{"partition": cty.StringVal(partition), "dns_suffix": cty.StringVal(suffix)}),
		})},
	}
	text := func(b *hclsyntax.Block, name string) string {
		value, faults := b.Body.Attributes[name].Expr.Value(at)
		require.False(t, faults.HasErrors(), "%v", faults)
		return value.AsString()
	}
	blocks := file.Body.(*hclsyntax.Body).Blocks
	variables := map[string]cty.Value{}
	for _, b := range blocks {
		if b.Type == "variable" {
			variables[b.Labels[0]] = cty.StringVal(text(b, "default"))
		}
	}
	at.Variables["var"] = cty.ObjectVal(variables)
	var c creation
	policies, attachments := 0, 0
	for _, b := range blocks {
		if b.Type != "resource" {
			continue
		}
		switch b.Labels[0] {
		case "aws_iam_role":
			c.trust(t, text(b, "name"), text(b, "assume_role_policy"))
		case "aws_iam_role_policy":
			c.policy(t, text(b, "name"), text(b, "policy"))
		case "aws_iam_policy":
			policies++
			c.policy(t, withoutNumber(text(b, "name")), text(b, "policy"))
		case "aws_iam_role_policy_attachment":
			attachments++
		default:
			t.Fatalf("a resource %q", b.Labels[0])
		}
	}
	require.Equal(t, policies, attachments)
	return c.roles()
}

package iampolicy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A place is where a template is used, and with which parameters.
type place struct {
	account, partition string
	parameters         map[string]string // that replace defaults
}

// deployed resolves a CloudFormation template there, as CloudFormation does,
// and returns the documents by role: the trust policy and the policy.
func deployed(t *testing.T, template map[string]any, at place) map[string][]string {
	t.Helper()
	values := map[string]string{"AWS::AccountId": at.account, "AWS::Partition": at.partition, "AWS::URLSuffix": "amazonaws.com"}
	if at.partition == "aws-cn" {
		values["AWS::URLSuffix"] = "amazonaws.com.cn"
	}
	for name, p := range template["Parameters"].(map[string]any) {
		values[name] = p.(map[string]any)["Default"].(string)
	}
	for name, v := range at.parameters {
		require.Contains(t, values, name)
		values[name] = v
	}
	var c creation
	for id, r := range template["Resources"].(map[string]any) {
		properties := resolve(t, r.(map[string]any)["Properties"], values).(map[string]any)
		switch kind := r.(map[string]any)["Type"]; kind {
		case "AWS::IAM::Role":
			name := properties["RoleName"].(string)
			c.trust(t, name, properties["AssumeRolePolicyDocument"])
			inline, _ := properties["Policies"].([]any)
			for _, p := range inline {
				c.policy(t, name, p.(map[string]any)["PolicyDocument"])
			}
		case "AWS::IAM::ManagedPolicy":
			name := withoutNumber(properties["ManagedPolicyName"].(string))
			role := template["Resources"].(map[string]any)[properties["Roles"].([]any)[0].(string)].(map[string]any)
			require.Equal(t, name, role["Properties"].(map[string]any)["RoleName"], id)
			c.policy(t, name, properties["PolicyDocument"])
		default:
			t.Fatalf("a resource of type %v", kind)
		}
	}
	return c.roles()
}

// withoutNumber is the role of a managed policy.
func withoutNumber(name string) string {
	return strings.TrimSuffix(strings.TrimRight(name, "0123456789"), "-")
}

// A creation gathers what an output creates.
type creation struct {
	trusts   map[string]string
	policies map[string][]string
}

func (c *creation) trust(t *testing.T, role string, document any) {
	t.Helper()
	if c.trusts == nil {
		c.trusts, c.policies = map[string]string{}, map[string][]string{}
	}
	require.NotContains(t, c.trusts, role)
	c.trusts[role] = digest(t, document)
}

func (c *creation) policy(t *testing.T, role string, document any) {
	t.Helper()
	if c.policies == nil {
		c.trusts, c.policies = map[string]string{}, map[string][]string{}
	}
	c.policies[role] = append(c.policies[role], digest(t, document))
}

// roles returns of each role the trust policy, then the policies in order.
func (c *creation) roles() map[string][]string {
	all := map[string][]string{}
	for name, trust := range c.trusts {
		all[name] = append([]string{trust}, slices.Sorted(slices.Values(c.policies[name]))...)
	}
	return all
}

func resolve(t *testing.T, value any, values map[string]string) any {
	t.Helper()
	known := func(name any) string {
		v, ok := values[name.(string)]
		require.True(t, ok, "unknown %v", name)
		return v
	}
	switch v := value.(type) {
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, resolve(t, e, values))
		}
		return all
	case map[string]any:
		if name, ok := v["Ref"]; ok {
			if strings.HasPrefix(name.(string), "Snapkeep") {
				return name // a resource
			}
			return known(name)
		}
		if sub, ok := v["Fn::Sub"]; ok {
			return os.Expand(sub.(string), func(name string) string { return known(name) })
		}
		if join, ok := v["Fn::Join"]; ok {
			require.Equal(t, "", join.([]any)[0])
			var b strings.Builder
			for _, e := range join.([]any)[1].([]any) {
				b.WriteString(resolve(t, e, values).(string))
			}
			return b.String()
		}
		all := map[string]any{}
		for name, e := range v {
			all[name] = resolve(t, e, values)
		}
		return all
	}
	return value
}

// digest of a document, as text or as it was read with the rest.
func digest(t *testing.T, document any) string {
	t.Helper()
	text, isText := document.(string)
	if !isText {
		written, err := json.Marshal(document)
		require.NoError(t, err)
		text = string(written)
	}
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return canonical(t, d)
}

func canonical(t *testing.T, d *iampolicy.Document) string {
	t.Helper()
	text, err := d.Canonical().MarshalCompact()
	require.NoError(t, err)
	return string(text)
}

func wanted(t *testing.T, roles []iampolicy.Role) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, r := range roles {
		all[r.Name] = []string{canonical(t, r.Trust)}
		policies := r.Managed
		if len(policies) == 0 {
			policies = []*iampolicy.Document{r.Policy}
		}
		for _, p := range policies {
			all[r.Name] = append(all[r.Name], canonical(t, p))
		}
		slices.Sort(all[r.Name][1:])
	}
	return all
}

func readYAML(t *testing.T, text []byte) (template map[string]any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal(text, &template))
	return template
}

// listed returns the documents of plain JSON, by role.
func listed(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	type policy struct{ PolicyDocument any }
	var roles []struct {
		RoleName                  string
		AssumeRolePolicyDocument  any
		Policies, ManagedPolicies []policy
	}
	require.NoError(t, json.Unmarshal(text, &roles))
	var c creation
	for _, r := range roles {
		c.trust(t, r.RoleName, r.AssumeRolePolicyDocument)
		for _, p := range append(r.Policies, r.ManagedPolicies...) {
			c.policy(t, r.RoleName, p.PolicyDocument)
		}
	}
	return c.roles()
}

// fakeAWS writes down what it is told.
const fakeAWS = `#!/bin/sh
case "$1 $2" in
"sts get-caller-identity") echo "arn:$FAKE_PARTITION:iam::$FAKE_ACCOUNT:user/admin" ;;
"iam get-role" | "iam get-policy") test -n "$FAKE_THERE" && echo v3 ;;
*) for a in "$@"; do printf '%s\n' "$a"; done >>"$FAKE_LOG"; echo . >>"$FAKE_LOG" ;;
esac
`

// runScript returns what a script creates where roles and policies are there
// or not.
func runScript(t *testing.T, script []byte, account, partition, there string) (map[string][]string, string, error) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "aws"), []byte(fakeAWS), 0o755))
	cmd := exec.Command(sh)
	cmd.Stdin = bytes.NewReader(script)
	cmd.Env = []string{
		"PATH=" + dir + ":" + os.Getenv("PATH"), "FAKE_LOG=" + log,
		"FAKE_ACCOUNT=" + account, "FAKE_PARTITION=" + partition, "FAKE_THERE=" + there,
	}
	said, failed := cmd.CombinedOutput()
	text, _ := os.ReadFile(log)
	var c creation
	for call := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n.\n"), "\n.\n") {
		args := strings.Split(call, "\n")
		option := func(name string) string {
			if n := slices.Index(args, name); n >= 0 {
				return args[n+1]
			}
			return ""
		}
		if len(args) < 2 {
			continue
		}
		switch args[1] {
		case "create-role":
			c.trust(t, option("--role-name"), option("--assume-role-policy-document"))
		case "update-assume-role-policy":
			c.trust(t, option("--role-name"), option("--policy-document"))
		case "put-role-policy":
			c.policy(t, option("--role-name"), option("--policy-document"))
		case "create-policy":
			c.policy(t, withoutNumber(option("--policy-name")), option("--policy-document"))
		case "create-policy-version":
			name := option("--policy-arn")
			c.policy(t, withoutNumber(name[strings.LastIndexByte(name, '/')+1:]), option("--policy-document"))
		case "attach-role-policy":
			require.True(t, strings.HasPrefix(option("--policy-arn"), "arn:"+partition+":iam::"+account+":policy/"+option("--role-name")+"-"))
		case "delete-policy-version":
			require.Equal(t, "v3", option("--version-id"))
		default:
			t.Fatalf("aws %s", args[1])
		}
	}
	return c.roles(), string(said), failed
}

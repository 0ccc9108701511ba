package iampolicy

import (
	"fmt"
	"strings"
)

// Script returns a POSIX shell script that creates the roles with the AWS CLI,
// in the account whose credentials the CLI finds, and stops if that is not the
// account that the template is for. Roles that exist get the policies anew.
// The parameters can be set in the environment: VAULT_ACCOUNT, ORCHESTRATOR,
// EXTERNAL_ID or EXTERNAL_ID_PREFIX, and RESTORE_EXTERNAL_ID.
func (t *Template) Script() []byte {
	var b strings.Builder
	b.WriteString(scriptHead)
	for _, p := range t.parameters() {
		fmt.Fprintf(&b, "\n# %s\n%s=${%s:-%s}\n", p.about, p.name, strings.ToUpper(p.name), quoteShell(p.value))
	}
	if t.prefix == "" {
		fmt.Fprintf(&b, "\nif [ \"$account\" != %s ]; then\n  echo \"these roles are for account %s, not for $account\" >&2\n  exit 1\nfi\n", t.account, t.account)
	}
	b.WriteString(scriptPut)
	for _, r := range t.Roles {
		fmt.Fprintf(&b, "\nput_role %s %s \\\n  %s\n", r.Name, quoteShell(r.description()), t.shell(r.Trust))
		if len(r.Managed) == 0 {
			fmt.Fprintf(&b, "aws iam put-role-policy --role-name %s --policy-name %s --policy-document \\\n  %s\n",
				r.Name, r.Name, t.shell(r.Policy))
		}
		for n, d := range r.Managed {
			fmt.Fprintf(&b, "put_managed %s %s \\\n  %s\n", r.Name, r.managedName(n), t.shell(d))
		}
	}
	return []byte(b.String())
}

const scriptHead = `#!/bin/sh
# Made by iampolicy: change the installation and make it again, not this file.
set -eu

caller=$(aws sts get-caller-identity --query Arn --output text)
partition=$(printf '%s' "$caller" | cut -d : -f 2)
account=$(printf '%s' "$caller" | cut -d : -f 5)
suffix=amazonaws.com
if [ "$partition" = aws-cn ]; then
  suffix=amazonaws.com.cn
fi
`

const scriptPut = `
# put_role NAME DESCRIPTION TRUST
put_role() {
  if aws iam get-role --role-name "$1" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "$1" --policy-document "$3"
  else
    aws iam create-role --role-name "$1" --description "$2" --assume-role-policy-document "$3" >/dev/null
  fi
}

# put_managed ROLE NAME POLICY: the new version replaces the one before, since
# IAM keeps five at most.
put_managed() {
  arn="arn:$partition:iam::$account:policy/$2"
  if aws iam get-policy --policy-arn "$arn" >/dev/null 2>&1; then
    before=$(aws iam get-policy --policy-arn "$arn" --query Policy.DefaultVersionId --output text)
    aws iam create-policy-version --policy-arn "$arn" --set-as-default --policy-document "$3" >/dev/null
    aws iam delete-policy-version --policy-arn "$arn" --version-id "$before"
  else
    aws iam create-policy --policy-name "$2" --policy-document "$3" >/dev/null
  fi
  aws iam attach-role-policy --role-name "$1" --policy-arn "$arn"
}
`

// shellNames are the variables for what is filled in. Their values need no
// escapes in JSON.
var shellNames = map[blank]string{
	blankAccount: "account", blankPartition: "partition", blankSuffix: "suffix", blankVault: "vault_account",
	blankOrchestrator: "orchestrator", blankExternalID: "external_id", blankPrefix: "external_id_prefix",
	blankRestoreID: "restore_external_id",
}

// shell writes a document as one word of the shell.
func (t *Template) shell(d *Document) string {
	var b strings.Builder
	appendShell(&b, t.document(d, nil))
	return "'" + b.String() + "'"
}

// appendShell writes JSON between single quotes, which it leaves for what is
// filled in.
func appendShell(b *strings.Builder, value any) {
	switch v := value.(type) {
	case object:
		b.WriteByte('{')
		for i, f := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(escapeShell(string(appendText(nil, f.name))) + ":")
			appendShell(b, f.value)
		}
		b.WriteByte('}')
	case array:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			appendShell(b, e.value)
		}
		b.WriteByte(']')
	case text:
		b.WriteByte('"')
		for _, p := range v {
			if p.fill != "" {
				b.WriteString(`'"$` + shellNames[p.fill] + `"'`)
				continue
			}
			inside := string(appendText(nil, p.literal))
			b.WriteString(escapeShell(inside[1 : len(inside)-1]))
		}
		b.WriteByte('"')
	}
}

func quoteShell(s string) string { return "'" + escapeShell(s) + "'" }

// escapeShell writes what stands between single quotes, in which only the
// quote itself means something.
func escapeShell(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }

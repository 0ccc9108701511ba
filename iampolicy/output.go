package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Template creates the roles of one account, or of any account of an
// organization, with the tool that is at hand: CloudFormation, Terraform, the
// AWS CLI, or whatever reads JSON. Only the vault's account, its orchestrator
// and the external id are parameters, with what the installation says as their
// defaults; the account, its partition and its DNS suffix are those where the
// template is used. The same installation gives the same text, byte for byte.
// Templates hold the external id, as the trust policies do.
type Template struct {
	// Roles that the template creates.
	Roles []Role

	partition, account, vault string
	orchestrator              string // ARN
	prefix                    string // of external ids; empty in a template for one account
}

// Template returns the roles that an account of the installation needs, which
// may be the vault, a protected account, a restore account, or both of these.
func (i Installation) Template(account string) (*Template, error) {
	all, err := i.Roles()
	if err != nil {
		return nil, err
	}
	t := i.template(account)
	for _, r := range all {
		if r.Account == account {
			t.Roles = append(t.Roles, r)
		}
	}
	if len(t.Roles) == 0 {
		return nil, fmt.Errorf("iampolicy: account %q is not of the installation", account)
	}
	return t, nil
}

func (i Installation) template(account string) *Template {
	return &Template{partition: i.partition(), account: account, vault: i.Vault, orchestrator: i.Orchestrator}
}

// anyAccount stands for the account in which a stack of a set is made. No
// account has this id.
const anyAccount = "000000000000"

// StackSet returns the roles that any protected account needs, for a StackSet
// of a whole organization (CloudFormation User Guide, "StackSets concepts",
// service-managed permissions). The template names no protected account, and
// the installation need not list them. Of each account holds what like says:
// its Account is empty, its ExternalID is what external ids begin with, and it
// has no keys, which would be of one account. Snapshots under the AWS-managed
// key can so not be copied: accounts that need it have a Template of their own.
//
// Each account's external id is that prefix, a dash and the account's id, since
// a StackSet gives all its stacks the same parameters. That is one for each
// account, as it must be; that it can be guessed does no harm as long as the
// vault alone decides which external id goes with which role, and never takes
// one from whoever asks for a backup. The prefix should be random still.
func (i Installation) StackSet(like Protected) (*Template, error) {
	prefix := like.ExternalID
	switch {
	case like.Account != "":
		return nil, &FieldError{Field: "Account", Problem: "is of one account; a StackSet is for any"}
	case prefix == "":
		return nil, &FieldError{Field: "ExternalID", Problem: "is missing; external ids begin with it"}
	case len(like.SourceKeys) > 0 || len(like.RekeyKeys) > 0:
		return nil, &FieldError{Field: "SourceKeys", Problem: "keys are of one account; a StackSet is for any"}
	}
	like.Account, like.ExternalID = anyAccount, prefix+"-"+anyAccount
	i.Protected = []Protected{like}
	t, err := i.Template(anyAccount)
	if err != nil {
		return nil, err
	}
	t.prefix = prefix
	return t, nil
}

// JSON returns the roles as a list of what the IAM API's CreateRole and
// PutRolePolicy take, or CreatePolicy where a role is too large for an inline
// policy, with the documents as objects. It fails for a StackSet,
// whose account is not known.
func (t *Template) JSON() ([]byte, error) {
	if t.prefix != "" {
		return nil, errors.New("iampolicy: a StackSet has no plain JSON: its documents differ from account to account")
	}
	type policy struct {
		PolicyName     string
		PolicyDocument *Document
	}
	type role struct {
		RoleName, Description    string
		AssumeRolePolicyDocument *Document
		Policies                 []policy `json:",omitempty"` // inline
		ManagedPolicies          []policy `json:",omitempty"` // to be created and attached
	}
	all := []role{}
	for _, r := range t.Roles {
		made := role{RoleName: r.Name, Description: r.description(), AssumeRolePolicyDocument: r.Trust}
		if len(r.Managed) == 0 {
			made.Policies = []policy{{r.Name, r.Policy}}
		}
		for n, d := range r.Managed {
			made.ManagedPolicies = append(made.ManagedPolicies, policy{r.managedName(n), d})
		}
		all = append(all, made)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// managedName of the role's managed policies: snapkeep-vault-writer-1 and so on.
func (r Role) managedName(n int) string { return fmt.Sprintf("%s-%d", r.Name, n+1) }

// description of the role, as the IAM console shows it.
func (r Role) description() string {
	switch r.Purpose {
	case "backup":
		return "Finds, snapshots and shares what the vault account backs up. Cannot delete."
	case "pruner":
		return "Deletes the snapshots that the vault account made here."
	case "vault-writer":
		return "Copies what protected accounts share. Cannot delete or share."
	case "vault-pruner":
		return "Deletes the copies that snapkeep made here."
	case "vault-sharer":
		return "Shares copies with the restore accounts and nobody else."
	case "export":
		return "Reads the blocks of copies."
	case "import":
		return "Writes snapshots block by block."
	case "restore":
		return "Makes volumes and instances from the copies that the vault account shares."
	}
	return "Role of snapkeep."
}

package iampolicy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// What all outputs have in common: documents as trees, in which texts are made
// of what is written and of what is filled in where the template is used.
type (
	// A text is written one part after the other.
	text []part
	part struct {
		literal string
		fill    blank // empty if the part is literal
	}
	// An object keeps the order of its members.
	object []field
	field  struct {
		name  string
		value any // text, object, array; a number in CloudFormation
	}
	array []entry
	entry struct {
		value any
		note  string // why it is there
	}
)

// A blank is filled in where the template is used.
type blank string

// The blanks. The first three are known there, the others are parameters.
const (
	blankAccount      blank = "account"
	blankPartition    blank = "partition"
	blankSuffix       blank = "suffix"
	blankVault        blank = "vault"
	blankOrchestrator blank = "orchestrator"
	blankExternalID   blank = "external id"
	blankRestoreID    blank = "external id of restores"
	blankPrefix       blank = "prefix of external ids"
)

// A parameter is a blank that whoever uses the template may change.
type parameter struct {
	blank
	name, about, value, pattern string // name in lower case with underscores
	shortest, longest           int    // 0 means that the pattern says it
}

// parameters of the template, without those that it has no use for.
func (t *Template) parameters() []parameter {
	id := parameter{
		blank: blankExternalID, name: "external_id", about: "External id that the vault account sends. Each account has its own.",
		pattern: externalIDPattern.String(), shortest: 2, longest: 1224,
	}
	if t.prefix != "" {
		id.blank, id.name, id.value = blankPrefix, "external_id_prefix", t.prefix
		id.about = "What external ids begin with; a dash and the id of the account follow."
		id.longest -= len("-000000000000")
	} else {
		id.value = t.externalID(0)
	}
	restoreID := id
	restoreID.blank, restoreID.name, restoreID.value = blankRestoreID, "restore_external_id", t.externalID(len(t.Roles)-1)
	restoreID.about = "External id that the vault account sends to restore."
	all := []parameter{
		{blank: blankVault, name: "vault_account", about: "Account that keeps the copies.", value: t.vault, pattern: accountPattern.String()},
		{
			blank: blankOrchestrator, name: "orchestrator", value: t.orchestrator,
			about:   "ARN of the role or user in the vault account that assumes the roles. It must exist.",
			pattern: `^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`,
		},
		id,
		restoreID,
	}
	return slices.DeleteFunc(all, func(p parameter) bool { return !t.uses(p.blank) })
}

// uses says whether some document has the blank.
func (t *Template) uses(b blank) bool {
	return slices.ContainsFunc(t.Roles, func(r Role) bool {
		return mentions(t.document(r.Trust, nil), b) || mentions(t.document(r.Policy, nil), b)
	})
}

// externalID that the trust policy of a role demands. An account that is
// protected and restored into may have two: its last roles are those to restore.
func (t *Template) externalID(role int) string {
	if role < 0 || role >= len(t.Roles) {
		return ""
	}
	for _, c := range t.Roles[role].Trust.Statements[0].Conditions {
		if c.Key == "sts:ExternalId" {
			return c.Values.Values[0]
		}
	}
	return ""
}

// mentions says whether a tree has the blank.
func mentions(value any, b blank) bool {
	switch v := value.(type) {
	case text:
		return slices.ContainsFunc(v, func(p part) bool { return p.fill == b })
	case object:
		return slices.ContainsFunc(v, func(f field) bool { return mentions(f.value, b) })
	case array:
		return slices.ContainsFunc(v, func(e entry) bool { return mentions(e.value, b) })
	}
	return false
}

// said is a text without blanks.
func said(s string) text { return text{{literal: s}} }

// document makes the tree of a document, with a reason at each statement.
func (t *Template) document(d *Document, reasons map[string]string) object {
	dec := json.NewDecoder(bytes.NewReader(d.append(nil)))
	root := t.read(dec, "").(object) // what append wrote is an object
	for _, f := range root {
		statements, _ := f.value.(array)
		for i := range statements {
			statements[i].note = reasons[d.Statements[i].Sid]
		}
	}
	return root
}

// read makes the tree of one JSON value, the value of the member name.
func (t *Template) read(dec *json.Decoder, name string) any {
	token, err := dec.Token()
	if err != nil {
		panic("iampolicy: a document was written that cannot be read: " + err.Error())
	}
	switch v := token.(type) {
	case json.Delim:
		defer dec.Token() //nolint:errcheck // the closing bracket
		if v == '[' {
			all := array{}
			for dec.More() {
				all = append(all, entry{value: t.read(dec, name)})
			}
			return all
		}
		all := object{}
		for dec.More() {
			key, _ := dec.Token()
			all = append(all, field{key.(string), t.read(dec, key.(string))})
		}
		return all
	case string:
		return t.text(name, v)
	}
	panic("iampolicy: a generated document has a value that is no text")
}

// text finds what is filled in. Values that only look alike are told from it
// by where they stand: an account is one alone or in its field of an ARN.
func (t *Template) text(name, s string) text {
	switch {
	case name == "sts:ExternalId" && t.prefix != "":
		return text{{fill: blankPrefix}, {literal: "-"}, {fill: blankAccount}}
	case name == "sts:ExternalId" && s != t.externalID(0):
		return text{{fill: blankRestoreID}}
	case name == "sts:ExternalId":
		return text{{fill: blankExternalID}}
	case s == t.orchestrator:
		return text{{fill: blankOrchestrator}}
	case t.known(s) != "":
		return text{{fill: t.known(s)}}
	case name == "kms:ViaService":
		if service, ok := strings.CutSuffix(s, dnsSuffix(t.partition)); ok {
			return text{{literal: service}, {fill: blankSuffix}}
		}
	}
	fields := strings.SplitN(s, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[1] != t.partition {
		return said(s)
	}
	made := text{{literal: "arn:"}, {fill: blankPartition}, {literal: ":" + fields[2] + ":" + fields[3] + ":"}}
	if known := t.known(fields[4]); known != "" {
		return append(made, part{fill: known}, part{literal: ":" + fields[5]})
	}
	made[2].literal += fields[4] + ":" + fields[5]
	return made
}

// known tells the accounts that are filled in. In the vault's own template
// the vault is the account.
func (t *Template) known(account string) blank {
	switch account {
	case t.account:
		return blankAccount
	case t.vault:
		return blankVault
	}
	return ""
}

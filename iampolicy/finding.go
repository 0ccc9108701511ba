package iampolicy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Kind says what a document is used as, which decides what may be in it.
type Kind int

// The kinds of documents. Any other Kind is judged as KindIdentity.
const (
	KindIdentity Kind = iota // attached to a role, user or group
	KindTrust                // says who may assume a role
	KindKey                  // of a KMS key
	KindResource             // of another resource, such as an S3 bucket
	KindSCP                  // service control policy of an organization
	KindRCP                  // resource control policy of an organization
	KindBoundary             // permissions boundary of a role or user
	KindSession              // narrows one session of a role
)

var kindNames = [...]string{
	"identity policy", "trust policy", "key policy", "resource policy",
	"service control policy", "resource control policy", "permissions boundary", "session policy",
}

// String returns the kind in words: "trust policy".
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindNames[k]
}

// article returns the kind with its article: "a trust policy".
func (k Kind) article() string {
	if k == KindIdentity {
		return "an " + k.String()
	}
	return "a " + k.String()
}

// hasPrincipals says that the statements name who they speak of.
func (k Kind) hasPrincipals() bool {
	return k == KindTrust || k == KindKey || k == KindResource || k == KindRCP
}

// grants says that what an identity has is granted by such documents. The
// others limit, or stand at what is acted on.
func (k Kind) grants() bool { return !k.hasPrincipals() && k != KindSCP && k != KindBoundary }

// A Severity says how bad a finding is.
type Severity int

// The severities, from the mildest to the worst.
const (
	// Notice: worth a look; there are good reasons to write it so.
	Notice Severity = iota
	// Warning: AWS stores it, and it does harm or not what it seems to do.
	Warning
	// Error: AWS refuses to store it, or it cannot mean anything.
	Error
)

var severityNames = [...]string{"notice", "warning", "error"}

// String returns "notice", "warning" or "error".
func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return "Severity(" + strconv.Itoa(int(s)) + ")"
	}
	return severityNames[s]
}

// MarshalText returns what String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText returns.
func (s *Severity) UnmarshalText(text []byte) error {
	n := slices.Index(severityNames[:], string(text))
	if n < 0 {
		return fmt.Errorf("iampolicy: severity: want one of %s", strings.Join(severityNames[:], ", "))
	}
	*s = Severity(n)
	return nil
}

// A Finding is something that is wrong or dangerous in a document. It quotes
// names (of actions, keys, operators, resources) and never the values of
// conditions, which may be secret.
type Finding struct {
	// ID of the rule, such as "unknown-action"; RULES.md and Rules list them.
	// IDs do not change between versions.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"` // of the rule
	// Path of what was found: `Statement[2].Condition.StringEquals["aws:PrincipalArn"][0]`.
	// A value that is not in a list has no index. Empty is the document itself.
	Path string `json:"path"`
	// Line and Column where Path starts in the text; both count from 1, Column
	// in characters. Zero where there was no text: only Check knows them.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"` // see Line
	// Message says in words what was found.
	Message string `json:"message"`
	Reason  string `json:"reason"` // why that matters: that of the rule
	Remedy  string `json:"remedy"` // what to do about it: that of the rule
}

// String returns the finding in one line, with its remedy.
func (f Finding) String() string {
	where := f.Path
	if where == "" {
		where = "the document"
	}
	if f.Line > 0 {
		where = fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, where)
	}
	return fmt.Sprintf("%s: %s: %s [%s]: %s", where, f.Severity, f.Message, f.ID, f.Remedy)
}

// A place is a path in pieces: "Statement", "[2]", ".Action".
type place []string

func (p place) String() string { return strings.Join(p, "") }

func (p place) add(piece string) place { return append(p[:len(p):len(p)], piece) }

// member goes to a member of an object.
func (p place) member(name string) place {
	for i := range len(name) {
		if b := lower(name[i]); (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			return p.add("[" + strconv.Quote(name) + "]")
		}
	}
	if len(p) > 0 && name != "" {
		name = "." + name
	}
	return p.add(name)
}

func (p place) index(i int) place { return p.add("[" + strconv.Itoa(i) + "]") }

// value goes to one of the values of a member, which may stand alone.
func (p place) value(s Strings, i int) place {
	if len(s.Values) == 1 && !s.List {
		return p
	}
	return p.index(i)
}

// An inspection is a document being judged.
type inspection struct {
	doc        *Document
	kind       Kind
	huge       bool // not worth reading
	statements []inspected
	findings   []Finding
	places     []place // of the findings
}

// An inspected is one statement being judged.
type inspected struct {
	*Statement
	at place
	// known are the known actions that it speaks of.
	known []*Action
	// open says that it also speaks of actions that are not known.
	open bool
}

// worthReading is twice what the largest of all kinds may have, in characters.
// Larger documents are refused in any case, and the time that the rules take
// grows with the square of the number of statements.
const worthReading = 2 * KeyPolicyLimit

func inspect(d *Document, k Kind) *inspection {
	in := &inspection{doc: d, kind: k}
	if d.Size() > worthReading {
		in.huge = true
		return in
	}
	for i := range d.Statements {
		s := inspected{Statement: &d.Statements[i], at: place{"Statement"}}
		if !d.single || len(d.Statements) != 1 {
			s.at = s.at.index(i)
		}
		s.known, s.open = s.speaksOf()
		in.statements = append(in.statements, s)
	}
	return in
}

// speaksOf returns the known actions of a statement, and whether there are others.
func (s *Statement) speaksOf() (known []*Action, open bool) {
	if !s.NotActions.absent() {
		for _, a := range knowledge().matching("*") {
			if !matchesAny(s.NotActions.Values, a.Name) {
				known = append(known, a)
			}
		}
		return known, true
	}
	for _, pattern := range s.Actions.Values {
		prefix, _, _ := strings.Cut(pattern, ":")
		if service := knowledge().service(prefix); service == nil || !service.Described {
			open = true
		}
		known = append(known, knowledge().matching(pattern)...)
	}
	if len(s.Actions.Values) > 1 {
		slices.SortFunc(known, func(a, b *Action) int { return cmp.Compare(a.Name, b.Name) })
		known = slices.Compact(known)
	}
	return known, open
}

func matchesAny(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matchesAction(pattern, action) })
}

// find notes a finding.
func (in *inspection) find(id string, at place, format string, args ...any) {
	rule := ruleByID(id)
	in.findings = append(in.findings, Finding{
		ID: id, Severity: rule.Severity, Path: at.String(), Message: fmt.Sprintf(format, args...),
		Reason: rule.Reason, Remedy: rule.Remedy,
	})
	in.places = append(in.places, at)
}

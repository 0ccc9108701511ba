package accounts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile   = 64 << 20 // bytes; 10,000 accounts with two roles each take 5 MB
	maxFaults = 50       // told of one file
)

// Load reads an accounts file, YAML or JSON. It is a list of accounts, or an
// object with that list as its only field, accounts:
//
//	accounts:
//	  - id: "111111111111"
//	    name: shop
//	    chain:                        # roles, assumed one after another
//	      - arn: arn:aws:iam::111111111111:role/snapkeep-backup
//	        externalId: f81d4fae-7dec-11d0
//	        sessionName: nightly
//	        sourceIdentity: vault-host
//	        duration: 1h
//	        tags: {team: backup}
//	        transitiveTags: [team]
//	    purposes:                     # chains that replace it for one purpose
//	      pruner:
//	        - arn: arn:aws:iam::111111111111:role/snapkeep-pruner
//	          externalId: f81d4fae-7dec-11d0
//
// The fields are those of [Account] and [Role] and mean the same; only id and
// arn must be there. testdata/accounts.yaml is a whole file. A file that begins
// with { or [ is JSON, any other YAML. What json.Marshal makes of accounts is
// such a file too, and so is what [Save] writes. In YAML, values are text as
// it is written, with or without quotes: 012345678901 is an id. Anchors,
// aliases and further documents are not taken. Durations are text such as
// "1h30m"; in JSON also whole nanoseconds.
//
// Nothing is guessed and nothing is skipped: an unknown field, a field given
// twice or one without a value is an error, as is all that [New] would refuse
// whatever the Region. The error joins a [*FieldError] with its line for each
// fault, 50 at most; no accounts are returned then. No error repeats an
// external id. An empty list is none, an empty file is an error. Files may
// have 64 MiB.
func Load(r io.Reader) ([]Account, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("accounts: read the accounts file: %w", err)
	}
	var l loader
	root, err := l.parse(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	accts := l.file(root)
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return accts, nil
}

// A loader turns the tree of a file into accounts and collects what is wrong.
type loader struct {
	json bool       // values have JSON's types
	at   FieldError // where the next complaint belongs
	errs []error
}

// refuse records a complaint about a field in a line.
func (l *loader) refuse(line int, field, reason string) {
	if len(l.errs) == maxFaults {
		l.errs = append(l.errs, fmt.Errorf("accounts: line %d: and more", line))
	}
	if len(l.errs) < maxFaults {
		e := l.at
		e.Line, e.Field, e.Reason = line, field, reason
		l.errs = append(l.errs, &e)
	}
}

// parse returns the root of the tree, whichever language the file is in.
func (l *loader) parse(text []byte) (*yaml.Node, error) {
	fault := func(line int, reason string) (*yaml.Node, error) {
		return nil, &FieldError{Line: line, Field: "file", Reason: reason}
	}
	start := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(text) > maxFile:
		return fault(0, "is longer than 64 MiB")
	case !utf8.Valid(text):
		return fault(0, "is not UTF-8 text")
	case len(start) > 0 && (start[0] == '{' || start[0] == '['):
		l.json = true
		return parseJSON(text)
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return fault(0, "is empty")
	case err != nil:
		return fault(yamlFault(err))
	case len(doc.Content) != 1:
		return fault(doc.Line, "is empty")
	}
	if err := dec.Decode(&more); err == nil {
		return fault(more.Line, "has more than one document")
	} else if !errors.Is(err, io.EOF) {
		return fault(yamlFault(err))
	}
	return doc.Content[0], nil
}

// yamlFault takes the parser's message apart: "yaml: line 3: did not find …".
func yamlFault(err error) (line int, reason string) {
	reason = strings.TrimPrefix(err.Error(), "yaml: ")
	if number, rest, ok := strings.Cut(strings.TrimPrefix(reason, "line "), ": "); ok {
		if n, err := strconv.Atoi(number); err == nil {
			line, reason = n, rest
		}
	}
	if strings.Contains(reason, "anchor") {
		return line, "has an alias, and aliases are not taken" // the parser's words repeat the value
	}
	return line, reason
}

// file reads the root: a list of accounts, alone or as the field of an object.
func (l *loader) file(root *yaml.Node) []Account {
	list, accts := root, []Account{}
	if root.Kind == yaml.MappingNode {
		list = nil
		l.object(root, "file", map[string]func(*yaml.Node){"accounts": func(n *yaml.Node) { list = n }})
		if list == nil {
			l.refuse(root.Line, "accounts", "is missing")
			return nil
		}
	}
	lines := map[ID]int{}
	for _, n := range l.list("accounts", list) {
		l.at = FieldError{}
		a := l.account(n)
		if first, twice := lines[l.at.Account]; twice {
			l.at.Purpose, l.at.Hop = "", 0
			l.refuse(lineOf(n, "id"), "id", fmt.Sprintf("declared twice, first in line %d", first))
		} else if l.at.Account != "" {
			lines[l.at.Account] = n.Line
		}
		accts = append(accts, a)
	}
	return accts
}

func (l *loader) account(n *yaml.Node) Account {
	var a Account
	if id := field(n, "id"); id != nil && id.Kind == yaml.ScalarNode {
		if parsed, err := ParseID(id.Value); err == nil {
			l.at.Account = parsed
		}
	}
	before := len(l.errs)
	l.object(n, "account", map[string]func(*yaml.Node){
		"id":       func(n *yaml.Node) { a.ID = ID(l.text("id", n)) },
		"name":     func(n *yaml.Node) { a.Name = l.text("name", n) },
		"chain":    func(n *yaml.Node) { a.Chain = l.roles("chain", n) },
		"purposes": func(n *yaml.Node) { a.Purposes = l.purposes(n) },
	})
	if len(l.errs) > before {
		return a // what was not read cannot be judged
	}
	if _, err := ParseID(string(a.ID)); err != nil {
		l.refuse(lineOf(n, "id"), "id", fmt.Sprintf("%q: want 12 digits", string(a.ID)))
		return a
	}
	var c checker
	c.accounts([]Account{a})
	for _, err := range c.errs {
		var e *FieldError
		if errors.As(err, &e) {
			l.at.Purpose, l.at.Hop = e.Purpose, e.Hop
			key := fileKeys[e.Field]
			l.refuse(locate(n, e, key), key, e.Reason)
		}
	}
	return a
}

// fileKeys are the fields that the checker complains of, as files spell them.
var fileKeys = map[string]string{
	"ID": "id", "Purposes": "purposes", "ARN": "arn", "ExternalID": "externalId", "SessionName": "sessionName",
	"SourceIdentity": "sourceIdentity", "Duration": "duration", "Tags": "tags", "TransitiveTags": "transitiveTags",
}

// locate finds the line of what the checker complains of.
func locate(n *yaml.Node, e *FieldError, key string) int {
	switch {
	case e.Purpose != "":
		if of := field(n, "purposes"); of != nil {
			n = of
		}
		if of := field(n, string(e.Purpose)); of != nil {
			n = of
		}
	case e.Hop > 0:
		if of := field(n, "chain"); of != nil {
			n = of
		}
	}
	if n.Kind == yaml.SequenceNode && e.Hop > 0 && e.Hop <= len(n.Content) {
		n = n.Content[e.Hop-1]
	}
	return lineOf(n, key)
}

func (l *loader) purposes(n *yaml.Node) map[Purpose][]Role {
	chains := map[Purpose][]Role{}
	read := map[string]func(*yaml.Node){}
	for _, p := range purposes() {
		read[string(p)] = func(n *yaml.Node) {
			l.at.Purpose = p
			chains[p] = l.roles("purposes", n)
			l.at.Purpose = ""
		}
	}
	l.object(n, "purposes", read)
	if len(chains) == 0 {
		return nil
	}
	return chains
}

func (l *loader) roles(key string, n *yaml.Node) []Role {
	var roles []Role
	for i, n := range l.list(key, n) {
		l.at.Hop = i + 1
		roles = append(roles, l.role(n))
		l.at.Hop = 0
	}
	return roles
}

func (l *loader) role(n *yaml.Node) (r Role) {
	l.object(n, "role", map[string]func(*yaml.Node){
		"arn":            func(n *yaml.Node) { r.ARN = l.text("arn", n) },
		"externalId":     func(n *yaml.Node) { r.ExternalID = l.text("externalId", n) },
		"sessionName":    func(n *yaml.Node) { r.SessionName = l.text("sessionName", n) },
		"sourceIdentity": func(n *yaml.Node) { r.SourceIdentity = l.text("sourceIdentity", n) },
		"duration":       func(n *yaml.Node) { r.Duration = l.duration(n) },
		"tags":           func(n *yaml.Node) { r.Tags = l.tags(n) },
		"transitiveTags": func(n *yaml.Node) {
			for _, n := range l.list("transitiveTags", n) {
				r.TransitiveTags = append(r.TransitiveTags, l.text("transitiveTags", n))
			}
		},
	})
	return r
}

func (l *loader) tags(n *yaml.Node) map[string]string {
	var tags map[string]string
	l.pairs(n, "tags", func(key string, _, value *yaml.Node) {
		if tags == nil {
			tags = map[string]string{}
		}
		tags[key] = l.text("tags", value)
	})
	return tags
}

// duration reads text, or in JSON nanoseconds, as encoding/json writes them.
func (l *loader) duration(n *yaml.Node) time.Duration {
	if l.json && n.Kind == yaml.ScalarNode && n.Tag == numberTag {
		ns, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			l.refuse(n.Line, "duration", n.Value+`: want text such as "1h30m", or whole nanoseconds`)
		}
		return time.Duration(ns)
	}
	text := l.text("duration", n)
	d, err := time.ParseDuration(text)
	if err != nil && text != "" {
		l.refuse(n.Line, "duration", fmt.Sprintf("%q: want hours, minutes and seconds such as 1h30m", text))
	}
	return d
}

// object reads the fields that an object may have.
func (l *loader) object(n *yaml.Node, what string, read map[string]func(*yaml.Node)) {
	l.pairs(n, what, func(key string, at, value *yaml.Node) {
		if f, known := read[key]; known {
			f(value)
			return
		}
		reason := "unknown field"
		if what == "purposes" {
			reason = "is not a purpose"
		}
		for name := range read {
			if strings.EqualFold(name, strings.NewReplacer("_", "", "-", "").Replace(key)) {
				reason += "; did you mean " + name + "?"
			}
		}
		l.refuse(at.Line, key, reason)
	})
}

// pairs calls f for each key of an object, at its node, unless it was there before.
func (l *loader) pairs(n *yaml.Node, what string, f func(key string, at, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		l.refuse(n.Line, what, "want an object, got "+kindOf(n))
		return
	}
	lines := make(map[string]int, len(n.Content)/2)
	for pair := range slices.Chunk(n.Content, 2) {
		at, value := pair[0], pair[1]
		first, twice := lines[at.Value]
		switch {
		case at.Kind != yaml.ScalarNode:
			l.refuse(at.Line, what, "want text for a key, got "+kindOf(at))
		case twice:
			l.refuse(at.Line, at.Value, fmt.Sprintf("given twice, first in line %d", first))
		default:
			lines[at.Value] = at.Line
			f(at.Value, at, value)
		}
	}
}

func (l *loader) list(key string, n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		l.refuse(n.Line, key, "want a list, got "+kindOf(n))
		return nil
	}
	return n.Content
}

func (l *loader) text(key string, n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		l.refuse(n.Line, key, "want text, got "+kindOf(n))
	case l.json && n.Tag != textTag:
		l.refuse(n.Line, key, "want text in quotes, got "+kindOf(n))
	case n.Style&yaml.TaggedStyle != 0:
		l.refuse(n.Line, key, "want text without a tag")
	default:
		return n.Value
	}
	return ""
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "an object"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias, and aliases are not taken"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == numberTag:
		return "a number"
	case n.Tag == boolTag:
		return "true or false"
	}
	return "text"
}

// field returns the value of an object's field, nil without one.
func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		for pair := range slices.Chunk(n.Content, 2) {
			if pair[0].Value == key {
				return pair[1]
			}
		}
	}
	return nil
}

// lineOf a field, or of what should have it.
func lineOf(n *yaml.Node, key string) int {
	if value := field(n, key); value != nil {
		return value.Line
	}
	return n.Line
}

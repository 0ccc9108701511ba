package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A question is one line of input.
type question struct {
	ID       json.RawMessage `json:"id"`
	Request  json.RawMessage `json:"request"`
	Policies json.RawMessage `json:"policies"`
	Partial  bool            `json:"partial"`
}

type request struct {
	Principal *string         `json:"principal"`
	Action    string          `json:"action"`
	Resource  string          `json:"resource"`
	Account   string          `json:"account"`
	Context   map[string]text `json:"context"`
	Partial   bool            `json:"partial"`
}

type policies struct {
	Identity json.RawMessage `json:"identity"`
	Resource json.RawMessage `json:"resource"`
	Boundary json.RawMessage `json:"boundary"`
	Session  json.RawMessage `json:"session"`
	SCP      json.RawMessage `json:"scp"`
	RCP      json.RawMessage `json:"rcp"`
	Grants   []grant         `json:"grants"`
}

// text is a string or a list of strings.
type text []string

// UnmarshalJSON reads what a condition key may hold.
func (t *text) UnmarshalJSON(data []byte) error {
	var one *string
	if json.Unmarshal(data, &one) == nil && one != nil {
		*t = text{*one}
		return nil
	}
	var list []*string
	if json.Unmarshal(data, &list) != nil || list == nil {
		return errNoText
	}
	*t = text{}
	for _, s := range list {
		if s == nil {
			return errNoText
		}
		*t = append(*t, *s)
	}
	return nil
}

var errNoText = errors.New("a value of the context must be a string or a list of strings")

// reply answers one line.
func reply(line []byte, number int) answer {
	var q question
	err := json.Unmarshal(line, &q) // what it can read it reads in spite of an error
	var a answer
	switch {
	case len(q.ID) > 0 && q.ID[0] == '"':
		a.ID = q.ID
	case len(q.ID) > 0:
		err = errors.Join(err, errors.New("id must be a string"))
	}
	var decision iampolicy.Decision
	if err == nil {
		decision, err = q.decide()
	}
	if err != nil {
		a.Error = fmt.Sprintf("line %d: %v", number, err)
		return a
	}
	a.Decision, a.By = decision.Outcome.String(), []string{}
	for _, reason := range decision.By {
		a.By = append(a.By, reason.String())
	}
	return a
}

func (q *question) decide() (iampolicy.Decision, error) {
	req, err := q.request()
	if err != nil {
		return iampolicy.Decision{}, fmt.Errorf("request: %w", err)
	}
	set, err := q.policySet()
	if err != nil {
		return iampolicy.Decision{}, fmt.Errorf("policies: %w", err)
	}
	return iampolicy.Evaluate(req, set), nil
}

func (q *question) request() (iampolicy.Request, error) {
	var r request
	switch err := strict(q.Request, &r); {
	case err != nil:
		return iampolicy.Request{}, err
	case r.Principal == nil:
		return iampolicy.Request{}, errors.New("principal is missing; an anonymous one is \"*\"")
	case !isPrincipal(*r.Principal):
		return iampolicy.Request{}, errors.New("principal must be an ARN, a service such as ec2.amazonaws.com, or \"*\"")
	case !isAction(r.Action):
		return iampolicy.Request{}, errors.New("action must be of the form service:Name")
	case r.Resource != "*" && !isARN(r.Resource):
		return iampolicy.Request{}, errors.New("resource must be an ARN or \"*\"")
	case r.Account != "" && (len(r.Account) != 12 || strings.Trim(r.Account, "0123456789") != ""):
		return iampolicy.Request{}, errors.New("account must have 12 digits")
	}
	context := make(map[string][]string, len(r.Context))
	for key, values := range r.Context {
		if key == "" {
			return iampolicy.Request{}, errors.New("context: a key must have a name")
		}
		if values == nil { // null
			return iampolicy.Request{}, fmt.Errorf("context: %w", errNoText)
		}
		context[key] = values
	}
	return iampolicy.Request{
		Principal:       iampolicy.Principal{ARN: *r.Principal},
		Action:          r.Action,
		Resource:        r.Resource,
		ResourceAccount: r.Account,
		Context:         context,
		Partial:         q.Partial || r.Partial,
	}, nil
}

func isARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= 5
}

func isPrincipal(s string) bool {
	return s == "" || s == "*" || isARN(s) || strings.Contains(s, ".") && !strings.ContainsAny(s, ": */")
}

func isAction(s string) bool {
	service, name, ok := strings.Cut(s, ":")
	return ok && service != "" && name != "" && !strings.ContainsAny(s, "*? \t") && !strings.Contains(name, ":")
}

func (q *question) policySet() (set iampolicy.PolicySet, err error) {
	if isNull(q.Policies) {
		return set, nil
	}
	var p policies
	if err := strict(q.Policies, &p); err != nil {
		return set, err
	}
	var all []error
	keep := func(err error) { all = append(all, err) }
	set.Identity, err = documents("identity", p.Identity)
	keep(err)
	set.Resource, err = document("resource", p.Resource)
	keep(err)
	set.Boundary, err = documents("boundary", p.Boundary)
	keep(err)
	set.Session, err = document("session", p.Session)
	keep(err)
	set.SCP, err = levels("scp", p.SCP)
	keep(err)
	set.RCP, err = levels("rcp", p.RCP)
	keep(err)
	for i, g := range p.Grants {
		one, err := g.read()
		if err != nil {
			err = fmt.Errorf("grants[%d]: %w", i, err)
		}
		set.Grants = append(set.Grants, one)
		keep(err)
	}
	for _, err := range all {
		if err != nil {
			return set, err
		}
	}
	return set, nil
}

// strict refuses members it does not know: one that is misspelled would change
// the answer without a word.
func strict(data json.RawMessage, into any) error {
	if isNull(data) {
		return errors.New("is missing")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// levels reads a list of lists of documents.
func levels(name string, data json.RawMessage) (all [][]*iampolicy.Document, err error) {
	err = each(name, data, func(name string, data json.RawMessage) error {
		level, err := documents(name, data)
		all = append(all, level)
		return err
	})
	return all, err
}

// documents reads a list of documents.
func documents(name string, data json.RawMessage) (all []*iampolicy.Document, err error) {
	err = each(name, data, func(name string, data json.RawMessage) error {
		if isNull(data) {
			return fmt.Errorf("%s: a policy document must be an object", name)
		}
		d, err := document(name, data)
		all = append(all, d)
		return err
	})
	return all, err
}

// document reads one document, if there is one.
func document(name string, data json.RawMessage) (*iampolicy.Document, error) {
	if isNull(data) {
		return nil, nil
	}
	d, err := iampolicy.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// each calls f with every element of a list, or with what stands alone.
func each(name string, data json.RawMessage, f func(name string, data json.RawMessage) error) error {
	if isNull(data) {
		return nil
	}
	if data[0] != '[' {
		return f(name, data)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i, one := range list {
		if err := f(fmt.Sprintf("%s[%d]", name, i), one); err != nil {
			return err
		}
	}
	return nil
}

func isNull(data json.RawMessage) bool { return len(data) == 0 || string(data) == "null" }

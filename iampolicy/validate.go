package iampolicy

import (
	"slices"
	"strings"
)

// Validate returns what AWS would refuse in a document of a kind, and what it
// would store though it cannot have the effect it seems to have. A document
// without findings of severity Error is stored. Actions, resources and
// condition keys are judged for the services that LookupService describes; of
// other services it is known only whether they exist. Of a document beyond
// 65,536 characters it is said only that it is too large.
//
// The findings are in the order of the document. Check finds the same in a
// text, and tells the lines.
func Validate(d *Document, k Kind) []Finding {
	in := inspect(d, k)
	in.validate(d.Size())
	return in.findings
}

// validate judges the whole document; written is the size of its text.
func (in *inspection) validate(written int) {
	in.size(written)
	if in.huge {
		return
	}
	in.frame()
	sids := map[string]bool{}
	for i := range in.statements {
		s := &in.statements[i]
		in.grammar(s, sids)
		in.principals(s)
		in.actions(s)
		in.resources(s)
		in.conditions(s)
	}
}

// A quota is how many characters a document may have.
type quota struct {
	limit int
	// asWritten says that white space counts.
	asWritten bool
}

// quotaOf returns the quota of a kind. (IAM User Guide, "IAM and AWS STS
// quotas"; KMS API Reference, PutKeyPolicy: 32 KB; S3 User Guide, "Bucket
// policies": 20 KB; Organizations User Guide, "Quotas and service limits":
// 5,120 was doubled for SCPs in 2026 and is the figure that is safe in every
// partition; white space counts unless the console removes it.)
func quotaOf(k Kind) quota {
	switch k {
	case KindTrust:
		return quota{limit: TrustLimit}
	case KindKey:
		return quota{limit: KeyPolicyLimit, asWritten: true}
	case KindResource:
		return quota{limit: BucketPolicyLimit, asWritten: true}
	case KindSCP, KindRCP:
		return quota{limit: SCPLimit, asWritten: true}
	case KindBoundary:
		return quota{limit: ManagedLimit}
	case KindSession:
		return quota{limit: SessionLimit, asWritten: true}
	}
	return quota{limit: InlineLimit}
}

func (in *inspection) size(written int) {
	q, size := quotaOf(in.kind), written
	if !q.asWritten {
		size = in.doc.Size()
	}
	switch {
	case size > q.limit:
		in.find("size", nil, "%d characters of %d that %s may have", size, q.limit, in.kind.article())
	case in.kind == KindIdentity && size > ManagedLimit:
		in.find("size-managed", nil, "%d characters", size)
	}
	// Organizations and S3 take any character.
	if in.kind == KindSCP || in.kind == KindRCP || in.kind == KindResource {
		return
	}
	for i, r := range string(in.doc.append(nil)) {
		if r > 0xff {
			in.find("characters", nil, "character %U after %d bytes without white space", r, i)
			return
		}
	}
}

// frame judges what is around the statements.
func (in *inspection) frame() {
	d := in.doc
	known := d.Version == Version || d.Version == "2008-10-17" && in.kind != KindRCP
	if !known && (d.Version != "" || d.extra.has("Version") || in.kind == KindRCP) {
		in.find("version", place{"Version"}, "the version is not 2012-10-17")
	}
	if len(d.Statements) == 0 {
		in.find("member-missing", place{"Statement"}, "there is no statement")
	}
	in.unknownMembers(nil, d.extra, "Version", "Id")
}

// unknownMembers judges what the fields have no room for. The names given are
// those of members that are known but were empty.
func (in *inspection) unknownMembers(at place, extra members, empty ...string) {
	for _, m := range extra {
		if !slices.Contains(empty, m.name) {
			in.find("member-unknown", at.member(m.name), "%q is no member", m.name)
		}
	}
}

func (m members) has(name string) bool {
	return slices.ContainsFunc(m, func(one member) bool { return one.name == name })
}

// A pair is a member of a statement and its negation.
type pair struct {
	name       string
	there, not bool
	// barred kinds cannot have the member, and barredNot not its negation.
	barred, barredNot []Kind
}

func (s *Statement) pairs() []pair {
	return []pair{
		{
			"Principal", s.Principal != nil, s.NotPrincipal != nil,
			[]Kind{KindIdentity, KindSCP, KindBoundary, KindSession},
			[]Kind{KindIdentity, KindSCP, KindBoundary, KindSession, KindTrust, KindRCP},
		},
		{"Action", !s.Actions.absent(), !s.NotActions.absent(), nil, []Kind{KindRCP}},
		{"Resource", !s.Resources.absent(), !s.NotResources.absent(), []Kind{KindTrust}, []Kind{KindTrust}},
	}
}

// grammar judges which members a statement has (IAM User Guide, "Grammar of
// the IAM JSON policy language"; Organizations User Guide, "SCP syntax", "RCP
// syntax").
func (in *inspection) grammar(s *inspected, sids map[string]bool) {
	in.sid(s, sids)
	switch {
	case s.Effect == "" && !s.extra.has("Effect"):
		in.find("member-missing", s.at.member("Effect"), "there is no Effect")
	case s.Effect != Allow && s.Effect != Deny:
		in.find("effect", s.at.member("Effect"), "the effect is neither Allow nor Deny")
	case in.kind == KindRCP && s.Effect == Allow:
		in.find("effect", s.at.member("Effect"), "a resource control policy cannot allow")
	}
	for _, p := range s.pairs() {
		barred := slices.Contains(p.barred, in.kind)
		switch {
		case p.there && p.not:
			in.find("member-conflict", s.at.member("Not"+p.name), "%s and Not%s are both there", p.name, p.name)
		case p.there && barred:
			in.find("member-not-for-kind", s.at.member(p.name), "%s has no %s", in.kind.article(), p.name)
		case p.not && slices.Contains(p.barredNot, in.kind):
			in.find("member-not-for-kind", s.at.member("Not"+p.name), "%s has no Not%s", in.kind.article(), p.name)
		case !p.there && !p.not && !barred:
			in.find("member-missing", s.at.member(p.name), "there is no %s", p.name)
		}
	}
	in.unknownMembers(s.at, s.extra, "Sid", "Effect", "Condition")
}

// sid judges a Sid. Other services than IAM take any characters in it.
func (in *inspection) sid(s *inspected, sids map[string]bool) {
	if s.Sid == "" {
		return
	}
	if in.kind == KindKey || in.kind == KindResource || in.kind == KindSCP || in.kind == KindRCP {
		return
	}
	for i := range len(s.Sid) {
		if b := lower(s.Sid[i]); (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			in.find("sid", s.at.member("Sid"), "the Sid has other characters than letters and digits")
			break
		}
	}
	if sids[s.Sid] {
		in.find("sid-twice", s.at.member("Sid"), "Sid %s is taken", s.Sid)
	}
	sids[s.Sid] = true
}

// actions judges the names of actions.
func (in *inspection) actions(s *inspected) {
	for _, m := range []struct {
		name   string
		values Strings
	}{{"Action", s.Actions}, {"NotAction", s.NotActions}} {
		at := s.at.member(m.name)
		if m.values.List && len(m.values.Values) == 0 {
			in.find("member-missing", at, "%s is an empty list", m.name)
		}
		for i, pattern := range m.values.Values {
			in.action(at.value(m.values, i), pattern)
		}
	}
}

func (in *inspection) action(at place, pattern string) {
	if pattern == "*" {
		if in.kind == KindRCP {
			in.find("action-not-for-kind", at, "a resource control policy names services: it has no asterisk alone")
		}
		return
	}
	prefix, name, ok := strings.Cut(pattern, ":")
	if !ok || prefix == "" || name == "" || !onlyNameCharacters(prefix) || !onlyNameCharacters(name) {
		in.find("action-syntax", at, "this is not an action")
		return
	}
	wild := strings.ContainsAny(prefix, "*?")
	service := knowledge().service(prefix)
	switch {
	case in.kind == KindTrust && !assumes(pattern):
		in.find("action-not-for-kind", at, "a trust policy does not speak of %s", pattern)
	case in.kind == KindKey && !wild && !strings.EqualFold(prefix, "kms"):
		in.find("action-not-for-kind", at, "a key policy speaks of kms actions only, not of %s", pattern)
	case wild:
	case service == nil:
		in.find("service-unknown", at, "no service has the prefix %s", prefix)
	case !service.Described:
	case in.kind == KindRCP && !service.RCP:
		in.find("action-not-for-kind", at, "resource control policies do not reach %s", prefix)
	case len(knowledge().matching(pattern)) == 0:
		in.find("action-unknown", at, "%s is not an action%s", pattern, didYouMean(service, pattern))
	}
}

// assumes says whether an action, or a pattern, is one of those that are asked
// for when a role is assumed (STS API Reference, AssumeRole: session tags,
// source identity and context are set in the same call).
func assumes(pattern string) bool {
	for _, name := range [...]string{
		"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity",
		"sts:SetContext", "sts:SetSourceIdentity", "sts:TagSession",
	} {
		if matchesAction(pattern, name) {
			return true
		}
	}
	return false
}

// onlyNameCharacters says whether a part of an action is written in the
// characters that AWS uses for them, or wildcards.
func onlyNameCharacters(s string) bool {
	for i := range len(s) {
		b := lower(s[i])
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' && b != '*' && b != '?' {
			return false
		}
	}
	return true
}

// didYouMean names the action that is spelled most alike, if one is.
func didYouMean(service *serviceFacts, name string) string {
	best, least := "", 4 // more edits than three make another word
	for _, a := range service.actions {
		if n := edits(strings.ToLower(a.Name), strings.ToLower(name), least); n < least {
			best, least = a.Name, n
		}
	}
	if best == "" {
		return ""
	}
	return "; there is " + best
}

// edits counts how many letters to change, add or remove to make one word of
// another, as Levenshtein did, and returns most if that many are needed.
func edits(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], most)
}

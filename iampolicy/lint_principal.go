package iampolicy

import (
	"slices"
	"strings"
)

// bindingKeys tell who asks, or from where; a statement for everyone that
// demands one of them is not for everyone.
var bindingKeys = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:principalservicename",
	"aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc",
	"aws:sourcevpcarn", "aws:sourcevpce", "aws:userid", "aws:username", "aws:vpceaccount", "aws:vpceorgid", "kms:calleraccount",
	"s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}

// lintPrincipals looks at whom a statement of a resource allows.
func (in *inspection) lintPrincipals(s *inspected) {
	if s.Principal == nil {
		return
	}
	at := s.at.member("Principal")
	bound := s.demands(func(key string) bool {
		return slices.Contains(bindingKeys, key) || strings.HasPrefix(key, "aws:principaltag/")
	})
	if s.Principal.everyone() && !bound {
		in.find("public", at, "everyone is allowed")
	}
	if in.kind != KindTrust {
		if len(s.Principal.By["Service"].Values) > 0 && !bound {
			in.find("confused-deputy", at.member("Service"), "a service is let in whoever it acts for")
		}
		return
	}
	for _, name := range s.Principal.By["AWS"].Values {
		if accountNamed(name) != "" && !bound && !s.demands(func(key string) bool {
			return key == "sts:externalid" || key == "sts:sourceidentity"
		}) {
			in.find("confused-deputy", at.member("AWS"), "an account is named and no external id is demanded")
			break
		}
	}
	in.lintFederation(s, at)
}

// lintFederation looks for providers whose users are all let in.
func (in *inspection) lintFederation(s *inspected, at place) {
	for _, name := range s.Principal.By["Federated"].Values {
		_, provider, isARN := strings.Cut(name, ":oidc-provider/")
		switch {
		case !isARN && strings.HasPrefix(name, "arn:"):
			provider = "saml"
		case !isARN:
			provider = name
		}
		prefix := strings.ToLower(provider) + ":"
		asked := s.demands(func(key string) bool { return strings.HasPrefix(key, prefix) && key != prefix+"aud" })
		audience := s.demands(func(key string) bool { return key == prefix+"aud" })
		// The audience of a code host is the same for all its projects.
		if shared := strings.HasPrefix(prefix, "token.actions."); !asked && (!audience || shared) {
			in.find("federation-open", at.member("Federated"), "users of %s are not told apart", provider)
		}
	}
}

// lintLockOut looks for documents that nobody could change again.
func (in *inspection) lintLockOut() {
	switch in.kind {
	case KindKey:
		in.lintKeeper("kms:PutKeyPolicy")
		in.lintDenyAll("kms:PutKeyPolicy")
	case KindResource:
		in.lintDenyAll("s3:PutBucketPolicy")
		in.lintDenyAll("backup:PutBackupVaultAccessPolicy")
	case KindTrust:
		if !slices.ContainsFunc(in.statements, func(s inspected) bool { return s.Effect == Allow }) && len(in.statements) > 0 {
			in.find("lock-out", nil, "nobody may assume the role")
		}
	case KindSCP:
		for i := range in.statements {
			s := &in.statements[i]
			if s.Effect == Deny && len(s.Conditions) == 0 && slices.Contains(s.Actions.Values, "*") && slices.Contains(s.Resources.Values, "*") {
				in.find("lock-out", s.at, "everyone in the accounts is denied everything")
			}
		}
	}
}

// lintKeeper looks for somebody who may change the policy. KMS asks the key
// policy alone whether IAM policies count (KMS Developer Guide, "Default key
// policy").
func (in *inspection) lintKeeper(action string) {
	if !slices.ContainsFunc(in.statements, func(s inspected) bool {
		return s.Effect == Allow && s.Principal != nil && in.allows(&s, action)
	}) {
		in.find("lock-out", nil, "nobody is allowed %s", action)
	}
}

// lintDenyAll looks for a Deny that binds everyone, whoever could lift it.
func (in *inspection) lintDenyAll(action string) {
	for i := range in.statements {
		s := &in.statements[i]
		everyone := s.Principal != nil && s.Principal.everyone() && len(s.Conditions) == 0
		if s.Effect == Deny && everyone && matchesAny(s.Actions.Values, action) && !s.Resources.absent() {
			in.find("lock-out", s.at, "everyone is denied %s", action)
		}
	}
}

package iampolicy

import (
	"regexp"
	"slices"
	"strings"
)

// Lint returns what is dangerous in a document of a kind though AWS stores it:
// destruction and sharing without conditions, conditions that can be got
// round, ways to more permissions, lock-outs, and statements without effect.
// Each finding says why it matters and what to do. A document is judged by
// itself: what other policies deny is not known to Lint.
//
// What Validate finds is not found again. A document beyond 65,536 characters,
// of which Validate says that it is too large, is not looked at.
func Lint(d *Document, k Kind) []Finding {
	in := inspect(d, k)
	in.lint()
	return in.findings
}

func (in *inspection) lint() {
	if in.huge {
		return
	}
	for i := range in.statements {
		s := &in.statements[i]
		in.lintConditions(s)
		if in.kind.grants() && s.Effect == Allow {
			in.lintGrant(s)
		}
		if in.kind.hasPrincipals() && s.Effect == Allow {
			in.lintPrincipals(s)
		}
		if in.kind == KindKey && s.Effect == Allow {
			in.lintGrants(s)
		}
		in.lintExclusion(s)
		in.lintDenied(s)
	}
	in.lintEscalation()
	in.lintLockOut()
}

// lintExclusion looks for permissions by what they leave out. Boundaries and
// SCPs limit by it, and grant nothing.
func (in *inspection) lintExclusion(s *inspected) {
	if s.Effect != Allow || in.kind == KindBoundary || in.kind == KindSCP {
		return
	}
	if !s.NotActions.absent() {
		in.find("allow-by-exclusion", s.at.member("NotAction"), "all but the listed actions are allowed")
	}
	if !s.NotResources.absent() {
		in.find("allow-by-exclusion", s.at.member("NotResource"), "all but the listed resources are allowed")
	}
}

// lintDenied looks for permissions that another statement takes back whole.
func (in *inspection) lintDenied(s *inspected) {
	if s.Effect != Allow || s.Actions.absent() || s.Resources.absent() {
		return
	}
	for _, action := range s.Actions.Values {
		for _, resource := range s.Resources.Values {
			if !in.denies(action, resource) {
				return
			}
		}
	}
	in.find("denied-anyway", s.at, "nothing of what it allows is left")
}

// denies says whether a statement without conditions denies everyone an action
// on a resource; both may be patterns.
func (in *inspection) denies(action, resource string) bool {
	return slices.ContainsFunc(in.statements, func(s inspected) bool {
		everyone := s.NotPrincipal == nil && (s.Principal == nil || s.Principal.everyone())
		if s.Effect != Deny || !everyone || len(s.Conditions) > 0 || !matchesAny(s.Actions.Values, action) {
			return false
		}
		return slices.ContainsFunc(s.Resources.Values, func(pattern string) bool {
			return pattern == "*" || pattern == resource ||
				resource != "*" && splitPattern(pattern).covers(false, splitPattern(resource))
		})
	})
}

// everyone says that a principal is the asterisk, written in either way.
func (p *Principals) everyone() bool { return p.Any || slices.Contains(p.By["AWS"].Values, "*") }

// narrowed says whether a condition confines a statement to some of what its
// resources cover, or to circumstances that are not the caller's to choose.
func (s *inspected) narrowed() bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return c.demandsKey() && !slices.ContainsFunc(wideKeys[:], func(key string) bool { return strings.EqualFold(key, c.Key) })
	})
}

// wideKeys have the same value for all that an account holds, or one that the
// caller chooses.
var wideKeys = [...]string{
	"aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalType",
	"aws:RequestedRegion", "aws:ResourceAccount", "aws:ResourceOrgID", "aws:SecureTransport", "aws:UserAgent",
	"aws:Referer", "ec2:Owner", "ec2:Region", "kms:CallerAccount", "s3:ResourceAccount",
}

// demandsKey says that a condition does not hold where its key is missing.
func (c *Condition) demandsKey() bool {
	op, set, ifExists := parseOperator(c.Operator)
	return op.family != noFamily && c.Key != "" && op.demands(set, ifExists, c.Values.Values)
}

// demands says whether a statement needs a key for which ask holds.
func (s *inspected) demands(ask func(key string) bool) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.demandsKey() && ask(strings.ToLower(c.Key)) })
}

// idPrefix starts the ids that EC2 and EFS give: "snap-", "i-", "fs-".
var idPrefix = regexp.MustCompile(`^[a-z]{1,8}-\*`)

// wide says whether a statement covers every resource of a type that an action
// takes. Of actions that are not known, only patterns that end in a wildcard
// after the type are.
func (s *inspected) wide(a *Action) bool {
	if !s.NotResources.absent() {
		return true
	}
	return slices.ContainsFunc(s.Resources.Values, func(pattern string) bool {
		if pattern == "*" {
			return true
		}
		p := splitPattern(pattern)
		if a == nil {
			return coversType(p, "")
		}
		return slices.ContainsFunc(a.Resources, func(r ResourceType) bool { return r.fits(p) && coversType(p, r.ARN) })
	})
}

// coversType says whether the last field of a pattern is the fixed part of a
// format and nothing but wildcards after it.
func coversType(p arn, format string) bool {
	rest := p[5]
	if f, ok := splitARN(format); ok {
		fixed, _, _ := strings.Cut(f[5], "${")
		rest = strings.TrimPrefix(rest, fixed)
	} else if cut := strings.IndexAny(rest, "/:"); cut >= 0 {
		rest = rest[cut+1:]
	}
	if (p[2] == "ec2" || p[2] == "elasticfilesystem") && idPrefix.MatchString(rest) {
		_, rest, _ = strings.Cut(rest, "-")
	}
	return rest != "" && strings.Trim(rest, "*/:") == ""
}

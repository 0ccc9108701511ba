package iampolicy_test

import (
	"slices"
	"strings"
)

// nearMisses are requests that differ from an allowed one in one thing: an
// action that nobody listed, a condition key that is not there, a resource in
// another account or of another kind. All must be denied.
func nearMisses(allowed []request) (rows []request) {
	for _, r := range allowed {
		if strings.HasSuffix(r.who, " admin") {
			continue // whose key it is
		}
		rows = append(rows, r.withOtherAction(), r.withOtherAccount(), r.withOtherKind())
		rows = append(rows, r.withoutEachKey()...)
		if free := r.unbound(); free.who != "" {
			rows = append(rows, free.withOtherAction())
			rows = append(rows, free.withoutEachKey()...)
			if free.session != "" {
				rows = append(rows, free.withOtherKind())
			}
		}
		if r.action == "sts:AssumeRole" { // let in by the role, so that the caller's own policy decides
			r.name, r.policy = r.name+", open", r.openPolicy()
			rows = append(rows, r.withOtherAction())
		}
	}
	return slices.DeleteFunc(rows, func(r request) bool { return r.name == "" })
}

func (r request) withOtherAction() request {
	service, _, _ := strings.Cut(r.action, ":")
	r.name, r.action = r.name+": an action that is not listed", service+":UnlistedAction"
	if service == "sts" {
		r.action = "sts:TagSession" // the role must allow it, as it must allow to assume it
	}
	return r
}

func (r request) withoutEachKey() (rows []request) {
	for n := 0; n < len(r.keys); n += 2 {
		less := r
		less.name = r.name + ": without " + r.keys[n]
		less.keys = slices.Delete(slices.Clone(r.keys), n, n+2)
		rows = append(rows, less)
	}
	return rows
}

// withOtherAccount asks for the like of another account, which lets everyone in.
func (r request) withOtherAccount() request {
	parts := strings.SplitN(r.resource, ":", 6)
	if len(parts) < 6 || parts[4] == "" || strings.HasPrefix(r.who, "key-admin") {
		return request{}
	}
	parts[4] = other
	r.name, r.resource = r.name+": in another account", strings.Join(parts, ":")
	// EC2 has no policy that lets others in, nor has passing a role. As if it
	// were the caller's own, only the role's policy is left to refuse.
	_, r.owner, _ = strings.Cut(r.who, ".")
	switch parts[2] {
	case "kms":
		r.owner, r.policy = other, "open key"
	case "iam":
		if r.action == "sts:AssumeRole" {
			r.owner, r.policy = other, "open role"
		}
	}
	return r
}

func (r request) withOtherKind() request {
	parts := strings.SplitN(r.resource, ":", 6)
	if len(parts) < 6 {
		return request{}
	}
	switch parts[2] {
	case "ec2":
		parts[5] = "unlisted/u-1"
	case "iam":
		parts[5] = "role/unlisted"
		if r.action == "sts:AssumeRole" {
			r.policy = r.openPolicy()
		}
	default:
		return request{}
	}
	r.name, r.resource = r.name+": of another kind", strings.Join(parts, ":")
	return r
}

// openPolicy lets everyone in who is allowed to go.
func (r request) openPolicy() string {
	if r.owner == vault {
		return "open trust" // naming the caller would be enough within the account
	}
	return "open role"
}

// unbound is the same principal with a policy that allows everything, so that
// the policy of the key or role decides, or that of the session.
func (r request) unbound() request {
	if r.session != "" {
		r.name, r.who = r.name+", unbound", "vault admin"
		r.keys = slices.Clone(r.keys)
		if n := slices.Index(r.keys, owner); n >= 0 {
			r.keys = slices.Delete(r.keys, n, n+2) // left to the pruner's own policy
		}
		return r
	}
	who := map[string]string{
		writer: "writer unbound", restore5: "restorer unbound", restore6: "drill restorer unbound", "orchestrator": "orchestrator unbound",
	}[r.who]
	if who == "" || r.policy == "" || r.policy == "delegating vault key" || strings.HasPrefix(r.policy, "restore-key") {
		return request{}
	}
	r.name, r.who = r.name+", unbound", who
	return r
}

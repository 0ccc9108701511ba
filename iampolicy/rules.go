package iampolicy

import "slices"

// A Rule is one thing that Validate or Lint looks for.
type Rule struct {
	ID       string   // in Finding.ID; never changed once released
	Severity Severity // of all its findings
	Lint     bool     // Lint looks for it; Validate otherwise
	Reason   string   // why it matters
	Remedy   string   // what to do about it
}

// Rules returns all rules: those of Validate first, then those of Lint.
func Rules() []Rule { return slices.Clone(rules) }

func ruleByID(id string) Rule {
	n := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if n < 0 {
		panic("iampolicy: no rule " + id)
	}
	return rules[n]
}

// The rules; RULES.md is made of them.
var rules = []Rule{
	{
		ID: "syntax", Severity: Error,
		Reason: "The text is not a policy document.",
		Remedy: "Mend it where the position says.",
	},
	{
		ID: "size", Severity: Error,
		Reason: "AWS refuses documents beyond the quota for their kind.",
		Remedy: "Split it, merge statements, or use shorter Sids.",
	},
	{
		ID: "size-managed", Severity: Notice,
		Reason: "A managed policy may have 6,144 characters; only the inline policies of a role may have 10,240 together.",
		Remedy: "Split it over several managed policies, or use it inline.",
	},
	{
		ID: "characters", Severity: Error,
		Reason: "IAM and KMS take tabs, line ends and the characters from U+0020 to U+00FF only.",
		Remedy: "Write it in those characters.",
	},
	{
		ID: "member-unknown", Severity: Error,
		Reason: "The policy grammar does not know the member, and AWS refuses the document. Names of members are in upper and lower case as documented.",
		Remedy: "Remove it or spell it right.",
	},
	{
		ID: "member-missing", Severity: Error,
		Reason: "The policy grammar demands the member.",
		Remedy: "Add it.",
	},
	{
		ID: "member-conflict", Severity: Error,
		Reason: "A member and its negation exclude each other.",
		Remedy: "Keep one of them, in two statements if need be.",
	},
	{
		ID: "member-not-for-kind", Severity: Error,
		Reason: "Documents of this kind cannot have the member.",
		Remedy: "Remove it, or check that the kind is right.",
	},
	{
		ID: "version", Severity: Error,
		Reason: "There are two versions of the language, 2012-10-17 and 2008-10-17; a resource control policy must say 2012-10-17.",
		Remedy: "Write 2012-10-17.",
	},
	{
		ID: "effect", Severity: Error,
		Reason: "The effect is Allow or Deny, written so; a resource control policy only denies.",
		Remedy: "Write one of the two.",
	},
	{
		ID: "sid", Severity: Error,
		Reason: "IAM takes letters and digits only in a Sid.",
		Remedy: "Leave the other characters out.",
	},
	{
		ID: "sid-twice", Severity: Error,
		Reason: "IAM refuses a document with one Sid twice.",
		Remedy: "Name the statements apart.",
	},
	{
		ID: "action-syntax", Severity: Error,
		Reason: "An action is a service's prefix, a colon and a name, or an asterisk alone.",
		Remedy: "Write it so.",
	},
	{
		ID: "action-not-for-kind", Severity: Error,
		Reason: "A trust policy speaks of the sts actions that assume a role, a key policy of kms actions, and a resource control policy of the services that those reach; elsewhere AWS refuses them or they are never asked for.",
		Remedy: "Move the action into a document of another kind.",
	},
	{
		ID: "service-unknown", Severity: Warning,
		Reason: "No service has this prefix, so the statement speaks of nothing.",
		Remedy: "Spell it right, or take newer data if the service is new.",
	},
	{
		ID: "action-unknown", Severity: Warning,
		Reason: "The service has no such action, so the statement speaks of nothing.",
		Remedy: "Spell it right, or take newer data if the action is new.",
	},
	{
		ID: "resource-syntax", Severity: Error,
		Reason: "A resource is an ARN of six fields with partition and service, or an asterisk.",
		Remedy: "Write it so.",
	},
	{
		ID: "resource-never-matches", Severity: Warning,
		Reason: "No resource that the statement's actions take can have such an ARN. Snapshots and images name no account; other resources of EC2 do.",
		Remedy: "Write the ARN as the Service Authorization Reference has it, or an asterisk for actions that take no resource.",
	},
	{
		ID: "action-never-matches", Severity: Warning,
		Reason: "The action takes none of the resources of the statement, so the statement does not speak of it.",
		Remedy: "Move the action into a statement with its own resources.",
	},
	{
		ID: "principal-syntax", Severity: Error,
		Reason: "A principal is an asterisk, an account, the ARN of a root, user, role or session, a service or an identity provider, under its kind.",
		Remedy: "Write it so.",
	},
	{
		ID: "principal-wildcard", Severity: Error,
		Reason: "A principal is named in full: wildcards are not taken in a part of it.",
		Remedy: "Name the account and compare aws:PrincipalArn by ArnLike in a condition.",
	},
	{
		ID: "principal-deleted", Severity: Warning,
		Reason: "AWS puts the unique id in the place of a principal that was deleted; it matches nobody any more.",
		Remedy: "Name the new principal, or remove it.",
	},
	{
		ID: "operator-unknown", Severity: Error,
		Reason: "There is no such operator; Null takes neither IfExists nor a set operator.",
		Remedy: "Spell it right.",
	},
	{
		ID: "operator-type", Severity: Error,
		Reason: "The operator compares values of another type than the key has, so it never holds, or always if it is negated.",
		Remedy: "Use an operator for the key's type.",
	},
	{
		ID: "operator-text", Severity: Notice,
		Reason: "The key has a type of its own, and text is compared by its characters: two spellings of one value differ.",
		Remedy: "Use an operator for the key's type.",
	},
	{
		ID: "value-type", Severity: Error,
		Reason: "The value is not of the type that the operator compares, so it equals nothing.",
		Remedy: "Write it as the operator reads it.",
	},
	{
		ID: "values-empty", Severity: Warning,
		Reason: "Nothing is in an empty list, so the condition never holds, or always if it is negated.",
		Remedy: "Add the values, or remove the condition.",
	},
	{
		ID: "set-operator-missing", Severity: Warning,
		Reason: "A request may have several values for the key; without ForAllValues or ForAnyValue the condition does not hold.",
		Remedy: "Say ForAnyValue, or ForAllValues together with Null.",
	},
	{
		ID: "key-unknown", Severity: Warning,
		Reason: "No request has the key: what demands it never holds, and what forgives its absence always does.",
		Remedy: "Spell it right, or take newer data if the key is new.",
	},
	{
		ID: "key-not-for-action", Severity: Warning,
		Reason: "Requests for the action do not have the key: what demands it never holds, and what forgives its absence always does.",
		Remedy: "Use a key that the action has, or move the action into a statement of its own.",
	},
	{
		ID: "variable-syntax", Severity: Error,
		Reason: "A policy variable is ${key} or ${key, 'default'}.",
		Remedy: "Close the brace and name a key.",
	},
	{
		ID: "variable-unknown", Severity: Warning,
		Reason: "No request has the key that the variable names, so the statement matches nothing.",
		Remedy: "Spell it right, or write ${$} for a dollar sign.",
	},
	{
		ID: "variable-not-replaced", Severity: Warning,
		Reason: "Variables are replaced in 2012-10-17 documents, in resources and in values that are compared as text, ARN or boolean; elsewhere they are plain characters.",
		Remedy: "Set Version to 2012-10-17, or write the value itself.",
	},
	{
		ID: "administrator", Severity: Warning, Lint: true,
		Reason: "Everything is allowed. Nothing else that the document says of permissions matters.",
		Remedy: "List what is needed.",
	},
	{
		ID: "public", Severity: Warning, Lint: true,
		Reason: "Everyone, in any account, is allowed.",
		Remedy: "Name the principals, or bind them by aws:PrincipalOrgID, aws:PrincipalAccount or aws:SourceAccount.",
	},
	{
		ID: "allow-by-exclusion", Severity: Warning, Lint: true,
		Reason: "What is not listed is allowed, also what AWS adds tomorrow.",
		Remedy: "List what is allowed, or deny what is listed.",
	},
	{
		ID: "resource-star", Severity: Notice, Lint: true,
		Reason: "The action could be confined to some resources, and is allowed on all.",
		Remedy: "Name the resources, or the pattern that they have in common.",
	},
	{
		ID: "destructive-unconditioned", Severity: Warning, Lint: true,
		Reason: "Whoever holds the identity can destroy any resource of the type: backups, their keys or what they protect.",
		Remedy: "Name the resources, or demand a tag that the identity cannot set.",
	},
	{
		ID: "sharing-unconditioned", Severity: Warning, Lint: true,
		Reason: "Whoever holds the identity can carry off the content of any resource of the type: share, export, read or grant it.",
		Remedy: "Name the resources, demand a tag that the identity cannot set, and name who it may be shared with; grants by kms:GrantIsForAWSResource.",
	},
	{
		ID: "tag-bypass", Severity: Warning, Lint: true,
		Reason: "The statement is confined to resources with a tag, and another lets the same identity put that tag on any resource.",
		Remedy: "Allow tagging only in the call that makes the resource (ec2:CreateAction), or deny the tag by aws:TagKeys.",
	},
	{
		ID: "fail-open-negation", Severity: Warning, Lint: true,
		Reason: "A negated condition, and one with IfExists, holds where the request does not have the key: the permission is given to exactly what was not thought of.",
		Remedy: "Turn it round into a Deny, or demand the key by Null: false.",
	},
	{
		ID: "for-all-values-without-null", Severity: Warning, Lint: true,
		Reason: "ForAllValues holds where the request does not have the key at all.",
		Remedy: "Demand the key by Null: false as well.",
	},
	{
		ID: "deny-evaded", Severity: Warning, Lint: true,
		Reason: "ForAllValues in a Deny binds only requests of which every value fits: who adds a harmless value to a forbidden one is not denied.",
		Remedy: "Use ForAnyValue.",
	},
	{
		ID: "mfa-hole", Severity: Warning, Lint: true,
		Reason: "Long-term credentials send no aws:MultiFactorAuthPresent at all, so that comparing it with false does not tell who lacks the second factor.",
		Remedy: "Allow by Bool: true, or deny by BoolIfExists: false.",
	},
	{
		ID: "pass-role-wide", Severity: Warning, Lint: true,
		Reason: "Whoever may pass any role has the permissions of the strongest one, through a machine, function or stack of his own.",
		Remedy: "List the roles, and bind iam:PassedToService.",
	},
	{
		ID: "pass-role-any-service", Severity: Notice, Lint: true,
		Reason: "The role can be passed to any service that trusts it.",
		Remedy: "Bind iam:PassedToService.",
	},
	{
		ID: "self-change", Severity: Warning, Lint: true,
		Reason: "The identity is not excluded from the roles and policies that it may change, so it can grant itself anything.",
		Remedy: "Confine it to a path that it is not in, or demand a permissions boundary by iam:PermissionsBoundary.",
	},
	{
		ID: "policy-rewrite", Severity: Warning, Lint: true,
		Reason: "Whoever may write the policy of a resource can let himself, or anyone, do all that the resource knows.",
		Remedy: "Leave that to an administrator's role.",
	},
	{
		ID: "privilege-escalation", Severity: Warning, Lint: true,
		Reason: "The actions together lead to permissions that the identity does not have.",
		Remedy: "Take one of them away, or confine it to named resources.",
	},
	{
		ID: "confused-deputy", Severity: Notice, Lint: true,
		Reason: "Another account, or a service, that acts for many may be made to act on this resource for anyone who knows its name.",
		Remedy: "Of an account demand an external id by sts:ExternalId, or its organization by aws:PrincipalOrgID; of a service aws:SourceArn or aws:SourceAccount.",
	},
	{
		ID: "federation-open", Severity: Warning, Lint: true,
		Reason: "An identity provider such as a code host or a pool of users speaks for all its users.",
		Remedy: "Compare the provider's subject and audience keys.",
	},
	{
		ID: "lock-out", Severity: Warning, Lint: true,
		Reason: "Nobody is left who could change this again; AWS Support may be the only way back, or there is none.",
		Remedy: "Leave a role that may change the policy, and exclude it from the Deny.",
	},
	{
		ID: "never-matches", Severity: Warning, Lint: true,
		Reason: "The conditions exclude each other, so the statement has no effect whatever the request.",
		Remedy: "Give each condition a statement of its own, or remove the statement.",
	},
	{
		ID: "denied-anyway", Severity: Notice, Lint: true,
		Reason: "Another statement denies all that this one allows.",
		Remedy: "Remove one of the two.",
	},
}

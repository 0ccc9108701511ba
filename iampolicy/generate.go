package iampolicy

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"
)

// particulars are what one document differs in from others of its kind.
type particulars struct {
	partition    string
	account      string // that the document is for
	vault        string
	regions      []string
	copyFrom     []string // accounts whose snapshots are copied
	shareWith    []string // accounts that snapshots are shared with
	keys         []string // key ARNs that copies read and write
	passRoles    []string // role ARNs
	assume       []string // role ARNs
	orchestrator string   // ARN
	externalID   string
	admins       []string // role ARNs that administer the vault keys
	writer       string   // role ARN
	restorers    []string // role ARNs
	restoreTo    []string // accounts of restorers
	before       time.Time
	run          string
	options
}

// options are the particulars that most documents do without.
type options struct {
	onlyTagged      map[string]string
	documents       []string // ARNs
	images          bool
	attributes      bool
	lock            *LockBounds
	archive         bool
	export          bool
	exporter        string // role ARN
	bucket          string
	manifests       bool
	organization    string
	sourceIdentity  string
	sessionTags     []string
	grantOperations []string
	deployers       []string // ARNs, of any account
	guarded         []string // ARNs of roles, of any account
	guardedUser     string   // ARN
	free            []string // ARNs of the guarded roles that a guard does not hold back
	plan            string
}

// bucketOf notes who uses the bucket of an installation, and for what.
func (o *options) bucketOf(i Installation) {
	o.export, o.bucket, o.manifests = i.Export, i.Bucket, i.Manifests
	o.exporter = roleARN(i.Partition, i.Vault, roleExport)
}

// A clause is a condition to be filled in.
type clause func(particulars) Condition

// write makes one document of the table, and says why each statement is there.
func write(which paper, p particulars) (*Document, map[string]string) {
	doc, reasons := &Document{Version: Version}, map[string]string{}
	for _, row := range calls() {
		if row.papers&which == 0 || (row.only != nil && !row.only(p)) {
			continue
		}
		made := row.statement(p)
		n := slices.IndexFunc(doc.Statements, func(s Statement) bool { return s.Sid == row.sid })
		if n < 0 {
			doc.Statements = append(doc.Statements, made)
			reasons[row.sid] = row.why
			continue
		}
		doc.Statements[n] = doc.Statements[n].merged(made)
		reasons[row.sid] += " " + row.why
	}
	return doc, reasons
}

// merged adds the actions of a statement that is otherwise the same.
func (s Statement) merged(other Statement) Statement {
	actions := listed(slices.Concat(s.Actions.Values, other.Actions.Values)...)
	s.Actions, other.Actions = actions, actions
	if !reflect.DeepEqual(s, other) {
		panic("iampolicy: rows named " + s.Sid + " differ in more than their actions")
	}
	return s
}

func (r engineCall) effect() Effect {
	if r.deny {
		return Deny
	}
	return Allow
}

func (r engineCall) statement(p particulars) Statement {
	s := Statement{Sid: r.sid, Effect: r.effect(), Actions: listed(r.actions...)}
	if r.anyone {
		s.Principal = &Principals{Any: true}
	}
	if r.by != nil {
		s.Principal = &Principals{By: map[string]Strings{"AWS": listed(r.by(p)...)}}
	}
	if r.on != nil {
		s.Resources = listed(r.on(p)...)
	}
	for _, fill := range r.when {
		s.Conditions = append(s.Conditions, fill(p))
	}
	for _, fill := range r.also {
		s.Conditions = append(s.Conditions, fill(p)...)
	}
	slices.SortFunc(s.Conditions, func(a, b Condition) int {
		return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Key, b.Key))
	})
	return s
}

// listed sorts values and drops what is there twice, so that the order of an
// installation's lists never shows.
func listed(values ...string) Strings {
	return Of(slices.Compact(slices.Sorted(slices.Values(values)))...)
}

// Resources of the rows.

func onAll(particulars) []string { return []string{"*"} }

// onSnapshots that exist. Their ARNs, like those of images, name no account.
func onSnapshots(p particulars) []string { return p.unowned("snapshot/snap-*") }

// onNewSnapshots is asked for when a snapshot is made of a volume.
func onNewSnapshots(p particulars) []string { return p.unowned("snapshot/*") }

// onNewCopies is written with a literal asterisk, which is what EC2 asks for
// when a copy is made. A wildcard would match the source too, and let the tags
// of the request stand in for the owner of the source (EBS User Guide,
// "Identity-based policy examples for Amazon EBS": copying snapshots).
func onNewCopies(p particulars) []string { return p.unowned("snapshot/${*}") }

func onNewImages(p particulars) []string { return p.unowned("image/*") }
func onImages(p particulars) []string    { return p.unowned("image/ami-*") }

func onWhatRestoresMake(p particulars) []string {
	return append(p.unowned("image/*", "snapshot/*"), p.owned("instance", "volume")...)
}

func onOwn(kinds ...string) func(particulars) []string {
	return func(p particulars) []string { return p.owned(kinds...) }
}

func (p particulars) unowned(names ...string) []string {
	var all []string
	for _, name := range names {
		all = append(all, "arn:"+p.partition+":ec2:*::"+name)
	}
	return all
}

func (p particulars) owned(kinds ...string) []string {
	var all []string
	for _, kind := range kinds {
		all = append(all, "arn:"+p.partition+":ec2:*:"+p.account+":"+kind+"/*")
	}
	return all
}

func onAccountKeys(p particulars) []string {
	return []string{"arn:" + p.partition + ":kms:*:" + p.account + ":key/*"}
}

func onKeys(p particulars) []string      { return p.keys }
func onPassRoles(p particulars) []string { return p.passRoles }
func onAssumed(p particulars) []string   { return p.assume }

// Principals of the rows.

func byOrchestrator(p particulars) []string { return []string{p.orchestrator} }
func byKeyAdmins(p particulars) []string    { return p.admins }
func byWriter(p particulars) []string       { return []string{p.writer} }
func byRestorers(p particulars) []string    { return p.restorers }

// byRoot delegates to the account's own IAM policies.
func byRoot(p particulars) []string {
	return []string{"arn:" + p.partition + ":iam::" + p.account + ":root"}
}

// When a row is of use.

func ifCopies(p particulars) bool   { return len(p.keys) > 0 }
func ifPasses(p particulars) bool   { return len(p.passRoles) > 0 }
func ifRestores(p particulars) bool { return len(p.restorers) > 0 }

// Conditions of the rows.

// equals compares with values as they are: a variable in them is none.
func equals(key string, values func(particulars) []string) clause {
	return func(p particulars) Condition {
		var verbatim []string
		for _, value := range values(p) {
			verbatim = append(verbatim, strings.ReplaceAll(value, "${", "${$}{"))
		}
		return Condition{Operator: "StringEquals", Key: key, Values: listed(verbatim...)}
	}
}

func has(key string) clause {
	return func(particulars) Condition { return Condition{Operator: "Null", Key: key, Values: Of("false")} }
}

func isTrue(key string) clause {
	return func(particulars) Condition { return Condition{Operator: "Bool", Key: key, Values: Of("true")} }
}

func createdBy(calls ...string) clause {
	return equals("ec2:CreateAction", func(particulars) []string { return calls })
}

// sharedWithOthers holds if one account that a snapshot is to be shared with
// is not a grantee. It is for a Deny: StringEquals in an Allow does not say
// what happens to a call that names several accounts (IAM User Guide,
// "Single-valued vs. multivalued context keys").
func sharedWithOthers(p particulars) Condition {
	return Condition{Operator: "ForAnyValue:StringNotEquals", Key: "ec2:Add/userId", Values: listed(p.shareWith...)}
}

// viaEC2 holds for calls that EC2 makes for the caller, in any Region: the
// source of a copy may be in another (KMS Developer Guide, "kms:ViaService").
func viaEC2(p particulars) Condition {
	return Condition{Operator: "StringLike", Key: "kms:ViaService", Values: Of("ec2.*." + dnsSuffix(p.partition))}
}

func passedToEC2(p particulars) Condition {
	service := []string{"ec2.amazonaws.com"}
	if suffix := dnsSuffix(p.partition); suffix != "amazonaws.com" {
		service = append(service, "ec2."+suffix) // China knows both names
	}
	return Condition{Operator: "StringEquals", Key: "iam:PassedToService", Values: listed(service...)}
}

func dnsSuffix(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func startedBefore(p particulars) Condition {
	// Rounded down: a snapshot of that very second is not yet old enough.
	at := p.before.UTC().Truncate(time.Second).Format(time.RFC3339)
	return Condition{Operator: "DateLessThan", Key: "ec2:SnapshotTime", Values: Of(at)}
}

// Values of the conditions.

func theVault(p particulars) []string        { return []string{p.vault} }
func theAccount(p particulars) []string      { return []string{p.account} }
func theRegions(p particulars) []string      { return p.regions }
func theSources(p particulars) []string      { return p.copyFrom }
func theGrantees(p particulars) []string     { return p.shareWith }
func theExternalID(p particulars) []string   { return []string{p.externalID} }
func theRun(p particulars) []string          { return []string{p.run} }
func theRestorersOwn(p particulars) []string { return p.restoreTo }

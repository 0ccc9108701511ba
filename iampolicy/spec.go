package iampolicy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The tags that generated documents test. Snapshots get them in the call that
// makes them and can get them in no other way: no generated role may tag what
// exists.
const (
	// TagVault marks every snapshot of an installation, originals and copies
	// alike. Its value is the vault's account id.
	TagVault = "snapkeep:vault"
	// TagRun names the run that made a snapshot.
	TagRun = "snapkeep:run"
	// TagPlan names the plan that a snapshot was made for.
	TagPlan = "snapkeep:plan"
	// TagRestore marks everything that a restore makes in the account restored
	// into. Its value names the restore.
	TagRestore = "snapkeep:restore"
)

// An Installation is what the generated documents are made for: one vault
// account, the accounts it protects and the accounts it may restore into. The
// documents name what is listed here and nothing more. Order does not matter.
type Installation struct {
	// Partition of all accounts: "aws", "aws-cn" or "aws-us-gov". Empty means "aws".
	Partition string
	// Vault is the vault's account id.
	Vault string
	// Orchestrator is the ARN of the role or user in the vault account that
	// assumes all generated roles. IAM resolves it to a unique id when a trust
	// policy is stored: if the principal is made anew, the trust policies must
	// be written again (IAM User Guide, "AWS JSON policy elements: Principal").
	Orchestrator string
	// ExternalID that the roles in the vault account demand.
	ExternalID string
	// Regions of the vault that hold copies, at least one.
	Regions []string
	// VaultKeys are the ARNs of the customer keys that copies are written
	// under, at least one in each of Regions.
	VaultKeys []string
	// KeyAdmins are the ARNs of the roles in the vault account that administer
	// VaultKeys, at least one. Nobody else can change the policy of a key; if
	// all of them are lost, only AWS Support can. They are neither the
	// orchestrator nor a generated role.
	KeyAdmins []string
	// Protected accounts. None makes an installation that only restores.
	Protected []Protected
	// Restore lists the accounts that copies may be restored into. None means
	// that copies are shared with nobody, and there is no sharer.
	Restore []RestoreAccount
	// Lock lets the vault writer lock copies. Nil leaves that right out.
	Lock *LockBounds
	// Archive lets the vault pruner move copies to the archive tier, where they
	// are cheap to keep and slow to read, and the sharer bring them back. False
	// leaves these rights out.
	Archive bool
	// Images lets the vault writer register images of the vault's own copies, and
	// the vault pruner deregister them, for plans that ask for them.
	Images bool
	// Export makes a role in the vault that reads the blocks of copies with the
	// EBS direct APIs.
	Export bool
	// Bucket is the name of an S3 bucket in the vault that the export role
	// writes to, and with Manifests the vault writer. Empty means that there is
	// none. It needs Export or Manifests.
	Bucket string
	// Manifests lets the vault writer keep the manifests of recovery points in
	// Bucket, under "manifests/". An export role may read them too.
	Manifests bool
	// Organization is the id of the organization, such as "o-a1b2c3d4e5", that
	// whoever assumes a role must be in. Empty means that it is not asked for.
	Organization string
	// SourceIdentity that sessions must name, which AWS then writes into every
	// line of the audit log, also of sessions assumed from there. It may end in
	// an asterisk for any ending. Empty means that sessions can name none.
	SourceIdentity string
	// SessionTags are the keys of the tags that sessions may carry. None means
	// that sessions can have no tags, which are then of no use in conditions.
	SessionTags []string
	// GrantOperations limits what EC2 may be granted with a key, such as
	// "Decrypt". AWS does not document which operations EC2 asks for, so a list
	// that works today may fail tomorrow. None means that they are not tested:
	// that the grant is EC2's own always is.
	GrantOperations []string
	// Deployers are the names of the roles that the guards let change the
	// generated roles, with their path but without an account, such as
	// "deploy/snapkeep". Nobody but they can change these roles themselves. None
	// means that the guard must be detached before a role can be changed.
	Deployers []string
}

// Protected is an account that is backed up.
type Protected struct {
	// Account id; not the vault's.
	Account string
	// ExternalID that the account's roles demand: chosen by the vault, another
	// for each account.
	ExternalID string
	// Regions that are backed up, at least one.
	Regions []string
	// SourceKeys are the ARNs of the account's customer keys that encrypt its volumes.
	SourceKeys []string
	// RekeyKeys are the ARNs of the account's customer keys under which
	// snapshots are copied that the AWS-managed key `aws/ebs` encrypts, since
	// those cannot be shared. None leaves the right to copy out of the role.
	RekeyKeys []string
	// OnlyTagged are tags, all of which a volume must have to be snapshotted,
	// and an instance too. Of an instance, all volumes that are not left out
	// must have them. None means all volumes and instances of the account.
	OnlyTagged map[string]string
	// Documents are the ARNs of the Systems Manager documents that may be run on
	// instances with OnlyTagged, to bring applications to rest around a snapshot
	// and on again. They need OnlyTagged, and must not be documents that run
	// whatever they are given. None leaves that right out.
	Documents []string
	// Images lets instances be backed up as images. No condition key tells
	// whether the instance is to be rebooted: the call must ask for NoReboot.
	// Package backup makes no such images: it registers them of the copies, for
	// which it needs Installation.Images.
	Images bool
	// Attributes lets the manifests of recovery points hold the user data of
	// instances and what protects them from termination. No condition key tells
	// one attribute from another, so who may read one may read user data, and the
	// secrets that stand in it.
	Attributes bool
	// Lock lets originals be locked. Nil leaves that right out.
	Lock *LockBounds
}

// RestoreAccount is an account that copies may be restored into. It may be a
// protected account, but not the vault.
type RestoreAccount struct {
	// Account id; not the vault's.
	Account string
	// ExternalID that the account's restore role demands.
	ExternalID string
	// Regions that are restored into, at least one.
	Regions []string
	// Keys are the ARNs of the account's customer keys that restored volumes
	// are written under, at least one in each of Regions.
	Keys []string
	// PassRoles are the ARNs of the account's roles that a restored instance
	// may be given. None means that restored instances have no role.
	PassRoles []string
	// Import makes a role that writes snapshots block by block with the EBS
	// direct APIs, under Keys.
	Import bool
}

// A FieldError says what is wrong with one field of an Installation.
type FieldError struct {
	// Field as a path, such as "Protected[1].SourceKeys[0]".
	Field string
	// Problem in words. It never quotes an external id.
	Problem string
}

func (e *FieldError) Error() string { return "iampolicy: " + e.Field + ": " + e.Problem }

// Validate checks the installation without asking AWS. Its error joins one
// *FieldError for each fault.
func (i Installation) Validate() error {
	c := &specCheck{partition: i.partition(), externalIDs: map[string]string{}}
	if !slices.Contains(knownPartitions, c.partition) {
		c.fault("Partition", "%q: want one of %s", i.Partition, strings.Join(knownPartitions, ", "))
	}
	c.account("Vault", i.Vault)
	c.externalID("ExternalID", i.ExternalID, i.Vault)
	c.orchestrator(i)
	c.regions("Regions", i.Regions)
	c.keys("VaultKeys", i.VaultKeys, i.Vault, i.Regions)
	c.keyInEachRegion("VaultKeys", i.VaultKeys, i.Regions)
	c.keyAdmins(i)
	c.options(i)
	c.protected(i)
	c.restore(i)
	return errors.Join(c.faults...)
}

func (i Installation) partition() string { return partitionOr(i.Partition) }

// partitionOr resolves the default partition.
func partitionOr(partition string) string {
	if partition == "" {
		return "aws"
	}
	return partition
}

// knownPartitions are those for which AWS publishes how services are named in
// kms:ViaService and iam:PassedToService.
var knownPartitions = []string{"aws", "aws-cn", "aws-us-gov"}

// The characters allowed here are those that IAM and KMS allow in names, less
// everything that means something in a policy: no wildcards, no variables.
var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	// STS API Reference, AssumeRole: ExternalId, 2 to 1224 of these.
	externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
	regionPattern     = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	// IAM API Reference, CreateRole and CreateUser: a path of at most 512
	// characters and a name of at most 64.
	principalPattern = regexp.MustCompile(`^arn:([a-z-]+):iam::([0-9]{12}):(role|user)/((?:[\w+=,.@-]+/)*)([\w+=,.@-]{1,64})$`)
	keyPattern       = regexp.MustCompile(`^arn:([a-z-]+):kms:([a-z0-9-]+):([0-9]{12}):key/[A-Za-z0-9-]{1,128}$`)
)

// A specCheck gathers the faults of one installation.
type specCheck struct {
	partition   string
	externalIDs map[string]string // external id → account that has it
	faults      []error
}

func (c *specCheck) fault(field, format string, args ...any) {
	c.faults = append(c.faults, &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)})
}

func (c *specCheck) account(field, id string) {
	if !accountPattern.MatchString(id) {
		c.fault(field, "account id %q: want 12 digits", id)
	}
}

// externalID refuses one id for two accounts: whoever learns it from one could
// have the vault act in the other (IAM User Guide, "The confused deputy problem").
func (c *specCheck) externalID(field, id, account string) {
	if id == "" {
		c.fault(field, "is missing")
		return
	}
	if len(id) < 2 || len(id) > 1224 || !externalIDPattern.MatchString(id) {
		c.fault(field, "want 2 to 1224 letters, digits and _+=,.@:/-")
	}
	if other, taken := c.externalIDs[id]; taken && other != account {
		c.fault(field, "is also that of account %s", other)
		return
	}
	c.externalIDs[id] = account
}

func (c *specCheck) regions(field string, regions []string) {
	if len(regions) == 0 {
		c.fault(field, "is empty")
	}
	c.unique(field, regions)
	for n, region := range regions {
		switch at := fmt.Sprintf("%s[%d]", field, n); {
		case !regionPattern.MatchString(region):
			c.fault(at, "%q is not a Region", region)
		case partitionOf(region) != c.partition:
			c.fault(at, "Region %s is not in partition %s", region, c.partition)
		}
	}
}

// partitionOf tells a Region's partition by its prefix, as the regionRegex of
// the SDKs' partitions.json does. Empty means one that is not known here.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "us-iso"), strings.HasPrefix(region, "eu-iso"), strings.HasPrefix(region, "eusc-"):
		return ""
	default:
		return "aws"
	}
}

func (c *specCheck) unique(field string, values []string) {
	for n, value := range values {
		if slices.Contains(values[:n], value) {
			c.fault(fmt.Sprintf("%s[%d]", field, n), "%s is listed twice", value)
		}
	}
}

func (c *specCheck) keys(field string, arns []string, account string, regions []string) {
	c.unique(field, arns)
	for n, arn := range arns {
		at := fmt.Sprintf("%s[%d]", field, n)
		switch parts := keyPattern.FindStringSubmatch(arn); {
		case parts == nil:
			c.fault(at, "%q is not the ARN of a key; aliases and wildcards are not taken", arn)
		case parts[1] != c.partition:
			c.fault(at, "key %s is not in partition %s", arn, c.partition)
		case parts[3] != account:
			c.fault(at, "key %s is not of account %s", arn, account)
		case !slices.Contains(regions, parts[2]):
			c.fault(at, "key %s is in none of the account's Regions", arn)
		}
	}
}

// keyInEachRegion: a Region without a key could hold no copy, since a copy
// always names a customer key.
func (c *specCheck) keyInEachRegion(field string, arns, regions []string) {
	for _, region := range regions {
		if !slices.ContainsFunc(arns, func(arn string) bool { return strings.Contains(arn, ":kms:"+region+":") }) {
			c.fault(field, "has no key in %s", region)
		}
	}
}

// principal checks the ARN of a role or user and returns its kind and name.
func (c *specCheck) principal(field, arn, account string) (kind, name string) {
	switch parts := principalPattern.FindStringSubmatch(arn); {
	case arn == "":
		c.fault(field, "is missing")
	case parts == nil || len(parts[4]) > 511:
		c.fault(field, "%q is not the ARN of a role or user; wildcards are not taken", arn)
	case parts[1] != c.partition:
		c.fault(field, "%s is not in partition %s", arn, c.partition)
	case parts[2] != account:
		c.fault(field, "%s is not in account %s", arn, account)
	default:
		return parts[3], parts[5]
	}
	return "", ""
}

func (c *specCheck) orchestrator(i Installation) {
	_, name := c.principal("Orchestrator", i.Orchestrator, i.Vault)
	c.notGenerated("Orchestrator", name)
}

// keyAdmins keeps the powers apart: who copies must not be able to open the
// key policy, nor must the principal that can become whoever copies.
func (c *specCheck) keyAdmins(i Installation) {
	if len(i.KeyAdmins) == 0 {
		c.fault("KeyAdmins", "is empty; nobody could ever change the vault keys' policy")
	}
	c.unique("KeyAdmins", i.KeyAdmins)
	for n, arn := range i.KeyAdmins {
		field := fmt.Sprintf("KeyAdmins[%d]", n)
		kind, name := c.principal(field, arn, i.Vault)
		c.notGenerated(field, name)
		if kind == "user" {
			c.fault(field, "%s is a user; want a role", arn)
		}
		if arn == i.Orchestrator {
			c.fault(field, "is the orchestrator")
		}
	}
}

func (c *specCheck) protected(i Installation) {
	var seen []string
	for n, p := range i.Protected {
		at := fmt.Sprintf("Protected[%d].", n)
		c.member(at, p.Account, i.Vault, seen)
		seen = append(seen, p.Account)
		c.externalID(at+"ExternalID", p.ExternalID, p.Account)
		c.regions(at+"Regions", p.Regions)
		c.keys(at+"SourceKeys", p.SourceKeys, p.Account, p.Regions)
		c.keys(at+"RekeyKeys", p.RekeyKeys, p.Account, p.Regions)
		c.tags(at+"OnlyTagged", p.OnlyTagged)
		c.documents(at, p)
		c.lock(at+"Lock", p.Lock)
	}
}

// member checks an account of a list. The vault is in no list: what runs or
// can be changed beside the copies endangers them.
func (c *specCheck) member(at, account, vault string, seen []string) {
	c.account(at+"Account", account)
	if account == vault {
		c.fault(at+"Account", "is the vault")
	}
	if slices.Contains(seen, account) {
		c.fault(at+"Account", "%s is listed twice", account)
	}
}

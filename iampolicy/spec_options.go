package iampolicy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// LockBounds are the durations, in days, that a snapshot may be locked for.
// EC2 takes from 1 to 36,500 days (EC2 API Reference, LockSnapshot).
type LockBounds struct {
	// Min keeps the role from locking for no time worth the name.
	Min int
	// Max keeps whoever takes the role over from locking for a hundred years,
	// which nobody could take back or stop paying for. To lock until a date
	// instead has no key for conditions, so that is refused.
	Max int
}

var (
	// Organizations API Reference, Organization: Id.
	organizationPattern = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
	// STS API Reference, AssumeRole: SourceIdentity, 2 to 64 of these.
	identityPattern = regexp.MustCompile(`^[\w+=,.@-]{1,64}\*?$`)
	// IAM API Reference, Tag: the characters of keys and values, less those
	// that mean something in a policy.
	tagKeyPattern   = regexp.MustCompile(`^[\p{L}\p{N} _.:/=+@-]{1,128}$`)
	tagValuePattern = regexp.MustCompile(`^[\p{L}\p{N} _.:/=+@-]{0,256}$`)
	// S3 User Guide, "Bucket naming rules".
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	deployerName  = regexp.MustCompile(`^(?:[\w+=,.@-]+/)*[\w+=,.@-]{1,64}$`)
	// Systems Manager API Reference, CreateDocument: Name. AWS's own documents
	// are of no account.
	documentPattern = regexp.MustCompile(`^arn:([a-z-]+):ssm:([a-z0-9-]+):([0-9]{12})?:document/([\w.-]{3,128})$`)
)

// grantOperations are those of a grant for a symmetric key (KMS API Reference,
// CreateGrant).
var grantOperations = []string{
	"CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "RetireGrant",
}

// anyScript are AWS's documents that run whatever they are given.
var anyScript = []string{
	"AWS-ApplyAnsiblePlaybooks", "AWS-InstallPowerShellModule", "AWS-RunAnsiblePlaybook", "AWS-RunDocument",
	"AWS-RunPowerShellScript", "AWS-RunRemoteScript", "AWS-RunShellScript",
}

// options checks what an installation can do without.
func (c *specCheck) options(i Installation) {
	c.lock("Lock", i.Lock)
	if i.Bucket != "" && !bucketPattern.MatchString(i.Bucket) {
		c.fault("Bucket", "%q is not the name of a bucket", i.Bucket)
	}
	if i.Bucket != "" && !i.Export && !i.Manifests {
		c.fault("Bucket", "is of no use without Export or Manifests")
	}
	if i.Manifests && i.Bucket == "" {
		c.fault("Manifests", "need a Bucket")
	}
	if i.Organization != "" && !organizationPattern.MatchString(i.Organization) {
		c.fault("Organization", "%q is not the id of an organization", i.Organization)
	}
	if id := i.SourceIdentity; id != "" && (!identityPattern.MatchString(id) || len(id) < 2) {
		c.fault("SourceIdentity", "want 2 to 64 letters, digits and _+=,.@-, the last of which may be an asterisk")
	}
	c.unique("SessionTags", i.SessionTags)
	for n, key := range i.SessionTags {
		if !tagKeyPattern.MatchString(key) {
			c.fault(fmt.Sprintf("SessionTags[%d]", n), "%q is not the key of a tag", key)
		}
	}
	c.unique("GrantOperations", i.GrantOperations)
	for n, op := range i.GrantOperations {
		if !slices.Contains(grantOperations, op) {
			c.fault(fmt.Sprintf("GrantOperations[%d]", n), "%q: want some of %s", op, strings.Join(grantOperations, ", "))
		}
	}
	c.unique("Deployers", i.Deployers)
	for n, name := range i.Deployers {
		field := fmt.Sprintf("Deployers[%d]", n)
		if !deployerName.MatchString(name) {
			c.fault(field, "%q is not the name of a role; wildcards are not taken, since whoever can make a role could make one that matches", name)
		}
		c.notGenerated(field, name)
	}
}

// notGenerated refuses a generated role where one of the host's own is meant.
func (c *specCheck) notGenerated(field, name string) {
	if slices.Contains(roleNames, name) {
		c.fault(field, "%s is the name of a generated role", name)
	}
}

func (c *specCheck) lock(field string, l *LockBounds) {
	switch {
	case l == nil:
	case l.Min < 1 || l.Max > 36_500:
		c.fault(field, "want from 1 to 36500 days")
	case l.Min > l.Max:
		c.fault(field, "Min of %d days is more than Max of %d", l.Min, l.Max)
	}
}

func (c *specCheck) tags(field string, tags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		switch {
		case !tagKeyPattern.MatchString(key):
			c.fault(field, "%q is not the key of a tag", key)
		case !tagValuePattern.MatchString(tags[key]):
			c.fault(field, "the value of %s is not that of a tag; wildcards are not taken", key)
		}
	}
}

func (c *specCheck) documents(at string, p Protected) {
	if len(p.Documents) > 0 && len(p.OnlyTagged) == 0 {
		c.fault(at+"Documents", "need OnlyTagged, or they could be run on every instance")
	}
	c.unique(at+"Documents", p.Documents)
	for n, arn := range p.Documents {
		field := fmt.Sprintf("%sDocuments[%d]", at, n)
		switch parts := documentPattern.FindStringSubmatch(arn); {
		case parts == nil:
			c.fault(field, "%q is not the ARN of a document; wildcards are not taken", arn)
		case parts[1] != c.partition:
			c.fault(field, "%s is not in partition %s", arn, c.partition)
		case !slices.Contains(p.Regions, parts[2]):
			c.fault(field, "%s is in none of the account's Regions", arn)
		case parts[3] != "" && parts[3] != p.Account:
			c.fault(field, "%s is neither AWS's nor of account %s", arn, p.Account)
		case slices.Contains(anyScript, parts[4]):
			c.fault(field, "%s runs whatever it is given", arn)
		}
	}
}

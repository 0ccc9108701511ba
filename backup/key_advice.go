package backup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/accounts"
)

// inaccessible says whether EC2 says of a snapshot that it may not use a key. A
// key that does not exist, is disabled or is forbidden to the caller, whether it
// is that of the source or of the copy: one message has to do for all (EBS User
// Guide, "Copy an Amazon EBS snapshot": "Given key ID is not accessible").
func inaccessible(s Snapshot) bool {
	text := strings.ToLower(s.StateMessage)
	return strings.Contains(text, "key") && strings.Contains(text, "not accessible")
}

// whyCopyFailed returns what AWS says of a copy, introduced; and if it is that
// a key is out of reach, which of the two it may be, what is ruled out, and
// what is to be looked at.
func (j *Job) whyCopyFailed(member, copy int, s Snapshot) string {
	said := saying(s)
	if !inaccessible(s) {
		return said
	}
	c, m := j.Copies[copy], j.Resource.Members[member]
	a := keyAdvice{
		who: accounts.VaultWriter, at: c.Site.Account, source: m.KMSKey, sourcePart: SourceKey,
		managed: m.ManagedKey, target: c.KMSKey, part: DestinationKey,
	}
	if m.ManagedKey && c.Site.Account != j.Resource.Site.Account {
		a.source, a.sourcePart, a.managed = j.RekeyKey, RekeyKey, false
	}
	a.seen, a.refused, a.hidden = c.KeySeen, c.KeyRefused, slices.Contains(c.HiddenKeys, a.source)
	a.proven = slices.ContainsFunc(c.Snapshots, func(t Trace) bool { return t.Completed })
	return said + a.String()
}

// whyRekeyFailed is whyCopyFailed for the copy of a member under the rekey key.
func (j *Job) whyRekeyFailed(member int, s Snapshot) string {
	said := saying(s)
	if !inaccessible(s) {
		return said
	}
	a := keyAdvice{
		who: accounts.Backup, at: j.Resource.Site.Account, source: j.Resource.Members[member].KMSKey, managed: true,
		sourcePart: SourceKey, target: j.RekeyKey, part: RekeyKey,
	}
	a.proven = slices.ContainsFunc(j.Rekeyed, func(t Trace) bool { return t.Completed })
	return said + a.String()
}

// A keyAdvice is what can be said of a copy that failed for the sake of a key.
type keyAdvice struct {
	who        accounts.Purpose // whose role copied
	at         accounts.ID      // in which account
	source     string           // key of what is copied; empty if it is not encrypted or the key is not known
	sourcePart KeyPart          // that source plays
	managed    bool             // source is `aws/ebs`, which lets in everybody in its account
	target     string           // key of the copy
	part       KeyPart          // that target plays
	// seen says that KMS told the role that target can be used, refused that it
	// would not describe it, and proven that another copy under it has succeeded.
	seen, refused, proven bool
	// hidden says that KMS would not describe source to the role.
	hidden bool
}

// String says which keys are left to be looked at, why the others are not, and
// what the policies must allow.
func (a keyAdvice) String() string {
	source, target := named(a.sourcePart, a.source), named(a.part, a.target)
	suspect := a.source != "" && !a.managed
	switch {
	case a.proven && suspect:
		return fmt.Sprintf("; another copy under the %s succeeded, so it is the source's: %s", target, a.letIn("the key policy of the "+source))
	case a.hidden:
		return fmt.Sprintf("; KMS would not even describe the %s, so begin there: %s", source, a.letIn("its key policy"))
	case a.refused:
		return fmt.Sprintf("; KMS would not even describe the %s, so begin there: %s", target, a.letIn("its key policy"))
	case a.seen && suspect:
		return fmt.Sprintf("; KMS described the %s and had nothing against it, so begin with the source's: %s", target, a.letIn("the key policy of the "+source))
	case suspect:
		return "; " + a.letIn("the key policies of the "+source+" and of the "+target) + ", and whether both keys are enabled"
	case a.managed:
		return "; the source's key is aws/ebs, which lets its whole account in, so it is the other: " + a.letIn("the key policy of the "+target)
	}
	return "; the source is not encrypted as far as is known, so it is the copy's: " + a.letIn("the key policy of the "+target)
}

// letIn says what papers must allow.
func (a keyAdvice) letIn(papers string) string {
	return fmt.Sprintf("look whether %s and the policy of the %s role of account %s allow that role kms:DescribeKey, "+
		"and through EC2 kms:CreateGrant for AWS resources, kms:Decrypt, kms:GenerateDataKey, "+
		"kms:GenerateDataKeyWithoutPlaintext, kms:ReEncryptFrom and kms:ReEncryptTo", papers, a.who, a.at)
}

func named(part KeyPart, key string) string {
	return fmt.Sprintf("%s %s of account %s", part, key, ownerOfKey(key))
}

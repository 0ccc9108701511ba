package ec2sim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A keyUse is one action that EC2 performs on a key for its caller.
type keyUse struct {
	action string
	direct bool // sent without kms:ViaService
	grant  bool // has kms:GrantIsForAWSResource
	crypto bool // has an encryption context and algorithm
}

// copyUses is what CopySnapshot demands on the key of the source and on the
// key of the copy alike.
// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot" and "Share the
// KMS key used to encrypt a shared Amazon EBS snapshot": kms:DescribeKey,
// kms:CreateGrant, kms:GenerateDataKey, kms:GenerateDataKeyWithoutPlaintext,
// kms:ReEncrypt*, kms:Decrypt.
var copyUses = []keyUse{
	{action: "DescribeKey", direct: true},
	{action: "CreateGrant", grant: true},
	{action: "GenerateDataKey", crypto: true},
	{action: "GenerateDataKeyWithoutPlaintext", crypto: true},
	{action: "ReEncryptFrom", crypto: true},
	{action: "ReEncryptTo", crypto: true},
	{action: "Decrypt", crypto: true},
}

// volumeUses is what making an encrypted volume demands, by CreateVolume or
// RunInstances, on the key of the snapshot and on the key of the volume.
// Source: Amazon EBS User Guide, "Requirements for Amazon EBS encryption",
// permissions for users.
var volumeUses = []keyUse{
	{action: "DescribeKey", direct: true},
	{action: "CreateGrant", grant: true},
	{action: "GenerateDataKeyWithoutPlaintext", crypto: true},
	{action: "ReEncryptFrom", crypto: true},
	{action: "ReEncryptTo", crypto: true},
	{action: "Decrypt", crypto: true},
}

// attachUses is what attaching an encrypted volume demands, be it with
// AttachVolume or by starting the instance it is attached to.
// Source: Amazon EBS User Guide, "How Amazon EBS encryption works": "When you
// attach the encrypted volume to an instance, Amazon EC2 sends a CreateGrant
// request to AWS KMS so that it can decrypt the data key."
var attachUses = []keyUse{{action: "CreateGrant", grant: true}}

// A keyed is a key in the part it plays: the resource that it encrypts has a
// name in its encryption context.
type keyed struct {
	key kmssim.ARN
	id  string // value of aws:ebs:id
	// same says that data is encrypted again under the key it had.
	same bool
}

// A keyFault says why a key cannot be used.
type keyFault int

const (
	keyWorks     keyFault = iota
	keyState              // it does not exist, is disabled or pending deletion
	keyForbidden          // the caller may not do something with it
)

// tryKey tells whether EC2 can use a key for the caller now.
//
// Creating snapshots demands nothing of a key: no public documentation lists
// any. The keys that AWS manages let in whoever comes through EC2, so
// DescribeKey, which does not come through it, is not demanded there.
func (s *Service) tryKey(c *core.Call, uses []keyUse, k keyed) keyFault {
	if !s.kms.Usable(k.key) {
		return keyState
	}
	for _, use := range uses {
		if use.direct && s.kms.Managed(k.key) {
			continue
		}
		if !s.kms.Permits(c, kmssim.Use{Key: k.key, Action: use.action, Keys: use.keys(k)}) {
			return keyForbidden
		}
	}
	return keyWorks
}

// tryKeys is tryKey for the keys of a source and a destination, either of
// which may have none.
func (s *Service) tryKeys(c *core.Call, uses []keyUse, keys ...keyed) keyFault {
	for _, k := range keys {
		if k.key == "" {
			continue
		}
		if fault := s.tryKey(c, uses, k); fault != keyWorks {
			return fault
		}
	}
	return keyWorks
}

// keys of the request that EC2 sends to KMS.
// Source: AWS KMS Developer Guide, "AWS KMS condition keys" and "How Amazon
// EBS uses AWS KMS" (encryption context). Which operations the grants of a
// copy are for is not documented; attaching a volume asks for Decrypt
// (AWS KMS Developer Guide, "Logging AWS KMS API calls", Amazon EC2 examples).
func (u keyUse) keys(k keyed) map[string][]string {
	// A key is used in its own Region: what a copy does with the source's key
	// it does through EC2 there, which is what the presigned URL is for.
	region := k.key.Region()
	if u.direct {
		return core.Keys("aws:RequestedRegion", region)
	}
	keys := kmssim.EncryptionContext(map[string]string{"aws:ebs:id": k.id})
	keys["aws:RequestedRegion"] = []string{region}
	keys["kms:ViaService"] = []string{core.ViaService("ec2", region)}
	if u.grant {
		keys["kms:GrantIsForAWSResource"] = []string{"true"}
		keys["kms:GrantOperations"] = []string{"Decrypt"}
	}
	if u.crypto {
		keys["kms:EncryptionAlgorithm"] = []string{"SYMMETRIC_DEFAULT"}
	}
	if u.action == "ReEncryptFrom" || u.action == "ReEncryptTo" {
		keys["kms:ReEncryptOnSameKey"] = []string{flag(k.same)}
	}
	return keys
}

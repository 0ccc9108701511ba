package record

import (
	"cmp"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// prefixes of ids by kind of EC2 resource.
var prefixes = map[string]string{
	"snapshot": "snap-", "volume": "vol-", "instance": "i-", "image": "ami-", "subnet": "subnet-", "security-group": "sg-",
}

// copies are actions that read one resource of a kind and make another.
var copies = map[string]string{"ec2:CopySnapshot": "snapshot", "ec2:CopyImage": "image"}

// touches are kinds of resources that an action is asked for though neither
// named nor required (Service Authorization Reference, the scenarios of
// RunInstances: EC2-VPC-EBS-Subnet).
var touches = map[string][]string{
	"ec2:RunInstances": {"image", "instance", "network-interface", "security-group", "subnet", "volume"},
}

// renamed are operations of S3 whose action has another name (Amazon S3 User
// Guide, "Required permissions for Amazon S3 API operations").
var renamed = map[string]string{
	"s3:HeadObject": "GetObject", "s3:ListObjects": "ListBucket", "s3:ListObjectsV2": "ListBucket", "s3:HeadBucket": "ListBucket",
	"s3:ListObjectVersions": "ListBucketVersions", "s3:ListMultipartUploads": "ListBucketMultipartUploads",
	"s3:ListParts": "ListMultipartUploadParts", "s3:CreateMultipartUpload": "PutObject", "s3:UploadPart": "PutObject",
	"s3:CompleteMultipartUpload": "PutObject", "s3:CopyObject": "PutObject", "s3:DeleteObjects": "DeleteObject",
	"s3:ListBuckets": "ListAllMyBuckets", "s3:GetBucketEncryption": "GetEncryptionConfiguration",
	"s3:PutBucketEncryption":             "PutEncryptionConfiguration",
	"s3:GetObjectLockConfiguration":      "GetBucketObjectLockConfiguration",
	"s3:PutObjectLockConfiguration":      "PutBucketObjectLockConfiguration",
	"s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
	"s3:PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
}

// useKey is what EC2 does with keys for its caller, beside kms:CreateGrant,
// whether it reads or writes (EBS User Guide, "Copy an Amazon EBS snapshot" and
// "Share the KMS key used to encrypt a shared Amazon EBS snapshot").
var useKey = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

func condition(operator, key string, values ...string) iampolicy.Condition {
	return iampolicy.Condition{Operator: operator, Key: key, Values: iampolicy.Of(values...)}
}

// besides returns what AWS asks for beside the operation's own action.
func (c *Call) besides(because string, opts Options) (all []Need) {
	add := func(action, resource, why string, when ...iampolicy.Condition) {
		all = append(all, Need{Action: action, Resource: resource, Conditions: when, Because: because + ": " + why, Known: true})
	}
	role := "arn:" + opts.Partition + ":iam::" + opts.Account + ":role/*"
	if c.Service == "ec2" {
		for _, kind := range c.Tagged {
			add("ec2:CreateTags", c.tagged(kind, opts), "it tags what it makes", condition("StringEquals", "ec2:CreateAction", c.Operation))
		}
		if slices.Contains(c.Features, PassesProfile) {
			add("iam:PassRole", role, "the instance gets the role of its profile", condition("StringEquals", "iam:PassedToService", "ec2.amazonaws.com"))
		}
		if slices.Contains(c.Features, Encrypts) {
			all = append(all, c.keyNeeds(because, opts)...)
		}
	}
	if c.Service == "sts" && strings.HasPrefix(c.Operation, "AssumeRole") {
		for _, target := range c.Resources {
			if slices.Contains(c.Features, TagsSession) {
				add("sts:TagSession", target, "the session has tags")
			}
			if slices.Contains(c.Features, SetsSource) {
				add("sts:SetSourceIdentity", target, "the session has a source identity")
			}
		}
	}
	return all
}

// tagged returns what a call tags as it makes it.
func (c *Call) tagged(kind string, opts Options) string {
	action, _ := iampolicy.LookupAction("ec2:CreateTags")
	for _, r := range action.Resources {
		if r.Name == kind {
			return c.arn(r, "*", opts)
		}
	}
	return "*"
}

// keyNeeds returns what EC2 does with keys for its caller: writes under the one
// that the call names, and reads under that of what it copies.
func (c *Call) keyNeeds(because string, opts Options) (all []Need) {
	regions := set([]string{c.Region, cmp.Or(c.SourceRegion, c.Region)})
	suffix := ".amazonaws.com"
	if opts.Partition == "aws-cn" {
		suffix += ".cn"
	}
	var services []string
	for _, region := range regions {
		services = append(services, "ec2."+region+suffix)
	}
	via := condition("StringEquals", "kms:ViaService", services...)
	add := func(keys []string, why string) {
		for _, key := range keys {
			for _, action := range useKey {
				n := Need{Action: action, Resource: key, Because: because + ": " + why, Known: true}
				if action != "kms:DescribeKey" { // EC2 asks for it as the caller too, not only for it
					n.Conditions = []iampolicy.Condition{via}
				}
				all = append(all, n)
			}
			all = append(all, Need{
				Action: "kms:CreateGrant", Resource: key, Because: because + ": EC2 works on after the call, by a grant", Known: true,
				Conditions: []iampolicy.Condition{condition("Bool", "kms:GrantIsForAWSResource", "true"), via},
			})
		}
	}
	var written []string
	for _, id := range c.Resources {
		switch fields := strings.SplitN(id, ":", 6); {
		case len(fields) == 6 && fields[2] == "kms" && strings.HasPrefix(fields[5], "key/"):
			written = append(written, id)
		case keyID(id):
			written = append(written, "arn:"+opts.Partition+":kms:"+c.Region+":"+opts.Account+":key/"+id)
		}
	}
	if len(written) == 0 { // an alias, or the account's default key
		written = []string{"arn:" + opts.Partition + ":kms:" + cmp.Or(c.Region, "*") + ":" + opts.Account + ":key/*"}
	}
	add(written, "EC2 writes under the key")
	read := opts.SourceKeys
	if len(read) == 0 {
		read = []string{"arn:" + opts.Partition + ":kms:" + cmp.Or(c.SourceRegion, c.Region, "*") + ":*:key/*"}
	}
	add(read, "EC2 reads what may lie under another key")
	return all
}

// keyID says whether an id is that of a KMS key.
func keyID(id string) bool {
	return strings.HasPrefix(id, "mrk-") || len(id) == 36 && strings.Count(id, "-") == 4
}

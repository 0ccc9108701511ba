package s3sim

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// sealed is how an object is encrypted.
type sealed struct {
	algorithm types.ServerSideEncryption
	key       kmssim.ARN // empty: a key of S3
	perBucket bool       // data keys are for the bucket, not for each object
}

// A request for encryption.
type encryption struct {
	algorithm types.ServerSideEncryption
	key       *string
	perBucket *bool
}

// resolve finds the key that a request names. Without any request S3 encrypts
// with keys of its own.
// Source: Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys".
func (s *Service) resolve(c *core.Call, e encryption) (sealed, error) {
	switch e.algorithm {
	case "", types.ServerSideEncryptionAes256:
		if e.key != nil {
			return sealed{}, badRequest("InvalidArgument", "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
		return sealed{algorithm: types.ServerSideEncryptionAes256}, nil
	case types.ServerSideEncryptionAwsKms:
	default:
		return sealed{}, c.Unsupported("ServerSideEncryption " + string(e.algorithm))
	}
	if e.key == nil {
		return sealed{}, c.Unsupported("the key that AWS manages for S3")
	}
	key, ok := s.kms.Resolve(site(c), *e.key)
	if !ok {
		return sealed{}, badRequest("KMS.NotFoundException", "Key '"+*e.key+"' does not exist")
	}
	return sealed{algorithm: e.algorithm, key: key, perBucket: aws.ToBool(e.perBucket)}, nil
}

func site(c *core.Call) kmssim.Site { return kmssim.Site{Account: c.Account.ID, Region: c.Region} }

// useKey demands actions on the key of an object for the caller, as S3 performs
// them on its behalf.
// Source: Amazon S3 User Guide, "Using server-side encryption with AWS KMS
// keys", encryption context; AWS KMS Developer Guide, "kms:ViaService".
func (s *Service) useKey(c *core.Call, b *bucket, v *version, actions ...string) error {
	if v.sealed.key == "" {
		return nil
	}
	resource := b.arn(v.key)
	if v.sealed.perBucket {
		resource = b.arn("")
	}
	keys := kmssim.EncryptionContext(map[string]string{"aws:s3:arn": resource})
	keys["kms:ViaService"] = []string{core.ViaService("s3", c.Region)}
	keys["kms:EncryptionAlgorithm"] = []string{"SYMMETRIC_DEFAULT"}
	for _, action := range actions {
		if !s.kms.Permits(c, kmssim.Use{Key: v.sealed.key, Action: action, Keys: keys}) {
			return fail(http.StatusForbidden, "AccessDenied", "User: "+c.Caller.ARN+" is not authorized to perform: kms:"+action+
				" on the resource associated with this ciphertext because no policy allows the kms:"+action+" action")
		}
	}
	if !s.kms.Usable(v.sealed.key) {
		return badRequest("KMS.DisabledException", string(v.sealed.key)+" is disabled.")
	}
	return nil
}

// keyOf is the key of an object as answers tell it.
func (e sealed) keyOf() *string {
	if e.key == "" {
		return nil
	}
	return aws.String(string(e.key))
}

func (e sealed) bucketKey() *bool {
	if !e.perBucket {
		return nil
	}
	return aws.Bool(true)
}

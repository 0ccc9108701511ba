package s3sim

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// checksums of an object by one algorithm.
type checksums struct {
	algorithm types.ChecksumAlgorithm
	value     string // base64, with the number of parts after a hyphen if it is one of parts
	kind      types.ChecksumType
}

func sumOf(a types.ChecksumAlgorithm, data []byte) string {
	h := wire.NewHash(string(a))
	h.Write(data) // a hash never fails
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// claims are the checksums that a request brings.
type claims struct {
	crc32, crc32c, crc64nvme, sha1, sha256, md5 *string
}

func (l claims) list() map[types.ChecksumAlgorithm]*string {
	return map[types.ChecksumAlgorithm]*string{
		types.ChecksumAlgorithmCrc32: l.crc32, types.ChecksumAlgorithmCrc32c: l.crc32c, types.ChecksumAlgorithmCrc64nvme: l.crc64nvme,
		types.ChecksumAlgorithmSha1: l.sha1, types.ChecksumAlgorithmSha256: l.sha256,
	}
}

// kept returns the checksum to keep of contents: the claimed one, or
// CRC-64/NVME if there is none.
// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
func (l claims) kept(data []byte) (checksums, error) {
	kept := checksums{kind: types.ChecksumTypeFullObject}
	for a, value := range l.list() {
		if value == nil {
			continue
		}
		if kept.algorithm != "" {
			return checksums{}, badRequest("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		kept.algorithm, kept.value = a, *value // the protocol has verified it
	}
	if kept.algorithm == "" {
		kept.algorithm = types.ChecksumAlgorithmCrc64nvme
		kept.value = sumOf(kept.algorithm, data)
	}
	return kept, nil
}

// any tells whether the request brings a checksum at all.
func (l claims) any() bool {
	for _, value := range l.list() {
		if value != nil {
			return true
		}
	}
	return l.md5 != nil
}

// as returns the checksum if it is by the algorithm.
func (s checksums) as(a types.ChecksumAlgorithm) *string {
	if s.algorithm != a || s.value == "" {
		return nil
	}
	value := s.value
	return &value
}

// equalETags compares ETags as clients write them, with quotes or without.
func equalETags(a, b string) bool { return strings.Trim(a, `"`) == strings.Trim(b, `"`) }

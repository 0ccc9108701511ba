package wire

import (
	"crypto/md5"  //nolint:gosec // what S3 checks
	"crypto/sha1" //nolint:gosec // what S3 checks
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// ErrDigest says that a body is not what a checksum beside it says.
var ErrDigest = errors.New("wire: the body does not match its checksum")

// nvme is the polynomial of CRC-64/NVME, in the order of bits of hash/crc64.
// Source: NVM Express, NVM Command Set Specification, "64b CRC".
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// NewHash returns the hash that S3 calls by a name such as CRC32C, in letters
// of any case; nil if there is none.
// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
func NewHash(name string) hash.Hash {
	switch strings.ToUpper(name) {
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC32C":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "CRC64NVME":
		return crc64.New(nvme)
	case "MD5":
		return md5.New() //nolint:gosec // what S3 checks
	case "SHA1":
		return sha1.New() //nolint:gosec // what S3 checks
	case "SHA256":
		return sha256.New()
	}
	return nil
}

// checkDigests holds a body against the checksums among the headers.
func checkDigests(header http.Header, body []byte) error {
	const prefix = "X-Amz-Checksum-"
	for name, values := range header {
		algorithm, ok := strings.CutPrefix(http.CanonicalHeaderKey(name), prefix)
		if http.CanonicalHeaderKey(name) == "Content-Md5" {
			algorithm, ok = "MD5", true
		}
		h := NewHash(algorithm)
		if !ok || h == nil {
			continue
		}
		h.Write(body) // a hash never fails
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != values[0] {
			return fmt.Errorf("%w: %s", ErrDigest, strings.ToUpper(algorithm))
		}
	}
	return nil
}

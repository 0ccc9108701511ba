package ebssim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// A token is sealed with a secret of the service, so nothing is kept of those
// that were given out: 3 bytes that all have in common, when it expires, the
// listing that it is of, a block index, and the seal.
const (
	tokenHead = 3
	tokenBody = tokenHead + 8 + 8 + 8
	tokenSize = tokenBody + 16
)

// A seal binds tokens to what they are for: a snapshot, or the question that a
// page belongs to.
type seal [sha256.Size]byte

func (s *Service) seal(parts ...string) seal {
	text := binary.BigEndian.AppendUint64(nil, s.secret)
	for _, p := range parts {
		text = binary.BigEndian.AppendUint32(text, uint32(len(p)))
		text = append(text, p...)
	}
	return sha256.Sum256(text)
}

// token makes one. listing differs from listing to listing, so that no two
// give the same tokens.
// Source: Amazon EBS User Guide, "EBS direct APIs concepts": block tokens
// change with every call.
func (k *seal) token(index int64, listing uint64, expires time.Time) string {
	raw := [tokenSize]byte{tokenHead - 1: 1}
	for i, part := range []uint64{uint64(expires.Unix()), listing, uint64(index)} {
		binary.BigEndian.PutUint64(raw[tokenHead+8*i:], part)
	}
	sum := k.sum(raw[:tokenBody])
	copy(raw[tokenBody:], sum[:tokenSize-tokenBody])
	return base64.StdEncoding.EncodeToString(raw[:])
}

func (k *seal) sum(body []byte) [sha256.Size]byte {
	var text [sha256.Size + tokenBody]byte
	copy(text[:], k[:])
	copy(text[sha256.Size:], body)
	return sha256.Sum256(text[:])
}

// open reads a token. ok is false unless it was made with this seal and is
// still good.
func (k *seal) open(token string, now time.Time) (index int64, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tokenSize {
		return 0, false
	}
	sum := k.sum(raw[:tokenBody])
	if subtle.ConstantTimeCompare(sum[:tokenSize-tokenBody], raw[tokenBody:]) == 0 {
		return 0, false
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(raw[tokenHead:])), 0)
	return int64(binary.BigEndian.Uint64(raw[tokenBody-8:])), now.Before(expires)
}

// blockSeal is that of the block tokens of a snapshot.
func (s *Service) blockSeal(sn ec2sim.Direct) seal { return s.seal("block", sn.Ref().ID) }

// checkBlockToken returns an error unless a token is for this block.
func (s *Service) checkBlockToken(c *core.Call, sn ec2sim.Direct, index int64, token *string) error {
	if token == nil {
		return missing("BlockToken")
	}
	k := s.blockSeal(sn)
	if of, ok := k.open(*token, c.Now); !ok || of != index {
		return invalid(types.ValidationExceptionReasonInvalidBlockToken, "The block token is not valid or has expired.")
	}
	return nil
}

package ec2sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// A Fill says what FillVolume writes.
type Fill struct {
	// Seed decides what the blocks hold and, for a share below 1, which they are.
	Seed uint64
	// Share of the blocks that are written, from above 0 to 1. Zero means all.
	Share float64
	// Spans to write; they may overlap. None means the whole volume.
	Spans []Span
}

// FillVolume writes many blocks of a volume, however large, at the cost of
// none: they are worked out when somebody looks at them. Equal seeds give
// equal bytes in equal places.
func (s *Service) FillVolume(ref Ref, f Fill) error {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	v, err := s.refVolume(ref)
	if err != nil {
		return err
	}
	if f.Share == 0 {
		f.Share = 1
	}
	share, err := shareOf(f.Share)
	if err != nil {
		return fmt.Errorf("ec2sim: fill %s: %w", ref, err)
	}
	blocks := int64(v.size) * blocksPerGiB
	if len(f.Spans) == 0 {
		f.Spans = []Span{{Count: blocks}}
	}
	for _, span := range f.Spans {
		if span.First < 0 || span.Count < 1 || span.Count > blocks-span.First {
			return fmt.Errorf("ec2sim: fill %d blocks from %d of %s, which has %d GiB: out of range", span.Count, span.First, ref, v.size)
		}
	}
	for _, span := range f.Spans {
		v.disk.fill(&layer{seed: f.Seed, share: share, span: span}, blocks)
	}
	return nil
}

// Churn writes a share of a volume's written blocks anew, as a day's work
// does, and returns how many. The seed decides which they are and what they
// hold.
func (s *Service) Churn(ref Ref, seed uint64, share float64) (blocks int64, err error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	v, err := s.refVolume(ref)
	if err != nil {
		return 0, err
	}
	part, err := shareOf(share)
	if err != nil {
		return 0, fmt.Errorf("ec2sim: churn %s: %w", ref, err)
	}
	return v.disk.churn(seed, part), nil
}

func shareOf(f float64) (uint64, error) {
	if !(f > 0 && f <= 1) {
		return 0, fmt.Errorf("a share of %v is not above 0 and at most 1", f)
	}
	return uint64(math.Round(f * whole)), nil
}

// contents of a volume or a snapshot, whatever its state.
func (s *Service) contents(ref Ref) (frozen, error) {
	if strings.HasPrefix(ref.ID, volumeID.prefix) {
		v, err := s.refVolume(ref)
		if err != nil {
			return frozen{}, err
		}
		return v.disk.frozen, nil
	}
	sn, err := s.refSnapshot(ref)
	if err != nil {
		return frozen{}, err
	}
	return sn.data, nil
}

// CountBlocks returns how many blocks of a volume or a snapshot are written.
func (s *Service) CountBlocks(ref Ref) (int64, error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	f, err := s.contents(ref)
	return f.count, err
}

// FirstDifference returns the first block in which two volumes or snapshots
// do not hold the same bytes, and -1 if there is none. Sizes do not matter.
// What came from one another is compared at the cost of what differs, however
// large it is.
func (s *Service) FirstDifference(a, b Ref) (block int64, err error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	x, err := s.contents(a)
	if err != nil {
		return 0, err
	}
	y, err := s.contents(b)
	if err != nil {
		return 0, err
	}
	for i := range x.changedFrom(0, &y) {
		if !x.at(i).equal(y.at(i), i) {
			return i, nil
		}
	}
	return -1, nil
}

// equal tells whether two versions of a block hold the same bytes.
func (v version) equal(other version, i int64) bool {
	if v.layer != nil && other.layer != nil && v.layer.seed == other.layer.seed {
		return true
	}
	return bytes.Equal(v.data(i), other.data(i))
}

// Digest returns a hash of all that a volume or a snapshot holds, whatever
// its size: those with equal digests hold the same bytes. It looks at every
// block that is written, about a million in two seconds.
func (s *Service) Digest(ref Ref) ([sha256.Size]byte, error) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	f, err := s.contents(ref)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	h := sha256.New()
	for i := range f.from(0) {
		data := f.at(i).data(i)
		if len(data) == 0 {
			continue
		}
		sum := sha256.Sum256(data)
		h.Write(append(binary.BigEndian.AppendUint64(nil, uint64(i)), sum[:]...))
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

package ec2sim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A listing is one page asked of a Describe call.
type listing struct {
	max    int           // zero means everything
	after  uint64        // place of the last resource of the page before
	scope  func() []byte // what was asked, which a token belongs to
	looked *int          // counts the resources that are looked at
}

// A window is the part of a Describe request that speaks of pages.
type window struct {
	max   *int32
	token *string
	ids   int // how many ids the request names
	limit int32
	least int32
}

// listing checks the paging of a request. asked returns the input without its
// paging: a token continues that question and no other.
// Source: EC2 API Reference, "Query requests", pagination: MaxResults and ids
// exclude each other; from 5 to 1,000, larger values count as 1,000.
func (s *Service) listing(c *core.Call, w window, asked func() any) (listing, error) {
	l := listing{looked: &s.looked}
	if w.ids > 0 && w.max != nil {
		return l, core.Errorf("InvalidParameterCombination", "The parameter resource ids cannot be used with the parameter maxResults")
	}
	if w.max != nil {
		if *w.max < w.least {
			return l, core.Errorf("InvalidParameterValue",
				"Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", *w.max, w.least)
		}
		l.max = int(min(*w.max, w.limit))
	}
	l.scope = func() []byte { // most answers are of one page, and have no token
		question, err := json.Marshal(asked())
		if err != nil {
			panic(fmt.Sprintf("ec2sim: %s: %v", c.Operation, err))
		}
		return fmt.Appendf(nil, "%d %s %s %s %s", s.pages, c.Operation, c.Account.ID, c.Region, question)
	}
	if w.token != nil {
		place, ok := l.open(*w.token)
		if !ok {
			return l, core.Errorf("InvalidParameterValue", "The token '%s' is invalid.", *w.token)
		}
		l.after = place
	}
	return l, nil
}

// token seals a place for this question only.
func (l listing) token(place uint64) string {
	raw := binary.BigEndian.AppendUint64(nil, place)
	sum := sha256.Sum256(append(raw[:8:8], l.scope()...))
	return base64.RawURLEncoding.EncodeToString(append(raw, sum[:16]...))
}

func (l listing) open(token string) (place uint64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 24 {
		return 0, false
	}
	place = binary.BigEndian.Uint64(raw)
	return place, l.token(place) == token
}

// collect walks what comes after the last page and keeps what fits, until the
// page is full or it has looked at scan resources (zero: no bound). The whole
// listing costs one walk, whatever the size of its pages.
func collect[T resource](rest iter.Seq[T], l listing, scan int, fits func(T) bool) (page []T, next *string) {
	looked, last := 0, uint64(0)
	for x := range rest {
		if l.max > 0 && (len(page) == l.max || scan > 0 && looked >= scan) {
			return page, aws.String(l.token(last))
		}
		looked, last = looked+1, x.order()
		*l.looked++
		if fits(x) {
			page = append(page, x)
		}
	}
	return page, nil
}

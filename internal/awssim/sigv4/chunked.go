package sigv4

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// A Chunked is a body in the content encoding aws-chunked, taken apart.
type Chunked struct {
	// Payload is what the chunks hold.
	Payload []byte
	// Trailer holds the headers after the last chunk, checksums among them.
	Trailer http.Header

	chunks    []chunk
	trailing  []byte // the trailing headers as they are signed
	signature string // of the trailing headers; empty means that there is none
}

// A chunk is one part of the payload. The last has no data.
type chunk struct {
	data      []byte
	signature string // empty unless chunks are signed
}

// IsChunked says that the body of a request is in chunks; see Unchunk.
func IsChunked(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-")
}

// Unchunk takes a body in chunks apart.
// Sources: Amazon S3 API Reference, "Transferring Payload in Multiple Chunks"
// and "Signature calculations for trailing headers".
func Unchunk(body []byte) (*Chunked, error) {
	c := &Chunked{Trailer: http.Header{}}
	for {
		head, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, extension, _ := strings.Cut(string(head), ";")
		n, err := strconv.ParseUint(size, 16, 31)
		if !ok || err != nil || uint64(len(rest)) < n {
			return nil, incomplete("The body is not in chunks as its encoding says.")
		}
		one := chunk{data: rest[:n], signature: strings.TrimPrefix(extension, "chunk-signature=")}
		c.chunks = append(c.chunks, one)
		c.Payload = append(c.Payload, one.data...)
		if n == 0 {
			return c, c.readTrailer(rest)
		}
		if body, ok = bytes.CutPrefix(rest[n:], []byte("\r\n")); !ok {
			return nil, incomplete("A chunk of the body is longer than it says.")
		}
	}
}

const trailerSignature = "x-amz-trailer-signature"

// readTrailer reads the headers after the last chunk. Each ends its line, and
// an empty line ends them.
func (c *Chunked) readTrailer(rest []byte) error {
	for line := range bytes.SplitSeq(rest, []byte("\r\n")) {
		if len(line) == 0 {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimRight(string(line), "\n"), ":")
		if !ok {
			return incomplete("The trailer of the body has a line without a colon.")
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == trailerSignature {
			c.signature = value
			continue
		}
		c.Trailer.Add(name, value)
		c.trailing = append(c.trailing, name+":"+value+"\n"...)
	}
	return nil
}

// verifyChunks checks the signature of each chunk, which covers that of the
// one before it, and that of the trailer.
func (s *Signature) verifyChunks(key signingKey, body []byte) error {
	c, err := Unchunk(body)
	if err != nil {
		return err
	}
	before := s.hex
	check := func(algorithm, signature string, hashes ...string) bool {
		text := append(s.head(algorithm), before...)
		before = signature
		return key.signs(append(text, "\n"+strings.Join(hashes, "\n")...), signature)
	}
	for _, one := range c.chunks {
		if !check(algorithm+"-PAYLOAD", one.signature, sum(nil), sum(one.data)) {
			return ErrMismatch
		}
	}
	if (len(c.trailing) > 0 || c.signature != "") && !check(algorithm+"-TRAILER", c.signature, sum(c.trailing)) {
		return ErrMismatch
	}
	return nil
}

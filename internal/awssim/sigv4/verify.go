package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The values of X-Amz-Content-Sha256 that are no hash.
// Source: Amazon S3 API Reference, "Authenticating Requests: Using the
// Authorization Header".
const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

// MaxSkew is how far the time of a request may be from the server's, for the
// services that allow more than most; commonSkew is what the others allow.
//
// Sources: IAM User Guide, "AWS Signature Version 4 for API requests" ("in most
// cases, a request must reach AWS within five minutes of the time stamp");
// EC2 API Reference, "Error codes", RequestExpired, and Amazon S3 API Reference,
// "Error responses", RequestTimeTooSkewed (15 minutes). STS and IAM say "- 15
// min." in their messages, KMS "- 5 min." (fugue/credstash, README).
const (
	MaxSkew    = 15 * time.Minute
	commonSkew = 5 * time.Minute
)

// Rules are what a service demands of signatures beside what all demand.
type Rules struct {
	// Skew is how far the time of a request may be from the server's. Zero
	// means 5 min.
	Skew time.Duration
	// FixedLife says that X-Amz-Expires means nothing and a presigned request
	// lives as long as any other.
	FixedLife bool
	// UnsignedPayload allows requests whose body is not covered.
	UnsignedPayload bool
	// Storage are the rules of S3: paths as they are sent, X-Amz-Content-Sha256
	// always, bodies in chunks, and presigned requests that cover no body.
	Storage bool
}

// Verify checks the signature of a request against the secret of its key.
func (s *Signature) Verify(r *http.Request, body []byte, secret *Secret, p Policy) error {
	if err := s.checkTime(p); err != nil {
		return err
	}
	hashes, err := s.hashes(r, body, p.Rules)
	if err != nil {
		return err
	}
	key := secret.key(s.scope())
	ok := slices.ContainsFunc(hashes, func(hash string) bool {
		request := sha256.Sum256(s.canonical(r, hash, p.Rules))
		return key.signs(hex.AppendEncode(s.head(algorithm), request[:]), s.hex)
	})
	if !ok {
		return ErrMismatch
	}
	if hash := hashes[0]; hash == signedChunks || hash == signedTrailer {
		return s.verifyChunks(key, body)
	}
	return nil
}

// A Policy is what a request is held against.
type Policy struct {
	Rules
	// Now is the server's time.
	Now time.Time
}

// checkTime words what is wrong as AWS does.
func (s *Signature) checkTime(p Policy) error {
	skew := p.Skew
	if skew == 0 {
		skew = commonSkew
	}
	limited := s.Expires > 0 && !p.FixedLife
	now := p.Now.UTC()
	stamp := func(t time.Time) string { return t.Format(timeFormat) }
	minutes := int(skew / time.Minute)
	switch age := now.Sub(s.Time); {
	case age < -skew:
		return &fault{ErrExpired, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			stamp(s.Time), stamp(now.Add(skew)), stamp(now), minutes)}
	case limited && age > s.Expires:
		return &fault{ErrStale, "Request has expired"}
	case !limited && age > skew:
		return &fault{ErrExpired, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			stamp(s.Time), stamp(now.Add(-skew)), stamp(now), minutes)}
	}
	return nil
}

// hashes returns what may stand for the body in what was signed, at least one.
func (s *Signature) hashes(r *http.Request, body []byte, rules Rules) ([]string, error) {
	claim := r.Header.Get("X-Amz-Content-Sha256")
	if s.Presigned && claim == "" {
		claim = r.URL.Query().Get("X-Amz-Content-Sha256")
	}
	switch {
	case claim == unsignedPayload && (rules.UnsignedPayload || rules.Storage),
		rules.Storage && slices.Contains([]string{unsignedTrailer, signedChunks, signedTrailer}, claim):
		return []string{claim}, nil
	case !rules.Storage && claim == "" && rules.UnsignedPayload:
		// botocore sends no header where it leaves the body out.
		return []string{sum(body), unsignedPayload}, nil
	case !rules.Storage:
		return []string{sum(body)}, nil
	case claim == "" && s.Presigned:
		return []string{unsignedPayload}, nil
	case claim == "":
		return nil, ErrNoHash
	case claim != sum(body):
		return nil, ErrHash
	}
	return []string{claim}, nil
}

func (s *Signature) scope() scope { return scope{s.Date, s.Region, s.Service} }

// head is how the text begins that is signed: the lines before the hashes.
func (s *Signature) head(algorithm string) []byte {
	b := make([]byte, 0, 256)
	b = append(append(b, algorithm...), '\n')
	b = append(s.Time.AppendFormat(b, timeFormat), '\n')
	return append(append(b, s.scope().String()...), '\n')
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

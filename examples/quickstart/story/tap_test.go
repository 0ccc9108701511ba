package story_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A tap stands between the host program and the cloud and remembers what must
// never be told: the keys, tokens and signatures of sessions, external ids,
// session policies and presigned URLs.
type tap struct {
	to aws.HTTPClient

	mu      sync.Mutex // guards the two below
	trap    *trap      // nil means none
	secrets map[string]bool
}

var (
	signature = regexp.MustCompile(`Signature=([0-9a-f]{64})`)
	secretKey = regexp.MustCompile(`<SecretAccessKey>([^<]+)</SecretAccessKey>`)
)

// A trap lets something happen right before a certain request to EC2 is sent.
type trap struct {
	when func(form url.Values) bool // must not wait for anything
	do   func()                     // called once
}

// Do sends a request.
func (p *tap) Do(r *http.Request) (*http.Response, error) {
	if err := p.note(r); err != nil {
		return nil, err
	}
	answer, err := p.to.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	if found := secretKey.FindSubmatch(body); found != nil {
		p.add(string(found[1]))
	}
	return answer, nil
}

func (p *tap) note(r *http.Request) error {
	p.add(r.Header.Get("X-Amz-Security-Token"))
	if found := signature.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		p.add(found[1])
	}
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // KMS sends JSON, which has none of these
	for _, field := range []string{"ExternalId", "Policy", "PresignedUrl"} {
		p.add(form.Get(field))
	}
	p.spring(form)
	return nil
}

// spring sets the trap off, once.
func (p *tap) spring(form url.Values) {
	p.mu.Lock()
	set := p.trap
	if set != nil && set.when(form) {
		p.trap = nil
	} else {
		set = nil
	}
	p.mu.Unlock()
	if set != nil {
		set.do()
	}
}

func (p *tap) add(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if secret != "" {
		p.secrets[secret] = true
	}
}

// A failing reader ends with an error, or well without one.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// leaks returns what of the secrets is in a text.
func (s *stage) leaks(text string) []string {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	var found []string
	for secret := range s.wire.secrets {
		if strings.Contains(text, secret) {
			found = append(found, secret)
		}
	}
	for _, sign := range []string{"Encoded authorization", `"Statement"`, "X-Amz-Signature"} {
		if strings.Contains(text, sign) {
			found = append(found, sign)
		}
	}
	return found
}

// told returns all that the host program got to read: the error and the events.
func (s *stage) told(err error) string {
	var b strings.Builder
	fmt.Fprintln(&b, err)
	for _, e := range s.events {
		fmt.Fprintln(&b, e.LogValue())
	}
	return b.String()
}

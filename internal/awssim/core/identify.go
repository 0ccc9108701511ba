package core

import (
	"net/http"
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// identify finds the service that a request is for, and who calls.
func (c *Cloud) identify(r *http.Request, body []byte) (*Call, *Service, *Error) {
	sig, err := sigv4.Parse(r)
	if err != nil {
		s := c.serviceOf(r)
		return nil, s, dialectOf(s.Name).unsigned(err, r.Header.Get("Authorization") == "")
	}
	s := c.services[sig.Service]
	if s == nil {
		s = c.serviceOf(r)
		return nil, s, dialectOf(s.Name).misscoped("Credential should be scoped to correct service: '" + s.Name + "'.")
	}
	if !IsRegion(sig.Region) || !scopeFitsHost(sig, r) {
		return nil, s, dialectOf(s.Name).misscoped("Credential should be scoped to a valid region.")
	}
	now := c.Now()
	key, e := c.authenticate(r, body, sig, now)
	if e != nil {
		return nil, s, e
	}
	return &Call{
		Cloud: c, Account: key.account, Region: home(s.Name, sig.Region), Host: r.Host, Service: s.Name, Caller: key.caller, Now: now,
		UserAgent: r.UserAgent(), Referer: r.Referer(), builds: sender(r).isBuilder(),
	}, s, nil
}

// serviceOf guesses the service of a request without a useful signature, so
// that the error can be put in words that the client understands.
func (c *Cloud) serviceOf(r *http.Request) *Service {
	h, _ := endpoint(r.Host)
	if s := c.services[h.service]; s != nil {
		return s
	}
	return &Service{Name: "sts", Protocol: wire.STS()}
}

// scopeFitsHost says that a request for a real endpoint is signed for the
// Region of the endpoint. On any other host every Region is served.
func scopeFitsHost(sig *sigv4.Signature, r *http.Request) bool {
	h, ok := endpoint(r.Host)
	return !ok || h == host{sig.Service, sig.Region}
}

// authenticate returns the key that signed. Whether there is such a key is
// looked at before the signature, and the end of its session after it.
func (c *Cloud) authenticate(r *http.Request, body []byte, sig *sigv4.Signature, now time.Time) (*accessKey, *Error) {
	d := dialectOf(sig.Service)
	key := c.keys[sig.KeyID]
	if key == nil || key.token != sig.Token || !key.knownIn(sig.Region) {
		return nil, &d.badKey
	}
	_, until, _, temporary := key.caller.temporary()
	err := sig.Verify(r, body, key.signing, sigv4.Policy{Now: now, Rules: c.services[sig.Service].Signing})
	switch {
	case err != nil:
		return nil, d.unsigned(err, sig.Presigned)
	case temporary && !now.Before(until):
		return nil, &d.expiredToken
	}
	return key, nil
}

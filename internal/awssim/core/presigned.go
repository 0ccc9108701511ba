package core

import (
	"net/http"
	"net/url"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

// A Presigned describes a presigned request that comes inside another one.
type Presigned struct {
	URL       string
	Region    string // that it must be signed for
	Operation string // that it must ask for
}

// CheckPresigned verifies that the caller itself has signed a request of the
// same service, and returns its form. CopySnapshot brings such a request for
// the source Region.
// Source: EC2 API Reference, CopySnapshot, PresignedUrl.
func (c *Call) CheckPresigned(p Presigned) (url.Values, error) {
	refuse := func(why string) error {
		return Errorf("InvalidParameterValue", "The presigned URL is not valid: %s", why)
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, refuse("it cannot be parsed")
	}
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}
	sig, err := sigv4.Parse(r)
	if err != nil {
		return nil, refuse(err.Error())
	}
	form := u.Query()
	switch {
	case !sig.Presigned || sig.Service != c.Service:
		return nil, refuse("it is signed for another service")
	case sig.Region != p.Region || !scopeFitsHost(sig, r):
		return nil, refuse("it is not signed for " + p.Region)
	case form.Get("Action") != p.Operation:
		return nil, refuse("it asks for another operation")
	}
	key, e := c.Cloud.authenticate(r, nil, sig, c.Now)
	if e != nil {
		return nil, refuse(e.Message)
	}
	if key.caller.ARN != c.Caller.ARN {
		return nil, refuse("somebody else has signed it")
	}
	return form, nil
}

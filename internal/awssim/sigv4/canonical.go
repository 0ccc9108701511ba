package sigv4

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonical is the canonical request: what the client must have signed.
func (s *Signature) canonical(r *http.Request, hash string, rules Rules) []byte {
	b := make([]byte, 0, 1024)
	for _, line := range []string{r.Method, canonicalPath(r.URL, rules), s.query(r.URL)} {
		b = append(append(b, line...), '\n')
	}
	for _, name := range s.SignedHeaders {
		b = append(append(b, name...), ':')
		b = append(append(b, headerValue(r, name)...), '\n')
	}
	b = append(append(b, '\n'), strings.Join(s.SignedHeaders, ";")...)
	return append(append(b, '\n'), hash...)
}

// canonicalPath is the path as it was sent, encoded a second time and without
// redundant parts. S3 does neither, since a key may be any text.
func canonicalPath(u *url.URL, rules Rules) string {
	path := u.EscapedPath()
	if path == "" || path == "/" {
		return "/"
	}
	if rules.Storage {
		path = u.Path // decoded, and encoded anew in the one way that SigV4 has
	} else {
		path = normal(path)
	}
	return strings.ReplaceAll(escape(path), "%2F", "/")
}

// normal removes empty parts, "." and ".." from a path (RFC 3986, section 5.2.4).
func normal(path string) string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "", ".":
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, part)
		}
	}
	result := "/" + strings.Join(parts, "/")
	if len(parts) > 0 && strings.HasSuffix(path, "/") {
		result += "/"
	}
	return result
}

func (s *Signature) query(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	form := u.Query()
	if s.Presigned {
		form.Del("X-Amz-Signature")
	}
	var pairs []string
	for _, k := range slices.SortedFunc(maps.Keys(form), func(a, b string) int {
		return strings.Compare(escape(a), escape(b))
	}) {
		values := slices.Clone(form[k])
		for i := range values {
			values[i] = escape(values[i])
		}
		slices.Sort(values)
		for _, v := range values {
			pairs = append(pairs, escape(k)+"="+v)
		}
	}
	return strings.Join(pairs, "&")
}

func headerValue(r *http.Request, name string) string {
	switch {
	case name == "host":
		if r.Host != "" {
			return bareHost(r.Host)
		}
		return bareHost(r.URL.Host)
	case name == "content-length" && r.Header.Get(name) == "":
		return strconv.FormatInt(r.ContentLength, 10) // net/http keeps it out of the header
	}
	values := r.Header.Values(name)
	if len(values) == 1 && !strings.Contains(values[0], "  ") && !strings.Contains(values[0], "\t") {
		return strings.TrimSpace(values[0])
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// bareHost drops the default ports, which clients do not sign.
func bareHost(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
}

// escape percent-encodes all but the unreserved characters of RFC 3986.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

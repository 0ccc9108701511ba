package core

import (
	"reflect"
	"strings"
	"time"
)

// Limits of requests, per account, Region and API. See the table of rates.
type Limits struct {
	// Off lets every request through.
	Off bool
	// Buckets replace those of the table, by "ec2:CopySnapshot", also for APIs
	// that the table does not name. Buckets that are not of one API alone have
	// these names: "ec2:DescribeSnapshots unfiltered" (no ids, no filter and no
	// page size), "ec2:RunInstances instances" (a token for each instance),
	// "ebs:GetSnapshotBlock snapshot" (one for each snapshot), "sts",
	// "kms:cryptography", "s3:reading" and "s3:changing" (one for each prefix), "iam".
	Buckets map[string]Bucket
	// Others is the share of every bucket that other programs in the account
	// use up, from 0 to 1: so much less it holds, and so much slower it fills.
	Others float64
}

// A Bucket holds request tokens. A request takes one, and is refused if there
// is none.
type Bucket struct {
	Burst     float64 // how many it holds
	PerSecond float64 // how many it regains each second
}

// less is the bucket without what others use of it. It holds one token still,
// if it did, or no call would ever pass.
func (b Bucket) less(share float64) Bucket {
	return Bucket{max(b.Burst*(1-share), min(b.Burst, 1)), b.PerSecond * (1 - share)}
}

// SetLimits replaces Options.Limits. Buckets are as full as they were, but
// never fuller than they may be now.
func (c *Cloud) SetLimits(l Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limiter.limits = l
}

type limiter struct {
	limits  Limits
	buckets map[bucketKey]*level
	sweepAt int
}

// A bucketKey tells buckets apart; of is empty but for those of which there is
// one for each of something.
type bucketKey struct{ account, region, name, of string }

// A level is how full a bucket was when it was last looked at.
type level struct {
	tokens float64
	at     time.Time
	bucket Bucket
}

func newLimiter(l Limits) limiter {
	return limiter{limits: l, buckets: map[bucketKey]*level{}, sweepAt: 1024}
}

// admit takes the tokens of a call, all or none. It returns the error if there
// are too few.
func (l *limiter) admit(c *Call, in any) *Error {
	if l.limits.Off || c.builds {
		return nil
	}
	lines := ratesOf(c, in)
	var levels [len(lines)]*level
	for i, r := range lines {
		if r == nil && i > 0 {
			break
		}
		var refusal *Error
		if levels[i], refusal = l.draw(c, in, r); refusal != nil {
			return refusal
		}
	}
	for i, v := range levels {
		if v != nil {
			v.tokens -= lines[i].tokens(in)
		}
	}
	return nil
}

// draw returns the bucket of a line, nil if there is none, or the error if a
// call asks too much of it.
func (l *limiter) draw(c *Call, in any, r *rate) (*level, *Error) {
	name, of := c.Service+":"+c.Operation, ""
	var bucket Bucket
	if r != nil {
		name, bucket = r.name(c.Operation), r.in(c.Region)
		if r.each != nil {
			of = r.each(in)
		}
	}
	own, ok := l.limits.Buckets[name]
	switch {
	case ok:
		bucket = own
	case r == nil:
		return nil, nil
	}
	bucket = bucket.less(l.limits.Others)
	region := c.Region
	if c.ToGlobalSTS() {
		region = "global"
	}
	level := l.level(bucketKey{c.Account.ID, region, name, of}, bucket, c.Now)
	if level.tokens >= r.tokens(in) {
		return level, nil
	}
	return nil, refusalOf(c, r)
}

// refusalOf is the answer to a call that asks too much of a line's bucket.
func refusalOf(c *Call, r *rate) *Error {
	if r != nil && r.refusal != nil {
		return r.refusal
	}
	return &dialectOf(c.Service).throttled
}

// throttled is the answer to a call that comes too early.
func throttled(c *Call, in any) *Error { return refusalOf(c, ratesOf(c, in)[0]) }

// level brings a bucket up to date.
func (l *limiter) level(key bucketKey, b Bucket, now time.Time) *level {
	v := l.buckets[key]
	if v == nil {
		l.sweep(now)
		v = &level{tokens: b.Burst, at: now}
		l.buckets[key] = v
	}
	elapsed := max(now.Sub(v.at), 0) // the clock may have been set back
	v.tokens = min(b.Burst, v.tokens+elapsed.Seconds()*b.PerSecond)
	v.at, v.bucket = now, b
	return v
}

// sweep forgets buckets that are full again, so that a cloud with very many
// snapshots does not keep one for each for ever.
func (l *limiter) sweep(now time.Time) {
	if len(l.buckets) < l.sweepAt {
		return
	}
	for key, v := range l.buckets {
		if v.tokens+now.Sub(v.at).Seconds()*v.bucket.PerSecond >= v.bucket.Burst {
			delete(l.buckets, key)
		}
	}
	l.sweepAt = max(1024, 2*len(l.buckets))
}

// ratesOf finds the lines of the table for a call: the one that it draws from
// in the first place, nil if there is none, and one that it draws from besides.
func ratesOf(c *Call, in any) (lines [2]*rate) {
	for _, r := range rateIndex[api{c.Service, c.Operation}] {
		switch {
		case r.also != "":
			lines[1] = r
		case r.when == nil || r.when(in):
			lines[0] = r
		}
	}
	if lines[0] != nil {
		return lines
	}
	class := "changing"
	if isRead(c.Operation) {
		class = "reading"
	}
	for _, operations := range []string{class, "other"} {
		if r := rateIndex[api{c.Service, operations}]; r != nil {
			lines[0] = r[0]
			break
		}
	}
	return lines
}

func (r *rate) tokens(in any) float64 {
	if r == nil || r.cost == nil {
		return 1
	}
	return r.cost(in)
}

// isUnfiltered says that a Describe call names no ids, no filter and no page size.
func isUnfiltered(in any) bool {
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && (f.Name == "Filters" || f.Name == "MaxResults" || strings.HasSuffix(f.Name, "Ids") && f.Name != "OwnerIds") &&
			!v.Field(i).IsZero() {
			return false
		}
	}
	return true
}

// instances is how many instances a call is about.
func instances(in any) float64 {
	v := reflect.ValueOf(in).Elem()
	if f := v.FieldByName("MaxCount"); f.IsValid() && !f.IsNil() {
		return float64(f.Elem().Int())
	}
	if f := v.FieldByName("InstanceIds"); f.IsValid() {
		return float64(f.Len())
	}
	return 1
}

// memberText reads a member of requests that is a text.
func memberText(name string) func(in any) string {
	return func(in any) string {
		f := reflect.ValueOf(in).Elem().FieldByName(name)
		if !f.IsValid() || f.IsNil() {
			return ""
		}
		return f.Elem().String()
	}
}

// objectPrefix is the bucket and prefix that a request to S3 is about.
func objectPrefix(in any) string {
	key := memberText("Key")(in)
	return memberText("Bucket")(in) + "/" + key[:strings.LastIndex(key, "/")+1]
}

// isRead says that an operation changes nothing.
func isRead(operation string) bool {
	for _, prefix := range []string{"Describe", "Get", "List", "Search", "Head", "Simulate"} {
		if strings.HasPrefix(operation, prefix) {
			return true
		}
	}
	return false
}

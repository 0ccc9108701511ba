package core

import (
	"reflect"
	"strings"
	"time"
)

// Limits of requests, per account, Region and API.
type Limits struct {
	// Off lets every request through.
	Off bool
	// Buckets replace published ones, by "ec2:CopySnapshot".
	Buckets map[string]Bucket
}

// A Bucket holds request tokens. A request takes one, and is refused if there
// is none.
type Bucket struct {
	Burst     float64 // how many it holds
	PerSecond float64 // how many it regains each second
}

// Published buckets.
//
// Source: EC2 API Reference, "Request throttling for the Amazon EC2 API":
// tables "Request token bucket sizes and refill rates"; IAM and AWS STS
// quotas, "STS request quotas"; AWS KMS Developer Guide, "Request quotas".
var (
	ec2Read       = Bucket{100, 20}
	ec2Unfiltered = Bucket{50, 10}
	ec2Mutating   = Bucket{50, 5}
	stsAll        = Bucket{600, 600}
	kmsDefault    = Bucket{5, 5}

	published = map[string]Bucket{
		"ec2:CreateSnapshot":          {100, 5},
		"ec2:CreateSnapshots":         {100, 5},
		"ec2:DeleteSnapshot":          {100, 5},
		"ec2:ModifySnapshotAttribute": {100, 5},
		"ec2:CreateTags":              {100, 10},
		"ec2:DeleteTags":              {100, 10},
		"ec2:CreateVolume":            {100, 5},
		"ec2:DeleteVolume":            {100, 5},
		"ec2:DeregisterImage":         {100, 5},
		"ec2:RunInstances":            {5, 2},
		"ec2:StartInstances":          {5, 2},
		"ec2:TerminateInstances":      {100, 5},

		"kms:DescribeKey":         {2000, 2000},
		"kms:GetKeyPolicy":        {1000, 1000},
		"kms:ListAliases":         {500, 500},
		"kms:ListGrants":          {100, 100},
		"kms:CreateGrant":         {50, 50},
		"kms:RetireGrant":         {50, 50},
		"kms:RevokeGrant":         {50, 50},
		"kms:PutKeyPolicy":        {15, 15},
		"kms:ScheduleKeyDeletion": {15, 15},
		"kms:CreateKey":           {5, 5},
		"kms:cryptography":        {10000, 10000},
	}

	// unfiltered calls of these, without a filter or a page size, have a bucket of their own.
	unfiltered = map[string]bool{
		"DescribeInstances": true, "DescribeInstanceStatus": true, "DescribeNetworkInterfaces": true,
		"DescribeSecurityGroups": true, "DescribeSnapshots": true, "DescribeSpotInstanceRequests": true,
		"DescribeVolumes": true,
	}

	// perInstance calls take one token an instance from a second bucket.
	perInstance = map[string]Bucket{
		"RunInstances": {1000, 2}, "StartInstances": {1000, 2}, "StopInstances": {1000, 20}, "TerminateInstances": {1000, 20},
	}

	// cryptography is what KMS counts together as symmetric operations.
	cryptography = map[string]bool{
		"Decrypt": true, "Encrypt": true, "GenerateDataKey": true, "GenerateDataKeyWithoutPlaintext": true, "ReEncrypt": true,
	}
)

type limiter struct {
	limits  Limits
	buckets map[bucketKey]*level
}

type bucketKey struct{ account, region, name string }

// A level is how full a bucket was when it was last looked at.
type level struct {
	tokens float64
	at     time.Time
}

func newLimiter(l Limits) limiter {
	return limiter{limits: l, buckets: map[bucketKey]*level{}}
}

// allow takes the tokens of a call, all or none.
func (l *limiter) allow(c *Call, in any) bool {
	if l.limits.Off {
		return true
	}
	name, bucket := l.bucketOf(c.Service, c.Operation, in)
	levels := []*level{l.level(c, name, bucket)}
	costs := []float64{1}
	if b, ok := perInstance[c.Operation]; ok && c.Service == "ec2" {
		levels = append(levels, l.level(c, name+" instances", b))
		costs = append(costs, instances(in))
	}
	for i := range levels {
		if levels[i].tokens < costs[i] {
			return false
		}
	}
	for i := range levels {
		levels[i].tokens -= costs[i]
	}
	return true
}

// level brings a bucket up to date.
func (l *limiter) level(c *Call, name string, b Bucket) *level {
	key := bucketKey{c.Account.ID, c.Region, name}
	v := l.buckets[key]
	if v == nil {
		v = &level{tokens: b.Burst, at: c.Now}
		l.buckets[key] = v
	}
	v.tokens = min(b.Burst, v.tokens+c.Now.Sub(v.at).Seconds()*b.PerSecond)
	v.at = c.Now
	return v
}

// bucketOf names the bucket that a call draws from.
func (l *limiter) bucketOf(service, operation string, in any) (string, Bucket) {
	name := service + ":" + operation
	b, known := published[name]
	switch {
	case known:
	case service == "ec2" && unfiltered[operation] && isUnfiltered(in):
		name, b = name+" unfiltered", ec2Unfiltered
	case service == "ec2" && isRead(operation):
		b = ec2Read
	case service == "ec2":
		b = ec2Mutating
	case service == "sts":
		name, b = "sts", stsAll
	case service == "kms" && cryptography[operation]:
		name, b = "kms:cryptography", published["kms:cryptography"]
	case service == "kms":
		b = kmsDefault
	}
	if own, ok := l.limits.Buckets[name]; ok {
		b = own
	}
	return name, b
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

// isRead says that an operation changes nothing.
func isRead(operation string) bool {
	for _, prefix := range []string{"Describe", "Get", "List", "Search"} {
		if strings.HasPrefix(operation, prefix) {
			return true
		}
	}
	return false
}

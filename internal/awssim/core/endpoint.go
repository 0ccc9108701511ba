package core

import "strings"

// suffixOf the host names of a Region's endpoints.
func suffixOf(region string) string {
	if p := partitionOf(region); p != nil {
		return p.suffix
	}
	return partitions[0].suffix
}

// Endpoint returns the host name of a service in a Region, or of a global
// service in the Region's partition.
func Endpoint(service, region string) string {
	if e, ok := globals[service][Partition(region)]; ok {
		return e.host
	}
	return service + "." + region + "." + suffixOf(region)
}

// ViaService is the value of kms:ViaService for a service in a Region. In China
// it ends in amazonaws.com.cn; what it is in the isolated partitions nobody
// documents, so there it is what it is everywhere else.
// Source: AWS KMS Developer Guide, "kms:ViaService".
func ViaService(service, region string) string {
	suffix := partitions[0].suffix
	if Partition(region) == "aws-cn" {
		suffix = suffixOf(region)
	}
	return service + "." + region + "." + suffix
}

// A host is what an endpoint's host name says of requests for it.
type host struct{ service, region string }

// globalHosts are the endpoints whose names carry no Region, or not the one
// that requests for them are signed for.
// Source: botocore, endpoints.json.
var globalHosts = map[string]host{
	globalSTS:                     {"sts", "us-east-1"},
	globalS3:                      {"s3", "us-east-1"},
	"s3-external-1.amazonaws.com": {"s3", "us-east-1"},
	"iam.amazonaws.com":           {"iam", "us-east-1"},
	"iam.us-gov.amazonaws.com":    {"iam", "us-gov-west-1"},
}

const (
	globalSTS = "sts.amazonaws.com"
	globalS3  = "s3.amazonaws.com"
)

// endpoint takes the host name of an endpoint apart, that of a bucket included.
func endpoint(name string) (host, bool) {
	name = bareHost(name)
	if h, ok := globalHosts[name]; ok {
		return h, true
	}
	for rest := name; ; {
		service, after, _ := strings.Cut(rest, ".")
		region, _, ok := strings.Cut(after, ".")
		if !ok {
			break
		}
		// A bucket's name stands before that of the service, dots and all.
		if (len(rest) == len(name) || service == "s3") && IsRegion(region) && rest == Endpoint(service, region) {
			return host{service, region}, true
		}
		rest = after
	}
	if strings.HasSuffix(name, "."+globalS3) {
		return globalHosts[globalS3], true
	}
	return host{}, false
}

// bareHost drops the default port of HTTPS.
func bareHost(name string) string { return strings.TrimSuffix(name, ":443") }

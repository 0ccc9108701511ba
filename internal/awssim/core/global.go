package core

// A globalEndpoint is the one endpoint that a global service has in a
// partition, and the Region that requests to it are signed for.
type globalEndpoint struct{ host, region string }

// globals are the services without Regions, by partition.
// Sources: AWS General Reference, "AWS Identity and Access Management
// endpoints and quotas" and "AWS Organizations endpoints and quotas"; the
// endpoint rules of the SDK's modules iam v1.64.8 and organizations v1.62.6.
var globals = map[string]map[string]globalEndpoint{
	"iam": {
		"aws":        {"iam.amazonaws.com", "us-east-1"},
		"aws-cn":     {"iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		"aws-us-gov": {"iam.us-gov.amazonaws.com", "us-gov-west-1"},
		"aws-iso":    {"iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
		"aws-iso-b":  {"iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
		"aws-eusc":   {"iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
	},
	"organizations": {
		"aws":        {"organizations.us-east-1.amazonaws.com", "us-east-1"},
		"aws-cn":     {"organizations.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"},
		"aws-us-gov": {"organizations.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
		"aws-iso":    {"organizations.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
		"aws-iso-b":  {"organizations.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
		"aws-eusc":   {"organizations.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
	},
}

// home returns the Region in which a service serves a request that was signed
// for a Region: of a global service there is one in each partition, whatever
// Region a client with an endpoint of its own signs for.
func home(service, region string) string {
	if e, ok := globals[service][Partition(region)]; ok {
		return e.region
	}
	return region
}

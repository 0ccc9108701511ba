package core

import (
	"slices"
	"strings"
)

// A partition is a group of Regions with accounts, credentials and ARNs of its own.
type partition struct {
	name   string
	suffix string // of the host names of endpoints
	// regions are enabled in every account; optIn are there for accounts that
	// have enabled them; see Account.EnableRegion.
	regions, optIn []string
}

// partitions there are.
// Sources: AWS General Reference, "AWS Regions and Availability Zones"
// (enabled by default, or opt-in); botocore, partitions.json (names and suffixes).
var partitions = []partition{
	{"aws", "amazonaws.com", []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}, []string{
		"af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ca-west-1",
		"eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1",
	}},
	{"aws-cn", "amazonaws.com.cn", []string{"cn-north-1", "cn-northwest-1"}, nil},
	{"aws-us-gov", "amazonaws.com", []string{"us-gov-east-1", "us-gov-west-1"}, nil},
	{"aws-iso", "c2s.ic.gov", []string{"us-iso-east-1", "us-iso-west-1"}, nil},
	{"aws-iso-b", "sc2s.sgov.gov", []string{"us-isob-east-1"}, nil},
	{"aws-eusc", "amazonaws.eu", []string{"eusc-de-east-1"}, nil},
}

// partitionOf returns the partition that a Region belongs to, or nil.
func partitionOf(region string) *partition {
	for i := range partitions {
		if p := &partitions[i]; slices.Contains(p.regions, region) || slices.Contains(p.optIn, region) {
			return p
		}
	}
	return nil
}

// Regions returns the names of the Regions of the partition aws that every
// account has, sorted.
func Regions() []string { return slices.Clone(partitions[0].regions) }

// IsRegion reports whether there is a Region of that name in any partition.
func IsRegion(name string) bool { return partitionOf(name) != nil }

// Partition returns the name of a Region's partition, as ARNs begin with it:
// "aws" for a Region that there is not.
func Partition(region string) string {
	if p := partitionOf(region); p != nil {
		return p.name
	}
	return partitions[0].name
}

// Endpoint returns the host name of a service in a Region.
func Endpoint(service, region string) string {
	suffix := partitions[0].suffix
	if p := partitionOf(region); p != nil {
		suffix = p.suffix
	}
	return service + "." + region + "." + suffix
}

// RegionalARN of a resource that belongs to an account in a Region. An empty
// account is for those whose ARNs carry none.
func RegionalARN(service, region, account, resource string) string {
	return strings.Join([]string{"arn", Partition(region), service, region, account, resource}, ":")
}

// GlobalARN of a resource of the account that lives in no Region: service is
// "iam", "sts" or "organizations".
func (a *Account) GlobalARN(service, resource string) string {
	return strings.Join([]string{"arn", a.Partition, service, "", a.ID, resource}, ":")
}

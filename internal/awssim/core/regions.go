package core

import "slices"

// regions that are enabled in every account.
// Source: AWS Regions and Availability Zones, "Enabled by default".
var regions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
	"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
	"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// Regions returns the names of the Regions there are, sorted.
func Regions() []string { return slices.Clone(regions) }

// IsRegion reports whether there is a Region of that name.
func IsRegion(name string) bool {
	_, ok := slices.BinarySearch(regions, name)
	return ok
}

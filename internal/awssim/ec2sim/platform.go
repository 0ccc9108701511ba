package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A platform is the operating system that an image is billed for.
type platform struct {
	details   string
	operation string // the billing code
}

// Source: EC2 User Guide, "AMI billing information fields".
var (
	linux   = platform{"Linux/UNIX", "RunInstances"}
	windows = platform{"Windows", "RunInstances:0002"}
	// platforms there are, by their details.
	platforms = map[string]platform{
		linux.details:                      linux,
		windows.details:                    windows,
		"Red Hat Enterprise Linux":         {"Red Hat Enterprise Linux", "RunInstances:0010"},
		"SUSE Linux":                       {"SUSE Linux", "RunInstances:000g"},
		"Windows with SQL Server Standard": {"Windows with SQL Server Standard", "RunInstances:0006"},
		"Windows BYOL":                     {"Windows BYOL", "RunInstances:0800"},
	}
)

// kind is what the member Platform says: Windows, or nothing.
func (p platform) kind() types.PlatformValues {
	if len(p.details) >= 7 && p.details[:7] == "Windows" {
		return types.PlatformValuesWindows
	}
	return ""
}

// billed tells whether a code of AWS's comes with the image, which only it
// and CreateImage can put on another.
func (p platform) billed() bool { return p.operation != linux.operation && p.details != "Windows BYOL" }

// apiProducts are codes of the AWS Marketplace.
func apiProducts(codes []string) []types.ProductCode {
	var out []types.ProductCode
	for _, code := range codes {
		out = append(out, types.ProductCode{ProductCodeId: aws.String(code), ProductCodeType: types.ProductCodeValuesMarketplace})
	}
	return out
}

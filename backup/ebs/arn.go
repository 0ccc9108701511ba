package ebs

import (
	"strings"

	"github.com/snapkeep/snapkeep/backup"
)

// arn returns the ARN of an instance or a volume (Service Authorization
// Reference, Amazon EC2, "Resource types").
func arn(site backup.Site, kind, id string) string {
	return "arn:" + partition(site.Region) + ":ec2:" + site.Region + ":" + string(site.Account) + ":" + kind + "/" + id
}

// partition returns the partition of a Region by the beginning of its name
// (partitions.json of aws-sdk-go-v2).
func partition(region string) string {
	for _, p := range []struct{ prefix, name string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"eusc-", "aws-eusc"},
		{"us-iso-", "aws-iso"},
		{"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"},
		{"us-isof-", "aws-iso-f"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}

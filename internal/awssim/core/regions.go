package core

import (
	"fmt"
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
// Sources: AWS Account Management Reference, "Enable or disable AWS Regions in
// your account" (enabled by default, or opt-in); botocore, partitions.json
// (names and suffixes).
var partitions = []partition{
	{"aws", "amazonaws.com", []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}, []string{
		"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
		"ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2",
		"il-central-1", "me-central-1", "me-south-1", "mx-central-1",
	}},
	{"aws-cn", "amazonaws.com.cn", []string{"cn-north-1", "cn-northwest-1"}, nil},
	{"aws-us-gov", "amazonaws.com", []string{"us-gov-east-1", "us-gov-west-1"}, nil},
	{"aws-iso", "c2s.ic.gov", []string{"us-iso-east-1", "us-iso-west-1"}, nil},
	{"aws-iso-b", "sc2s.sgov.gov", []string{"us-isob-east-1", "us-isob-west-1"}, nil},
	{"aws-iso-e", "cloud.adc-e.uk", []string{"eu-isoe-west-1"}, nil},
	{"aws-iso-f", "csp.hci.ic.gov", []string{"us-isof-east-1", "us-isof-south-1"}, nil},
	{"aws-eusc", "amazonaws.eu", []string{"eusc-de-east-1"}, nil},
}

// byRegion holds the partitions by their Regions: every call asks several times.
var byRegion = func() map[string]*partition {
	all := map[string]*partition{}
	for i := range partitions {
		for _, region := range slices.Concat(partitions[i].regions, partitions[i].optIn) {
			all[region] = &partitions[i]
		}
	}
	return all
}()

// partitionOf returns the partition that a Region belongs to, or nil.
func partitionOf(region string) *partition { return byRegion[region] }

// partitionNamed returns the partition with the name, or nil.
func partitionNamed(name string) *partition {
	for i := range partitions {
		if partitions[i].name == name {
			return &partitions[i]
		}
	}
	return nil
}

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

// SetPartition moves the account into a partition: "aws-cn", "aws-us-gov" ….
// It has to come before anything is put into the account, since what is there
// has ARNs of the partition that it was made in.
func (a *Account) SetPartition(name string) error {
	switch {
	case partitionNamed(name) == nil:
		return fmt.Errorf("there is no partition %q", name)
	case name == a.Partition:
		return nil
	case len(a.users) > 0 || len(a.roles) > 0 || a.root != nil:
		return fmt.Errorf("account %s has principals in partition %s already", a.ID, a.Partition)
	}
	a.Partition, a.optedIn = name, nil
	return nil
}

// The opt-in status of a Region for an account.
// Source: EC2 API Reference, Region.
const (
	OptInNotRequired = "opt-in-not-required"
	OptedIn          = "opted-in"
	NotOptedIn       = "not-opted-in"
)

// Regions returns the names of the Regions of the account's partition, those
// that it has not enabled among them, sorted.
func (a *Account) Regions() []string {
	p := partitionNamed(a.Partition)
	all := slices.Concat(p.regions, p.optIn)
	slices.Sort(all)
	return all
}

// OptInStatus of a Region for the account; empty if its partition has none of
// that name.
func (a *Account) OptInStatus(region string) string {
	p := partitionNamed(a.Partition)
	switch {
	case slices.Contains(p.regions, region):
		return OptInNotRequired
	case a.optedIn[region]:
		return OptedIn
	case slices.Contains(p.optIn, region):
		return NotOptedIn
	}
	return ""
}

// Enabled reports whether the account can use a Region.
func (a *Account) Enabled(region string) bool {
	status := a.OptInStatus(region)
	return status == OptInNotRequired || status == OptedIn
}

// EnableRegion enables an opt-in Region, which takes AWS minutes and the
// simulation no time. STS is activated there with it.
func (a *Account) EnableRegion(region string) error {
	switch a.OptInStatus(region) {
	case "":
		return fmt.Errorf("partition %s has no Region %q", a.Partition, region)
	case NotOptedIn:
		if a.optedIn == nil {
			a.optedIn = map[string]bool{}
		}
		a.optedIn[region] = true
	}
	return nil
}

// DisableRegion takes EnableRegion back. What the account has there stays, out
// of its reach. Regions that are enabled by default cannot be disabled.
func (a *Account) DisableRegion(region string) error {
	if a.OptInStatus(region) == OptInNotRequired {
		return fmt.Errorf("the Region %s is enabled by default", region)
	}
	delete(a.optedIn, region)
	return nil
}

// SetSTS activates or deactivates the STS endpoint of a Region that is enabled
// by default, for credentials of this account.
// Source: IAM User Guide, "Manage AWS STS in an AWS Region".
func (a *Account) SetSTS(region string, active bool) {
	if a.noSTS == nil {
		a.noSTS = map[string]bool{}
	}
	a.noSTS[region] = !active
}

// GivesCredentials reports whether STS may make credentials of this account in
// a Region. That of an opt-in Region is active as long as the Region is enabled.
func (a *Account) GivesCredentials(region string) bool { return a.Enabled(region) && !a.noSTS[region] }

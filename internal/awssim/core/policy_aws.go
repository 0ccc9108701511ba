package core

import (
	_ "embed" // the managed policies of AWS
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// awsPolicyTable holds the few managed policies of AWS that the simulation knows.
//
//go:embed aws_policies.tsv
var awsPolicyTable string

// An awsPolicies is the managed policies of AWS in one partition, by what
// their ARNs end with: "policy/AdministratorAccess".
type awsPolicies map[string]*Policy

// AWSPolicies returns the managed policies of AWS in a partition by ARN. AWS
// has over a thousand; these are the ones that the simulation knows.
func (c *Cloud) AWSPolicies(partition string) []*Policy {
	all := c.awsPoliciesOf(partition)
	list := make([]*Policy, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

// awsPolicy returns a managed policy of AWS. That one is not there may be the
// simulation's fault, so it counts as misuse.
func (c *Cloud) awsPolicy(partition, resource string) *Policy {
	p := c.awsPoliciesOf(partition)[resource]
	if p == nil {
		c.NoteMisuse("the managed policy %s of AWS is not simulated", resource)
	}
	return p
}

func (c *Cloud) awsPoliciesOf(partition string) awsPolicies {
	if all := c.awsPolicies[partition]; all != nil {
		return all
	}
	all := awsPolicies{}
	for line := range strings.Lines(awsPolicyTable) {
		if !strings.HasPrefix(line, "#") {
			p := c.readAWSPolicy(partition, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
			all["policy"+p.Path+p.Name] = p
		}
	}
	c.awsPolicies[partition] = all
	return all
}

// readAWSPolicy makes a policy of a line of the table.
func (c *Cloud) readAWSPolicy(partition string, field []string) *Policy {
	if len(field) != 5 {
		panic(fmt.Sprintf("awssim: policy table line %q", field))
	}
	cut := strings.LastIndexByte(field[0], '/') + 1
	created, err1 := time.Parse(time.RFC3339, field[2])
	updated, err2 := time.Parse(time.RFC3339, field[3])
	number, err3 := strconv.Atoi(strings.TrimPrefix(field[1], "v"))
	d, err4 := iampolicy.Parse([]byte(field[4]))
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			panic("awssim: policy table: " + err.Error())
		}
	}
	p := &Policy{
		ARN:      strings.Join([]string{"arn", partition, "iam", "", "aws", "policy" + field[0]}, ":"),
		UniqueID: c.NewUniqueID("ANPA"), Name: field[0][cut:], Path: field[0][:cut],
		Created: created, Updated: updated, numbered: number,
	}
	p.Default = &PolicyVersion{ID: field[1], Created: updated, Document: d}
	p.Versions = []*PolicyVersion{p.Default}
	return p
}

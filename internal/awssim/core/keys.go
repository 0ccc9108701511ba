package core

import (
	"maps"
	"slices"
)

// Keys makes condition keys from pairs of a key and its value.
func Keys(pairs ...string) map[string][]string {
	m := make(map[string][]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = append(m[pairs[i]], pairs[i+1])
	}
	return m
}

// WithRequestTags adds the keys of tags sent with a request to keys, which it
// returns: aws:RequestTag/… and aws:TagKeys. Without tags it adds nothing,
// since an absent key is not an empty one.
func WithRequestTags(keys map[string][]string, tags map[string]string) map[string][]string {
	if len(tags) == 0 {
		return keys
	}
	for k, v := range tags {
		keys["aws:RequestTag/"+k] = []string{v}
	}
	keys["aws:TagKeys"] = slices.Sorted(maps.Keys(tags))
	return keys
}

// WithResourceTags adds the keys of a resource's own tags to keys, which it
// returns: aws:ResourceTag/… and, for a service with a key of its own such
// as "ec2", ec2:ResourceTag/….
func WithResourceTags(keys map[string][]string, service string, tags map[string]string) map[string][]string {
	for k, v := range tags {
		keys["aws:ResourceTag/"+k] = []string{v}
		if service != "" {
			keys[service+":ResourceTag/"+k] = []string{v}
		}
	}
	return keys
}

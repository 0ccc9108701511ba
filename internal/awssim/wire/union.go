package wire

import (
	"fmt"
	"reflect"
	"strings"

	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// unions are the types of which a request holds exactly one member, each the
// struct around the member's value. Reflection cannot find them.
var unions = map[reflect.Type][]reflect.Type{
	reflect.TypeFor[iamtypes.PolicyIdentifier](): {
		reflect.TypeFor[iamtypes.PolicyIdentifierMemberInlinePolicyIdentifier](),
		reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyArn](),
		reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyType](),
	},
}

// UnionMembers returns the structs that may stand for a union type of the
// SDK, or nil if it is not known.
func UnionMembers(t reflect.Type) []reflect.Type { return unions[t] }

// union reads the one member that a request gives.
func (d *decoder) union(n *node, v reflect.Value, path string) error {
	if n.leaf || len(n.kids) != 1 {
		return fmt.Errorf("%s: want one member", path)
	}
	for name, kid := range n.kids {
		for _, t := range unions[v.Type()] {
			if strings.TrimPrefix(t.Name(), v.Type().Name()+"Member") != name {
				continue
			}
			member := reflect.New(t)
			v.Set(member)
			return d.value(kid, member.Elem().FieldByName("Value"), join(path, name))
		}
		d.note(join(path, name))
	}
	return nil
}

package ec2sim

import (
	"reflect"
	"strings"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// served refuses a request that sets a member which the simulation does not
// serve, so that none is ignored in silence. members are those it serves, with
// spaces between; DryRun is always among them.
func served(c *core.Call, in any, members string) error {
	request := reflect.ValueOf(in).Elem()
	known := " DryRun " + members + " "
	for i := range request.NumField() {
		field := request.Type().Field(i)
		if field.IsExported() && !request.Field(i).IsZero() && !strings.Contains(known, " "+field.Name+" ") {
			return c.Unsupported(field.Name)
		}
	}
	return nil
}

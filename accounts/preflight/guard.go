package preflight

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/middleware"
)

// guard lets a client send nothing but what describes and what has the flag
// DryRun. The probes ask whether instances may be terminated: no slip of this
// package's may ever do it.
func guard(o *ec2.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("snapkeep.OnlyDryRuns", onlyDryRuns), middleware.Before)
	})
}

func onlyDryRuns(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	name := awsmiddleware.GetOperationName(ctx)
	if !strings.HasPrefix(name, "Describe") && !isDryRun(in.Parameters) {
		return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("preflight: ec2:%s is no dry run", name)
	}
	return next.HandleInitialize(ctx, in)
}

// isDryRun looks at the input of any operation.
func isDryRun(input any) bool {
	v := reflect.ValueOf(input)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return false
	}
	flag := v.Elem().FieldByName("DryRun")
	if !flag.IsValid() {
		return false
	}
	dry, ok := flag.Interface().(*bool)
	return ok && aws.ToBool(dry)
}

package awssim_test

// The modules of services that are still to come; each line goes when its
// service is there.
import (
	_ "github.com/aws/aws-sdk-go-v2/service/organizations"
)

package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func TestHostNames(t *testing.T) {
	for _, tt := range []struct{ service, region, host string }{
		{"ec2", "eu-west-1", "ec2.eu-west-1.amazonaws.com"},
		{"sts", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"},
		{"kms", "cn-north-1", "kms.cn-north-1.amazonaws.com.cn"},
		{"kms", "us-iso-east-1", "kms.us-iso-east-1.c2s.ic.gov"},
		{"ebs", "eusc-de-east-1", "ebs.eusc-de-east-1.amazonaws.eu"},
	} {
		require.Equal(t, tt.host, core.Endpoint(tt.service, tt.region))
	}
	require.Equal(t, "ec2.eu-west-1.amazonaws.com", core.ViaService("ec2", "eu-west-1"))
	require.Equal(t, "ec2.us-gov-west-1.amazonaws.com", core.ViaService("ec2", "us-gov-west-1"))
	require.Equal(t, "ec2.cn-north-1.amazonaws.com.cn", core.ViaService("ec2", "cn-north-1"))
}

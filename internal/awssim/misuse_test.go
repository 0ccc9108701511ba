package awssim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

// A member that an operation does not have is an error in every protocol, and
// the test that sent it can tell.
func TestAnUnknownMemberIsAnErrorInEveryProtocol(t *testing.T) {
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, tt := range []struct {
		service, method, target, body string
		header                        map[string]string
		code, misuse                  string
	}{
		{
			service: "ec2", method: "POST", target: "https://ec2.eu-west-1.amazonaws.com/", header: form,
			body: "Action=CopySnapshot&Version=2016-11-15&SourceRegion=eu-west-1&SourceSnapshotId=snap-1&KmsKey=k",
			code: "UnknownParameter", misuse: "ec2 CopySnapshot has no member KmsKey",
		},
		{
			service: "sts", method: "POST", target: "https://sts.eu-west-1.amazonaws.com/", header: form,
			body: "Action=AssumeRole&Version=2011-06-15&RoleArn=r&RoleSessionName=s&Tags.member.1.Name=a",
			code: "ValidationError", misuse: "sts AssumeRole has no member Tags.member.1.Name",
		},
		{
			service: "kms", method: "POST", target: "https://kms.eu-west-1.amazonaws.com/", body: `{"KeyID":"k"}`,
			header: map[string]string{"X-Amz-Target": "TrentService.DescribeKey", "Content-Type": "application/x-amz-json-1.1"},
			code:   "SerializationException", misuse: "kms DescribeKey has no member KeyID",
		},
		{
			service: "ebs", method: "GET", target: "https://ebs.eu-west-1.amazonaws.com/snapshots/snap-1/blocks?nextToken=a",
			code: "SerializationException", misuse: "ebs ListSnapshotBlocks has no member nextToken",
		},
		{
			service: "s3", method: "GET", target: "https://s3.eu-west-1.amazonaws.com/bucket/key?acl",
			code: "InvalidArgument", misuse: "s3 GetObject has no member acl",
		},
	} {
		t.Run(tt.service, func(t *testing.T) {
			cloud := awssim.New(awssim.Options{Latency: -1})
			creds, err := cloud.User("111111111111", "admin", awssim.Admin()).Retrieve(t.Context())
			require.NoError(t, err)
			r, err := http.NewRequestWithContext(t.Context(), tt.method, tt.target, strings.NewReader(tt.body))
			require.NoError(t, err)
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			status, answer := signed(t, cloud, creds, r, tt.service, tt.body)
			require.Equal(t, http.StatusBadRequest, status)
			require.Contains(t, answer, tt.code)
			require.Equal(t, []string{tt.misuse}, cloud.Misuse())
		})
	}
}

// signed signs a request, sends it and returns the answer.
func signed(t *testing.T, cloud *awssim.Cloud, creds aws.Credentials, r *http.Request, service, body string) (status int, answer string) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), creds, r, hash, service, "eu-west-1", time.Now()))
	resp, err := cloud.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text) + resp.Header.Get("X-Amzn-Errortype")
}

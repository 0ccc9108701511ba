package stssim_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

// A whoResponse is an answer to GetCallerIdentity, or an error.
type whoResponse struct {
	ARN  string `xml:"GetCallerIdentityResult>Arn"`
	Code string `xml:"Error>Code"`
	Text string `xml:"Error>Message"`
}

// presign makes the proof of identity that clusters and vaults ask for: a
// request for GetCallerIdentity that somebody else sends. The header ties it
// to one place.
func presign(t *testing.T, cloud *awssim.Cloud, p aws.CredentialsProvider) *http.Request {
	t.Helper()
	signer := sts.NewPresignClient(client(cloud, p))
	made, err := signer.PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
			o.APIOptions = append(o.APIOptions,
				smithyhttp.SetHeaderValue("X-K8s-Aws-Id", "cluster"), smithyhttp.SetHeaderValue("X-Amz-Expires", "60"))
		})
	})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), made.Method, made.URL, nil)
	require.NoError(t, err)
	r.Header = made.SignedHeader.Clone()
	r.Header.Del("Host")
	return r
}

func send(t *testing.T, cloud *awssim.Cloud, r *http.Request) (status int, who whoResponse) {
	t.Helper()
	answer, err := cloud.Client().Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(body, &who), "%s", body)
	return answer.StatusCode, who
}

func TestAProofOfIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := awssim.New(awssim.Options{Latency: -1})
		user := cloud.User(vault, "engine", awssim.Admin())
		cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, "")})
		out, err := client(cloud, user).AssumeRole(t.Context(), input(nil))
		require.NoError(t, err)

		proof := presign(t, cloud, of(out))
		require.Equal(t, "cluster", proof.Header.Get("X-K8s-Aws-Id"))
		require.Equal(t, "60", proof.URL.Query().Get("X-Amz-Expires"))
		status, who := send(t, cloud, proof)
		require.Equal(t, 200, status, "%+v", who)
		require.Equal(t, *out.AssumedRoleUser.Arn, who.ARN)

		other := presign(t, cloud, of(out))
		other.Header.Set("X-K8s-Aws-Id", "another")
		status, who = send(t, cloud, other)
		require.Equal(t, 403, status)
		require.Equal(t, "SignatureDoesNotMatch", who.Code)

		time.Sleep(15 * time.Minute)
		status, _ = send(t, cloud, proof)
		require.Equal(t, 200, status, "it is good for 15 minutes whatever it says")
		time.Sleep(time.Second)
		status, who = send(t, cloud, proof)
		require.Equal(t, 403, status)
		require.Equal(t, "SignatureDoesNotMatch", who.Code)
		require.Regexp(t, `^Signature expired: \w+ is now earlier than \w+ \(\w+ - 15 min\.\)$`, who.Text)
	})
}

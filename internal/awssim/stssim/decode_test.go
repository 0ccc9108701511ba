package stssim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

// encodedMessage takes it out of a refusal of EC2.
func encodedMessage(t *testing.T, err error) string {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, "UnauthorizedOperation", api.ErrorCode())
	_, text, ok := strings.Cut(api.ErrorMessage(), "Encoded authorization failure message: ")
	require.True(t, ok, api.ErrorMessage())
	require.Regexp(t, `^[\w-]{100,}$`, text)
	return text
}

// create calls EC2, which asks for ec2:CreateVolume on a volume.
func create(t *testing.T, c *awssim.Cloud, p aws.CredentialsProvider) error {
	t.Helper()
	cfg := c.Config(p, "eu-west-1")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	_, err := ec2.NewFromConfig(cfg).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
	return err
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	decode := func(account, text string) (map[string]any, error) {
		out, err := client(cloud, cloud.User(account, "auditor", allow(t, "*", "sts:DecodeAuthorizationMessage"))).
			DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &text})
		if err != nil {
			return nil, err
		}
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(*out.DecodedMessage), &m))
		return m, nil
	}
	user := cloud.User(vault, "engine", allow(t, "*", "sts:*"))
	require.NotContains(t, describe(t, cloud, user).Error(), "Encoded", "about what has no resource there is none")
	require.ErrorContains(t, describe(t, cloud, user), "is not authorized to perform: ec2:DescribeSnapshots because no identity-based policy allows the ec2:DescribeSnapshots action")
	text := encodedMessage(t, create(t, cloud, user))
	m, err := decode(vault, text)
	require.NoError(t, err)
	require.Equal(t, false, m["allowed"])
	require.Equal(t, false, m["explicitDeny"])
	require.Equal(t, map[string]any{"items": []any{}}, m["matchedStatements"])
	require.Equal(t, map[string]any{"items": []any{}}, m["failures"])
	about := m["context"].(map[string]any)
	require.Equal(t, "ec2:CreateVolume", about["action"])
	require.Equal(t, "arn:aws:ec2:eu-west-1:999999999999:volume/*", about["resource"])
	principal := about["principal"].(map[string]any)
	require.Equal(t, engine, principal["arn"])
	require.Equal(t, "engine", principal["name"])
	require.Regexp(t, "^AIDA", principal["id"])
	conditions := about["conditions"].(map[string]any)["items"].([]any)
	require.Contains(t, conditions, map[string]any{"key": "ec2:Region", "values": map[string]any{"items": []any{map[string]any{"value": "eu-west-1"}}}})

	deny := parse(t, `{"Version":"2012-10-17","Statement":[{"Sid":"NoRead","Effect":"Deny","Action":"ec2:Create*","Resource":"*",
		"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`)
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, ""), Policies: []*iampolicy.Document{awssim.Admin(), deny}})
	out, err := client(cloud, user).AssumeRole(t.Context(), input(nil))
	require.NoError(t, err)
	refusal := encodedMessage(t, create(t, cloud, of(out)))
	m, err = decode(target, refusal)
	require.NoError(t, err)
	require.Equal(t, true, m["explicitDeny"])
	role, _, _ := strings.Cut(*out.AssumedRoleUser.AssumedRoleId, ":")
	value := func(s string) map[string]any { return map[string]any{"items": []any{map[string]any{"value": s}}} }
	require.Equal(t, map[string]any{"items": []any{map[string]any{
		"statementId": "NoRead", "effect": "DENY", "principals": value(role), "principalGroups": map[string]any{"items": []any{}},
		"actions": value("ec2:Create*"), "resources": value("*"),
		"conditions": map[string]any{"items": []any{map[string]any{"key": "aws:RequestedRegion", "values": value("eu-west-1")}}},
	}}}, m["matchedStatements"])

	for name, bad := range map[string]string{"other account": refusal, "changed": text[:40] + "A" + text[41:], "cut": text[:20], "nonsense": "a b"} {
		_, err = decode(vault, bad)
		require.Equal(t, "InvalidAuthorizationMessageException", code(err), name)
	}
	_, err = client(cloud, user).DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &text})
	require.NoError(t, err, "sts:* covers it")
	_, err = client(cloud, cloud.User(vault, "other")).DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &text})
	require.Equal(t, "AccessDenied", code(err))
}

package stssim_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func managed(arns ...string) (list []types.PolicyDescriptorType) {
	for _, a := range arns {
		list = append(list, types.PolicyDescriptorType{Arn: aws.String(a)})
	}
	return list
}

func TestManagedSessionPolicies(t *testing.T) {
	cloud := awssim.New(awssim.Options{Latency: -1})
	user := cloud.User(vault, "engine", awssim.Admin())
	cloud.PutRole(target, awssim.Role{Name: "backup", Path: "/bk/", Trust: trust(t, engine, ""), Policies: []*iampolicy.Document{awssim.Admin()}})
	add := func(account, name, action string) (*core.Policy, string) {
		cloud.Lock()
		defer cloud.Unlock()
		p := cloud.Account(account).AddPolicy(core.Policy{Name: name}, allow(t, "*", action))
		return p, p.ARN
	}
	reader, read := add(target, "read", "ec2:Describe*")
	_, write := add(target, "write", "ec2:CreateVolume")
	_, foreign := add(vault, "read", "ec2:*")
	open := func(policy string, arns ...string) (aws.CredentialsProvider, error) {
		out, err := client(cloud, user).AssumeRole(t.Context(), input(func(in *sts.AssumeRoleInput) {
			in.PolicyArns = managed(arns...)
			if policy != "" {
				in.Policy = &policy
			}
		}))
		if err != nil {
			return nil, err
		}
		//lint:ignore SA1019 clients still read it
		require.Positive(t, *out.PackedPolicySize)
		return of(out), nil
	}
	only := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:CreateVolume","Resource":"*"}]}`
	for _, tt := range []struct {
		name        string
		policy      string
		arns        []string
		read, write bool
	}{
		{name: "one", arns: []string{read}, read: true},
		{name: "two", arns: []string{read, write}, read: true, write: true},
		{name: "with an inline one", policy: only, arns: []string{read}, read: true, write: true},
		{name: "of AWS", arns: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, read: true, write: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			session, err := open(tt.policy, tt.arns...)
			require.NoError(t, err)
			require.Equal(t, tt.read, describe(t, cloud, session) == nil)
			require.Equal(t, tt.write, create(t, cloud, session) == nil)
		})
	}
	session, err := open("", read)
	require.NoError(t, err)
	cloud.Lock()
	reader.SetDefault(reader.AddVersion(allow(t, "*", "kms:*"), cloud.Now()))
	cloud.Unlock()
	require.ErrorContains(t, describe(t, cloud, session), "because no session policy allows", "what the policy says now counts")

	for name, arns := range map[string][]string{
		"of another account": {foreign}, "unknown": {read + "2"}, "no policy": {engine},
		"of another partition": {"arn:aws-cn:iam::aws:policy/AdministratorAccess"}, "eleven": make([]string, 11),
	} {
		_, err := open("", arns...)
		require.Equal(t, "ValidationError", code(err), name)
	}
	_, err = open(only+strings.Repeat(" ", 2048-len(only)), read)
	require.Equal(t, "PackedPolicyTooLarge", code(err), "they count together")
	require.Empty(t, cloud.Misuse())

	in := &sts.GetFederationTokenInput{Name: aws.String("ana"), PolicyArns: managed(foreign)}
	out, err := client(cloud, user).GetFederationToken(t.Context(), in)
	require.NoError(t, err)
	require.NoError(t, describe(t, cloud, held(out.Credentials)))
}

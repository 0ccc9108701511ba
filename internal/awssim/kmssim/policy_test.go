package kmssim_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// Both the key's policy and the caller's have a say, and across accounts both
// must speak for the caller.
func TestKeyPolicyAndIdentityPolicyDecide(t *testing.T) {
	names := func(principal string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["kms:DescribeKey","kms:Encrypt"],"Resource":"*"}`
	}
	user := func(acct string) string { return "arn:aws:iam::" + acct + ":user/bob" }
	for _, tt := range []struct {
		name     string
		caller   string
		policy   string
		identity []*iampolicy.Document
		want     string
	}{
		{"same account, delegated, allowed", account, "", []*iampolicy.Document{allow(t, "kms:DescribeKey")}, ""},
		{"same account, delegated, not allowed", account, "", nil, "AccessDeniedException"},
		{"same account, named by the key", account, keyPolicy(names(user(account))), nil, ""},
		{"same account, named but denied", account, keyPolicy(names(user(account))), []*iampolicy.Document{deny(t, "kms:DescribeKey")}, "AccessDeniedException"},
		{"other account, unknown to the key", other, "", []*iampolicy.Document{allow(t, "kms:*")}, "AccessDeniedException"},
		{"other account, named, allowed", other, keyPolicy(names(user(other))), []*iampolicy.Document{allow(t, "kms:*")}, ""},
		{"other account, named, not allowed", other, keyPolicy(names(user(other))), nil, "AccessDeniedException"},
		{"other account, its root named, allowed", other, keyPolicy(names("arn:aws:iam::" + other + ":root")), []*iampolicy.Document{allow(t, "kms:*")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			bob := client(cloud, tt.caller, "bob", tt.identity...)
			arn := newKey(t, admin(cloud, account), tt.policy)
			_, err := bob.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &arn})
			require.Equal(t, tt.want, code(t, err))
		})
	}
}

func TestKeyIsFoundByItsNames(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	arn := newKey(t, c, "")
	_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/vault"), TargetKeyId: &arn})
	require.NoError(t, err)
	id := arn[len(arn)-36:]
	for _, tt := range []struct {
		name string
		want string
	}{
		{id, ""},
		{arn, ""},
		{"alias/vault", ""},
		{"arn:aws:kms:eu-west-1:111111111111:alias/vault", ""},
		{"alias/aws/ebs", ""},
		{"alias/none", "NotFoundException"},
		{"00000000-0000-4000-8000-000000000000", "NotFoundException"},
		{"arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-4000-8000-000000000000", "NotFoundException"},
		// Whether a key of another account exists does not show.
		{"arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000000", "AccessDeniedException"},
		{"arn:aws:kms:us-east-1:111111111111:key/" + id, "NotFoundException"},
		{"arn:aws:ec2:eu-west-1:111111111111:key/" + id, "InvalidArnException"},
		{"arn:nonsense", "InvalidArnException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(tt.name)})
			require.Equal(t, tt.want, code(t, err))
		})
	}
	_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: aws.String("alias/vault")})
	require.Equal(t, "NotFoundException", code(t, err), "management takes no alias")
	_, err = kmsIn(cloud, "us-east-1").DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	require.Equal(t, "NotFoundException", code(t, err), "a key belongs to its Region")
}

func kmsIn(cloud *awssim.Cloud, region string) *kms.Client {
	return kms.NewFromConfig(cloud.Config(cloud.User(account, "admin", awssim.Admin()), region))
}

func TestPutKeyPolicyChecks(t *testing.T) {
	shut := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/nobody"},"Action":"kms:*","Resource":"*"}]}`
	for _, tt := range []struct {
		name   string
		policy string
		bypass bool
		want   string
	}{
		{"good", keyPolicy(), false, ""},
		{"locks everybody out", shut, false, "MalformedPolicyDocumentException"},
		{"locks everybody out, on purpose", shut, true, ""},
		{"names somebody who is not", strings.Replace(shut, "nobody", "someone", 1), true, "MalformedPolicyDocumentException"},
		{"names what is no principal", strings.Replace(shut, "arn:aws:iam::111111111111:user/nobody", "nobody", 1), true, "MalformedPolicyDocumentException"},
		{"no JSON", `{`, false, "MalformedPolicyDocumentException"},
		{"no statement", `{"Version":"2012-10-17","Statement":[]}`, false, "MalformedPolicyDocumentException"},
		{"no principal", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`, true, "MalformedPolicyDocumentException"},
		{"no action", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Resource":"*"}]}`, true, "MalformedPolicyDocumentException"},
		{"no resource", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*"}]}`, true, "MalformedPolicyDocumentException"},
		{"no effect", `{"Version":"2012-10-17","Statement":[{"Principal":"*","Action":"kms:*","Resource":"*"}]}`, true, "MalformedPolicyDocumentException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			c := admin(cloud, account)
			cloud.User(account, "nobody")
			arn := newKey(t, c, "")
			_, err := c.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: &arn, Policy: &tt.policy, BypassPolicyLockoutSafetyCheck: tt.bypass})
			require.Equal(t, tt.want, code(t, err))
			_, err = c.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: &tt.policy, BypassPolicyLockoutSafetyCheck: tt.bypass})
			require.Equal(t, tt.want, code(t, err), "CreateKey checks the same")
			if tt.want != "" {
				out, err := c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: &arn})
				require.NoError(t, err)
				require.Contains(t, *out.Policy, "Enable IAM User Permissions", "the old policy stays")
			}
		})
	}
}

func TestKeyPolicyIsReturnedAsPut(t *testing.T) {
	cloud := newCloud(t)
	c := admin(cloud, account)
	text := "  " + keyPolicy() + "\n"
	arn := newKey(t, c, text)
	out, err := c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: &arn})
	require.NoError(t, err)
	require.Equal(t, text, *out.Policy)
	_, err = c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: &arn, PolicyName: aws.String("more")})
	require.Equal(t, "NotFoundException", code(t, err))
}

// Source: AWS KMS API Reference, "Cross-account use" of each operation.
func TestWhatReachesIntoAnotherAccount(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	arn := newKey(t, admin(cloud, account), keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+other+`:root"},"Action":"kms:*","Resource":"*"}`))
	c := admin(cloud, other)
	root := aws.String("arn:aws:iam::" + other + ":root")
	var sealed []byte
	for _, tt := range []struct {
		name string
		does bool
		call func() error
	}{
		{"Encrypt", true, func() error {
			out, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
			if err == nil {
				sealed = out.CiphertextBlob
			}
			return err
		}},
		{"Decrypt", true, func() error { _, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed}); return err }},
		{"ReEncrypt", true, func() error {
			_, err := c.ReEncrypt(ctx, &kms.ReEncryptInput{CiphertextBlob: sealed, DestinationKeyId: &arn})
			return err
		}},
		{"GenerateDataKey", true, func() error {
			_, err := c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &arn, KeySpec: types.DataKeySpecAes256})
			return err
		}},
		{"CreateGrant", true, func() error {
			_, err := c.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: &arn, GranteePrincipal: root, Operations: []types.GrantOperation{"Decrypt"}})
			return err
		}},
		{"ListGrants", true, func() error { _, err := c.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &arn}); return err }},
		{"DescribeKey", true, func() error { _, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn}); return err }},
		{"GetKeyRotationStatus", true, func() error {
			_, err := c.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &arn})
			return err
		}},
		{"DisableKey", false, func() error { _, err := c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &arn}); return err }},
		{"ScheduleKeyDeletion", false, func() error {
			_, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn})
			return err
		}},
		{"PutKeyPolicy", false, func() error {
			_, err := c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &arn, Policy: aws.String(keyPolicy())})
			return err
		}},
		{"GetKeyPolicy", false, func() error { _, err := c.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &arn}); return err }},
		{"ListKeyPolicies", false, func() error { _, err := c.ListKeyPolicies(ctx, &kms.ListKeyPoliciesInput{KeyId: &arn}); return err }},
		{"EnableKeyRotation", false, func() error {
			_, err := c.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &arn})
			return err
		}},
		{"ListResourceTags", false, func() error { _, err := c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &arn}); return err }},
		{"UntagResource", false, func() error {
			_, err := c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &arn, TagKeys: []string{"x"}})
			return err
		}},
		{"CreateAlias", false, func() error {
			_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &arn})
			return err
		}},
		{"ReplicateKey", false, func() error {
			_, err := c.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &arn, ReplicaRegion: aws.String(far)})
			return err
		}},
	} {
		want := "AccessDeniedException"
		if tt.does {
			want = ""
		}
		require.Equal(t, want, code(t, tt.call()), tt.name)
	}
}

func TestKeyManagedByAWS(t *testing.T) {
	ctx := t.Context()
	cloud := newCloud(t)
	c := admin(cloud, account)
	d, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
	require.NoError(t, err)
	require.Equal(t, types.KeyManagerTypeAws, d.KeyMetadata.KeyManager)
	arn := *d.KeyMetadata.Arn
	again, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
	require.NoError(t, err)
	require.Equal(t, arn, *again.KeyMetadata.Arn, "there is one for each account and Region")
	cloud.Lock()
	require.Equal(t, arn, string(cloud.KMS().EBSKey(kmssim.Site{Account: account, Region: region})))
	require.NotEqual(t, arn, string(cloud.KMS().EBSKey(kmssim.Site{Account: other, Region: region})))
	cloud.Unlock()

	for name, do := range map[string]func() error{
		"disable": func() error { _, err := c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &arn}); return err },
		"delete": func() error {
			_, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn})
			return err
		},
		"policy": func() error {
			_, err := c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &arn, Policy: aws.String(keyPolicy())})
			return err
		},
		"use it directly": func() error {
			_, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
			return err
		},
		"grant it": func() error {
			_, err := c.CreateGrant(ctx, &kms.CreateGrantInput{
				KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::" + other + ":root"),
				Operations: []types.GrantOperation{types.GrantOperationDecrypt},
			})
			return err
		},
		"describe it from another account": func() error {
			_, err := admin(cloud, other).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
			return err
		},
	} {
		require.Equal(t, "AccessDeniedException", code(t, do()), name)
	}
}

// A key policy names a role by what it is, not by what it is called.
func TestRecreatedRoleIsNotMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cloud := newCloud(t)
		trust := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`)
		role := awssim.Role{Name: "reader", Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}}
		arn := cloud.PutRole(account, role)
		key := newKey(t, admin(cloud, account), `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/admin"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Allow","Principal":{"AWS":"`+arn+`"},"Action":"kms:DescribeKey","Resource":"*"}]}`)
		describe := func() string {
			_, err := session(t, cloud, arn).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
			return code(t, err)
		}
		require.Empty(t, describe())
		cloud.DeleteRole(account, "reader")
		require.Equal(t, arn, cloud.PutRole(account, role))
		require.Equal(t, "AccessDeniedException", describe())
	})
}

// Of all that could let somebody use a key, nothing overrides a resource
// control policy of the account that owns it, a grant no more than a policy.
func TestResourceControlPoliciesBindKeys(t *testing.T) {
	cloud := newCloud(t)
	key := newKey(t, admin(cloud, account), keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"`+other+`"},"Action":"kms:*","Resource":"*"}`))
	stranger, owner := admin(cloud, other), admin(cloud, account)
	describe := func(c *kms.Client) error {
		_, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key})
		return err
	}
	_, err := owner.CreateGrant(t.Context(), &kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String("arn:aws:iam::" + other + ":user/admin"), Operations: []types.GrantOperation{types.GrantOperationDescribeKey},
	})
	require.NoError(t, err)
	require.NoError(t, describe(stranger))
	cloud.SetOrganization("o-1", "999999999999", account) // the first manages it, and is not bound
	perimeter := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
		"Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]}`)
	cloud.SetRCP(account, []*iampolicy.Document{perimeter})
	require.ErrorContains(t, describe(stranger), "with an explicit deny in a resource control policy")
	require.NoError(t, describe(owner))

	managed, err := owner.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
	require.NoError(t, err)
	everything := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`)
	cloud.SetRCP(account, []*iampolicy.Document{everything})
	require.Equal(t, "AccessDeniedException", code(t, describe(owner)))
	_, err = owner.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: managed.KeyMetadata.Arn})
	require.NoError(t, err, "keys that AWS manages are beyond them")
	cloud.SetRCP(account)
	require.NoError(t, describe(stranger))
}

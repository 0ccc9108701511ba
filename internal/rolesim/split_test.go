package rolesim_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

// crowd protects a hundred accounts more, each with a key.
func (w *world) crowd() {
	for n := range 100 {
		account := fmt.Sprintf("4%011d", n)
		w.i.Protected = append(w.i.Protected, iampolicy.Protected{
			Account: account, ExternalID: "ext-" + account, Regions: []string{region},
			SourceKeys: []string{"arn:aws:kms:" + region + ":" + account + ":key/0d4b1f6a-58a1-4a4e-9d4c-0c5f5a1f0e11"},
		})
	}
}

// IAM stores the parts of a role that is too large to be inline, and with all
// of them the role does what it is for.
func TestASplitWriterWorks(t *testing.T) {
	inWorld(t, nil, func(ctx context.Context, w *world) {
		w.crowd()
		role, err := w.i.VaultWriter()
		require.NoError(t, err)
		require.Greater(t, len(role.Managed), 3)
		w.PutRole(vault, awssim.Role{Name: role.Name, Trust: role.Trust})
		c := iam.NewFromConfig(w.admin(vault))
		_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role.Name, PolicyName: aws.String("all"), PolicyDocument: aws.String(text(t, role.Policy))})
		require.ErrorContains(t, err, "LimitExceeded", "inline it is too large")
		for n, part := range role.Managed {
			out, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{
				PolicyName: aws.String(fmt.Sprintf("%s-%d", role.Name, n)), PolicyDocument: aws.String(text(t, part)),
			})
			require.NoError(t, err)
			if n == len(role.Managed)-1 {
				require.Error(t, copied(ctx, w), "a part is lacking")
			}
			_, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role.Name, PolicyArn: out.Policy.Arn})
			require.NoError(t, err)
		}
		require.NoError(t, copied(ctx, w))
	})
}

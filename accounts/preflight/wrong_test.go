package preflight_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A fault is a wrong set-up and the findings that it must lead to, each
// "outcome account purpose check: part of the evidence"; and no others.
type fault struct {
	name string
	make func(*scene)
	want []string
}

var trustFaults = []fault{
	{
		"trust names another principal of the vault", func(s *scene) {
			s.change(shop, "backup", func(r *awssim.Role) { r.Trust = trustingIf(s.t, "arn:aws:iam::"+vault+":user/host", "shop-9b2d") })
		}, []string{"wrong 111111111111 backup trust: does not let " + hub + " in"},
	},
	{
		"trust demands no external id", func(s *scene) {
			s.change(shop, "backup", func(r *awssim.Role) { r.Trust = trusting(s.t, hub) })
		}, []string{"wrong 111111111111 backup external-id: the role was assumed without an external id and with a wrong external id"},
	},
	{
		"trust takes any external id", func(s *scene) {
			s.change(shop, "pruner", func(r *awssim.Role) {
				r.Trust = parse(s.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+hub+`"},
					"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"*"}}}]}`)
			})
		}, []string{"wrong 111111111111 pruner external-id: the role was assumed with a wrong external id"},
	},
	{
		"trust demands another external id", func(s *scene) {
			s.change(shop, "pruner", func(r *awssim.Role) { r.Trust = trustingIf(s.t, hub, "another-id") })
		}, []string{"wrong 111111111111 pruner external-id: demands another external id than the one declared"},
	},
	{
		"no external id declared where one is demanded", func(s *scene) {
			s.declare(clean, accounts.Restore, func(r *accounts.Role) { r.ExternalID = "" })
		}, []string{"wrong 555555555555 restore external-id: none is declared"},
	},
	{
		"no external id declared and none demanded", func(s *scene) {
			s.declare(clean, accounts.Restore, func(r *accounts.Role) { r.ExternalID = "" })
			s.change(clean, "restore", func(r *awssim.Role) { r.Trust = trusting(s.t, hub) })
		}, []string{"wrong 555555555555 restore external-id: the role was assumed without one"},
	},
	{
		"trust is open to everyone who has the external id", func(s *scene) {
			s.change(clean, "restore", func(r *awssim.Role) { r.Trust = trustingIf(s.t, "*", "clean-e81a") })
		}, []string{"wrong 555555555555 restore trust: principals of any account"},
	},
	{
		"trust names a foreign account beside the vault", func(s *scene) {
			s.change(shop, "backup", func(r *awssim.Role) {
				r.Trust.Statements = append(r.Trust.Statements, trustingIf(s.t, "arn:aws:iam::333333333333:root", "shop-9b2d").Statements...)
			})
		}, []string{"wrong 111111111111 backup trust: arn:aws:iam::333333333333:root"},
	},
	{
		"role was renamed", func(s *scene) {
			r := s.role(shop, "backup")
			s.DeleteRole(shop, r.Name)
			r.Name = "backup-of-last-year"
			s.PutRole(shop, r)
		}, []string{"wrong 111111111111 backup role-exists: no such role"},
	},
	{
		"role was moved to another path", func(s *scene) {
			s.change(shop, "backup", func(r *awssim.Role) { r.Path = "/backup/" })
		}, []string{"wrong 111111111111 backup role-exists: role/backup/snapkeep-backup"},
	},
	{
		"orchestrator was made anew, one trust policy not", func(s *scene) {
			s.remake("orchestrator")
			// All but one trust policies are saved again.
			for _, p := range []struct{ account, purpose string }{
				{shop, "backup"},
				{vault, "vault-writer"},
				{vault, "vault-pruner"},
				{vault, "vault-sharer"},
				{clean, "restore"},
			} {
				s.change(p.account, p.purpose, func(*awssim.Role) {})
			}
		}, []string{"wrong 111111111111 pruner trust: the unique id of a principal that was deleted"},
	},
	{
		"restore role was made anew, the vault keys' policies not saved again", func(s *scene) {
			r := s.role(clean, "restore")
			s.DeleteRole(clean, r.Name)
			s.PutRole(clean, r)
		}, []string{
			"wrong 555555555555 restore key-policy: the unique id of a principal that was deleted",
			"wrong 555555555555 restore key-policy: the unique id of a principal that was deleted",
		},
	},
	{
		"base identity is not the orchestrator", func(s *scene) {
			// A chain without the hub: the host itself comes to the role.
			for i, a := range s.declared {
				if a.ID == clean {
					s.declared[i].Purposes[accounts.Restore] = a.Purposes[accounts.Restore][1:]
				}
			}
		}, []string{"wrong 555555555555 restore caller: user/host, not the orchestrator"},
	},
	{
		"orchestrator may not assume the role", func(s *scene) {
			s.PutRole(vault, awssim.Role{
				Name: "orchestrator", Trust: trusting(s.t, "arn:aws:iam::"+vault+":user/host"),
				Policies: []*iampolicy.Document{allow(s.t, "sts:AssumeRole", "arn:aws:iam::"+vault+":role/*"), allow(s.t, "sts:AssumeRole", "arn:aws:iam::"+shop+":role/*")},
			})
		}, []string{"wrong 555555555555 restore caller: may not assume it"},
	},
	{
		"permissions boundary of the orchestrator in the way", func(s *scene) {
			r := s.orchestrator("arn:aws:iam::" + vault + ":user/host")
			r.Boundary = allow(s.t, "sts:AssumeRole", "*")
			r.Boundary.Statements[0].Resources = iampolicy.Of("arn:aws:iam::"+vault+":role/*", "arn:aws:iam::"+shop+":role/*")
			s.PutRole(vault, r)
		}, []string{"wrong 555555555555 restore boundary: may not assume it: no permissions boundary"},
	},
	{
		"hub role is missing", func(s *scene) {
			s.DeleteRole(vault, "orchestrator")
		}, []string{"wrong 999999999999 - role-exists: no such role"},
	},
	{
		"session longer than the role gives", func(s *scene) {
			s.base.Credentials = s.assume(s.base, hub)
			for i := range s.declared {
				for p, chain := range s.declared[i].Purposes {
					s.declared[i].Purposes[p] = chain[1:]
				}
			}
			s.declare(shop, accounts.Backup, func(r *accounts.Role) { r.Duration = 2 * time.Hour })
			s.change(shop, "backup", func(r *awssim.Role) { r.MaxSession = 12 * time.Hour })
		}, []string{"wrong 111111111111 backup session-duration: role chaining"},
	},
	{
		"vault is declared as the base identity's account, and is not", func(s *scene) {
			for i, a := range s.declared {
				if a.ID == vault {
					delete(s.declared[i].Purposes, accounts.VaultWriter)
				}
			}
			s.base.Credentials = s.User(manager, "host", allow(s.t, "sts:AssumeRole", hub))
			s.PutRole(vault, s.orchestrator("arn:aws:iam::"+manager+":user/host"))
		}, []string{"wrong 999999999999 vault-writer identity: account 700000000000, not 999999999999"},
	},
	{
		"base credentials have expired", func(s *scene) {
			provider := s.base.Credentials
			s.base.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
				c, err := provider.Retrieve(ctx)
				c.CanExpire, c.Expires = true, time.Now().Add(-time.Hour)
				return c, err
			})
		}, []string{"wrong - - base-credentials: expired at"},
	},
	{
		"base credentials are unknown to AWS", func(s *scene) {
			s.base.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIAGONE", SecretAccessKey: "s"}, nil
			})
		}, []string{"wrong - - base-credentials: InvalidClientTokenId"},
	},
	{
		"a purpose is not declared", func(s *scene) {
			for i, a := range s.declared {
				if a.ID == shop {
					delete(s.declared[i].Purposes, accounts.Pruner)
				}
			}
		}, []string{"wrong 111111111111 pruner declared: no role for this purpose"},
	},
}

var accountFaults = []fault{
	{
		"account is suspended", func(s *scene) { s.SetState(shop, core.Suspended) },
		[]string{"wrong 111111111111 - account-state: SUSPENDED"},
	},
	{
		"account is closed", func(s *scene) { s.SetState(clean, core.Closed) },
		[]string{"wrong 555555555555 - account-state: CLOSED"},
	},
	{
		"there is no organization", func(s *scene) {
			alone := s.Config(s.User("800000000000", "boss", awssim.Admin()), "us-east-1")
			s.opts.Organization = &alone
		}, []string{
			"unknown 111111111111 - account-state: AWSOrganizationsNotInUseException",
			"unknown 555555555555 - account-state: AWSOrganizationsNotInUseException",
			"unknown 999999999999 - account-state: AWSOrganizationsNotInUseException",
		},
	},
	{
		"Region is not enabled", func(s *scene) { require.NoError(s.t, s.DisableRegion(shop, milan)) },
		[]string{"wrong 111111111111 - region: AuthFailure"},
	},
	{
		"Region of the sources is not enabled for the vault", func(s *scene) { require.NoError(s.t, s.DisableRegion(vault, milan)) },
		[]string{"wrong 999999999999 - region: AuthFailure"},
	},
	{
		"STS is not activated in the Region", func(s *scene) {
			s.SetSTS(clean, frankfurt, false)
		}, []string{"wrong 555555555555 restore region: STS is not activated"},
	},
	{
		"installation has no key in a Region", func(s *scene) { s.in.VaultKeys = s.in.VaultKeys[:1] },
		[]string{"wrong - - installation: has no key in eu-west-1"},
	},
	{
		"installation names a key of another Region", func(s *scene) {
			s.in.Protected[0].SourceKeys = append(s.in.Protected[0].SourceKeys, "arn:aws:kms:us-east-1:"+shop+":key/far-away")
		}, []string{"wrong - - installation: is in none of the account's Regions"},
	},
}

var permissionFaults = []fault{
	{
		"backup may not snapshot instances", func(s *scene) { s.without(shop, "backup", "SnapshotInstances") },
		[]string{"wrong 111111111111 backup permission: ec2:CreateSnapshots: no identity-based policy"},
	},
	{
		"backup may not list volumes", func(s *scene) {
			s.give(shop, "backup", deny(s.t, "ec2:DescribeVolumes"))
		}, []string{"wrong 111111111111 backup permission: ec2:DescribeVolumes"},
	},
	{
		"backup may not tag", func(s *scene) { s.without(shop, "backup", "TagNewSnapshots") },
		[]string{"wrong 111111111111 backup permission: ec2:CreateTags"},
	},
	{
		"pruner may not delete", func(s *scene) {
			s.change(shop, "pruner", func(r *awssim.Role) { r.Policies = nil })
		}, []string{"wrong 111111111111 pruner permission: ec2:DeleteSnapshot"},
	},
	{
		"writer may not make copies", func(s *scene) { s.without(vault, "vault-writer", "MakeTaggedCopies") },
		[]string{"wrong 999999999999 vault-writer permission: ec2:CopySnapshot"},
	},
	{
		"writer may not grant keys", func(s *scene) { s.without(vault, "vault-writer", "GrantKeysToEC2") },
		[]string{"wrong 999999999999 vault-writer permission: kms:CreateGrant"},
	},
	{
		"vault pruner may not delete", func(s *scene) {
			s.change(vault, "vault-pruner", func(r *awssim.Role) { r.Policies = nil })
		}, []string{"wrong 999999999999 vault-pruner permission: ec2:DeleteSnapshot"},
	},
	{
		"sharer may not take shares back", func(s *scene) { s.without(vault, "vault-sharer", "RevokeOwn") },
		[]string{"wrong 999999999999 vault-sharer permission: ec2:ModifySnapshotAttribute"},
	},
	{
		"restore may not make volumes", func(s *scene) { s.without(clean, "restore", "MakeVolumes") },
		[]string{"wrong 555555555555 restore permission: ec2:CreateVolume"},
	},
	{
		"permissions boundary in the way", func(s *scene) {
			s.change(shop, "pruner", func(r *awssim.Role) { r.Boundary = allow(s.t, "ec2:Describe*", "*") })
		}, []string{"wrong 111111111111 pruner boundary: ec2:DeleteSnapshot: no permissions boundary"},
	},
	{
		"permissions boundary in the way of what only the simulator sees", func(s *scene) {
			s.change(clean, "restore", func(r *awssim.Role) {
				r.Boundary = awssim.Admin()
				r.Boundary.Statements = append(r.Boundary.Statements, deny(s.t, "ec2:CreateVolume").Statements...)
			})
		}, []string{"wrong 555555555555 restore boundary: by simulation"},
	},
	{
		"SCP in the way of an action", func(s *scene) {
			s.SetSCP(shop, []*iampolicy.Document{awssim.Admin(), deny(s.t, "ec2:CreateSnapshots")})
		}, []string{"wrong 111111111111 backup organization: ec2:CreateSnapshots: a service control policy forbids it"},
	},
	{
		"SCP in the way in one Region", func(s *scene) {
			s.SetSCP(vault, []*iampolicy.Document{awssim.Admin(), parse(s.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny",
				"Action":"ec2:DeleteSnapshot","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`)})
		}, []string{"wrong 999999999999 vault-pruner organization: eu-west-1"},
	},
	{
		"SCP in the way of assuming", func(s *scene) {
			s.SetSCP(vault, []*iampolicy.Document{awssim.Admin(), parse(s.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny",
				"Action":"sts:AssumeRole","Resource":"arn:aws:iam::555555555555:role/*"}]}`)})
		}, []string{"wrong 555555555555 restore organization: a service control policy forbids it"},
	},
	{
		"RCP in the way of assuming", func(s *scene) {
			s.forbid(clean, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`)
		}, []string{"wrong 555555555555 restore organization: which leaves a resource control policy"},
	},
	{
		"a permission depends on what only a real call has", func(s *scene) {
			s.change(vault, "vault-writer", func(r *awssim.Role) {
				r.Policies = []*iampolicy.Document{withoutStatement(r.Policies[0], "MakeTaggedCopies"), fromOffice(s.t, "ec2:CopySnapshot")}
			})
		}, []string{"unknown 999999999999 vault-writer permission: ec2:CopySnapshot: it turns on aws:SourceIp"},
	},
	{
		"IAM cannot be read", func(s *scene) { s.silent[shop] = true },
		[]string{
			"unknown 111111111111 backup trust: not read",
			"unknown 111111111111 backup permission: there is no auditor",
			"unknown 111111111111 backup excess: there is no auditor",
			"unknown 111111111111 backup key-policy: not read",
			"unknown 111111111111 pruner trust: not read",
			"unknown 111111111111 pruner excess: there is no auditor",
			"unknown 999999999999 vault-writer key-policy: not read",
			"unknown 999999999999 vault-writer key-policy: not read",
		},
	},
}

var excessFaults = []fault{
	{
		"backup may delete whatever there is", func(s *scene) { s.give(shop, "backup", allow(s.t, "ec2:DeleteSnapshot", "*")) },
		[]string{"wrong 111111111111 backup excess: ec2:DeleteSnapshot on snapshots that are not the vault's"},
	},
	{
		"backup may unlock", func(s *scene) { s.give(shop, "backup", allow(s.t, "ec2:UnlockSnapshot", "*")) },
		[]string{"wrong 111111111111 backup excess: ec2:UnlockSnapshot on the vault's snapshots"},
	},
	{
		"backup may pass roles", func(s *scene) { s.give(shop, "backup", allow(s.t, "iam:PassRole", "*")) },
		[]string{"wrong 111111111111 backup excess: iam:PassRole on other roles"},
	},
	{
		"backup may change itself", func(s *scene) {
			s.give(shop, "backup", allow(s.t, "iam:PutRolePolicy", "arn:aws:iam::"+shop+":role/snapkeep-backup"))
		}, []string{"wrong 111111111111 backup excess: iam:PutRolePolicy on itself"},
	},
	{
		"backup may share with everyone", func(s *scene) { s.without(shop, "backup", "NeverPublic", "NeverToOthers"); s.addSharing() },
		[]string{"wrong 111111111111 backup excess: ec2:ModifySnapshotAttribute with an account that nobody has heard of, ec2:ModifySnapshotAttribute with everyone"},
	},
	{
		"backup may delete volumes under a condition", func(s *scene) { s.give(shop, "backup", fromOffice(s.t, "ec2:DeleteVolume")) },
		[]string{"unknown 111111111111 backup excess: ec2:DeleteVolume: it turns on aws:SourceIp"},
	},
	{
		"pruner may delete what is not the vault's", func(s *scene) { s.give(shop, "pruner", allow(s.t, "ec2:DeleteSnapshot", "*")) },
		[]string{"wrong 111111111111 pruner excess: ec2:DeleteSnapshot on snapshots that are not the vault's"},
	},
	{
		"vault writer may delete", func(s *scene) { s.give(vault, "vault-writer", allow(s.t, "ec2:DeleteSnapshot", "*")) },
		[]string{"wrong 999999999999 vault-writer excess: ec2:DeleteSnapshot on the vault's snapshots"},
	},
	{
		"restore role may do everything", func(s *scene) { s.give(clean, "restore", awssim.Admin()) },
		[]string{"wrong 555555555555 restore excess: kms:ScheduleKeyDeletion on keys, outside EC2"},
	},
}

func TestEachWrongSetUpHasItsFindingAndNoOther(t *testing.T) {
	count := 0
	for _, faults := range [][]fault{trustFaults, accountFaults, permissionFaults, excessFaults, keyFaults, vaultFaults} {
		for _, f := range faults {
			if count++; testing.Short() && count%4 != 0 {
				continue
			}
			t.Run(f.name, func(t *testing.T) {
				s := newScene(t)
				f.make(s)
				report := s.check()
				problems := report.Problems()
				left := append([]string(nil), f.want...)
				for _, p := range problems {
					at := matching(left, p)
					require.GreaterOrEqual(t, at, 0, "not expected: %+v\n%v", p, report)
					require.NotEmpty(t, p.Remedy, "%+v", p)
					left = append(left[:at], left[at+1:]...)
				}
				require.Empty(t, left, "missing from\n%v", report)
				withholds(t, report)
			})
		}
	}
	require.GreaterOrEqual(t, count, 25)
	t.Logf("%d wrong set-ups", count)
}

// matching returns the index of what a finding was expected as, or -1.
func matching(want []string, f preflight.Finding) int {
	for i, w := range want {
		head, part, _ := strings.Cut(w, ": ")
		is := []string{f.Outcome.String(), "-", "-", string(f.Check)}
		if f.Account != "" {
			is[1] = string(f.Account)
		}
		if f.Purpose != "" {
			is[2] = string(f.Purpose)
		}
		if head == strings.Join(is, " ") && strings.Contains(f.Evidence, part) {
			return i
		}
	}
	return -1
}

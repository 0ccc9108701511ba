package story_test

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// What the plan of a stage protects: in each protected account an instance
// and a detached volume. The ledger has a volume under `aws/ebs`, the box is
// one; the web and the ledger have one under a customer key and one under
// none, and so the archive is one under a customer key.
const (
	web, box, ledger, archive = "web", "box", "ledger", "archive"

	atShop, atBank, atVault = "111111111111/eu-west-1", "222222222222/us-east-1", "999999999999/eu-west-1"
)

var everything = []string{web, box, ledger, archive}

// nameOf names a resource by its ARN.
func nameOf(arn string) string {
	names := map[string]string{
		string(theShop) + ":instance": web, string(theShop) + ":volume": box,
		string(theBank) + ":instance": ledger, string(theBank) + ":volume": archive,
	}
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return arn
	}
	kind, _, _ := strings.Cut(parts[4], "/")
	return cmp.Or(names[kind], arn)
}

// A fault is one thing wrong in the world.
type fault struct {
	name string
	// breaks does what is wrong, before the run.
	breaks func(context.Context, *stage) error
	// mends undoes it, after the run.
	mends func(context.Context, *stage) error
	// fails are the errors of the run, one for each entry.
	fails []complaint
	// lacking are the resources of which the run makes no copy. All others
	// are copied and verified.
	lacking []string
	// unrevoked are those whose jobs end well but for what they leave.
	unrevoked []string
}

// A complaint is one error as it should be.
type complaint struct {
	resource string   // name, or the site if it is about a site
	is       error    // sentinel
	says     []string // among other things
}

// each is one complaint for each resource.
func each(resources []string, is error, says ...string) []complaint {
	var all []complaint
	for _, r := range resources {
		all = append(all, complaint{r, is, says})
	}
	return all
}

const inaccessible = "ended in state error: Given key ID is not accessible"

// faults is the table.
func faults() []fault {
	all := append(planFaults(), roleFaults()...)
	all = append(all, snapshotFaults()...)
	return append(all, keyFaults()...)
}

// planFaults are plans that look well and are not.
func planFaults() []fault {
	const nowhere = "eu-west-99"
	return []fault{
		{
			name: "an unknown Region is protected",
			breaks: func(_ context.Context, s *stage) error {
				s.Plan.Sources[0].Regions = []string{dublin, nowhere}
				return nil
			},
			mends: func(_ context.Context, s *stage) error {
				s.Plan.Sources[0].Regions = []string{dublin}
				return nil
			},
			fails: []complaint{{"111111111111/" + nowhere, nil, []string{"no such host", "ec2." + nowhere}}},
		},
		{
			name: "copies go to an unknown Region too",
			breaks: func(_ context.Context, s *stage) error {
				s.Plan.Copies = append(s.Plan.Copies, backup.Copy{
					Account: theVault, Region: nowhere, KMSKey: "arn:aws:kms:" + nowhere + ":999999999999:key/k-1",
				})
				return nil
			},
			mends: func(_ context.Context, s *stage) error {
				s.Plan.Copies = s.Plan.Copies[:1]
				return nil
			},
			fails: each(everything, nil, "copy to 999999999999/"+nowhere, "no such host"),
		},
		{
			name: "an id is selected that does not exist",
			breaks: func(_ context.Context, s *stage) error {
				s.Plan.Sources[0].Select.IDs = []string{"i-0123456789abcdef0"}
				return nil
			},
			mends: func(_ context.Context, s *stage) error {
				s.Plan.Sources[0].Select.IDs = nil
				return nil
			},
			fails: []complaint{{"i-0123456789abcdef0", backup.ErrNotFound, []string{atShop, "selected by id"}}},
		},
		{
			name: "the plan names no rekey key",
			breaks: func(_ context.Context, s *stage) error {
				s.Plan.Sources[1].RekeyKeys = nil
				return nil
			},
			mends: func(_ context.Context, s *stage) error {
				s.Plan.Sources[1].RekeyKeys = map[string]string{virginia: s.protected(theBank).RekeyKeys[0]}
				return nil
			},
			fails:   []complaint{{ledger, nil, []string{"vol-", "aws/ebs", "rekeyKeys", virginia}}},
			lacking: []string{ledger},
		},
	}
}

// roleFaults are ways in that are shut.
func roleFaults() []fault {
	backupRole, prunerRole := "222222222222/snapkeep-backup", "222222222222/snapkeep-pruner"
	discover := func(is error, says ...string) []complaint {
		return []complaint{{atBank, is, append([]string{"discover: "}, says...)}}
	}
	both := []string{ledger, archive}
	return []fault{
		{
			name: "the trust policy no longer names the orchestrator",
			breaks: func(ctx context.Context, s *stage) error {
				return s.changed(ctx, backupRole+" trust", func(st *iampolicy.Statement) {
					st.Principal = &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::222222222222:root")}}
				})
			},
			mends:   func(ctx context.Context, s *stage) error { return s.restored(ctx, backupRole+" trust") },
			fails:   discover(backup.ErrDenied, "assume arn:aws:iam::222222222222:role/snapkeep-backup", "its trust policy names"),
			lacking: both,
		},
		{
			name: "the host has another external id than the trust policy",
			breaks: func(ctx context.Context, s *stage) error {
				return s.changed(ctx, backupRole+" trust", func(st *iampolicy.Statement) {
					st.Conditions = slices.Clone(st.Conditions)
					st.Conditions[0].Values = iampolicy.Of("another-one")
				})
			},
			mends:   func(ctx context.Context, s *stage) error { return s.restored(ctx, backupRole+" trust") },
			fails:   discover(backup.ErrDenied, "assume arn:aws:iam::222222222222:role/snapkeep-backup", "its sts:ExternalId is the one declared here"),
			lacking: both,
		},
		{
			name:    "a role is deleted",
			breaks:  func(_ context.Context, s *stage) error { s.Cloud.DeleteRole(theBank, "snapkeep-backup"); return nil },
			mends:   func(ctx context.Context, s *stage) error { return s.restored(ctx, backupRole) },
			fails:   discover(backup.ErrDenied, "assume arn:aws:iam::222222222222:role/snapkeep-backup", "the role exists"),
			lacking: both,
		},
		{
			name: "an account was not declared",
			breaks: func(_ context.Context, s *stage) error {
				return s.reopen(func(list []accounts.Account) []accounts.Account {
					return slices.DeleteFunc(list, func(a accounts.Account) bool { return a.ID == theBank })
				})
			},
			mends:   func(_ context.Context, s *stage) error { return s.restart() },
			fails:   []complaint{{atBank, accounts.ErrUnknownAccount, []string{"was not declared"}}},
			lacking: both,
		},
		{
			name:   "the backup role may not share",
			breaks: without(backupRole, "ShareOwn"),
			mends:  put(backupRole),
			fails: each(both, backup.ErrDenied, "copy to "+atVault, "ModifySnapshotAttribute of snap-",
				"not authorized to perform: ec2:ModifySnapshotAttribute"),
			lacking: both,
		},
		{
			// So it cannot see that AWS manages one of the ledger's keys, and
			// shares what can be shared before it is refused the rest.
			name:   "the backup role may not look at keys",
			breaks: without(backupRole, "InspectKeys"),
			mends: func(ctx context.Context, s *stage) error {
				return errors.Join(s.restored(ctx, backupRole), s.restart()) // what a client saw of keys it remembers
			},
			fails:   []complaint{{ledger, backup.ErrDenied, []string{"copy to " + atVault, "Encrypted snapshots with EBS default key cannot be shared"}}},
			lacking: []string{ledger},
		},
		{
			name: "an account has no pruner role",
			breaks: func(_ context.Context, s *stage) error {
				return s.reopen(func(list []accounts.Account) []accounts.Account {
					for _, a := range list {
						if a.ID == theBank {
							delete(a.Purposes, accounts.Pruner)
						}
					}
					return list
				})
			},
			mends:     func(_ context.Context, s *stage) error { return s.restart() },
			fails:     []complaint{{ledger, backup.ErrDenied, []string{"after revoked", "clean up", `purpose "pruner": no role`}}},
			unrevoked: []string{ledger},
		},
		{
			name:      "the pruner role is deleted",
			breaks:    func(_ context.Context, s *stage) error { s.Cloud.DeleteRole(theBank, "snapkeep-pruner"); return nil },
			mends:     func(ctx context.Context, s *stage) error { return s.restored(ctx, prunerRole) },
			fails:     []complaint{{ledger, backup.ErrDenied, []string{"after revoked", "clean up", "assume arn:aws:iam::222222222222:role/snapkeep-pruner"}}},
			unrevoked: []string{ledger},
		},
		{
			name: "the vault's writer is deleted",
			breaks: func(_ context.Context, s *stage) error {
				s.Cloud.DeleteRole(theVault, "snapkeep-vault-writer")
				return nil
			},
			mends: func(ctx context.Context, s *stage) error {
				// KMS keeps a role's unique id: policies that name a role made
				// anew must be stored again, as SourceKeyPolicy says.
				names := []string{"999999999999/snapkeep-vault-writer", "vault key policy"}
				for _, p := range s.Install.Protected {
					names = append(names, p.Account+" source key policy", p.Account+" rekey key policy")
				}
				return s.restored(ctx, names...)
			},
			fails: append(each(everything, backup.ErrDenied, "copy to "+atVault, "assume arn:aws:iam::999999999999:role/snapkeep-vault-writer"),
				complaint{atVault, backup.ErrDenied, []string{"assume arn:aws:iam::999999999999:role/snapkeep-vault-writer"}}),
			lacking: everything,
		},
	}
}

// snapshotFaults are snapshots that come to nothing.
func snapshotFaults() []fault {
	const message = "An internal error occurred"
	// failing turns the first snapshot to an error that a step made of a resource.
	failing := func(resource string, step backup.StepKind, at accounts.ID) func(context.Context, *stage) error {
		return func(_ context.Context, s *stage) error {
			s.onEach = func(e backup.Event) {
				if e.Step != step || e.Account != at || nameOf(e.Resource) != resource {
					return
				}
				s.onEach = nil
				ref := backuptest.Ref{Account: e.Account, Region: e.Region, ID: e.Snapshot}
				if err := s.Cloud.FailSnapshot(ref, message); err != nil {
					panic(err)
				}
			}
			return nil
		}
	}
	nothing := func(context.Context, *stage) error { return nil }
	var away types.VolumeAttachment // the volume that was detached
	return []fault{
		{
			name: "an original of an instance turns to error", breaks: failing(ledger, backup.StepSnapshot, theBank), mends: nothing,
			fails:   []complaint{{ledger, backup.ErrSnapshot, []string{"after planned", "snap-", "of vol-", "state error: " + message}}},
			lacking: []string{ledger},
		},
		{
			name: "an original of a volume turns to error", breaks: failing(archive, backup.StepSnapshot, theBank), mends: nothing,
			fails:   []complaint{{archive, backup.ErrSnapshot, []string{"after planned", "snap-", "of vol-", "state error: " + message}}},
			lacking: []string{archive},
		},
		{
			name: "what was rekeyed turns to error", breaks: failing(box, backup.StepCopy, theShop), mends: nothing,
			fails:   []complaint{{box, backup.ErrSnapshot, []string{"after snapshotted", "under a key that can be shared", "state error: " + message}}},
			lacking: []string{box},
		},
		{
			name: "a copy turns to error", breaks: failing(ledger, backup.StepCopy, theVault), mends: nothing,
			fails:   []complaint{{ledger, backup.ErrSnapshot, []string{"after shared", "copy to " + atVault, "snap-", "state error: " + message}}},
			lacking: []string{ledger},
		},
		{
			name: "an original is deleted before it is copied",
			breaks: func(ctx context.Context, s *stage) error {
				original := ""
				s.wire.trap = &trap{
					when: func(form url.Values) bool {
						original = form.Get("SourceSnapshotId")
						return form.Get("Action") == "CopySnapshot" && s.isOf(original, archive)
					},
					do: func() { s.delete(ctx, theBank, virginia, original) },
				}
				return nil
			},
			mends:   nothing,
			fails:   []complaint{{archive, backup.ErrNotFound, []string{"after shared", "copy to " + atVault, "CopySnapshot of snap-", "InvalidSnapshot.NotFound"}}},
			lacking: []string{archive},
		},
		{
			name: "a copy is deleted before it is completed",
			breaks: func(ctx context.Context, s *stage) error {
				made := ""
				s.wire.trap = &trap{
					when: func(url.Values) bool {
						for _, snap := range s.Cloud.Snapshots() {
							if snap.Account == theVault && s.isOf(snap.ID, archive) {
								made = snap.ID
							}
						}
						return made != ""
					},
					do: func() { s.delete(ctx, theVault, dublin, made) },
				}
				return nil
			},
			mends:   nothing,
			fails:   []complaint{{archive, backup.ErrSnapshot, []string{"after shared", "copy to " + atVault, "snap-", "has disappeared"}}},
			lacking: []string{archive},
		},
		{
			name: "a volume is detached when the run has begun",
			breaks: func(ctx context.Context, s *stage) error {
				client := ec2.NewFromConfig(s.admin(theBank, virginia))
				found, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{
					{Name: aws.String("attachment.device"), Values: []string{"/dev/sdg"}},
				}})
				if err != nil {
					return err
				}
				away = found.Volumes[0].Attachments[0]
				s.wire.trap = &trap{
					when: func(form url.Values) bool { return form.Get("InstanceSpecification.InstanceId") == *away.InstanceId },
					do: func() {
						if _, err := client.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: away.VolumeId}); err != nil {
							panic(err)
						}
						time.Sleep(time.Minute)
					},
				}
				return nil
			},
			mends: func(ctx context.Context, s *stage) error {
				_, err := ec2.NewFromConfig(s.admin(theBank, virginia)).AttachVolume(ctx, &ec2.AttachVolumeInput{
					VolumeId: away.VolumeId, InstanceId: away.InstanceId, Device: away.Device,
				})
				return err
			},
			fails:   []complaint{{ledger, backup.ErrSnapshot, []string{"after planned", "no snapshot was made of vol-"}}},
			lacking: []string{ledger},
		},
	}
}

// keyFaults are keys that disappear.
func keyFaults() []fault {
	ofVault := func(s *stage) string { return s.Install.VaultKeys[0] }
	ofRekey := func(s *stage) string { return s.protected(theBank).RekeyKeys[0] }
	ofSource := func(s *stage) string { return s.protected(theBank).SourceKeys[0] }
	toVault := []string{"after shared", "copy to " + atVault, "snap-", inaccessible}
	all, ofBank := each(everything, backup.ErrSnapshot, toVault...), each([]string{ledger, archive}, backup.ErrSnapshot, toVault...)
	early := func(part backup.KeyPart, reason string, resources ...string) []complaint {
		return each(resources, backup.ErrKey, "after planned", string(part), reason)
	}
	return []fault{
		{
			name: "the vault key is disabled", breaks: turn(ofVault, disable), mends: turn(ofVault, enable),
			fails: early(backup.DestinationKey, "is disabled", everything...), lacking: everything,
		},
		{
			name: "the vault key is scheduled for deletion", breaks: turn(ofVault, doom), mends: turn(ofVault, spare),
			fails: early(backup.DestinationKey, "is scheduled for deletion", everything...), lacking: everything,
		},
		{
			name: "the vault key's policy lacks the writer", breaks: without("vault key policy", "Writer"), mends: put("vault key policy"),
			fails: all, lacking: everything,
		},
		{
			name:   "a source key's policy lacks the vault's writer",
			breaks: without("222222222222 source key policy", "Writer"), mends: put("222222222222 source key policy"),
			fails: ofBank, lacking: []string{ledger, archive},
		},
		{
			name: "a source key is scheduled for deletion", breaks: turn(ofSource, doom), mends: turn(ofSource, spare),
			fails: early(backup.SourceKey, "is scheduled for deletion", ledger, archive), lacking: []string{ledger, archive},
		},
		{
			name: "the rekey key is disabled", breaks: turn(ofRekey, disable), mends: turn(ofRekey, enable),
			fails: early(backup.RekeyKey, "is disabled", ledger), lacking: []string{ledger},
		},
		{
			name: "the rekey key is scheduled for deletion", breaks: turn(ofRekey, doom), mends: turn(ofRekey, spare),
			fails: early(backup.RekeyKey, "is scheduled for deletion", ledger), lacking: []string{ledger},
		},
	}
}

package ebs_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A wrong is one wrong set-up of encryption.
type wrong struct {
	name string
	cell cell
	// spoil does it: before the roles are made, since the vault's generated key
	// policy lets nobody disable a key.
	spoil func(*keyWorld)
	is    error // sentinel; nil: none
	late  bool  // only the copy shows it
	says  []string
	// warned says that an event tells it before the first snapshot all the same.
	warned bool
}

var (
	toVault   = cell{source: customer, target: customer}
	fromAWS   = cell{source: ofAWS, target: customer}
	toReplica = cell{source: customer, target: multi}
)

// wrongs lists them: of the plan, of states of keys, of policies.
func wrongs() []wrong {
	all := append(wrongPlans(), wrongStates()...)
	return append(all, wrongPolicies()...)
}

func wrongPlans() []wrong {
	return []wrong{
		{
			name: "aws/ebs and no rekey key", cell: fromAWS,
			spoil: func(w *keyWorld) { w.plan.Sources[0].RekeyKeys = nil },
			says:  []string{"aws/ebs", "rekeyKeys name no key for " + near},
		},
		{
			name: "the copy's key is another account's", cell: toVault,
			spoil: func(w *keyWorld) { w.plan.Copies[0].KMSKey = w.keys["source"] },
			says:  []string{"copies[0].kmsKey", "want one of " + vaultID},
		},
		{
			name: "the copy's key is another Region's", cell: toVault,
			spoil: func(w *keyWorld) { w.plan.Copies[0].KMSKey = strings.Replace(w.keys["destination"], far, near, 1) },
			says:  []string{"copies[0].kmsKey", "a key of " + vaultID + "/" + near, "want one of " + vaultID + "/" + far},
		},
		{
			name: "the rekey key is another account's", cell: fromAWS,
			spoil: func(w *keyWorld) { w.plan.Sources[0].RekeyKeys[near] = w.keys["destination"] },
			says:  []string{"sources[0].rekeyKeys[" + near + "]", "want one of " + protectedID},
		},
		{
			name: "the rekey key is aws/ebs", cell: fromAWS,
			spoil: func(w *keyWorld) {
				w.keys["rekey"] = w.managed(backup.Site{Account: protectedID, Region: near})
				w.plan.Sources[0].RekeyKeys[near] = w.keys["rekey"]
				w.unpoliced = []string{"rekey"}
			},
			is: backup.ErrKey, says: []string{"rekey key", protectedID, "managed by AWS", "make a customer key"},
		},
		{
			name: "the copy's key is aws/ebs", cell: cell{source: customer, target: ofAWS},
			is: backup.ErrKey, says: []string{"destination key", vaultID, "managed by AWS", "make a customer key"},
		},
		{
			name: "the copy's key is a multi-Region key without a replica there", cell: toReplica,
			spoil: func(w *keyWorld) {
				elsewhere := w.multiRegion(vaultID, primary, primary)
				w.keys["destination"] = strings.Replace(elsewhere, primary, far, 1)
				w.plan.Copies[0].KMSKey = w.keys["destination"]
				w.unpoliced = []string{"destination"}
			},
			is: backup.ErrKey, says: []string{"destination key", vaultID, "replicate it into this Region (kms:ReplicateKey)"},
		},
	}
}

// wrongStates are keys in states in which they cannot be used.
func wrongStates() (all []wrong) {
	for _, part := range []struct {
		key   string
		cell  cell
		owner string
	}{{"source", toVault, protectedID}, {"rekey", fromAWS, protectedID}, {"destination", toVault, vaultID}} {
		named := []string{part.key + " key", part.owner}
		all = append(all,
			wrong{
				name: "the " + part.key + " key is disabled", cell: part.cell, is: backup.ErrKey,
				spoil: func(w *keyWorld) { w.disable(part.key) },
				says:  append(slices.Clone(named), "is disabled", "enable it (kms:EnableKey)"),
			},
			wrong{
				name: "the " + part.key + " key is to be deleted", cell: part.cell, is: backup.ErrKey,
				spoil: func(w *keyWorld) { w.doom(part.key) },
				says:  append(slices.Clone(named), "scheduled for deletion", "cancel the deletion (kms:CancelKeyDeletion)"),
			},
			wrong{
				name: "the " + part.key + " key was deleted", cell: part.cell, is: backup.ErrKey,
				spoil: func(w *keyWorld) { w.doom(part.key); time.Sleep(8 * 24 * time.Hour) },
				says:  append(slices.Clone(named), "does not exist"),
			})
	}
	return all
}

// wrongPolicies are permissions that are missing. Only the copy shows them.
func wrongPolicies() []wrong {
	const message = "Given key ID is not accessible"
	return []wrong{
		{
			name: "the source key's policy lacks the vault's writer", cell: toVault, late: true, is: backup.ErrSnapshot,
			spoil: func(w *keyWorld) { w.without("source", "Writer") },
			says:  []string{message, "KMS would not even describe the source key", "begin there: look whether its key policy"}, warned: true,
		},
		{
			name: "the copy's key's policy lacks the vault's writer", cell: toVault, late: true, is: backup.ErrSnapshot,
			spoil: func(w *keyWorld) { w.without("destination", "Writer") },
			says:  []string{message, "KMS would not even describe the destination key", "begin there"}, warned: true,
		},
		{
			name: "the writer may use no keys and the volume has none", cell: cell{source: noKey, target: customer}, late: true, is: backup.ErrSnapshot,
			spoil: func(w *keyWorld) {
				w.without("snapkeep-vault-writer", "UseKeysThroughEC2")
				w.without("destination", "WriterUses")
			},
			says: []string{message, "the source is not encrypted as far as is known, so it is the copy's", "the policy of the vault-writer role of account " + vaultID},
		},
		{
			name: "the rekey key's policy lacks the vault's writer", cell: fromAWS, late: true, is: backup.ErrSnapshot,
			spoil: func(w *keyWorld) { w.without("rekey", "Writer") },
			says:  []string{message, "KMS would not even describe the rekey key", "begin there"}, warned: true,
		},
		{
			name: "the source key's policy lets the vault's writer only look", cell: toVault, late: true, is: backup.ErrSnapshot,
			spoil: func(w *keyWorld) { w.without("source", "WriterUses") },
			says:  []string{message, "had nothing against it, so begin with the source's: look whether the key policy of the source key"},
		},
		{
			name: "the backup role may not use the rekey key", cell: fromAWS, late: true, is: backup.ErrSnapshot,
			spoil: func(w *keyWorld) { w.without("snapkeep-backup", "UseKeysThroughEC2") },
			says:  []string{message, "under a key that can be shared", "which lets its whole account in, so it is the other", "the policy of the backup role of account " + protectedID},
		},
	}
}

func (w *keyWorld) ofKey(part string) (*kms.Client, *string) {
	field := strings.Split(w.keys[part], ":")
	return w.kms(accounts.ID(field[4]), field[3]), aws.String(w.keys[part])
}

func (w *keyWorld) disable(part string) {
	client, key := w.ofKey(part)
	_, err := client.DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: key})
	require.NoError(w.t, err)
}

// doom schedules a key's deletion. From then on its policy cannot be changed.
func (w *keyWorld) doom(part string) {
	client, key := w.ofKey(part)
	_, err := client.ScheduleKeyDeletion(context.Background(), &kms.ScheduleKeyDeletionInput{KeyId: key, PendingWindowInDays: aws.Int32(7)})
	require.NoError(w.t, err)
	w.unpoliced = append(w.unpoliced, part)
}

// without leaves statements out of a paper, by the beginning of their Sid.
func (w *keyWorld) without(paper, sid string) {
	before := w.papers
	w.papers = func(name string, doc *iampolicy.Document) {
		if before != nil {
			before(name, doc)
		}
		if name == paper {
			doc.Statements = slices.DeleteFunc(doc.Statements, func(s iampolicy.Statement) bool { return strings.HasPrefix(s.Sid, sid) })
		}
	}
}

// TestWrongSetUpsOfEncryption: each ends in an error of its own that names the
// key, its account and the remedy, and as far as it can be before anything is
// snapshotted.
func TestWrongSetUpsOfEncryption(t *testing.T) {
	var lines []string
	seen := map[string]string{}
	for _, x := range wrongs() {
		synctest.Test(t, func(t *testing.T) {
			w := newKeyWorld(t, x.cell)
			if x.spoil != nil {
				x.spoil(w)
			}
			w.open()
			calls, err := w.run()
			require.Error(t, err, x.name)
			text := w.words(err)
			for _, part := range x.says {
				require.Contains(t, text, part, x.name)
			}
			require.NotContains(t, text, "\n", x.name)
			require.NotContains(t, text, "sk-ext-", x.name)
			require.Equal(t, x.warned, w.warned, x.name)
			if x.is != nil {
				require.ErrorIs(t, err, x.is, x.name)
			}
			if !x.late {
				require.Zero(t, calls["CreateSnapshot"]+calls["CopySnapshot"]+calls["ModifySnapshotAttribute"], "%s: %v", x.name, calls)
			}
			require.Empty(t, seen[text], "%s is told as %s", x.name, seen[text])
			seen[text] = x.name
			found := map[bool]string{true: "on the copy", false: "before the first snapshot"}[x.late]
			if x.warned {
				found += ", with a warning before the first snapshot"
			}
			lines = append(lines, fmt.Sprintf("**%s** (%s)\n\n    %s\n", x.name, found, text))
		})
	}
	require.GreaterOrEqual(t, len(seen), 10)
	checkDocument(t, "errors", strings.Join(lines, "\n")+"\n")
}

// TestAKeyOutOfReachOfDescribeKeyIsNoError: a role that may not look at keys copies
// all the same, if it may do the rest.
func TestAKeyOutOfReachOfDescribeKeyIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newKeyWorld(t, toVault)
		w.without("snapkeep-backup", "InspectKeys")
		w.open()
		calls, err := w.run()
		require.NoError(t, err)
		require.Equal(t, 1, calls["CopySnapshot"])
		calls, err = w.run()
		require.NoError(t, err)
		require.Zero(t, calls["DescribeKey"], "an answer holds for ten minutes, a refusal too")
	})
}

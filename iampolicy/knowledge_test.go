package iampolicy_test

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func TestLookupAction(t *testing.T) {
	a, ok := iampolicy.LookupAction("EC2:copysnapshot")
	require.True(t, ok, "case does not matter")
	require.Equal(t, "ec2:CopySnapshot", a.Name)
	require.Equal(t, iampolicy.AccessWrite, a.Access)
	require.Equal(t, []string{"ec2:Region"}, a.Keys)
	require.Len(t, a.Resources, 1)
	require.Equal(t, "snapshot", a.Resources[0].Name)
	require.Equal(t, "arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}", a.Resources[0].ARN)
	require.True(t, a.Resources[0].Required)
	require.Contains(t, a.Resources[0].Keys, "ec2:Owner")
	require.NotContains(t, a.Resources[0].Keys, "aws:ResourceTag/${TagKey}", "the source of a copy is not known by its tags")

	decrypt, ok := iampolicy.LookupAction("kms:Decrypt")
	require.True(t, ok)
	require.Contains(t, decrypt.Resources[0].Keys, "aws:ResourceTag/${TagKey}", "an action that lists no keys for a type has the type's own")

	for _, name := range []string{"ec2:CopySnapshots", "ec2", "", "lambda:InvokeFunction", "ec2:*"} {
		_, ok := iampolicy.LookupAction(name)
		require.False(t, ok, name)
	}
}

// Whoever changes an answer does not change what others are told.
func TestLookupActionIsACopy(t *testing.T) {
	a, _ := iampolicy.LookupAction("ec2:CopySnapshot")
	a.Keys[0], a.Resources[0].Name, a.Resources[0].Keys[0] = "x", "x", "x"
	for again := range iampolicy.ActionsMatching("ec2:CopySnapshot") {
		require.NotContains(t, append(again.Keys, again.Resources[0].Keys...), "x")
		require.Equal(t, "snapshot", again.Resources[0].Name)
	}
}

func TestActionsMatching(t *testing.T) {
	names := func(pattern string) (all []string) {
		for a := range iampolicy.ActionsMatching(pattern) {
			all = append(all, a.Name)
		}
		return all
	}
	require.Equal(t, []string{"ebs:GetSnapshotBlock", "ebs:PutSnapshotBlock"}, names("ebs:???Snapshotblock"), "a question mark is one character")
	require.Empty(t, names("ebs:Nothing*"))
	require.Empty(t, names("lambda:*"))
	require.Greater(t, len(names("*")), 2000)
	require.True(t, slices.IsSorted(names("kms:*")))
	for range iampolicy.ActionsMatching("*") {
		break // stopping early is allowed
	}
}

func TestLookupService(t *testing.T) {
	kms, ok := iampolicy.LookupService("KMS")
	require.True(t, ok)
	require.Equal(t, iampolicy.Service{Prefix: "kms", Described: true, RCP: true}, kms)
	ec2, _ := iampolicy.LookupService("ec2")
	require.False(t, ec2.RCP, "resource control policies do not reach snapshots")
	lambda, ok := iampolicy.LookupService("lambda")
	require.True(t, ok)
	require.False(t, lambda.Described)
	_, ok = iampolicy.LookupService("ec3")
	require.False(t, ok)
}

func TestLookupKey(t *testing.T) {
	for name, want := range map[string]iampolicy.ConditionKey{
		"EC2:owner":                        {Name: "ec2:Owner", Type: iampolicy.TypeString},
		"ec2:SnapshotTime":                 {Name: "ec2:SnapshotTime", Type: iampolicy.TypeDate},
		"aws:ResourceTag/snapkeep:vault":   {Name: "aws:ResourceTag/${TagKey}", Type: iampolicy.TypeString},
		"aws:TagKeys":                      {Name: "aws:TagKeys", Type: iampolicy.TypeStringList},
		"kms:EncryptionContext:aws:ebs:id": {Name: "kms:EncryptionContext:${EncryptionContextKey}", Type: iampolicy.TypeString},
		"aws:SourceIp":                     {Name: "aws:SourceIp", Type: iampolicy.TypeIP, Global: true},
		"aws:PrincipalTag/team":            {Name: "aws:PrincipalTag/${TagKey}", Type: iampolicy.TypeString, Global: true},
		"s3:ExistingObjectTag/team":        {Name: "s3:ExistingObjectTag/${TagKey}", Type: iampolicy.TypeString},
	} {
		k, ok := iampolicy.LookupKey(name)
		require.True(t, ok, name)
		require.Equal(t, want, k)
	}
	for _, name := range []string{"aws:ResourceTag/", "aws:Owner", "", "ec2:SnapshotTimes"} {
		_, ok := iampolicy.LookupKey(name)
		require.False(t, ok, name)
	}
}

// The whole table is read: every line of it is of a known form, and every
// action and key in it is found again.
func TestKnowledgeIsReadWhole(t *testing.T) {
	table, err := os.ReadFile("knowledge.txt")
	require.NoError(t, err)
	require.Less(t, len(table), 300_000, "what the table adds to a program")
	require.Contains(t, string(table), "Copyright (c) 2024 Act Security", "the notice goes where the table goes")

	service, actions := "", 0
	for line := range strings.Lines(string(table)) {
		words := strings.Fields(line)
		switch words[0] {
		case "#", "version", "prefixes", "set":
		case "service":
			service = words[1]
			s, ok := iampolicy.LookupService(service)
			require.True(t, ok && s.Described, line)
		case "key":
			_, ok := iampolicy.LookupKey(strings.Replace(strings.TrimPrefix(words[1], ":"), "${", "x${", 1))
			require.True(t, ok || strings.HasPrefix(words[1], ":"), line)
			require.Contains(t, []string{"String", "ArrayOfString", "ARN", "ArrayOfARN", "Numeric", "Bool", "Date"}, words[2], line)
		case "type":
			require.Len(t, words, 4, line)
		case "action":
			a, ok := iampolicy.LookupAction(service + ":" + words[1])
			require.True(t, ok, line)
			require.Len(t, a.Resources, len(words)-4, line)
			for _, r := range a.Resources {
				require.NotEmpty(t, r.ARN, line)
			}
			actions++
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	require.Greater(t, actions, 2000)
	require.NotEmpty(t, iampolicy.KnowledgeVersion())
}

func TestKnowledgeMayBeAskedConcurrently(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for a := range iampolicy.ActionsMatching("kms:*Key") {
				if _, ok := iampolicy.LookupAction(a.Name); !ok {
					t.Error(a.Name)
				}
			}
		})
	}
	all.Wait()
}
